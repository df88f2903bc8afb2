package smscode_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/portvakt/portvakt/internal/phone"
	"github.com/portvakt/portvakt/internal/secret"
	"github.com/portvakt/portvakt/internal/smscode"
)

func TestACodeIsNeverPrinted(t *testing.T) {
	var said bytes.Buffer
	slog.New(slog.NewTextHandler(&said, nil)).Info("x", "c", smscode.Code("123456"))
	fmt.Fprintf(&said, "%s %v %#v", smscode.Code("123456"), smscode.Code("123456"), smscode.Code("123456"))
	if text := said.String(); strings.Contains(text, "123456") {
		t.Errorf("printed: %s", text)
	}
}

func ring(t *testing.T) *secret.Keyring {
	t.Helper()
	k, err := secret.NewKeyring(map[byte][]byte{1: secret.NewRoot()}, 1)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestACodeCountsForWhatItWasSentForAndForTenMinutes(t *testing.T) {
	k, now := ring(t), time.Date(2026, 11, 24, 23, 55, 0, 0, time.UTC) // over midnight
	c, s := smscode.Make(k, now, "anna", "signin", "+46701740605")
	if len(c.Reveal()) != 6 {
		t.Fatalf("a code of %d digits", len(c.Reveal()))
	}
	typed := c.Reveal()
	for name, right := range map[string]bool{
		"as sent":      s.Verify(k, typed, now, "anna", "signin", "+46701740605"),
		"with a space": s.Verify(k, " "+typed[:3]+"\u2009"+typed[3:]+"\n", now.Add(9*time.Minute), "anna", "signin", "+46701740605"),
	} {
		if !right {
			t.Errorf("%s: refused", name)
		}
	}
	for name, right := range map[string]bool{
		"too late":          s.Verify(k, typed, now.Add(smscode.Life), "anna", "signin", "+46701740605"),
		"another account":   s.Verify(k, typed, now, "bo", "signin", "+46701740605"),
		"another purpose":   s.Verify(k, typed, now, "anna", "bind", "+46701740605"),
		"another number":    s.Verify(k, typed, now, "anna", "signin", "+46701740606"),
		"less":              s.Verify(k, typed, now, "anna", "signin"),
		"nothing typed":     s.Verify(k, "", now, "anna", "signin", "+46701740605"),
		"five digits":       s.Verify(k, typed[:5], now, "anna", "signin", "+46701740605"),
		"seven digits":      s.Verify(k, typed+"0", now, "anna", "signin", "+46701740605"),
		"another one":       s.Verify(k, "x"+typed[1:], now, "anna", "signin", "+46701740605"),
		"nothing was sent":  smscode.Sent{}.Verify(k, typed, now, "anna", "signin", "+46701740605"),
		"another's key":     s.Verify(ring(t), typed, now, "anna", "signin", "+46701740605"),
		"of an earlier one": smscode.Sent{ID: "x", MAC: s.MAC, At: s.At}.Verify(k, typed, now, "anna", "signin", "+46701740605"),
	} {
		if right {
			t.Errorf("%s: taken", name)
		}
	}
}

func TestCodesAreSpreadEvenly(t *testing.T) {
	k, seen := ring(t), map[string]int{}
	for range 2000 {
		c, _ := smscode.Make(k, time.Unix(0, 0))
		seen[c.Reveal()[:1]]++
	}
	for digit, n := range seen {
		if n < 120 || n > 290 {
			t.Errorf("%d of 2000 begin with %s", n, digit)
		}
	}
}

func FuzzWhateverIsTypedIsANumberOrRefused(f *testing.F) {
	for _, typed := range []string{"0701740605", "+46 70-174 06 05", "tel:+4740612345", "0900-1001234", "\u202e+46", "+", "00", "(((", "+800"} {
		f.Add(typed)
	}
	f.Fuzz(func(t *testing.T, typed string) {
		n, err := phone.Parse(typed, "SE")
		if err != nil {
			if n != "" || !errors.Is(err, phone.ErrNotANumber) && !errors.Is(err, phone.ErrNotMobile) {
				t.Fatalf("%q: %q %v", typed, n.Reveal(), err)
			}
			return
		}
		e164 := n.Reveal()
		if len(e164) < 8 || len(e164) > 16 || e164[0] != '+' || strings.Trim(e164[1:], "0123456789") != "" {
			t.Fatalf("%q is read as %q", typed, e164)
		}
		again, err := phone.Parse(n.Full(), "US") // what is shown is what is meant, wherever it is typed
		if err != nil || again != n || n.Region() == "" {
			t.Fatalf("%q: shown as %q, which is %q %v", typed, n.Full(), again.Reveal(), err)
		}
	})
}
