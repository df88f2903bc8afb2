package secret_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/portvakt/portvakt/internal/secret"
)

var now = time.Date(2026, 11, 24, 23, 59, 0, 0, time.UTC)

func ring(t testing.TB, ids ...byte) *secret.Keyring {
	t.Helper()
	roots := map[byte][]byte{}
	for _, id := range ids {
		roots[id] = bytes.Repeat([]byte{id}, 32)
	}
	k, err := secret.NewKeyring(roots, ids[len(ids)-1])
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestATokenIsNeverPrinted(t *testing.T) {
	token := secret.NewToken()
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "token", token)
	printed := fmt.Sprintf("%s %v %+v %#v %q", token, token, struct{ T secret.Token }{token}, token, token) + log.String()
	if strings.Contains(printed, token.Reveal()) {
		t.Errorf("printed: %s", printed)
	}
	if token == secret.NewToken() || len(token.Reveal()) != 43 {
		t.Errorf("not 256 random bits: %d characters", len(token.Reveal()))
	}
}

func TestIDsAndUUIDsHaveTheirForm(t *testing.T) {
	if id := secret.NewID(); !regexp.MustCompile(`^[0-9a-hjkmnp-tv-z]{26}$`).MatchString(id) {
		t.Errorf("id %q", id)
	}
	if id := secret.NewUUID(); !regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`).MatchString(id) {
		t.Errorf("UUID %q", id)
	}
}

func TestOrderedIDsAreInTheOrderOfTheirTimes(t *testing.T) {
	before := ""
	for _, at := range []time.Time{time.UnixMilli(0), now, now.Add(time.Millisecond), now.AddDate(100, 0, 0)} {
		id := secret.NewOrderedID(at)
		if !regexp.MustCompile(`^[0-9a-hjkmnp-tv-z]{26}$`).MatchString(id) || id <= before {
			t.Errorf("%s: %q after %q", at, id, before)
		}
		if before = id; id == secret.NewOrderedID(at) {
			t.Errorf("%q twice", id)
		}
	}
}

func TestWhatIsSealedOpensOnlyForItsPurposeItsIDAndItsTime(t *testing.T) {
	k := ring(t, 1)
	sealed := k.Seal("code", "id", []byte("secret"), now)
	open := func(k *secret.Keyring, p secret.Purpose, id, sealed string, after time.Duration) error {
		_, err := k.Open(p, id, sealed, time.Hour, now.Add(after))
		return err
	}
	if err := open(k, "code", "id", sealed, 2*time.Minute); err != nil {
		t.Errorf("after midnight: %v", err)
	}
	for name, err := range map[string]error{
		"another purpose": open(k, "attempt", "id", sealed, 0),
		"another id":      open(k, "code", "di", sealed, 0),
		"another root":    open(ring(t, 2), "code", "id", sealed, 0),
		"too old":         open(k, "code", "id", sealed, 72*time.Hour),
		"from the future": open(k, "code", "id", sealed, -72*time.Hour),
		"cut":             open(k, "code", "id", sealed[:len(sealed)-3], 0),
		"not base64":      open(k, "code", "id", "%%%", 0),
		"empty":           open(k, "code", "id", "", 0),
	} {
		if !errors.Is(err, secret.ErrSealed) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if k.Seal("code", "id", []byte("secret"), now) == sealed {
		t.Error("the same text was sealed to the same bytes twice")
	}
}

func TestANewRootSealsAndTheOldOneStillOpens(t *testing.T) {
	old := ring(t, 1).Seal("code", "", []byte("x"), now)
	both := ring(t, 1, 2)
	if _, err := both.Open("code", "", old, time.Hour, now); err != nil {
		t.Errorf("after a rotation: %v", err)
	}
	if _, err := ring(t, 1).Open("code", "", both.Seal("code", "", []byte("x"), now), time.Hour, now); err == nil {
		t.Error("the new value was sealed under the old root")
	}
	sum := ring(t, 1).MAC("refresh", now, "a", "b")
	if !both.VerifyMAC(sum, "refresh", now, "a", "b") {
		t.Error("a MAC from before the rotation is refused")
	}
}

func TestAMACIsBoundToEveryPartAndItsDay(t *testing.T) {
	k := ring(t, 1)
	sum := k.MAC("refresh", now, "ab", "c")
	if !k.VerifyMAC(sum, "refresh", now.Add(-time.Hour), "ab", "c") {
		t.Error("the same day is refused")
	}
	for name, ok := range map[string]bool{
		"parts moved":  k.VerifyMAC(sum, "refresh", now, "a", "bc"),
		"next day":     k.VerifyMAC(sum, "refresh", now.Add(time.Hour), "ab", "c"),
		"purpose":      k.VerifyMAC(sum, "code", now, "ab", "c"),
		"cut":          k.VerifyMAC(sum[:5], "refresh", now, "ab", "c"),
		"unknown root": k.VerifyMAC(append([]byte{9}, sum[1:]...), "refresh", now, "ab", "c"),
	} {
		if ok {
			t.Errorf("%s: accepted", name)
		}
	}
	if k.Pseudonym("b", "ab", "c") == k.Pseudonym("b", "a", "bc") || k.Pseudonym("b", "x") == ring(t, 2).Pseudonym("b", "x") {
		t.Error("pseudonyms collide")
	}
}

func TestTheMasterKeyRotatesByALine(t *testing.T) {
	first := secret.NewMasterKey()
	m, err := secret.ParseMaster(first + "\n")
	if err != nil {
		t.Fatal(err)
	}
	sealed := m.Seal("row", []byte("key"))
	both, err := secret.ParseMaster(first + "\n2:" + strings.TrimPrefix(secret.NewMasterKey(), "1:") + "\n")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := both.Open("row", sealed); err != nil || string(got) != "key" {
		t.Errorf("%q %v", got, err)
	}
	if _, err := m.Open("row", both.Seal("row", []byte("key"))); err == nil {
		t.Error("the new line does not seal")
	}
	if _, err := m.Open("other row", sealed); !errors.Is(err, secret.ErrSealed) {
		t.Errorf("another row: %v", err)
	}
	for _, bad := range []string{"", "\n", "1", "x:y", "1:short", "300:" + strings.TrimPrefix(first, "1:")} {
		if _, err := secret.ParseMaster(bad); err == nil {
			t.Errorf("%q was accepted", bad)
		}
	}
}

// What an installation has sealed and named must be found again by every later version of this program.
func TestAKeyringWritesWhatItHasAlwaysWritten(t *testing.T) {
	k := ring(t, 7)
	old := ring(t, 1, 7)
	for name, is := range map[string][2]string{
		"a pseudonym": {k.Pseudonym("sid", "session", "client"), "uxHS6sPIZMkJyVARDyNGF5IF"},
		"a MAC":       {fmt.Sprintf("%x", k.MAC("refresh token", now, "id", "12")), "0724582eb7ec676043b158f224253598e6"},
		"a tag":       {k.Tag("bounce", now, "a"), "0x8jts6nfwj2s4anvyz1w"},
	} {
		if is[0] != is[1] {
			t.Errorf("%s is %s", name, is[0])
		}
	}
	if plain, err := old.Open("code", "id", "AQcAAFEtThYnTzk-VWA54nJLCJAqGsvaBhdY3STqPuGpDfWf9INXbg", time.Hour, now); err != nil || string(plain) != "secret" {
		t.Errorf("%q %v", plain, err)
	}
}

// A stranger may name any day, for which a key is then derived.
func TestKeysOfManyDaysAreNotAllKept(t *testing.T) {
	k := ring(t, 1)
	sum := k.MAC("refresh", now, "a")
	for day := range 3000 {
		k.VerifyMAC(sum, "refresh", now.AddDate(0, 0, -day), "a")
	}
	if n := k.Remembered(); n > 1000 {
		t.Errorf("%d keys are in memory", n)
	}
	if !k.VerifyMAC(sum, "refresh", now, "a") {
		t.Error("what was signed before is refused")
	}
}
