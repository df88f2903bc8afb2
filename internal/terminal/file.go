package terminal

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"time"
)

// state is what the file holds.
type state struct {
	Version  int       `json:"version"`
	Accounts []Account `json:"accounts"`
}

// Account is an account that this authenticator is paired with. Its private keys, tokens and its key for codes never leave the file.
type Account struct {
	ID         string `json:"id"` // of this file alone
	Issuer     string `json:"issuer"`
	KeyID      string `json:"key_id"`
	Subject    string `json:"account"`
	Name       string `json:"name"`
	Address    string `json:"address"`
	Employer   string `json:"employer"`
	Device     string `json:"device"`
	Signing    []byte `json:"signing_key"`    // PKCS #8
	Decryption []byte `json:"decryption_key"` // PKCS #8
	Refresh    string `json:"refresh_token"`
	Access     string `json:"access_token"`
	AccessEnds int64  `json:"access_ends"` // Unix ms by this machine's clock
	Codes      codes  `json:"codes"`
	Ahead      int64  `json:"ahead_ms"` // how far the issuer's clock is ahead of this machine's
	// Denied is the request that was denied last: afterwards it may still be said that it was somebody else's.
	Denied   *Request `json:"denied,omitempty"`
	DeniedAt int64    `json:"denied_at,omitempty"` // Unix ms by this machine's clock
}

// String tells an account without its secrets.
func (a Account) String() string { return a.Address + " at " + a.Issuer }

// GoString hides the secrets from %#v.
func (a Account) GoString() string { return a.String() }

const stateVersion = 1

// DefaultFile is where the accounts are kept if nothing else is said.
func DefaultFile() (string, error) {
	dir, err := os.UserConfigDir()
	if err != nil {
		return "", fmt.Errorf("where to keep the accounts: %w; say --file", err)
	}
	return filepath.Join(dir, "portvakt", "authenticator.json"), nil
}

// read reads the file; without one there are no accounts. A file that others can read is no place for keys.
func (a *Authenticator) read() (state, error) {
	s := state{Version: stateVersion}
	f, err := os.Open(a.File)
	if errors.Is(err, fs.ErrNotExist) {
		return s, nil
	}
	if err != nil {
		return s, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return s, err
	}
	if !info.Mode().IsRegular() {
		return s, fmt.Errorf("%s is no file", a.File)
	}
	if runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0 {
		return s, fmt.Errorf("%s can be read by others, and holds keys: take their rights away (chmod 600), and pair anew if somebody may have read it", a.File)
	}
	if err := json.NewDecoder(f).Decode(&s); err != nil {
		return s, fmt.Errorf("%s cannot be read: %w", a.File, err)
	}
	if s.Version != stateVersion {
		return s, fmt.Errorf("%s is of another version (%d): use the program that wrote it", a.File, s.Version)
	}
	return s, nil
}

// locked runs change on what the file holds, while no other process does, and writes the outcome where it returns nil.
func (a *Authenticator) locked(change func(*state) error) error {
	if err := os.MkdirAll(filepath.Dir(a.File), 0o700); err != nil {
		return err
	}
	release, err := lock(a.File + ".lock")
	if err != nil {
		return err
	}
	defer release()
	s, err := a.read()
	if err != nil {
		return err
	}
	if err := change(&s); err != nil {
		return err
	}
	return a.write(s)
}

// write replaces the file as a whole, or not at all.
func (a *Authenticator) write(s state) error {
	text, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(a.File), ".authenticator-*") // 0600
	if err != nil {
		return err
	}
	_, err = f.Write(append(text, '\n'))
	if err == nil {
		err = f.Sync()
	}
	err = errors.Join(err, f.Close())
	if err == nil {
		err = os.Rename(f.Name(), a.File)
	}
	if err != nil {
		os.Remove(f.Name())
		return fmt.Errorf("writing %s: %w", a.File, err)
	}
	return nil
}

// update changes one account in the file, and returns it as it is there now.
func (a *Authenticator) update(id string, change func(*Account) error) (Account, error) {
	var now Account
	err := a.locked(func(s *state) error {
		i := slices.IndexFunc(s.Accounts, func(one Account) bool { return one.ID == id })
		if i < 0 {
			return ErrRemoved // by another process
		}
		if err := change(&s.Accounts[i]); err != nil {
			return err
		}
		now = s.Accounts[i]
		return nil
	})
	return now, err
}

// forget deletes an account's keys.
func (a *Authenticator) forget(id string) error {
	return a.locked(func(s *state) error {
		s.Accounts = slices.DeleteFunc(s.Accounts, func(one Account) bool { return one.ID == id })
		return nil
	})
}

// lockPatience is how long another process may have the file: a refresh is one request.
const lockPatience = 30 * time.Second

// lock takes the lock file, which stays: to delete it would let two processes lock two files of that name.
func lock(path string) (release func(), err error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	for end := time.Now().Add(lockPatience); ; time.Sleep(20 * time.Millisecond) {
		taken, err := tryLock(f)
		if err == nil && !taken && time.Now().After(end) {
			err = errors.New("another portvakt authenticator has it")
		}
		if err != nil {
			f.Close()
			return nil, fmt.Errorf("locking %s: %w", path, err)
		}
		if taken {
			return func() { f.Close() }, nil
		}
	}
}
