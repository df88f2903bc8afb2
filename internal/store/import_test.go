package store

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/portvakt/portvakt/internal/account"
	"github.com/portvakt/portvakt/internal/administration"
	"github.com/portvakt/portvakt/internal/administrator"
	"github.com/portvakt/portvakt/internal/audit"
	"github.com/portvakt/portvakt/internal/housekeeping"
	"github.com/portvakt/portvakt/internal/job"
	"github.com/portvakt/portvakt/internal/organisation"
	"github.com/portvakt/portvakt/internal/password"
	"github.com/portvakt/portvakt/internal/person"
	"github.com/portvakt/portvakt/internal/provisioning"
	"github.com/portvakt/portvakt/internal/register"
	"github.com/portvakt/portvakt/internal/transition"
)

const org organisation.ID = "foretaget"

var operator = administrator.CommandLine

// hr is an HR department with its register.
type hr struct {
	t      testing.TB
	db     *DB
	now    time.Time
	flow   *provisioning.Service
	worker *job.Worker
}

func newHR(t testing.TB, db *DB) *hr {
	s := &hr{t: t, db: db, now: time.Date(2026, 11, 24, 8, 0, 0, 0, time.UTC)}
	s.flow = &provisioning.Service{Store: db, InTx: InTx[provisioning.Tx](db), InBulkTx: InBulkTx[provisioning.Tx](db), Now: func() time.Time { return s.now }}
	s.worker = &job.Worker{Store: db, Steps: map[job.Kind]job.Step{job.Import: s.flow.ImportStep}, Now: s.flow.Now, Log: slog.New(slog.DiscardHandler)}
	for _, id := range []organisation.ID{org, "kommunen"} {
		if _, err := s.flow.SetOrganisation(t.Context(), organisation.Organisation{ID: id}); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

func eachHR(t *testing.T, play func(t *testing.T, s *hr)) {
	eachEngine(t, func(t *testing.T, db *DB) { play(t, newHR(t, db)) })
}

func (s *hr) upload(content string) provisioning.Import {
	s.t.Helper()
	i, err := s.flow.Upload(s.t.Context(), operator, org, provisioning.File{Name: "register.csv", Body: strings.NewReader(content)})
	if err != nil {
		s.t.Fatal(err)
	}
	return i
}

func (s *hr) begin(content string) provisioning.Import {
	s.t.Helper()
	i := s.upload(content)
	if err := s.flow.Begin(s.t.Context(), operator, org, i.ID, i.Mapping); err != nil {
		s.t.Fatal(err)
	}
	return i
}

// work does what there is to do.
func (s *hr) work() {
	s.t.Helper()
	for {
		n, err := s.worker.Round(s.t.Context())
		if err != nil {
			s.t.Fatal(err)
		}
		if n == 0 {
			return
		}
	}
}

func (s *hr) find(id string) provisioning.Import {
	s.t.Helper()
	i, err := s.flow.FindImport(s.t.Context(), operator, org, id)
	if err != nil {
		s.t.Fatal(err)
	}
	return i
}

// run imports a file to its end, and wants "rows N, imported N, held N, refused N; new N, changed N, unchanged N".
func (s *hr) run(content, want string) provisioning.Import {
	s.t.Helper()
	i := s.begin(content)
	s.work()
	i = s.find(i.ID)
	got := fmt.Sprintf("rows %d, imported %d, held %d, refused %d; new %d, changed %d, unchanged %d", i.Rows, i.Imported, i.Held, i.Refused, i.New, i.Changed, i.Unchanged)
	if got != want || i.State != job.Done || i.Progress() != 1 {
		s.t.Errorf("%s\nwant %s\n(%s, %d of %d)", got, want, i.State, i.Position, i.Total)
	}
	if i.Imported+i.Held+i.Refused != i.Rows {
		s.t.Errorf("a row has no end, or two: %s", got)
	}
	return i
}

// persons are the rows of the register as a text, sorted by key.
func (s *hr) persons() string {
	s.t.Helper()
	var b strings.Builder
	for _, p := range s.list() {
		fmt.Fprintf(&b, "%s %s <%s>", p.Key.Reveal(), p.Name(), p.Address)
		for _, e := range p.Employments {
			fmt.Fprintf(&b, " %s/%s %s–%s", e.Company, e.Unit, e.From, e.To)
		}
		b.WriteString("\n")
	}
	return b.String()
}

func (s *hr) want(persons string) {
	s.t.Helper()
	if got := s.persons(); got != persons {
		s.t.Errorf("the register has\n%swant\n%s", got, persons)
	}
}

// connect makes an account with the address and connects the person with the key to it.
func (s *hr) connect(key, address string) account.ID {
	s.t.Helper()
	a, err := s.flow.CreateAccount(s.t.Context(), provisioning.Newcomer{Address: address})
	if err != nil {
		s.t.Fatal(err)
	}
	for _, p := range s.list() {
		if p.Key.Reveal() == key {
			err = InTx[provisioning.Tx](s.db)(s.t.Context(), func(tx provisioning.Tx) error { return tx.Connect(s.t.Context(), p.ID, a.ID, s.now) })
			if err != nil {
				s.t.Fatal(err)
			}
			return a.ID
		}
	}
	s.t.Fatal("no such person")
	return ""
}

func (s *hr) list() []person.Person {
	s.t.Helper()
	all, err := list(s.db.query(s.t.Context(), `
SELECT id, organisation_id, source, person_key, given_name, family_name, address, employments, legacy_id, phone, language, imported_hash
FROM persons WHERE organisation_id = $1 ORDER BY length(person_key), person_key`, string(org)), scanRegistered)
	if err != nil {
		s.t.Fatal(err)
	}
	return all
}

func (s *hr) holds() []provisioning.Hold {
	s.t.Helper()
	all, err := s.flow.ListHolds(s.t.Context(), operator, org, provisioning.Hold{}, 100)
	if err != nil {
		s.t.Fatal(err)
	}
	if n, err := s.flow.CountHolds(s.t.Context(), operator, org); err != nil || n != int64(len(all)) {
		s.t.Errorf("%d holds, counted %d %v", len(all), n, err)
	}
	return all
}

const head = "Anställningsnummer;Förnamn;Efternamn;E-post;Bolag;Avdelning;From;Tom\n"

func TestAnImportRepeatedChangesOnlyWhatHasChanged(t *testing.T) {
	eachHR(t, func(t *testing.T, s *hr) {
		first := head + "1;Anna;Svensson;anna@x.example;AB;Lager;2020-01-01;\n2;Bo;Lind;bo@x.example;AB;Kontor;;\n"
		s.run(first, "rows 2, imported 2, held 0, refused 0; new 2, changed 0, unchanged 0")
		s.want("1 Anna Svensson <anna@x.example> AB/Lager 2020-01-01–\n2 Bo Lind <bo@x.example> AB/Kontor –\n")
		s.run(first, "rows 2, imported 2, held 0, refused 0; new 0, changed 0, unchanged 2")
		s.run(head+"1;Anna;Svensson;anna@x.example;AB;Butik;2020-01-01;2026-10-31\n3;Cilla;Berg;;AB;;;\n",
			"rows 2, imported 2, held 0, refused 0; new 1, changed 1, unchanged 0")
		// who is missing in a file stays
		s.want("1 Anna Svensson <anna@x.example> AB/Butik 2020-01-01–2026-10-31\n2 Bo Lind <bo@x.example> AB/Kontor –\n3 Cilla Berg <> AB/ –\n")
		// and so does what a file has no column for
		s.run("Employee ID,Name\n1,Anna Svensson\n", "rows 1, imported 1, held 0, refused 0; new 0, changed 0, unchanged 1")
	})
}

func TestTheRowsOfOneKeyAreOnePersonsEmploymentsWhereverTheyStand(t *testing.T) {
	eachHR(t, func(t *testing.T, s *hr) {
		var b strings.Builder
		b.WriteString(head + "1;Anna;Svensson;anna@x.example;AB;Lager;;\n")
		for n := range 700 {
			fmt.Fprintf(&b, "%d;Bo;Lind;bo%d@x.example;AB;;;\n", n+100, n)
		}
		b.WriteString("1;ANNA;Svensson;anna.privat@x.example;HB;Kontor;;\n1;Anna;Svensson;anna@x.example;AB;Lager;;\n1;Eva;Ek;eva@x.example;AB;;;\n")
		i := s.run(b.String(), "rows 704, imported 703, held 0, refused 1; new 701, changed 0, unchanged 0")
		if got := strings.SplitAfter(s.persons(), "\n")[0]; got != "1 Anna Svensson <anna@x.example> AB/Lager – HB/Kontor –\n" {
			t.Error(got)
		}
		problems, err := s.flow.ListProblems(t.Context(), operator, org, i.ID, 0, 10)
		if err != nil || len(problems) != 2 || problems[0].Line != 703 || problems[0].Reason != register.ProblemOther || problems[0].Refused ||
			problems[1].Line != 705 || problems[1].Reason != register.ProblemConflict || !problems[1].Refused {
			t.Errorf("%+v %v", problems, err)
		}
		s.run(b.String(), "rows 704, imported 703, held 0, refused 1; new 0, changed 0, unchanged 701")
	})
}

func TestAColumnTakenForTheKeyThatIsNoneEndsTheImportInOrder(t *testing.T) {
	eachHR(t, func(t *testing.T, s *hr) {
		var b strings.Builder
		b.WriteString(head)
		for range 1200 {
			b.WriteString("AB;Anna;Svensson;anna@x.example;AB;;;\n")
		}
		s.run(b.String(), "rows 1200, imported 40, held 0, refused 1160; new 1, changed 0, unchanged 0")
	})
}

func TestABrokenRowIsNamedAndTheRestGoesOn(t *testing.T) {
	eachHR(t, func(t *testing.T, s *hr) {
		i := s.run(head+"1;Anna;Svensson;anna@x.example;;;;\n;Bo;Lind;bo@x.example;;;;\n3;Cilla;Berg;;;;31/31/2026;\n4;David;Ek;not an address;;;;\n",
			"rows 4, imported 2, held 0, refused 2; new 2, changed 0, unchanged 0")
		s.want("1 Anna Svensson <anna@x.example>\n4 David Ek <not an address>\n")
		var b bytes.Buffer
		err := s.flow.WriteProblems(t.Context(), operator, org, i.ID, &b, []string{"Rad", "Kolumn", "=Fel"}, strings.ToUpper)
		want := "\ufeffRad;Kolumn;'=Fel\r\n3;Anställningsnummer;REGISTER.NO_KEY\r\n4;From;REGISTER.BAD_DATE\r\n"
		if err != nil || b.String() != want {
			t.Errorf("%q %v", b.String(), err)
		}
	})
}

func TestOfTooManyProblemsTheFirstAreKeptAndAllAreCounted(t *testing.T) {
	s := newHR(t, openLite(t))
	i := s.run(head+"1;Anna;Svensson;;;;;\n"+strings.Repeat(";x;;;;;;\n", provisioning.MaxProblems+600),
		"rows 10601, imported 1, held 0, refused 10600; new 1, changed 0, unchanged 0")
	if i.Problems != provisioning.MaxProblems+600 {
		t.Error(i.Problems)
	}
	last, err := s.flow.ListProblems(t.Context(), operator, org, i.ID, provisioning.MaxProblems-1, 10)
	if err != nil || len(last) != 1 {
		t.Errorf("%+v %v", last, err)
	}
}

func TestATableOfSomethingElseIsRefusedWithItsColumns(t *testing.T) {
	eachHR(t, func(t *testing.T, s *hr) {
		f := provisioning.File{Name: "prices.csv", Body: strings.NewReader("Artikel;Pris;Antal\nskruv;12;4\n")}
		_, err := s.flow.Upload(t.Context(), operator, org, f)
		var none provisioning.NoRegister
		if !errors.As(err, &none) || !errors.Is(err, register.ErrNoRegister) || strings.Join(none.Columns, " ") != "Artikel Pris Antal" {
			t.Error(err)
		}
		// somebody who says what the columns are is believed
		f.Columns = map[register.Field]string{register.PersonKey: "Antal", register.FullName: "artikel"}
		f.Body = strings.NewReader("Artikel;Pris;Antal\nskruv;12;4\n")
		if i, err := s.flow.Upload(t.Context(), operator, org, f); err != nil || i.Mapping[2] != register.PersonKey || i.Mapping[0] != register.FullName {
			t.Error(i.Mapping, err)
		}
		f.Columns["salary"] = "Pris"
		f.Body = strings.NewReader("Artikel;Pris;Antal\nskruv;12;4\n")
		if _, err := s.flow.Upload(t.Context(), operator, org, f); !errors.Is(err, register.ErrUnknownField) {
			t.Error(err)
		}
	})
}

func TestAMappingIsRememberedForFilesWithTheSameColumns(t *testing.T) {
	eachHR(t, func(t *testing.T, s *hr) {
		const content = "Nr;Namn;Mejl\n1;Anna Svensson;anna@x.example\n"
		i := s.upload(content)
		if i.Remembered || i.Mapping.Check(3) == nil {
			t.Fatal(i.Mapping)
		}
		if err := s.flow.Begin(t.Context(), operator, org, i.ID, i.Mapping); !errors.Is(err, register.ErrNoKey) {
			t.Error(err)
		}
		m, err := i.Mapping.With(register.PersonKey, "Nr", i.Header)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.flow.Begin(t.Context(), operator, org, i.ID, m); err != nil {
			t.Fatal(err)
		}
		s.work()
		s.want("1 Anna Svensson <anna@x.example>\n")
		if i = s.upload(content); !i.Remembered || i.Mapping[0] != register.PersonKey {
			t.Error(i.Remembered, i.Mapping)
		}
	})
}

func TestASampleShowsNoKeyAndNoOldPassword(t *testing.T) {
	eachHR(t, func(t *testing.T, s *hr) {
		i := s.upload("Employee ID;Name;Password hash;ID number\n10017;Anna;$2b$12$abc;19800101-1234\n")
		found := s.find(i.ID)
		if got := fmt.Sprint(i.Sample, found.Sample); got != "[[1•••7 Anna $••••••••c 1•••••••••••4]] [[1•••7 Anna $••••••••c 1•••••••••••4]]" {
			t.Error(got)
		}
	})
}

// TestAnImportThatSwapsTwoAddresses applies while nobody stands behind them, and is held once accounts do.
func TestAnImportThatSwapsTwoAddresses(t *testing.T) {
	eachHR(t, func(t *testing.T, s *hr) {
		const one, two = "1;Anna;Svensson;anna@x.example;AB;;;\n2;Bo;Lind;bo@x.example;AB;;;\n", "1;Anna;Svensson;bo@x.example;HB;;;\n2;Bo;Lind;anna@x.example;HB;;;\n"
		s.run(head+one, "rows 2, imported 2, held 0, refused 0; new 2, changed 0, unchanged 0")
		s.run(head+two, "rows 2, imported 2, held 0, refused 0; new 0, changed 2, unchanged 0")
		s.want("1 Anna Svensson <bo@x.example> HB/ –\n2 Bo Lind <anna@x.example> HB/ –\n")

		s.run(head+one, "rows 2, imported 2, held 0, refused 0; new 0, changed 2, unchanged 0")
		anna := s.connect("1", "anna@x.example")
		s.connect("2", "bo@x.example")
		s.run(head+two, "rows 2, imported 0, held 2, refused 0; new 0, changed 0, unchanged 0")
		// the employments have moved, the addresses not
		s.want("1 Anna Svensson <anna@x.example> HB/ –\n2 Bo Lind <bo@x.example> HB/ –\n")
		if n := len(s.holds()); n != 2 {
			t.Errorf("%d holds", n)
		}
		// the same file again asks nothing new
		s.run(head+two, "rows 2, imported 0, held 2, refused 0; new 0, changed 0, unchanged 0")
		if n := len(s.holds()); n != 2 {
			t.Errorf("%d holds", n)
		}

		for _, h := range s.holds() {
			d := provisioning.Refused
			if h.Before.GivenName == "Anna" {
				d = provisioning.Accepted
			}
			if err := s.flow.Decide(t.Context(), operator, org, h.ID, d, "I have asked her"); err != nil {
				t.Fatal(err)
			}
			if err := s.flow.Decide(t.Context(), operator, org, h.ID, d, "twice"); !errors.Is(err, provisioning.ErrNoHold) {
				t.Error(err)
			}
		}
		s.want("1 Anna Svensson <bo@x.example> HB/ –\n2 Bo Lind <bo@x.example> HB/ –\n")
		var address string
		if _, err := s.db.query(t.Context(), `SELECT address FROM accounts WHERE id = $1`, string(anna)).one(&address); err != nil || address != "anna@x.example" {
			t.Errorf("the account's own address is %s (%v)", address, err)
		}
		// what was refused is not asked again; what was accepted has happened
		s.run(head+two, "rows 2, imported 2, held 0, refused 0; new 0, changed 0, unchanged 2")
		// another change is
		s.run(head+"2;Bo;Lind;third@x.example;HB;;;\n", "rows 1, imported 0, held 1, refused 0; new 0, changed 0, unchanged 0")
		// and goes when the register takes it back
		s.run(head+"2;Bo;Lind;BO@x.example;HB;;;\n", "rows 1, imported 1, held 0, refused 0; new 0, changed 1, unchanged 0")
		if n := len(s.holds()); n != 0 {
			t.Errorf("%d holds", n)
		}
	})
}

func TestANewNameBehindAConnectedKeyIsHeld(t *testing.T) {
	eachHR(t, func(t *testing.T, s *hr) {
		s.run(head+"1;Anna;Svensson;anna@x.example;;;;\n", "rows 1, imported 1, held 0, refused 0; new 1, changed 0, unchanged 0")
		s.connect("1", "anna@x.example")
		s.run(head+"1;ANNA;SVENSSON;Anna@X.example;;;;\n", "rows 1, imported 1, held 0, refused 0; new 0, changed 1, unchanged 0")
		s.run(head+"1;Mallory;Svensson;anna@x.example;;;;\n", "rows 1, imported 0, held 1, refused 0; new 0, changed 0, unchanged 0")
		s.want("1 ANNA SVENSSON <Anna@X.example>\n")
	})
}

func TestAnImportGivesAConnectedPersonNoOldPassword(t *testing.T) {
	eachHR(t, func(t *testing.T, s *hr) {
		const with = "Employee ID;Name;Password hash\n"
		s.flow.CheckHash = func(hash string) error {
			_, err := password.ParseImported(hash)
			return err
		}
		one, two := "$2b$12$"+strings.Repeat("a", 52)+"u", "$2b$12$"+strings.Repeat("b", 52)+"u"
		i := s.run(with+"1;Anna;"+one+"\n2;Bo;x\n", "rows 2, imported 2, held 0, refused 0; new 2, changed 0, unchanged 0")
		problems, err := s.flow.ListProblems(t.Context(), operator, org, i.ID, 0, 10)
		if err != nil || len(problems) != 1 || problems[0].Reason != register.ProblemHash || problems[0].Column != "Password hash" || problems[0].Refused {
			t.Errorf("%+v %v", problems, err)
		}
		if all := s.list(); all[1].ImportedHash != register.NoHash {
			t.Error(all[1].ImportedHash)
		}
		s.connect("1", "anna@x.example")
		s.run(with+"1;Anna;"+two+"\n2;Bo;"+two+"\n", "rows 2, imported 2, held 0, refused 0; new 0, changed 1, unchanged 1")
		if all := s.list(); all[0].ImportedHash != one || all[1].ImportedHash != two {
			t.Error(all[0].ImportedHash, all[1].ImportedHash)
		}
		s.run("Employee ID;Name\n2;Bo\n", "rows 1, imported 1, held 0, refused 0; new 0, changed 0, unchanged 1")
	})
}

func TestTwoImportsAtOnceComeOneAfterTheOther(t *testing.T) {
	eachHR(t, func(t *testing.T, s *hr) {
		var one, two strings.Builder
		for n := range 300 {
			fmt.Fprintf(&one, "%d;Anna;Ett;a%d@x.example;;;;\n", n, n)
			fmt.Fprintf(&two, "%d;Anna;Två;b%d@x.example;;;;\n", n, n)
		}
		first := s.begin(head + one.String())
		s.now = s.now.Add(time.Second)
		second := s.begin(head + two.String())
		if _, err := s.worker.Round(t.Context()); err != nil {
			t.Fatal(err)
		}
		if a, b := s.find(first.ID), s.find(second.ID); a.State != job.Running || b.State != job.Queued {
			t.Error(a.State, b.State)
		}
		s.work()
		if a, b := s.find(first.ID), s.find(second.ID); a.New != 300 || b.Changed != 300 || b.State != job.Done {
			t.Errorf("%+v %+v", a, b)
		}
		if strings.Contains(s.persons(), "Ett") {
			t.Error("the first one has won")
		}
	})
}

// TestAnImportGoesOnAtAnotherNodeWhereTheFirstWasKilled: in the middle of a bite nothing of it is there.
func TestAnImportGoesOnAtAnotherNodeWhereTheFirstWasKilled(t *testing.T) {
	eachHR(t, func(t *testing.T, s *hr) {
		var b strings.Builder
		for n := range 1234 {
			fmt.Fprintf(&b, "%d;Anna;Svensson;a%d@x.example;;;;\n", n, n)
		}
		i := s.begin(head + b.String())
		killed := errors.New("killed")
		work, bites := s.flow.InBulkTx, 0
		s.flow.InBulkTx = func(ctx context.Context, fn func(provisioning.Tx) error) error {
			bites++
			if bites%3 == 0 {
				return work(ctx, func(tx provisioning.Tx) error {
					if err := fn(tx); err != nil {
						return err
					}
					return killed // everything is done but the commit
				})
			}
			return work(ctx, fn)
		}
		deaths := 0
		for s.find(i.ID).State != job.Done {
			if _, err := s.worker.Round(t.Context()); errors.Is(err, killed) {
				deaths++
				s.now = s.now.Add(2 * job.LeaseTime)
			} else if err != nil {
				t.Fatal(err)
			}
		}
		if got := s.find(i.ID); got.Imported != 1234 || got.New != 1234 || got.Position != got.Total || deaths < 5 {
			t.Errorf("%+v after %d deaths", got, deaths)
		}
		if n := strings.Count(s.persons(), "\n"); n != 1234 {
			t.Errorf("%d persons", n)
		}
	})
}

func TestACancelledImportKeepsWhatItHasTakenOverAndLeavesNothingElse(t *testing.T) {
	eachHR(t, func(t *testing.T, s *hr) {
		var b strings.Builder
		for n := range 600 {
			fmt.Fprintf(&b, "%d;Anna;Svensson;a%d@x.example;;;;\n", n, n)
		}
		i := s.begin(head + b.String())
		for range 3 {
			if _, err := s.worker.Round(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.flow.PauseImport(t.Context(), operator, org, i.ID); err != nil {
			t.Fatal(err)
		}
		s.work()
		if n := strings.Count(s.persons(), "\n"); n != 150 {
			t.Errorf("%d persons after one bite", n)
		}
		if err := s.flow.ResumeImport(t.Context(), operator, org, i.ID); err != nil {
			t.Fatal(err)
		}
		if err := s.flow.Cancel(t.Context(), operator, org, i.ID); err != nil {
			t.Fatal(err)
		}
		s.work()
		for _, again := range []func() error{
			func() error { return s.flow.Cancel(t.Context(), operator, org, i.ID) },
			func() error { return s.flow.ResumeImport(t.Context(), operator, org, i.ID) },
			func() error { return s.flow.Begin(t.Context(), operator, org, i.ID, i.Mapping) },
		} {
			if err := again(); !errors.Is(err, provisioning.ErrNotWaiting) {
				t.Error(err)
			}
		}
		if got := s.find(i.ID); got.State != job.Cancelled || got.New != 150 {
			t.Errorf("%+v", got)
		}
	})
}

func TestNobodyImportsForAnotherOrganisation(t *testing.T) {
	eachHR(t, func(t *testing.T, s *hr) {
		s.run(head+"1;Anna;Svensson;anna@x.example;;;;\n", "rows 1, imported 1, held 0, refused 0; new 1, changed 0, unchanged 0")
		s.connect("1", "anna@x.example")
		i := s.run(head+"1;Mallory;Svensson;anna@x.example;;;;\n", "rows 1, imported 0, held 1, refused 0; new 0, changed 0, unchanged 0")
		waiting := s.upload(head + "2;Bo;Lind;;;;;\n")
		h := s.holds()[0]
		stranger := administrator.Of(account.Account{ID: "mallory"}, []administrator.Appointment{{Organisation: "kommunen", Role: administrator.Owner}})
		auditor := administrator.Of(account.Account{ID: "eve"}, []administrator.Appointment{{Organisation: org, Role: administrator.Auditor}})
		helper := administrator.Of(account.Account{ID: "hal"}, []administrator.Appointment{{Organisation: org, Role: administrator.Helpdesk}})
		for name, try := range map[string]func(by administrator.Administrator, o organisation.ID) error{
			"upload": func(by administrator.Administrator, o organisation.ID) error {
				_, err := s.flow.Upload(t.Context(), by, o, provisioning.File{Body: unreadable{t}})
				return err
			},
			"begin": func(by administrator.Administrator, o organisation.ID) error {
				return s.flow.Begin(t.Context(), by, o, waiting.ID, waiting.Mapping)
			},
			"cancel": func(by administrator.Administrator, o organisation.ID) error {
				return s.flow.Cancel(t.Context(), by, o, waiting.ID)
			},
			"decide": func(by administrator.Administrator, o organisation.ID) error {
				return s.flow.Decide(t.Context(), by, o, h.ID, provisioning.Accepted, "")
			},
		} {
			for _, by := range []administrator.Administrator{stranger, auditor, helper} {
				if err := try(by, org); !errors.Is(err, administrator.ErrForbidden) {
					t.Errorf("%s by %s: %v", name, by.Account.ID, err)
				}
			}
			// with an id guessed, in her own organisation
			if name != "upload" {
				if err := try(stranger, "kommunen"); !errors.Is(err, provisioning.ErrNoImport) && !errors.Is(err, provisioning.ErrNoHold) {
					t.Errorf("%s with a guessed id: %v", name, err)
				}
			}
		}
		if _, err := s.flow.FindImport(t.Context(), stranger, "kommunen", i.ID); !errors.Is(err, provisioning.ErrNoImport) {
			t.Error(err)
		}
		if _, err := s.flow.ListProblems(t.Context(), stranger, org, i.ID, 0, 1); !errors.Is(err, administrator.ErrForbidden) {
			t.Error(err)
		}
		if all, err := s.flow.ListHolds(t.Context(), stranger, "kommunen", provisioning.Hold{}, 10); err != nil || len(all) != 0 {
			t.Error(all, err)
		}
		if _, err := s.flow.FindImport(t.Context(), auditor, org, i.ID); err != nil {
			t.Error(err)
		}
		s.want("1 Anna Svensson <anna@x.example>\n")
	})
}

// unreadable fails the test when somebody reads it.
type unreadable struct{ t *testing.T }

func (u unreadable) Read([]byte) (int, error) {
	u.t.Error("the file was read")
	return 0, errors.New("no")
}

func TestTheLogSaysWhatWasImportedAndNamesNobody(t *testing.T) {
	eachHR(t, func(t *testing.T, s *hr) {
		manager := administrator.Of(account.Account{ID: "maja"}, []administrator.Appointment{{Organisation: org, Role: administrator.Manager}})
		i, err := s.flow.Upload(t.Context(), manager, org, provisioning.File{Name: `C:\Users\maja\Personal 19800101-1234.csv`, Body: strings.NewReader(head + "19800101-1234;Anna;Svensson;anna@x.example;;;;\n")})
		if err != nil || i.Name != "Personal 19800101-1234.csv" || i.By != "maja" {
			t.Fatal(i.Name, i.By, err)
		}
		if err := s.flow.Begin(t.Context(), manager, org, i.ID, i.Mapping); err != nil {
			t.Fatal(err)
		}
		s.work()
		var kinds []audit.Kind
		lines, err := s.db.ListOrganisationAudit(t.Context(), org, administration.Place{}, 10)
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range lines {
			kinds = append(kinds, l.Kind)
			if text, _ := json.Marshal(l); strings.Contains(string(text), "1234") || strings.Contains(string(text), "Anna") {
				t.Errorf("%s", text)
			}
			if l.Kind == audit.ImportFinished && (l.Detail["imported"] != "1" || l.Actor != "system") {
				t.Errorf("%+v", l)
			}
		}
		if text := fmt.Sprint(kinds); !strings.Contains(text, string(audit.ImportBegun)) || !strings.Contains(text, string(audit.ImportFinished)) {
			t.Error(text)
		}
	})
}

func TestPersonsFromBeforeThereWereSearchWordsGetThem(t *testing.T) {
	eachHR(t, func(t *testing.T, s *hr) {
		s.run(head+"1;Anna;Svensson;anna@x.example;;;;\n", "rows 1, imported 1, held 0, refused 0; new 1, changed 0, unchanged 0")
		must(t, s.db, `UPDATE persons SET indexed = false, identifier = '', sort_key = NULL`, `DELETE FROM person_terms`)
		if err := s.flow.IndexPersons(t.Context()); err != nil {
			t.Fatal(err)
		}
		var n int
		if _, err := s.db.query(t.Context(), `SELECT count(*) FROM person_terms`).one(&n); err != nil || n != len(s.list()[0].Terms()) {
			t.Error(n, err)
		}
	})
}

// TestNoBiteOfAnImportIsLargerThanItsMeasure: what a file of a million rows has in memory is what one of two thousand has.
func TestNoBiteOfAnImportIsLargerThanItsMeasure(t *testing.T) {
	eachHR(t, func(t *testing.T, s *hr) {
		var b strings.Builder
		for n := range 2000 {
			fmt.Fprintf(&b, "%d;Anna;Nr %d;a%d@x.example;AB;Lager;2020-01-01;\n", n, n, n)
		}
		i := s.begin(head + b.String())
		count := func(of statement) (n int) {
			t.Helper()
			if _, err := s.db.query(t.Context(), of).one(&n); err != nil {
				t.Fatal(err)
			}
			return n
		}
		const chunks, rows, persons statement = `SELECT count(*) FROM import_chunks`, `SELECT count(*) FROM import_rows`, `SELECT count(*) FROM persons`
		if n := count(chunks); n != 4 {
			t.Errorf("%d pieces", n)
		}
		for before := 0; s.find(i.ID).State != job.Done; {
			staged := count(rows)
			if _, err := s.worker.Round(t.Context()); err != nil {
				t.Fatal(err)
			}
			if more := count(rows) - staged; more > 500 {
				t.Errorf("%d rows were read at once", more)
			}
			n := count(persons)
			if n-before > 150 {
				t.Errorf("%d persons were taken over at once", n-before)
			}
			before = n
		}
		if c, r, p := count(chunks), count(rows), count(persons); c != 0 || r != 0 || p != 2000 {
			t.Errorf("%d pieces and %d rows are left, %d persons there", c, r, p)
		}
	})
}

// TestHousekeepingRemovesWhatNoImportNeeds, and nothing that one does.
func TestHousekeepingRemovesWhatNoImportNeeds(t *testing.T) {
	eachHR(t, func(t *testing.T, s *hr) {
		cancelled, running, forgotten := s.begin(head+"1;Anna;A;;;;;\n"), s.begin(head+"2;Bo;B;;;;;\n"), s.upload(head+"3;Cilla;C;;;;;\n")
		if err := s.flow.Cancel(t.Context(), operator, org, cancelled.ID); err != nil {
			t.Fatal(err)
		}
		mustTx(t, s.db, func(tx *Tx) error { return tx.InsertChunk(t.Context(), "cut off", 0, []byte{1}, s.now) })
		round := func(after time.Duration) {
			t.Helper()
			now := s.now.Add(after)
			h := housekeeping.Service{Store: s.db, InTx: InBulkTx[housekeeping.Tx](s.db), Now: func() time.Time { return now }, Log: slog.New(slog.DiscardHandler)}
			if err := h.Round(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		left := func() string {
			t.Helper()
			ids, err := list(s.db.query(t.Context(), `SELECT job_id FROM import_chunks`), func(scan scan) (id string, err error) { return id, scan(&id) })
			if err != nil {
				t.Fatal(err)
			}
			names := []string{}
			for _, id := range ids {
				names = append(names, cmp.Or(map[string]string{cancelled.ID: "cancelled", running.ID: "running", forgotten.ID: "forgotten"}[id], id))
			}
			slices.Sort(names)
			return strings.Join(names, " ")
		}
		round(time.Hour)
		if got := left(); got != "cut off forgotten running" {
			t.Errorf("after an hour: %q", got)
		}
		round(8 * 24 * time.Hour)
		round(8*24*time.Hour + time.Minute)
		if got := left(); got != "running" {
			t.Errorf("after a week: %q", got)
		}
		for _, i := range []provisioning.Import{cancelled, running, forgotten} {
			if n := len(s.find(i.ID).Sample); n != 0 {
				t.Errorf("%d rows are still shown", n)
			}
		}
		s.work()
		s.want("2 Bo B <>\n")
	})
}

// TestAfterAnImportThePreflightLooksAtThoseWhoseAddressesMet, and at nobody else.
func TestAfterAnImportThePreflightLooksAtThoseWhoseAddressesMet(t *testing.T) {
	eachHR(t, func(t *testing.T, s *hr) {
		move := &transition.Service{Store: s.db, InTx: InTx[transition.Tx](s.db), InBulkTx: InBulkTx[transition.Tx](s.db), Now: s.flow.Now}
		s.flow.Imported = move.RecheckBite
		flags := func(file, want string) {
			t.Helper()
			s.now = s.now.Add(time.Hour)
			s.begin(head + file)
			s.work()
			got, err := list(s.db.query(t.Context(), `SELECT person_key, flag, checked_at FROM persons ORDER BY person_key`), func(scan scan) (string, error) {
				var key, flag string
				var at int64
				err := scan(&key, &flag, &at)
				return fmt.Sprintf("%s %s %v", key, cmp.Or(flag, "-"), at == ms(s.now)), err
			})
			if text := strings.Join(got, ", "); err != nil || text != want {
				t.Errorf("%s\nwant %s %v", text, want, err)
			}
		}
		const anna, bo, cilla = "1;Anna;A;anna@x.example;;;;\n", "2;Bo;B;bo@x.example;;;;\n", "3;Cilla;C;anna@x.example;;;;\n"
		flags(anna+bo, "1 - true, 2 - true")
		flags(anna+bo, "1 - false, 2 - false")
		flags(cilla, "1 duplicate true, 2 - false, 3 duplicate true")
		flags(anna+bo+cilla, "1 duplicate false, 2 - false, 3 duplicate false")
		flags("3;Cilla;C;bo@x.example;;;;\n", "1 - true, 2 duplicate true, 3 duplicate true")
		flags("3;Cilla;C;;;;;\n", "1 - false, 2 - true, 3 missing true")
	})
}

// BenchmarkImport takes a new register over, row by row.
func BenchmarkImport(b *testing.B) {
	s := newHR(b, openLite(b))
	var file strings.Builder
	file.WriteString("Anställningsnummer;Förnamn;Efternamn;E-post;Mobil;Språk;Bolag;Avdelning;From\n")
	for n := range b.N {
		fmt.Fprintf(&file, "%d;Anna Nr;Svensson %d;p%d@x.example;+46701740605;sv;AB;Avdelning %d;2020-01-01\n", n, n%7001, n, n%50)
	}
	b.ResetTimer()
	s.begin(file.String())
	s.work()
}

func TestAnImportChangesNoOldPasswordOfSomebodyWhoHasHerLink(t *testing.T) {
	eachHR(t, func(t *testing.T, s *hr) {
		const with = "Employee ID;Name;Email;Password hash\n"
		s.flow.CheckHash = func(hash string) error {
			_, err := password.ParseImported(hash)
			return err
		}
		one, two := "$2b$12$"+strings.Repeat("a", 52)+"u", "$2b$12$"+strings.Repeat("b", 52)+"u"
		hashes := func(want ...string) {
			t.Helper()
			for n, p := range s.list() {
				if p.ImportedHash != want[n] {
					t.Errorf("%s has %q", p.Name(), p.ImportedHash)
				}
			}
		}
		s.run(with+"1;Anna;anna@x.example;"+two+"\n2;Bo;bo@x.example;"+one+"\n3;Cilla;cilla@x.example;\n", "rows 3, imported 3, held 0, refused 0; new 3, changed 0, unchanged 0")
		s.run(with+"1;Anna;anna@x.example;"+one+"\n", "rows 1, imported 1, held 0, refused 0; new 0, changed 1, unchanged 0") // before a mail, files correct each other
		for _, p := range s.list() {
			err := InTx[*Tx](s.db)(t.Context(), func(tx *Tx) error { return tx.MarkMailed(t.Context(), p.ID, s.now) })
			if err != nil {
				t.Fatal(err)
			}
		}
		i := s.run(with+"1;Anna;anna@x.example;"+two+"\n2;Bo;bo@x.example;"+one+"\n3;Cilla;cilla@x.example;"+two+"\n", "rows 3, imported 3, held 0, refused 0; new 0, changed 1, unchanged 2")
		hashes(register.NoHash, one, "")
		problems, err := s.flow.ListProblems(t.Context(), operator, org, i.ID, 0, 10)
		if err != nil || len(problems) != 2 || problems[0].Reason != register.ProblemLateHash || problems[0].Column != "Password hash" || problems[0].Refused {
			t.Errorf("%+v %v", problems, err)
		}
		s.run(with+"1;Anna;anna@x.example;"+two+"\n", "rows 1, imported 1, held 0, refused 0; new 0, changed 0, unchanged 1") // nor by trying twice
		hashes(register.NoHash, one, "")
	})
}
