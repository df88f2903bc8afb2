// Package store does it, but promises nothing.
package store

// Tx is a transaction.
type Tx struct{}

// ConsumeLink consumes.
func (*Tx) ConsumeLink() error { return nil }
