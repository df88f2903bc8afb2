package password_test

import (
	"context"
	"crypto/sha1" //nolint:gosec // as directories have it
	"encoding/base64"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"golang.org/x/text/unicode/norm"

	"github.com/portvakt/portvakt/internal/password"
)

// vector is a hash that others have made: testdata/imported.py says how.
type vector struct{ Kind, By, Password, Hash string }

func vectors(t testing.TB) (all []vector) {
	t.Helper()
	b, err := os.ReadFile("testdata/imported.json")
	if err == nil {
		err = json.Unmarshal(b, &all)
	}
	if err != nil || len(all) < 60 {
		t.Fatal(len(all), err)
	}
	return all
}

func TestHashesOfOtherSystemsAreVerified(t *testing.T) {
	h := password.NewHasher(cheap)
	for _, v := range vectors(t) {
		i, err := password.ParseImported(" " + v.Hash + "\n")
		if err != nil || string(i.Kind) != v.Kind {
			t.Errorf("%s by %s: read as %v, %v: %s", v.Kind, v.By, i, err, v.Hash)
			continue
		}
		for typed, right := range map[string]bool{v.Password: true, norm.NFD.String(v.Password): true, v.Password + "x": false,
			strings.ToUpper(v.Password): false, "": false} {
			if ok, err := h.VerifyImported(t.Context(), i, typed); err != nil || ok != right {
				t.Errorf("%s by %s, %q: %t, %v", v.Kind, v.By, typed, ok, err)
			}
		}
	}
}

// TestAPasswordThatWasHashedAsTyped: the other system did not normalise, and its people's keyboards did not compose.
func TestAPasswordThatWasHashedAsTyped(t *testing.T) {
	raw := norm.NFD.String("räksmörgås på bordet")
	i, err := password.ParseImported("{SSHA}" + ssha(raw))
	if err != nil {
		t.Fatal(err)
	}
	h := password.NewHasher(cheap)
	for typed, right := range map[string]bool{raw: true, norm.NFC.String(raw): false} {
		if ok, err := h.VerifyImported(t.Context(), i, typed); err != nil || ok != right {
			t.Errorf("%q: %t, %v", typed, ok, err)
		}
	}
}

func TestWhatWillNotVerifyIsSaidBeforehand(t *testing.T) {
	salt := base64.StdEncoding.EncodeToString([]byte("0123456789abcdef"))
	long := strings.Repeat("A", 43)
	for name, c := range map[string]struct {
		text string
		want error
	}{
		"nothing":                           {"", password.ErrUnknownHash},
		"plain text":                        {"Sommar-2019", password.ErrUnknownHash},
		"plain text that is base64":         {"U29tbWFyLTIwMTk=", password.ErrUnknownHash},
		"MD5":                               {"5f4dcc3b5aa765d61d8327deb882cf99", password.ErrUnknownHash},
		"MD5-crypt":                         {"$1$saltsalt$qjXMvbEw8oaL.CzflDtaK/", password.ErrUnknownHash},
		"unsalted SHA-1":                    {"{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=", password.ErrUnknownHash},
		"plain text by scheme":              {"$plaintext$password", password.ErrUnknownHash},
		"plain text by passlib":             {"{CLEARTEXT}password", password.ErrUnknownHash},
		"a whole book":                      {"$2b$" + strings.Repeat("x", 5000), password.ErrUnknownHash},
		"SSHA without its salt":             {"{SSHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=", password.ErrDamaged},
		"bcrypt, cut":                       {"$2b$05$abcdefghijklmnopqrstuv", password.ErrDamaged},
		"bcrypt, confused":                  {"$2x$05$" + strings.Repeat("a", 53), password.ErrDamaged},
		"bcrypt, too cheap to be one":       {"$2b$03$" + strings.Repeat("a", 53), password.ErrDamaged},
		"bcrypt for a year":                 {"$2b$31$" + strings.Repeat("a", 53), password.ErrTooCostly},
		"bcrypt, just too much":             {"$2b$14$" + strings.Repeat("a", 53), password.ErrTooCostly},
		"Django's bcrypt for a year":        {"bcrypt_sha256$$2b$31$" + strings.Repeat("a", 53), password.ErrTooCostly},
		"PBKDF2 without end":                {"$pbkdf2-sha256$4000000000$" + "c2FsdHNhbHQ" + "$" + long, password.ErrTooCostly},
		"PBKDF2, just too much":             {"$pbkdf2-sha512$1000001$" + "c2FsdHNhbHQ" + "$" + long, password.ErrTooCostly},
		"PBKDF2 beyond numbers":             {"$pbkdf2-sha256$9999999999$" + "c2FsdHNhbHQ" + "$" + long, password.ErrDamaged},
		"PBKDF2 without work":               {"$pbkdf2-sha256$0$" + "c2FsdHNhbHQ" + "$" + long, password.ErrDamaged},
		"PBKDF2 of many blocks":             {"$pbkdf2-sha1$1000$c2FsdHNhbHQ$" + strings.Repeat("A", 86), password.ErrDamaged},
		"PBKDF2 with a word for its number": {"pbkdf2_sha256$many$salt$" + salt, password.ErrDamaged},
		"Django's PBKDF2 without end":       {"pbkdf2_sha256$3000000000$salt$" + base64.StdEncoding.EncodeToString(make([]byte, 32)), password.ErrTooCostly},
		"scrypt of all memory":              {"$scrypt$ln=30,r=8,p=1$c2FsdHNhbHQ$" + long, password.ErrTooCostly},
		"scrypt of many lanes":              {"$scrypt$ln=14,r=8,p=60000$c2FsdHNhbHQ$" + long, password.ErrTooCostly},
		"scrypt, just too much":             {"$scrypt$ln=18,r=8,p=1$c2FsdHNhbHQ$" + long, password.ErrTooCostly},
		"Django's scrypt of all memory":     {"scrypt$1073741824$salt$8$1$" + base64.StdEncoding.EncodeToString(make([]byte, 64)), password.ErrTooCostly},
		"Django's scrypt, no power of two":  {"scrypt$1000$salt$8$1$" + base64.StdEncoding.EncodeToString(make([]byte, 64)), password.ErrDamaged},
		"argon2 of all memory":              {"$argon2id$v=19$m=999999999,t=1,p=1$c2FsdHNhbHQ$" + long, password.ErrTooCostly},
		"argon2 for ever":                   {"$argon2id$v=19$m=1024,t=999999999,p=1$c2FsdHNhbHQ$" + long, password.ErrTooCostly},
		"argon2 of an older version":        {"$argon2id$v=16$m=1024,t=1,p=1$c2FsdHNhbHQ$" + long, password.ErrDamaged},
		"argon2d":                           {"$argon2d$v=19$m=1024,t=1,p=1$c2FsdHNhbHQ$" + long, password.ErrDamaged},
		"SHA-crypt for a day":               {"$6$rounds=999999999$salt$" + strings.Repeat("a", 86), password.ErrTooCostly},
		"SHA-crypt, cut":                    {"$6$salt$" + strings.Repeat("a", 43), password.ErrDamaged},
		"phpass for a day":                  {"$P$S" + strings.Repeat("a", 30), password.ErrTooCostly},
		"phpass, cut":                       {"$P$Ba", password.ErrDamaged},
		"Drupal for a day":                  {"$S$U" + strings.Repeat("a", 51), password.ErrTooCostly},
		"ASP.NET without end":               {asp(1, 4_000_000_000, 16), password.ErrTooCostly},
		"ASP.NET with all salt":             {asp(1, 1000, 4_000_000_000), password.ErrDamaged},
		"ASP.NET of an unknown digest":      {asp(9, 1000, 16), password.ErrDamaged},
	} {
		if i, err := password.ParseImported(c.text); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, %v", name, i, err)
		}
	}
}

// asp is a hash in version 3 of ASP.NET Identity's format.
func asp(prf byte, iterations, salt uint32) string {
	b := []byte{1, 0, 0, 0, prf, byte(iterations >> 24), byte(iterations >> 16), byte(iterations >> 8), byte(iterations),
		byte(salt >> 24), byte(salt >> 16), byte(salt >> 8), byte(salt)}
	return base64.StdEncoding.EncodeToString(append(b, make([]byte, 48)...))
}

func TestAnImportedHashIsNotPrinted(t *testing.T) {
	i, err := password.ParseImported(vectors(t)[0].Hash)
	if err != nil {
		t.Fatal(err)
	}
	if i.String() != "[imported bcrypt]" || i.GoString() != i.String() {
		t.Errorf("%s %#v", i, i)
	}
}

func TestHashesOfMuchMemoryAreCheckedOneAtATime(t *testing.T) {
	h := password.NewBoundedHasher(cheap, 4, 40)
	i := password.Imported{Memory: 64 << 10}
	var at, most atomic.Int32
	i = password.WithMatch(i, func([]byte) bool {
		most.Store(max(most.Load(), at.Add(1)))
		defer at.Add(-1)
		return true
	})
	var group sync.WaitGroup
	for range 20 {
		group.Go(func() {
			if ok, err := h.VerifyImported(t.Context(), i, "x"); !ok || err != nil {
				t.Error(ok, err)
			}
		})
	}
	group.Wait()
	if most.Load() != 1 {
		t.Errorf("%d at once", most.Load())
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := password.NewBoundedHasher(cheap, 0, 1).VerifyImported(ctx, i, "x"); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestListedPasswordsAreKnown(t *testing.T) {
	for pw, listed := range map[string]bool{"password1": true, "Password1": true, "aaaaaaaa": true, "abcdefgh": true, "12345678": true,
		"Sommar-2019": false, "lugn sjö": false} {
		if password.IsListed(pw) != listed {
			t.Errorf("%s: %t", pw, !listed)
		}
	}
}

func FuzzParseImported(f *testing.F) {
	for _, v := range vectors(f) {
		f.Add(v.Hash)
	}
	f.Fuzz(func(t *testing.T, text string) {
		i, err := password.ParseImported(text)
		if err == nil && (i.Kind == "" || i.Memory > 128<<10) {
			t.Errorf("%v of %d KiB", i, i.Memory)
		}
	})
}

// BenchmarkImported says what the costliest hash of each kind takes: the deadline of failures is chosen by it.
func BenchmarkImported(b *testing.B) {
	long := strings.Repeat("A", 43)
	for name, text := range map[string]string{
		"bcrypt":   "$2b$13$" + strings.Repeat("a", 53),
		"pbkdf2":   "$pbkdf2-sha256$2000000$c2FsdHNhbHQ$" + long,
		"pbkdf512": "$pbkdf2-sha512$1000000$c2FsdHNhbHQ$" + long,
		"scrypt":   "$scrypt$ln=17,r=8,p=1$c2FsdHNhbHQ$" + long,
		"argon2":   "$argon2id$v=19$m=131072,t=4,p=1$c2FsdHNhbHQ$" + long,
		"sha512":   "$6$rounds=1000000$salt$" + strings.Repeat("a", 86),
		"drupal":   "$S$I" + strings.Repeat("a", 51),
	} {
		b.Run(name, func(b *testing.B) {
			h := password.NewHasher(cheap)
			i, err := password.ParseImported(text)
			if err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				if _, err := h.VerifyImported(b.Context(), i, "some password"); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func ssha(pw string) string {
	salt := []byte("saltsalt")
	sum := sha1.Sum(append([]byte(pw), salt...)) //nolint:gosec // as directories have it
	return base64.StdEncoding.EncodeToString(append(sum[:], salt...))
}
