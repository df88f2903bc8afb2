package account_test

import (
	"strings"
	"testing"

	"github.com/portvakt/portvakt/internal/account"
)

func TestAddressesAreFoldedForComparisonAndNeverRepaired(t *testing.T) {
	for typed, want := range map[string]account.Identifier{
		"anna.svensson@foretaget.example":     "anna.svensson@foretaget.example",
		"  Anna.Svensson@Foretaget.Example\t": "anna.svensson@foretaget.example",
		"anna+jobb@foretaget.example":         "anna+jobb@foretaget.example",
		"a.n.n.a@foretaget.example":           "a.n.n.a@foretaget.example",
		"anna@räksmörgås.example":             "anna@xn--rksmrgs-5wao1o.example",
		"anna@xn--rksmrgs-5wao1o.example":     "anna@xn--rksmrgs-5wao1o.example",
		"Åsa@foretaget.example":               "åsa@foretaget.example",
		"a\u030asa@foretaget.example":         "åsa@foretaget.example", // typed on another keyboard
		"o'neill@foretaget.example":           "o'neill@foretaget.example",
		"anna@localhost":                      "anna@localhost",
	} {
		if _, got, err := account.ParseAddress(typed); err != nil || got != want {
			t.Errorf("%q: %q %v, want %q", typed, got, err, want)
		}
	}
}

func TestWhatCanBeNoAddressIsRefused(t *testing.T) {
	for _, typed := range []string{"", "anna", "@", "anna@", "@foretaget.example", "anna@foretaget", "a b@c.example", "anna@foretaget.example\r\nBcc: x@y.example",
		"anna@fore taget.example", "<anna@foretaget.example>", "anna@foretaget.example,bo@foretaget.example", ".anna@c.example", "anna.@c.example",
		"an..na@c.example", "anna@c..example", "anna@-c.example", "an\x00na@c.example", "anna@[127.0.0.1]", strings.Repeat("a", 65) + "@c.example",
		"a@" + strings.Repeat("b", 260) + ".example", "anna@\xff.example"} {
		if _, got, err := account.ParseAddress(typed); err == nil {
			t.Errorf("%q became %q", typed, got)
		}
	}
}

func FuzzParseAddress(f *testing.F) {
	for _, s := range []string{"anna@foretaget.example", "Åsa@räksmörgås.example", "a\r\nb@c.d", "\"a b\"@c.d"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, typed string) {
		address, id, err := account.ParseAddress(typed)
		if err != nil {
			return
		}
		if strings.ContainsAny(string(id), "\r\n \t<>\"") || strings.Count(string(id), "@") < 1 {
			t.Errorf("%q became %q", typed, id)
		}
		if _, again, err := account.ParseAddress(string(id)); err != nil || again != id || len(address) > 254 {
			t.Errorf("folding %q twice gives %q, then %q %v", typed, id, again, err)
		}
	})
}

func TestANameIsPlainTextOnOneLine(t *testing.T) {
	for typed, want := range map[string]string{
		"Anna": "Anna", "  Anna  Maria ": "Anna Maria", "Åsa-Lo": "Åsa-Lo", "O’Neill": "O’Neill", "A\u030asa": "Åsa", "فاطمه\u200cزهرا": "فاطمه\u200cزهرا", "": "", "李": "李",
	} {
		if got, err := account.ParseName(typed); err != nil || got != want {
			t.Errorf("%q: %q %v", typed, got, err)
		}
	}
	for _, typed := range []string{"Anna\x00", "Anna\u202emoc.elpmaxe", "Anna\u2066", "Anna\ufeff", "\x1b[1mAnna", strings.Repeat("a", 65), strings.Repeat("å", 200), "\xff", "123", "---", "A\u007f"} {
		if got, err := account.ParseName(typed); err == nil {
			t.Errorf("%q is taken for a name: %q", typed, got)
		}
	}
}
