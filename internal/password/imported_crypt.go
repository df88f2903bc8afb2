package password

import (
	"crypto/md5"  //nolint:gosec // phpass is made of it
	"crypto/sha1" //nolint:gosec // {SSHA} is made of it
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/base64"
	"hash"
	"regexp"
	"strconv"
	"strings"

	"github.com/go-crypt/crypt/algorithm/shacrypt"
	"golang.org/x/crypto/bcrypt"
)

// The most that a hash may cost: less than a second of one core of a small server each, busy with other things (BenchmarkImported).
const (
	maxBcrypt   = 13        // 2^13 rounds
	maxSHACrypt = 1_000_000 // rounds
	maxPHPass   = 20        // 2^20 rounds
)

var bcryptForm = regexp.MustCompile(`^\$2([aby])\$(\d\d)\$[./A-Za-z0-9]{53}$`)

func readBcrypt(text string) (Imported, bool, error) {
	i := Imported{Kind: Bcrypt, Memory: 4}
	if !strings.HasPrefix(text, "$2") {
		return i, false, nil
	}
	match, err := bcryptMatch(text)
	i.match = match
	return i, true, err
}

// bcryptMatch checks the form itself. $2x$ is of a version that confused characters, and is none.
func bcryptMatch(text string) (func([]byte) bool, error) {
	form := bcryptForm.FindStringSubmatch(text)
	if form == nil {
		return nil, ErrDamaged
	}
	cost, err := strconv.ParseUint(form[2], 10, 8)
	if err != nil {
		return nil, ErrDamaged
	}
	if err := bounded(cost, bcryptLeast, maxBcrypt); err != nil {
		return nil, err
	}
	stored := []byte(text)
	return func(pw []byte) bool { return bcrypt.CompareHashAndPassword(stored, pw) == nil }, nil
}

const bcryptLeast = 4

var shaCryptForm = regexp.MustCompile(`^\$([56])\$(?:rounds=(\d{1,12})\$)?[^$:\n]{0,16}\$([./A-Za-z0-9]{43}|[./A-Za-z0-9]{86})$`)

// shaCryptRounds are those of a hash that names none.
const shaCryptRounds, shaCryptLeast = 5000, 1000

func readSHACrypt(text string) (Imported, bool, error) {
	i := Imported{Kind: SHACrypt}
	if !strings.HasPrefix(text, "$5$") && !strings.HasPrefix(text, "$6$") {
		return i, false, nil
	}
	form := shaCryptForm.FindStringSubmatch(text)
	if form == nil || (form[1] == "5") != (len(form[3]) == 43) {
		return i, true, ErrDamaged
	}
	rounds := uint64(shaCryptRounds)
	if form[2] != "" {
		var err error
		if rounds, err = strconv.ParseUint(form[2], 10, 64); err != nil {
			return i, true, ErrDamaged
		}
	}
	if err := bounded(rounds, shaCryptLeast, maxSHACrypt); err != nil {
		return i, true, err
	}
	digest, err := shacrypt.Decode(text)
	if err != nil {
		return i, true, ErrDamaged
	}
	i.match = func(pw []byte) bool { return len(pw) > 0 && digest.MatchBytes(pw) }
	return i, true, nil
}

// sshaForms are the schemes of directories: the salt stands behind the digest (RFC 2307, as servers extend it).
var sshaForms = []struct {
	prefix string
	make   func() hash.Hash
}{
	{"{SSHA}", sha1.New}, {"{SSHA256}", sha256.New}, {"{SSHA512}", sha512.New},
}

func readSSHA(text string) (Imported, bool, error) {
	i := Imported{Kind: SSHA}
	for _, form := range sshaForms {
		if len(text) < len(form.prefix) || !strings.EqualFold(text[:len(form.prefix)], form.prefix) {
			continue
		}
		b, err := decode64(text[len(form.prefix):])
		size := form.make().Size()
		if err != nil || len(b) < size+4 || len(b) > size+64 {
			return i, true, ErrDamaged // without a salt it would be a word's well-known hash
		}
		i.match = func(pw []byte) bool {
			h := form.make()
			h.Write(pw)
			h.Write(b[size:])
			return subtle.ConstantTimeCompare(h.Sum(nil), b[:size]) == 1
		}
		return i, true, nil
	}
	return i, false, nil
}

// decode64 reads base64 with or without padding, in the usual alphabet.
func decode64(text string) ([]byte, error) {
	return base64.RawStdEncoding.DecodeString(strings.TrimRight(text, "="))
}

// itoa64 is the alphabet of crypt(3) and those after it, the least significant bits first.
const itoa64 = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// encode64 writes bytes as phpass does.
func encode64(b []byte) string {
	var out strings.Builder
	for i := 0; i < len(b); i += 3 {
		var word uint32
		chars := 4
		for j := range 3 {
			if i+j < len(b) {
				word |= uint32(b[i+j]) << (8 * j)
			} else {
				chars--
			}
		}
		for range chars {
			out.WriteByte(itoa64[word&0x3f])
			word >>= 6
		}
	}
	return out.String()
}

// stretched is the loop of phpass and of Drupal: the digest of the salt and the password, and 2^log times of itself and the password.
func stretched(newHash func() hash.Hash, salt string, pw []byte, log uint64) []byte {
	h := newHash()
	h.Write([]byte(salt))
	h.Write(pw)
	sum := h.Sum(nil)
	for range uint64(1) << log {
		h.Reset()
		h.Write(sum)
		h.Write(pw)
		sum = h.Sum(sum[:0])
	}
	return sum
}

const leastPHPass = 7

func readPHPass(text string) (Imported, bool, error) {
	if !strings.HasPrefix(text, "$P$") && !strings.HasPrefix(text, "$H$") {
		return Imported{}, false, nil
	}
	return readStretched(Imported{Kind: PHPass}, text, 34, md5.New)
}

// readDrupal reads Drupal 7's: SHA-512, cut to 55 characters.
func readDrupal(text string) (Imported, bool, error) {
	if !strings.HasPrefix(text, "$S$") {
		return Imported{}, false, nil
	}
	return readStretched(Imported{Kind: Drupal}, text, 55, sha512.New)
}

func readStretched(i Imported, text string, length int, newHash func() hash.Hash) (Imported, bool, error) {
	if len(text) != length || strings.Trim(text[3:], itoa64) != "" {
		return i, true, ErrDamaged
	}
	log := uint64(strings.IndexByte(itoa64, text[3]))
	if err := bounded(log, leastPHPass, maxPHPass); err != nil {
		return i, true, err
	}
	salt, want := text[4:12], text[12:]
	i.match = func(pw []byte) bool {
		got := encode64(stretched(newHash, salt, pw, log))
		return subtle.ConstantTimeCompare([]byte(got[:min(len(want), len(got))]), []byte(want)) == 1
	}
	return i, true, nil
}
