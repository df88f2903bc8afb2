package transition

import (
	"slices"
	"strings"
	"testing"

	"github.com/portvakt/portvakt/internal/account"
	"github.com/portvakt/portvakt/internal/authn"
	"github.com/portvakt/portvakt/internal/person"
)

func checked(address string, change ...func(*Checked)) Checked {
	c := Checked{Person: person.Person{ID: "1", GivenName: "Anna", FamilyName: "Svensson", Address: address}, SameAddress: 1, SameName: 1}
	c.Identifier = c.Person.Identifier()
	for _, f := range change {
		f(&c)
	}
	return c
}

func phone(typed string) func(*Checked) {
	return func(c *Checked) { c.Person.Phone, c.Mobile = typed, person.MobileOf(typed, "SE") }
}

func texts(n account.Identifier) error {
	if n.Phone().Region() != "SE" {
		return authn.ErrCountry
	}
	return nil
}

func TestWithoutAGatewayNobodyIsReachedByPhone(t *testing.T) {
	for typed, want := range map[string]string{"070-174 06 05": "missing", "+33 6 12 34 56 78": "missing", "finns ej": "missing phone"} {
		flag, findings := judge(checked("", phone(typed)), nil, (&Service{}).mayText)
		var kinds []string
		for _, f := range findings {
			kinds = append(kinds, string(f.Kind))
		}
		if flag != person.Missing || strings.Join(kinds, " ") != want {
			t.Errorf("%s: %s %q", typed, flag, kinds)
		}
	}
}

func TestWhatThePreFlightSaysOfARow(t *testing.T) {
	same := func(n int) func(*Checked) { return func(c *Checked) { c.SameAddress = n } }
	twin := checked("anna@foretaget.example", func(c *Checked) { c.ID, c.GivenName, c.FamilyName = "2", "Bo", "Lind" })
	herself := checked("anna@foretaget.example", func(c *Checked) { c.ID = "2" })
	elsewhere := checked("other@foretaget.example", func(c *Checked) {
		c.ID, c.LegacyID, c.Employments = "2", "ansv", []person.Employment{{Company: "Dotter AB"}}
	})
	for name, test := range map[string]struct {
		row   Checked
		twins []Checked
		flag  person.Flag
		kinds string
	}{
		"nothing":            {row: checked("anna@foretaget.example")},
		"no address":         {row: checked(" ", phone("070-174 06 05")), kinds: "by_phone"},
		"a foreign phone":    {row: checked("", phone("+33 6 12 34 56 78")), flag: person.Missing, kinds: "missing phone_country"},
		"a fixed line":       {row: checked("", phone("08-123 456 78")), flag: person.Missing, kinds: "missing phone"},
		"a phone for two":    {row: checked("", phone("070-174 06 05"), func(c *Checked) { c.SameMobile = 1 }), flag: person.Missing, kinds: "missing phone_shared"},
		"an address as well": {row: checked("anna@foretaget.example", phone("070-174 06 05"), func(c *Checked) { c.SameMobile = 1 })},
		"misspelt, a phone":  {row: checked("anna(at)foretaget", phone("070-174 06 05")), flag: person.Malformed, kinds: "malformed"},
		"neither nor":        {row: checked("", func(c *Checked) { c.Person.Phone = "finns ej" }), flag: person.Missing, kinds: "missing phone"},
		"no address at all":  {row: checked("anna(at)foretaget"), flag: person.Malformed, kinds: "malformed"},
		"two on one address": {row: checked("anna@foretaget.example", same(2)), twins: []Checked{twin}, flag: person.Duplicate, kinds: "duplicate"},
		"three":              {row: checked("anna@foretaget.example", same(3)), twins: []Checked{twin}, flag: person.Shared, kinds: "shared"},
		"a task":             {row: checked("Lager@foretaget.example"), flag: person.Role, kinds: "role"},
		"a task somewhere":   {row: checked("reception2.goteborg@foretaget.example"), flag: person.Role, kinds: "role"},
		"a task with marks":  {row: checked("kundtjänst@foretaget.example"), flag: person.Role, kinds: "role"},
		"vouched for":        {row: checked("post@anna.example", func(c *Checked) { c.Vouched = c.Identifier })},
		"for minutes":        {row: checked("anna@yopmail.com"), flag: person.Disposable, kinds: "disposable"},
		"connected":          {row: checked("lager@foretaget.example", func(c *Checked) { c.Connected = true }), kinds: "role"},
		"herself again": {row: checked("anna@foretaget.example", same(2), func(c *Checked) { c.SameName = 2 }), twins: []Checked{herself}, flag: person.Duplicate,
			kinds: "duplicate twice"},
		"in another company": {row: checked("anna@foretaget.example", func(c *Checked) {
			c.SameName, c.LegacyID, c.Employments = 2, "ansv", []person.Employment{{Company: "Moder AB"}}
		}), twins: []Checked{elsewhere}, kinds: "companies"},
		"a namesake": {row: checked("anna@foretaget.example", func(c *Checked) { c.SameName = 2 }),
			twins: []Checked{checked("annas@foretaget.example", func(c *Checked) { c.ID = "2" })}},
	} {
		t.Run(name, func(t *testing.T) {
			flag, findings := judge(test.row, test.twins, texts)
			var kinds []string
			for _, f := range findings {
				kinds = append(kinds, string(f.Kind))
			}
			slices.Sort(kinds)
			want := strings.Fields(test.kinds)
			slices.Sort(want)
			if flag != test.flag || !slices.Equal(kinds, want) {
				t.Errorf("flag %q, findings %q", flag, kinds)
			}
		})
	}
}

func TestNamesThatOnlyBeginLikeATaskAreNames(t *testing.T) {
	for _, address := range []string{"kassandra@foretaget.example", "infanta.berg@foretaget.example", "hrafn@foretaget.example", "anna.lager.svensson@foretaget.example"} {
		if flag, _ := judge(checked(address), nil, texts); flag != "" {
			t.Errorf("%s: %s", address, flag)
		}
	}
}
