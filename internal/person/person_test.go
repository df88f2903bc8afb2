package person_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/portvakt/portvakt/internal/person"
)

func TestPersonsAreSortedAsSwedishSorts(t *testing.T) {
	names := []string{"Öberg Anna", "Zetterlund Bo", "Ågren Cilla", "andersson Bo", "Andersson Anna", "Ärlig Eva"}
	slices.SortFunc(names, func(a, b string) int { return bytes.Compare(key(a), key(b)) })
	if got := strings.Join(names, ", "); got != "Andersson Anna, andersson Bo, Zetterlund Bo, Ågren Cilla, Ärlig Eva, Öberg Anna" {
		t.Error(got)
	}
}

func key(name string) []byte {
	family, given, _ := strings.Cut(name, " ")
	return person.Person{FamilyName: family, GivenName: given}.SortKey()
}

func TestAPersonIsFoundByTheBeginningsOfHerWordsAndNeverByHerKey(t *testing.T) {
	p := person.Person{Key: "19800101-1234", GivenName: "Anna Maria", FamilyName: "A\u030astro\u0308m", Address: "Anna@Example.com", LegacyID: "ANSV", Phone: "070"}
	var terms []string
	for _, term := range p.Terms() {
		terms = append(terms, string(term))
	}
	want := []string{"anna maria åström", "åström anna maria", "anna@example.com", "ansv", "anna", "maria", "åström"}
	if !slices.Equal(terms, want) {
		t.Errorf("%q", terms)
	}
	if strings.Contains(fmt.Sprintf("%v %+v", p.Key, p), "1234") {
		t.Error("the key is printed")
	}
	long := person.Person{GivenName: strings.Repeat("å", 64)}.Terms()[0]
	if len(long) > 80 || !strings.HasPrefix(strings.Repeat("å", 64), string(long)) {
		t.Errorf("%q", long)
	}
}

func TestAnAddressThatCouldNotBeOneHasNoIdentifier(t *testing.T) {
	for address, want := range map[string]string{"": "", "anna": "", " Anna@Företaget.se ": "anna@xn--fretaget-n4a.se"} {
		if got := (person.Person{Address: address}).Identifier(); string(got) != want {
			t.Errorf("%q: %q", address, got)
		}
	}
}

func TestWhereAPersonWorksIsWhereSheWorksNow(t *testing.T) {
	now := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	for name, test := range map[string]struct {
		all  []person.Employment
		want []string
	}{
		"nowhere":                {nil, nil},
		"one that has ended":     {[]person.Employment{{Unit: "Lager", To: "2026-11-28"}, {Unit: "Butik"}}, []string{"Butik"}},
		"the last day counts":    {[]person.Employment{{Unit: "Lager", To: "2026-11-29"}}, []string{"Lager"}},
		"the same unit twice":    {[]person.Employment{{Unit: "Lager", Company: "A"}, {Unit: "Lager", Company: "B"}}, []string{"Lager"}},
		"a company without one":  {[]person.Employment{{Company: "Företaget AB"}, {Unit: "Lager"}}, []string{"Företaget AB", "Lager"}},
		"somebody who has left":  {[]person.Employment{{Unit: "Lager", To: "2026-01-31"}}, []string{"Lager"}},
		"an end that is no date": {[]person.Employment{{Unit: "Lager", To: "soon"}}, []string{"Lager"}},
	} {
		if got := person.Units(test.all, now); !slices.Equal(got, test.want) {
			t.Errorf("%s: %q", name, got)
		}
	}
}
