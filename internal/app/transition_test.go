package app_test

import (
	"bytes"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/portvakt/portvakt/internal/organisation"
	"github.com/portvakt/portvakt/internal/person"
)

// upload sends a file as the console's form does.
func (b *browser) upload(name string, file io.Reader) *browser {
	b.w.t.Helper()
	reader, writer := io.Pipe()
	form := multipart.NewWriter(writer)
	go func() {
		part, err := form.CreateFormFile("file", name)
		if err == nil {
			_, err = io.Copy(part, file)
		}
		if err == nil {
			err = form.Close()
		}
		writer.CloseWithError(err)
	}()
	b.raw(http.MethodPost, consoleURL+"/import", form.FormDataContentType(), reader)
	reader.Close()
	return b
}

const table = "\ufeffAnställningsnummer;Förnamn;Efternamn;E-post;Anställd från\r\n" +
	"2001;Disa;Holm;disa@foretaget.example;2020-01-01\r\n" +
	"2002;Elin;Öberg;delad@foretaget.example;2020-01-01\r\n" +
	"2003;Fia;Ahl;delad@foretaget.example;2020-01-01\r\n" +
	"2004;Gun;Ek;lager@foretaget.example;2020-01-01\r\n" +
	"2005;Hedda;Ros;;2020-01-01\r\n" +
	"2006;Ida;Sten;ida@foretaget.example;igår\r\n" +
	"2007;=1+1;Dahl;\"=cmd|' /C calc'!A0\";2020-01-01\r\n"

func TestARegisterComesInByTheConsoleAndIsLookedThroughBeforeAMailLeaves(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		b, _ := w.atConsole("administrator")
		b.upload("personal.csv", strings.NewReader(table)).expect(http.StatusSeeOther).follow().shows("Filen har 7 rader").shows("Vi har gissat")
		if strings.Contains(b.body, "2001") {
			t.Error("the page shows a person key")
		}
		at := strings.Split(b.at, "?")[0]
		form := []string{"column-0", "person_key", "column-1", "given_name", "column-2", "family_name", "column-3", "address", "column-4", "from"}
		b.post(at+"/begin", append([]string{"column-0", "", "column-1", "given_name"}, form[4:]...)...).expect(http.StatusUnprocessableEntity).shows("personens nyckel")
		b.post(at+"/begin", form...).expect(http.StatusSeeOther)
		b.post(at+"/begin", form...).expect(http.StatusSeeOther) // the second press changes nothing
		w.work()
		b.get(at).shows("Klart").shows("Datumet går inte att läsa")
		b.get(at + "/problems.csv").expect(http.StatusOK)
		if !strings.HasPrefix(b.body, "\ufeff") || !strings.Contains(b.body, ";") {
			t.Errorf("%q", b.body)
		}

		// Mails wait until somebody has looked.
		b.post(consoleURL + "/preflight").expect(http.StatusSeeOther).follow().shows("Två personer har samma adress").shows("Adressen hör till en uppgift").shows("Adress saknas")
		b.get(consoleURL + "/preflight?kind=duplicate").shows("Elin Öberg").shows("Fia Ahl")
		b.get(consoleURL + "/preflight.csv").expect(http.StatusOK)
		for _, line := range strings.Split(b.body, "\r\n") {
			if strings.HasPrefix(strings.TrimPrefix(line, `"`), "=") || strings.Contains(line, `;"=`) || strings.Contains(line, ";=") {
				t.Errorf("a formula leaves: %q", line)
			}
		}
		b.get(consoleURL + "/transition.csv?status=problem").expect(http.StatusOK)
		if strings.Contains(b.body, "Disa") || !strings.Contains(b.body, "Elin") || strings.Contains(b.body, "2002") {
			t.Errorf("%q", b.body)
		}

		// One of two is corrected: the other one's address is her own again.
		elin, fia := b.personAt("elin"), b.personAt("fia")
		b.post(elin+"/address", "address", "elin(at)home", "reason", "hon ringde").expect(http.StatusUnprocessableEntity).shows("Skriv en e-postadress")
		b.post(elin+"/address", "address", "elin@foretaget.example", "reason", "hon ringde").expect(http.StatusSeeOther).follow().shows("Adressen är rättad").shows("hon ringde")
		if b.get(fia); strings.Contains(plain(b.body), "Två personer") {
			t.Error("Fia's address is still said to be another's, too")
		}
		b.post(consoleURL+"/help", "q", "elin@foretaget").shows("Elin Öberg")
		b.post(consoleURL+"/help", "q", "delad@").shows("Fia Ahl")
		if strings.Contains(b.body, "Elin") {
			t.Error("Elin is found by her former address")
		}

		gun := b.personAt("gun")
		b.get(gun).shows("Adressen hör till en uppgift")
		b.post(gun+"/vouch", "reason", "hon är ensam på lagret").expect(http.StatusSeeOther).follow().shows("Adressen är intygad")
		b.post(fia+"/vouch", "reason", "nej").expect(http.StatusUnprocessableEntity).shows("behöver inte intygas")
		b.post(gun+"/exempt", "reason", "").expect(http.StatusUnprocessableEntity)
		b.post(gun+"/exempt", "reason", "slutar på fredag").expect(http.StatusSeeOther).follow().shows("Undantagen")
		b.post(gun+"/include", "reason", "stannar").expect(http.StatusSeeOther).follow().shows("Inte börjat")

		// The preview names whom it is about, and the press mails them, each once.
		b.get(consoleURL + "/bulk?act=send&status=waiting").expect(http.StatusOK).shows("4 personer").shows("Disa Holm")
		b.post(consoleURL+"/phase", "phase", "preparation", "rate", "6000", "switch_on", "2027-01-15").expect(http.StatusSeeOther)
		b.post(consoleURL+"/bulk", "act", "send", "status", "waiting").expect(http.StatusSeeOther).follow().shows("Utskicket har börjat")
		w.work()
		w.deliver()
		for to, want := range map[string]int{"disa": 1, "elin": 1, "delad": 2, "lager": 1} { // the former address of Elin was told of the new one
			if n := len(w.post.to(to + "@foretaget.example")); n != want {
				t.Errorf("%s: %d mails", to, n)
			}
		}
		b.get(b.personAt("disa")).shows("Brev framme").shows("Servern svarade")
		b.get(consoleURL + "/bulk?act=send&status=waiting").shows("Det gäller ingen")
		b.get(consoleURL + "/bulk?act=nonsense").expect(http.StatusNotFound)
	})
}

func TestWhatIsNoRegisterIsRefusedWithWordsAndLeavesNothing(t *testing.T) {
	w := on(t)
	b, _ := w.atConsole("administrator")
	for name, test := range map[string]struct {
		file io.Reader
		want string
	}{
		"a table of something else": {strings.NewReader("Artikel;Pris\r\nSkruv;12\r\n"), "ser inte ut som ett register"},
		"nothing":                   {strings.NewReader(""), "Filen"},
		"a picture":                 {bytes.NewReader([]byte("\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR")), "varken .xlsx eller CSV"},
		"300 MB":                    {io.LimitReader(repeating("2001;Anna;Svensson;anna@foretaget.example\r\n"), 300<<20), "större än 64 MB"},
	} {
		t.Run(name, func(t *testing.T) {
			b.upload("x.csv", test.file).expect(http.StatusUnprocessableEntity).shows(test.want)
		})
	}
	b.post(consoleURL + "/import").expect(http.StatusBadRequest).shows("Välj en fil")
	if b.get(consoleURL + "/import"); strings.Contains(plain(b.body), "x.csv") {
		t.Error("a refused file is listed")
	}
}

// repeating is a text without an end.
type repeating string

func (r repeating) Read(p []byte) (n int, err error) {
	for n < len(p) {
		n += copy(p[n:], r)
	}
	return n, nil
}

func TestNobodyReachesAnotherOrganisationsRegister(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		if _, err := w.app.Control.Provisioning.SetOrganisation(t.Context(), organisation.Organisation{ID: "other", Name: "Andra AB"}); err != nil {
			t.Fatal(err)
		}
		row := person.Person{Organisation: "other", Key: "1", GivenName: "Olga", FamilyName: "Annan", Address: "olga@other.example"}
		if err := w.app.Control.Provisioning.AddPersons(t.Context(), []person.Person{row}); err != nil {
			t.Fatal(err)
		}
		olga, ok, err := w.app.DB.FindPersonByKey(t.Context(), "other", "1")
		if err != nil || !ok {
			t.Fatal(err)
		}
		b, _ := w.atConsole("owner")
		at := consoleURL + "/people/" + olga
		b.get(at).expect(http.StatusNotFound)
		for _, act := range []string{"address", "vouch", "exempt", "include", "disconnect", "send", "recover", "code", "unpaired"} {
			b.post(at+"/"+act, "address", "thief@foretaget.example", "reason", "guessed")
			if b.last.StatusCode != http.StatusNotFound && b.last.StatusCode != http.StatusUnprocessableEntity {
				t.Errorf("%s: %d", act, b.last.StatusCode)
			}
			if strings.Contains(b.body, "Olga") {
				t.Errorf("%s shows her", act)
			}
		}
		if b.post(consoleURL+"/help", "q", "olga"); strings.Contains(b.body, "Olga") {
			t.Error("she is found")
		}
		r, err := w.app.Transition.Find(t.Context(), "other", olga)
		if err != nil || r.Address != "olga@other.example" || !r.Exempt.IsZero() {
			t.Errorf("she was changed: %+v %v", r, err)
		}
	})
}

func TestALongListIsReadPageByPage(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		var register []person.Person
		for i := range 120 {
			register = append(register, person.Person{Organisation: "foretaget", Key: person.Key(fmt.Sprint("k", i)), GivenName: "Person", FamilyName: fmt.Sprintf("Nr%03d", i)})
		}
		if err := w.app.Control.Provisioning.AddPersons(t.Context(), register); err != nil {
			t.Fatal(err)
		}
		b, _ := w.atConsole("auditor")
		seen := map[string]int{}
		b.post(consoleURL+"/transition", "q", "person").expect(http.StatusSeeOther)
		for next := b.leads(); next != ""; {
			b.get(next).expect(http.StatusOK)
			for i := range 120 {
				seen[fmt.Sprintf("Nr%03d", i)] += strings.Count(b.body, fmt.Sprintf(">Person Nr%03d<", i))
			}
			_, rest, ok := strings.Cut(b.body, `href="`+consoleURL+"/transition?after=")
			if next = ""; ok {
				query, _, _ := strings.Cut(rest, `"`)
				next = consoleURL + "/transition?after=" + strings.ReplaceAll(query, "&amp;", "&")
				if _, err := url.Parse(next); err != nil {
					t.Fatal(err)
				}
			}
		}
		for name, n := range seen {
			if n != 1 {
				t.Errorf("%s is listed %d times", name, n)
			}
		}
		b.post(consoleURL + "/bulk?act=send").expect(http.StatusNotFound) // an auditor changes nothing
	})
}
