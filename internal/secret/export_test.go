package secret

// Remembered is how many keys are in memory, for a test.
func (k *Keyring) Remembered() (n int) {
	k.keys.Range(func(any, any) bool { n++; return true })
	return n
}
