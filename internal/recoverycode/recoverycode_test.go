package recoverycode_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"math/bits"
	"regexp"
	"strings"
	"testing"

	"github.com/portvakt/portvakt/internal/recoverycode"
)

var form = regexp.MustCompile(`^[0-9A-HJKMNP-TV-Z]{4}(-[0-9A-HJKMNP-TV-Z]{4}){4}$`)

const code = "0123-4567-89AB-CDEF-GHJK"

func TestANewCodeHasItsFormAndReadsBack(t *testing.T) {
	seen := map[recoverycode.Code]bool{}
	for range 1000 {
		c := recoverycode.New()
		if !form.MatchString(c.Reveal()) || seen[c] {
			t.Fatalf("%q", c.Reveal())
		}
		seen[c] = true
		if back, ok := recoverycode.Parse(c.Reveal()); !ok || back != c {
			t.Errorf("%q reads as %q, %t", c.Reveal(), back.Reveal(), ok)
		}
	}
}

// A character that had fewer than its five bits would show in a thousand codes.
func TestEveryCharacterOfACodeHasAllItsFiveBits(t *testing.T) {
	var seen [20]uint32
	for range 1000 {
		for i, c := range strings.ReplaceAll(recoverycode.New().Reveal(), "-", "") {
			seen[i] |= 1 << strings.IndexRune("0123456789ABCDEFGHJKMNPQRSTVWXYZ", c)
		}
	}
	for i, values := range seen {
		if bits.OnesCount32(values) != 32 {
			t.Errorf("character %d took only %d values of 32", i+1, bits.OnesCount32(values))
		}
	}
}

func TestACodeIsReadAsPeopleTypeIt(t *testing.T) {
	for _, typed := range []string{
		code,
		"0123-4567-89ab-cdef-ghjk",
		"0123 4567 89ab cdef ghjk",
		"0123456789ABCDEFGHJK",
		"  0123 - 4567 - 89AB - CDEF - GHJK\r\n",
		"0123–4567—89AB‑CDEF−GHJK", // en dash, em dash, non-breaking hyphen, minus
		"0123\u00a04567\u00a089AB\u00a0CDEF\u202fGHJK",
		"O123-4567-89AB-CDEF-GHJK",
		"oI23-4567-89AB-CDEF-GHJK",
		"ol23-4567-89ab-cdef-ghjk",
		"oi23-4567-89ab-cdef-ghjk",
		"OL23-4567-89ab-cdef-ghjk",
		"0-1-2-3-4-5-6-7-8-9-a-b-c-d-e-f-g-h-j-k",
	} {
		if c, ok := recoverycode.Parse(typed); !ok || c.Reveal() != code {
			t.Errorf("%q: %q %t", typed, c.Reveal(), ok)
		}
	}
}

func TestEverythingElseIsNoCode(t *testing.T) {
	for name, typed := range map[string]string{
		"nothing":                       "",
		"only dashes":                   "----",
		"one too few":                   "0123-4567-89AB-CDEF-GHJ",
		"one too many":                  "0123-4567-89AB-CDEF-GHJK-0",
		"twice":                         code + code,
		"very long":                     strings.Repeat("0", 1<<20),
		"u, which is in no code":        "u123-4567-89AB-CDEF-GHJK",
		"a point":                       "0123.4567.89AB.CDEF.GHJK",
		"a letter beyond":               "å123-4567-89AB-CDEF-GHJK",
		"a dotless i, upper case I":     "0ı23-4567-89AB-CDEF-GHJK",
		"a long s, upper case S":        "0123-4567-89AB-CDEF-GHJſ",
		"a Kelvin sign, lower case k":   "0123-4567-89AB-CDEF-GHJ\u212a",
		"Cyrillic letters that look so": "0123-4567-89АВ-CDEF-GHJK",
		"256 above an A":                "0123-4567-89\u0141B-CDEF-GHJK",
		"other digits":                  "٠123-4567-89AB-CDEF-GHJK",
		"a null":                        "0123-4567-89AB-CDEF-GHJK\x00",
		"broken UTF-8":                  "0123-4567-89AB-CDEF-GHJK\xff",
		"a space that is none":          "0123\u200b4567-89AB-CDEF-GHJK",
		"six digits of an app":          "123456",
	} {
		if c, ok := recoverycode.Parse(typed); ok || c != "" {
			t.Errorf("%s: %q", name, c.Reveal())
		}
	}
}

func TestACodeIsNeverPrinted(t *testing.T) {
	c := recoverycode.New()
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "code", c)
	printed := fmt.Sprintf("%s %v %+v %#v %q %x", c, c, struct{ C recoverycode.Code }{c}, c, c, c) + log.String()
	if strings.Contains(printed, c.Reveal()) || strings.Contains(printed, fmt.Sprintf("%x", c.Reveal())) || !strings.Contains(log.String(), "[code]") {
		t.Errorf("printed: %s", printed)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(code)
	f.Add(" ol23–4567 89ab\u00a0cdef ghjk ")
	f.Add("U123-4567-89AB-CDEF-GHJK")
	f.Add("0ı23-4567-89AB-CDEF-GHJſ")
	f.Fuzz(func(t *testing.T, typed string) {
		c, ok := recoverycode.Parse(typed)
		if !ok {
			if c != "" {
				t.Errorf("%q is refused and returned as %q", typed, c.Reveal())
			}
			return
		}
		if !form.MatchString(c.Reveal()) {
			t.Errorf("%q reads as %q", typed, c.Reveal())
		}
		if back, ok := recoverycode.Parse(c.Reveal()); !ok || back != c {
			t.Errorf("%q reads as %q, and that as %q", typed, c.Reveal(), back.Reveal())
		}
	})
}
