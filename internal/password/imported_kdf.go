package password

import (
	"crypto/pbkdf2"
	"crypto/sha1" //nolint:gosec // PBKDF2 of older systems is made of it
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"hash"
	"regexp"
	"strconv"
	"strings"

	"golang.org/x/crypto/argon2"
	"golang.org/x/crypto/scrypt"
)

// The most that a hash may cost, as for the others.
const (
	maxIterations   = 2_000_000 // of PBKDF2; half of it with the digests of 64-bit words
	maxSCryptMemory = 128 << 10 // KiB, all lanes together
	maxArgonMemory  = 128 << 10 // KiB
	maxArgonWork    = 512 << 10 // KiB times passes
	maxLanes        = 16
	maxDerived      = 64 // bytes of a stored digest; the first block decides
	maxSalt         = 256
)

var digests = map[string]func() hash.Hash{"sha1": sha1.New, "sha256": sha256.New, "sha384": sha512.New384, "sha512": sha512.New}

// readNumber reads a cost: digits alone.
func readNumber(text string) (uint64, error) {
	n, err := strconv.ParseUint(text, 10, 32)
	if err != nil {
		return 0, ErrDamaged
	}
	return n, nil
}

// pbkdf2Match makes the check of PBKDF2 (RFC 8018 §5.2). The cost has been looked at.
func pbkdf2Match(newHash func() hash.Hash, salt, want []byte, iterations uint64) (func([]byte) bool, error) {
	most := uint64(maxIterations)
	if newHash().BlockSize() == sha512.BlockSize {
		most /= 2
	}
	if err := bounded(iterations, 1, most); err != nil {
		return nil, err
	}
	// A longer digest than the hash's own costs the iterations once more for each block.
	if len(want) < 16 || len(want) > min(maxDerived, newHash().Size()) || len(salt) > maxSalt {
		return nil, ErrDamaged
	}
	return func(pw []byte) bool {
		got, err := pbkdf2.Key(newHash, string(pw), salt, int(iterations), len(want))
		return err == nil && subtle.ConstantTimeCompare(got, want) == 1
	}, nil
}

var passlibForm = regexp.MustCompile(`^\$pbkdf2(?:-(sha1|sha256|sha512))?\$(\d{1,10})\$([./A-Za-z0-9]*)\$([./A-Za-z0-9]+)$`)

// fromPasslib reads passlib's base64, which has a dot for the plus.
func fromPasslib(text string) ([]byte, error) {
	b, err := base64.RawStdEncoding.DecodeString(strings.ReplaceAll(text, ".", "+"))
	if err != nil {
		return nil, ErrDamaged
	}
	return b, nil
}

func readPasslibPBKDF2(text string) (Imported, bool, error) {
	i := Imported{Kind: PBKDF2}
	if !strings.HasPrefix(text, "$pbkdf2") {
		return i, false, nil
	}
	form := passlibForm.FindStringSubmatch(text)
	if form == nil {
		return i, true, ErrDamaged
	}
	digest := form[1]
	if digest == "" {
		digest = "sha1"
	}
	iterations, err := readNumber(form[2])
	if err != nil {
		return i, true, err
	}
	salt, err := fromPasslib(form[3])
	if err != nil {
		return i, true, err
	}
	want, err := fromPasslib(form[4])
	if err != nil {
		return i, true, err
	}
	i.match, err = pbkdf2Match(digests[digest], salt, want, iterations)
	return i, true, err
}

// scryptMatch makes the check of scrypt (RFC 7914), and says what it takes in KiB.
func scryptMatch(salt, want []byte, n, r, p uint64) (func([]byte) bool, uint32, error) {
	if n < 2 || n&(n-1) != 0 || r == 0 || p == 0 || len(want) < 16 || len(want) > maxDerived || len(salt) > maxSalt {
		return nil, 0, ErrDamaged
	}
	if n > 1<<24 || r > 1<<10 || p > maxLanes {
		return nil, 0, ErrTooCostly
	}
	memory := n * r * 128 / 1024
	if memory*p > maxSCryptMemory {
		return nil, 0, ErrTooCostly
	}
	return func(pw []byte) bool {
		got, err := scrypt.Key(pw, salt, int(n), int(r), int(p), len(want))
		return err == nil && subtle.ConstantTimeCompare(got, want) == 1
	}, uint32(memory), nil
}

var scryptForm = regexp.MustCompile(`^\$scrypt\$ln=(\d{1,2}),r=(\d{1,5}),p=(\d{1,5})\$([./+A-Za-z0-9]*)\$([./+A-Za-z0-9]+)$`)

func readPasslibSCrypt(text string) (Imported, bool, error) {
	i := Imported{Kind: SCrypt}
	if !strings.HasPrefix(text, "$scrypt$") {
		return i, false, nil
	}
	form := scryptForm.FindStringSubmatch(text)
	if form == nil {
		return i, true, ErrDamaged
	}
	var costs [3]uint64
	for n := range costs {
		var err error
		if costs[n], err = readNumber(form[n+1]); err != nil {
			return i, true, err
		}
	}
	salt, err := fromPasslib(form[4])
	if err != nil {
		return i, true, err
	}
	want, err := fromPasslib(form[5])
	if err != nil {
		return i, true, err
	}
	if costs[0] > 24 {
		return i, true, ErrTooCostly
	}
	i.match, i.Memory, err = scryptMatch(salt, want, 1<<costs[0], costs[1], costs[2])
	return i, true, err
}

var argonForm = regexp.MustCompile(`^\$argon2(id|i)\$v=19\$m=(\d{1,9}),t=(\d{1,9}),p=(\d{1,4})\$([+/A-Za-z0-9]+)\$([+/A-Za-z0-9]+)$`)

func readArgon2(text string) (Imported, bool, error) {
	i := Imported{Kind: Argon2}
	if !strings.HasPrefix(text, "$argon2") {
		return i, false, nil
	}
	match, memory, err := argonMatch(text)
	i.match, i.Memory = match, memory
	return i, true, err
}

func argonMatch(text string) (func([]byte) bool, uint32, error) {
	form := argonForm.FindStringSubmatch(text)
	if form == nil {
		return nil, 0, ErrDamaged
	}
	var costs [3]uint64
	for n := range costs {
		var err error
		if costs[n], err = readNumber(form[n+2]); err != nil {
			return nil, 0, err
		}
	}
	memory, passes, lanes := costs[0], costs[1], costs[2]
	salt, err := decode64(form[5])
	if err != nil {
		return nil, 0, ErrDamaged
	}
	want, err := decode64(form[6])
	if err != nil || len(salt) < 8 || len(salt) > maxSalt || len(want) < 16 || len(want) > maxDerived || memory < 8*lanes || passes == 0 || lanes == 0 {
		return nil, 0, ErrDamaged
	}
	if memory > maxArgonMemory || memory*passes > maxArgonWork || lanes > maxLanes {
		return nil, 0, ErrTooCostly
	}
	derive := argon2.IDKey
	if form[1] == "i" {
		derive = argon2.Key
	}
	return func(pw []byte) bool {
		got := derive(pw, salt, uint32(passes), uint32(memory), uint8(lanes), uint32(len(want)))
		return subtle.ConstantTimeCompare(got, want) == 1
	}, uint32(memory), nil
}

// readDjango reads what Django puts its own names before.
func readDjango(text string) (Imported, bool, error) {
	name, rest, _ := strings.Cut(text, "$")
	switch name {
	case "pbkdf2_sha256", "pbkdf2_sha1":
		return readDjangoPBKDF2(strings.TrimPrefix(name, "pbkdf2_"), rest)
	case "bcrypt", "bcrypt_sha256":
		i := Imported{Kind: DjangoBcrypt, Memory: 4}
		match, err := bcryptMatch(rest)
		i.match = match
		if err == nil && name == "bcrypt_sha256" { // so that a long password is not cut
			i.match = func(pw []byte) bool {
				sum := sha256.Sum256(pw)
				return match([]byte(hex.EncodeToString(sum[:])))
			}
		}
		return i, true, err
	case "argon2":
		i := Imported{Kind: DjangoArgon2}
		match, memory, err := argonMatch("$" + rest)
		i.match, i.Memory = match, memory
		return i, true, err
	case "scrypt":
		return readDjangoSCrypt(rest)
	}
	return Imported{}, false, nil
}

func readDjangoPBKDF2(digest, rest string) (Imported, bool, error) {
	i := Imported{Kind: DjangoPBKDF2}
	parts := strings.Split(rest, "$")
	if len(parts) != 3 || parts[1] == "" {
		return i, true, ErrDamaged
	}
	iterations, err := readNumber(parts[0])
	if err != nil {
		return i, true, err
	}
	want, err := base64.StdEncoding.DecodeString(parts[2])
	if err != nil {
		return i, true, ErrDamaged
	}
	i.match, err = pbkdf2Match(digests[digest], []byte(parts[1]), want, iterations)
	return i, true, err
}

func readDjangoSCrypt(rest string) (Imported, bool, error) {
	i := Imported{Kind: DjangoSCrypt}
	parts := strings.Split(rest, "$")
	if len(parts) != 5 {
		return i, true, ErrDamaged
	}
	var costs [3]uint64 // N, r, p; the salt stands between the first two
	for n, at := range []int{0, 2, 3} {
		var err error
		if costs[n], err = readNumber(parts[at]); err != nil {
			return i, true, err
		}
	}
	want, err := base64.StdEncoding.DecodeString(parts[4])
	if err != nil {
		return i, true, ErrDamaged
	}
	i.match, i.Memory, err = scryptMatch([]byte(parts[1]), want, costs[0], costs[1], costs[2])
	return i, true, err
}

// ASP.NET Identity's two formats: a byte that says which, and for the second one the digest, the iterations and the salt's length.
const (
	aspV2, aspV3     = 0x00, 0x01
	aspV2Len         = 1 + 16 + 32
	aspV3Header      = 1 + 4 + 4 + 4
	aspV2Iterations  = 1000
	aspLeast, aspTop = 16, 64 // bytes of salt and digest
)

var aspDigests = map[uint32]func() hash.Hash{0: sha1.New, 1: sha256.New, 2: sha512.New}

// readAspNet reads what is nothing but base64, and so comes last.
func readAspNet(text string) (Imported, bool, error) {
	b, err := base64.StdEncoding.Strict().DecodeString(text)
	if err != nil || len(b) == 0 {
		return Imported{}, false, nil
	}
	switch {
	case b[0] == aspV2 && len(b) == aspV2Len:
		// 32 bytes of SHA-1 are two blocks; the iterations are fixed and few.
		return Imported{Kind: AspNetV2, match: func(pw []byte) bool {
			got, err := pbkdf2.Key(sha1.New, string(pw), b[1:17], aspV2Iterations, len(b)-17)
			return err == nil && subtle.ConstantTimeCompare(got, b[17:]) == 1
		}}, true, nil
	case b[0] == aspV3 && len(b) >= aspV3Header+2*aspLeast:
		return readAspNetV3(b)
	}
	return Imported{}, false, nil
}

func readAspNetV3(b []byte) (Imported, bool, error) {
	i := Imported{Kind: AspNetV3}
	digest := aspDigests[binary.BigEndian.Uint32(b[1:])]
	iterations, size := binary.BigEndian.Uint32(b[5:]), binary.BigEndian.Uint32(b[9:])
	if digest == nil || size < aspLeast || size > aspTop || len(b) < aspV3Header+int(size)+aspLeast {
		return i, true, ErrDamaged
	}
	salt, want := b[aspV3Header:aspV3Header+size], b[aspV3Header+size:]
	var err error
	i.match, err = pbkdf2Match(digest, salt, want, uint64(iterations))
	return i, true, err
}
