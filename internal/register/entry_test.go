package register_test

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/portvakt/portvakt/internal/register"
)

func TestUsualNamesOfColumnsAreKnown(t *testing.T) {
	for header, want := range map[string]string{
		"Anställningsnummer;Personnummer;Förnamn;Efternamn;E-post;Mobil;Språk;Bolag;Avdelning;Anställd from;Slutdatum;Användarnamn": "person_key;;given_name;family_name;address;phone;language;company;unit;from;to;legacy_id",
		"Personnummer;Namn;E-postadress;Lön":                                "person_key;full_name;address;",
		"Employee ID;First Name;Last Name;Email;Mobile Phone;Password Hash": "person_key;given_name;family_name;address;phone;password_hash",
		"EMPLOYEE_ID;first_name;E-MAIL;Telefon;Telefon":                     "person_key;given_name;address;phone;",
		"Artikel;Pris;Antal":                                                ";;",
	} {
		m := register.Guess(strings.Split(header, ";"))
		var got []string
		for _, f := range m {
			got = append(got, string(f))
		}
		if strings.Join(got, ";") != want {
			t.Errorf("%s: %q", header, got)
		}
		if m.Plausible() == strings.HasPrefix(header, "Artikel") {
			t.Errorf("%s: plausible %v", header, m.Plausible())
		}
	}
}

func TestAMappingWithoutKeyOrNameIsRefused(t *testing.T) {
	for _, c := range []struct {
		m    register.Mapping
		want error
	}{
		{register.Mapping{register.PersonKey, register.FullName}, nil},
		{register.Mapping{register.FullName}, register.ErrNoKey},
		{register.Mapping{register.PersonKey, register.Address}, register.ErrNoName},
		{register.Mapping{register.PersonKey, register.FullName, register.FullName}, register.ErrTwice},
		{register.Mapping{register.PersonKey, "salary"}, register.ErrUnknownField},
		{register.Mapping{"", "", "", register.PersonKey}, register.ErrNoColumn},
	} {
		if err := c.m.Check(3); !errors.Is(err, c.want) {
			t.Errorf("%v: %v", c.m, err)
		}
	}
	header := []string{"Nr", "Namn", "Mejl"}
	m, err := register.Guess(header).With(register.PersonKey, "nr", header)
	if err != nil || m.Check(3) != nil {
		t.Error(m, err)
	}
	if m, err = m.With(register.PersonKey, "Mejl", header); err != nil || m[0] != "" || m[2] != register.PersonKey {
		t.Error(m, err)
	}
	if _, err := m.With(register.PersonKey, "Mobil", header); !errors.Is(err, register.ErrNoColumn) {
		t.Error(err)
	}
}

func TestAFingerprintIsOfTheColumnsAlone(t *testing.T) {
	one, two := register.Fingerprint([]string{"E-post", "Namn"}), register.Fingerprint([]string{"e post ", "NAMN"})
	if other := register.Fingerprint([]string{"Namn", "E-post"}); one != two || one == other {
		t.Error(one, two, other)
	}
}

func read(header, row string) (register.Entry, string) {
	columns := strings.Split(header, ";")
	r := register.NewReader(columns, register.Guess(columns))
	l := register.Line{Number: 7}
	for text := range strings.SplitSeq(row, ";") {
		l.Cells = append(l.Cells, register.Cell{Text: strings.TrimPrefix(text, "?"), NoValue: text == "?"})
	}
	e, problems, ok := r.Entry(l)
	var all []string
	for _, p := range problems {
		mark := ""
		if p.Refused {
			mark = "!"
		}
		all = append(all, fmt.Sprint(p.Line, " ", p.Column, " ", p.Reason, mark))
	}
	if ok == strings.Contains(strings.Join(all, ""), "!") {
		all = append(all, "ok is ", fmt.Sprint(ok))
	}
	return e, strings.Join(all, ", ")
}

func TestABrokenRowIsNamedByLineColumnAndReason(t *testing.T) {
	const header = "Anställningsnummer;Förnamn;Efternamn;E-post;Språk;From;Tom"
	for row, want := range map[string]string{
		"1;Anna;Svensson;anna@x.example;sv;2020-01-01;2026-01-31": "",
		"1;Anna;;no address;;;":                                   "", // the pre-flight tells of it
		"1;Anna":                                                  "",
		";Anna;Svensson;;;;":                                      "7 Anställningsnummer register.no_key!",
		strings.Repeat("1", 65) + ";Anna":                         "7 Anställningsnummer register.long_key!",
		"1;;;a@x.example;;;":                                      "7 Förnamn register.no_name!",
		"1;A\u202enna;Svensson;;;;":                               "7 Förnamn register.bad_name!",
		"1;Anna;Svensson;;klingon;;":                              "7 Språk register.unknown_language",
		"1;Anna;Svensson;;;01/02/2020;":                           "7 From register.bad_date!",
		"1;Anna;Svensson;;;2020-01-01;2019-12-31":                 "7 Tom register.bad_period!",
		"?;Anna;Svensson;;;;":                                     "7 Anställningsnummer register.formula!",
		"1;Anna;Svensson;?;;;":                                    "7 E-post register.formula!",
		"1;Anna;Svensson;" + strings.Repeat("å", 4097):            "7 E-post register.long_cell!",
	} {
		if _, got := read(header, row); got != want {
			t.Errorf("%.60s: %s", row, got)
		}
	}
}

func TestOneColumnOfNamesIsParted(t *testing.T) {
	for name, want := range map[string][2]string{
		"Anna Svensson": {"Anna", "Svensson"}, "Svensson, Anna Maria": {"Anna Maria", "Svensson"}, "Anna Maria Svensson": {"Anna Maria", "Svensson"},
		"Carl von Linné": {"Carl", "von Linné"}, "Anna": {"Anna", ""}, "Maria de la Cruz": {"Maria", "de la Cruz"},
	} {
		e, problems := read("Employee ID;Name", "1;"+name)
		if got := [2]string{e.GivenName, e.FamilyName}; got != want || problems != "" {
			t.Errorf("%s: %q %s", name, got, problems)
		}
	}
}

func TestADateIsOneDayOrRefused(t *testing.T) {
	for text, want := range map[string]string{
		"": "", "2026-01-31": "2026-01-31", "20260131": "2026-01-31", "2026-01-31 00:00:00": "2026-01-31", "2026-01-31T00:00:00": "2026-01-31",
		"31.1.2026": "2026-01-31", "01.02.2026": "2026-02-01", "31/1/2026": "2026-01-31", "1/31/2026": "2026-01-31", "2/2/2026": "2026-02-02", "46053": "2026-01-31",
		"46053.5": "2026-01-31", "31-01-2026": "2026-01-31",
		"1/2/2026": "-", "01-02-2026": "-", "soon": "-", "2026-02-30": "-", "1": "-", "99999": "-", "0001-01-01": "-", "31/31/2026": "-",
	} {
		day, ok := register.Day(text)
		if !ok {
			day = "-"
		}
		if day != want {
			t.Errorf("%s: %s", text, day)
		}
	}
	if e, problems := read("Employee ID;Name;From;To", "1;Anna;2020-01-01;9999-12-31"); e.Employment.To != "" || problems != "" {
		t.Error(e.Employment, problems)
	}
}

func TestAKeyIsNotPrintedWithItsEntry(t *testing.T) {
	e, _ := read("Personnummer;Namn", "19800101-1234;Anna Svensson")
	if text := fmt.Sprintf("%v %+v %#v", e, e, e.Key); strings.Contains(text, "1234") {
		t.Error(text)
	}
	if !reflect.DeepEqual(e.Key.Reveal(), "19800101-1234") || e.Source != register.DefaultSource {
		t.Error(e)
	}
}
