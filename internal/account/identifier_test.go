package account_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/portvakt/portvakt/internal/account"
)

func TestAPersonIsNamedByAddressPhoneOrNumber(t *testing.T) {
	for typed, want := range map[string]struct {
		id    account.Identifier
		shown string
	}{
		" Anna@Foretaget.example ":     {"anna@foretaget.example", "Anna@Foretaget.example"},
		"070-174 06 05":                {"+46701740605", "+46 70 174 06 05"},
		"+46 (0)70-174 06 05":          {"+46701740605", "+46 70 174 06 05"},
		"1007@foretaget":               {"1007@foretaget", "1007@foretaget"},
		"1007@Foretaget ":              {"1007@foretaget", "1007@foretaget"},
		"1007 foretaget":               {"1007@foretaget", "1007@foretaget"},
		"1007 / foretaget":             {"1007@foretaget", "1007@foretaget"},
		"1007/foretaget":               {"1007@foretaget", "1007@foretaget"},
		"1007\u00a0foretaget":          {"1007@foretaget", "1007@foretaget"},
		"19800101-1234@foretaget":      {"198001011234@foretaget", "198001011234@foretaget"},
		"19800101 1234 foretaget":      {"198001011234@foretaget", "198001011234@foretaget"},
		"19800101\u20111234 foretaget": {"198001011234@foretaget", "198001011234@foretaget"}, // a dash that does not break
		"A-17 norra-lagret":            {"a17@norra-lagret", "a17@norra-lagret"},
		"Å17@foretaget":                {"å17@foretaget", "å17@foretaget"},
		"a\u030a17@foretaget":          {"å17@foretaget", "å17@foretaget"},
		"１００７@foretaget":               {"1007@foretaget", "1007@foretaget"},
		"0701740605 foretaget":         {"0701740605@foretaget", "0701740605@foretaget"},
		"anna@localhost":               {"anna@localhost", "anna@localhost"}, // an address
	} {
		shown, id, err := account.ParseIdentifier(typed, "SE")
		if err != nil || id != want.id || shown != want.shown {
			t.Errorf("%q: %q %q %v, want %q %q", typed, shown, id, err, want.shown, want.id)
		}
	}
}

func TestWhatNamesNobodyIsRefused(t *testing.T) {
	for _, typed := range []string{"", "anna", "1007", "@foretaget", "1007@", "1007 ", "1007@företaget", "1007@fore taget!", "10\n07@foretaget\r\nBcc: x", "<1007>@foretaget",
		"08-123 456 78", "112", strings.Repeat("1", 65) + "@foretaget", "1@" + strings.Repeat("a", 41), "1\x00@foretaget", "\xff@foretaget", "--@foretaget", "a@b@foretaget"} {
		if _, id, err := account.ParseIdentifier(typed, "SE"); !errors.Is(err, account.ErrNotAnIdentifier) || !errors.Is(err, account.ErrNotAnAddress) {
			t.Errorf("%q became %q, %v", typed, id, err)
		}
	}
	if id, err := account.NumberAt("1007", "localhost"); err == nil {
		t.Errorf("a number looks like an address: %q", id)
	}
}

func TestAnIdentifierKnowsWhatItIs(t *testing.T) {
	for id, want := range map[account.Identifier]string{"anna@foretaget.example": "address", "anna@localhost": "address", "+46701740605": "phone", "1007@foretaget": "number",
		"+46@foretaget.example": "address", "": "", "erased 7f7e7c0a": ""} {
		got := ""
		for is, yes := range map[string]bool{"address": id.IsAddress(), "phone": id.Phone() != "", "number": id.IsNumber()} {
			if yes {
				got += is
			}
		}
		if got != want {
			t.Errorf("%q is %q, want %q", id, got, want)
		}
	}
}

// FuzzParseIdentifier holds that a folded identifier is read as itself, and that the three kinds never meet.
func FuzzParseIdentifier(f *testing.F) {
	for _, s := range []string{"anna@foretaget.example", "0701740605", "1007 foretaget", "a/b@c", "+1@x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, typed string) {
		_, id, err := account.ParseIdentifier(typed, "SE")
		if err != nil {
			return
		}
		if strings.ContainsAny(string(id), "\r\n \t<>\"\x00") {
			t.Errorf("%q became %q", typed, id)
		}
		if _, again, err := account.ParseIdentifier(string(id), "NO"); err != nil || again != id {
			t.Errorf("%q: %q is read as %q, %v", typed, id, again, err)
		}
	})
}
