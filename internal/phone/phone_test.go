package phone_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/portvakt/portvakt/internal/phone"
)

func TestANumberIsReadInAnyUsualSpelling(t *testing.T) {
	for typed, want := range map[string]string{
		"070-174 06 05":           "+46701740605",
		"0701740605":              "+46701740605",
		"070 174 06 05":           "+46701740605",
		" +46 (0)70-174 06 05 ":   "+46701740605",
		"0046701740605":           "+46701740605",
		"+46701740605":            "+46701740605",
		"tel:+46-70-174-06-05":    "+46701740605",
		"TEL:0701740605":          "+46701740605",
		"０７０１７４０６０５":              "+46701740605",
		"070.174.06.05":           "+46701740605",
		"070\u00a0174\u201106 05": "+46701740605",
		"+47 406 12 345":          "+4740612345",
		"+45 32 12 34 56":         "+4532123456",
		"+358 41 2345678":         "+358412345678",
		"+12015550123":            "+12015550123",
	} {
		n, err := phone.Parse(typed, "SE")
		if n.Reveal() != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q %v, want %q", typed, n.Reveal(), err, want)
		}
	}
}

func TestWhatIsNoMobilePhoneGetsNoCode(t *testing.T) {
	for typed, want := range map[string]error{
		"":                         phone.ErrNotANumber,
		"hej":                      phone.ErrNotANumber,
		"0701-HEJSAN":              phone.ErrNotANumber,
		"112":                      phone.ErrNotANumber,
		"07017406":                 phone.ErrNotANumber,
		"07017406050000000":        phone.ErrNotANumber,
		"0701740605;ext=3":         phone.ErrNotANumber,
		"0701740605 ext 3":         phone.ErrNotANumber,
		"0701740605,3":             phone.ErrNotANumber,
		"*100#":                    phone.ErrNotANumber,
		"+46701740605+46701740606": phone.ErrNotANumber,
		strings.Repeat("0", 5000):  phone.ErrNotANumber,
		"\x00\xff":                 phone.ErrNotANumber,
		"08-123 456 78":            phone.ErrNotMobile, // Stockholm
		"0900-100 1234":            phone.ErrNotMobile, // premium
		"+46 939 123 45 67":        phone.ErrNotMobile, // premium
		"020-12 34 56":             phone.ErrNotMobile, // free of charge
		"077-123 45 67":            phone.ErrNotMobile, // shared cost
		"+44 909 879 0123":         phone.ErrNotMobile, // premium, another country
		"+800 1234 5678":           phone.ErrNotMobile, // free of charge, of no country
	} {
		n, err := phone.Parse(typed, "SE")
		if n != "" || !errors.Is(err, want) {
			t.Errorf("%.40q: %q %v, want %v", typed, n.Reveal(), err, want)
		}
	}
}

func TestANumberIsShownInFullOnceAndHiddenAfterwards(t *testing.T) {
	n, err := phone.Parse("0701740605", "SE")
	if err != nil {
		t.Fatal(err)
	}
	if n.Full() != "+46 70 174 06 05" || n.Hidden() != "•••• 05" || n.Region() != "SE" {
		t.Errorf("%q %q %q", n.Full(), n.Hidden(), n.Region())
	}
	if !phone.IsRegion("SE") || phone.IsRegion("se") || phone.IsRegion("XX") || phone.IsRegion("") {
		t.Error("regions are misjudged")
	}
	var said bytes.Buffer
	slog.New(slog.NewTextHandler(&said, nil)).Info("x", "n", n)
	fmt.Fprintf(&said, "%s %v %#v", n, n, n)
	if text := said.String(); strings.Contains(text, "0605") {
		t.Errorf("printed: %s", text)
	}
}
