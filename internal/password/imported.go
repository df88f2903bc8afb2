package password

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// Kind is how another system has kept a password.
type Kind string

// The kinds that can be verified.
const (
	Bcrypt       Kind = "bcrypt"        // $2a$, $2b$, $2y$
	PBKDF2       Kind = "pbkdf2"        // passlib's $pbkdf2…$
	SCrypt       Kind = "scrypt"        // passlib's $scrypt$
	Argon2       Kind = "argon2"        // $argon2id$, $argon2i$
	SHACrypt     Kind = "sha-crypt"     // $5$, $6$
	SSHA         Kind = "ssha"          // {SSHA}, {SSHA256}, {SSHA512}
	DjangoPBKDF2 Kind = "django-pbkdf2" // pbkdf2_sha256$, pbkdf2_sha1$
	DjangoBcrypt Kind = "django-bcrypt" // bcrypt$, bcrypt_sha256$
	DjangoArgon2 Kind = "django-argon2" // argon2$
	DjangoSCrypt Kind = "django-scrypt" // scrypt$
	AspNetV2     Kind = "aspnet-v2"     // ASP.NET Identity, version 2 of its format, base64
	AspNetV3     Kind = "aspnet-v3"     // and version 3
	PHPass       Kind = "phpass"        // $P$, $H$: WordPress, phpBB
	Drupal       Kind = "drupal"        // $S$
)

// Why an imported hash will not verify. Whoever prepares the move is told so before the first person tries.
var (
	// ErrUnknownHash: the text has no form that is known here. Plain text and unsalted hashes are none on purpose.
	ErrUnknownHash = errors.New("not a password hash of a known kind")
	// ErrDamaged: it begins as one of a known kind, and goes on otherwise.
	ErrDamaged = errors.New("a damaged password hash")
	// ErrTooCostly: to verify it would take longer, or more memory, than one login may take. A register is a stranger's file:
	// with one such row it could stop the machine.
	ErrTooCostly = errors.New("the password hash asks for too much work")
)

// Imported is a hash of another system, read and found bearable.
type Imported struct {
	Kind Kind
	// Memory is what a check takes, in KiB.
	Memory uint32
	match  func(pw []byte) bool
}

// String says nothing but the kind.
func (i Imported) String() string { return "[imported " + string(i.Kind) + "]" }

// GoString hides the rest from %#v.
func (i Imported) GoString() string { return i.String() }

// reader reads one kind of hash. matched says that the text begins as this kind does: then no other reader is asked.
type reader func(text string) (i Imported, matched bool, err error)

// readers are asked in turn. What begins in no way of its own comes last.
func readers() []reader {
	return []reader{readBcrypt, readPasslibPBKDF2, readPasslibSCrypt, readArgon2, readSHACrypt, readSSHA, readDjango, readPHPass, readDrupal, readAspNet}
}

// longestHash is more than any known kind has.
const longestHash = 1024

// ParseImported reads a hash as another system exported it. It fails with ErrUnknownHash, ErrDamaged or ErrTooCostly, and does
// no work that the hash could choose.
func ParseImported(text string) (Imported, error) {
	text = strings.TrimSpace(text)
	if len(text) > longestHash {
		return Imported{}, ErrUnknownHash
	}
	for _, read := range readers() {
		i, matched, err := read(text)
		if err != nil {
			return Imported{}, fmt.Errorf("%s: %w", i.Kind, err)
		}
		if matched {
			return i, nil
		}
	}
	return Imported{}, ErrUnknownHash
}

// largeMemory is from where on one check at a time is enough, whatever the machine has: in KiB.
const largeMemory = 32 << 10

// VerifyImported says whether pw is the password behind an imported hash. The password is tried as NFC and, where that differs, as it
// was typed: nobody knows which of the two the other system has hashed. It costs a place in the same queue as any other check.
func (h *Hasher) VerifyImported(ctx context.Context, i Imported, pw string) (ok bool, err error) {
	err = h.slotFor(ctx, i.Memory > largeMemory, func() {
		if normal := Normalise(pw); i.match([]byte(normal)) {
			ok = true
		} else if pw != normal {
			ok = i.match([]byte(pw))
		}
	})
	return ok && err == nil, err
}

// IsListed says whether a password is on the list of common passwords, or made so that a list need not have it.
func IsListed(pw string) bool {
	folded := strings.ToLower(Normalise(pw))
	return isMonotonous(folded) || isCommon(folded) || isCommon(unit(folded))
}

// bounded checks a cost against its bounds.
func bounded(cost, least, most uint64) error {
	switch {
	case cost < least:
		return ErrDamaged
	case cost > most:
		return ErrTooCostly
	}
	return nil
}
