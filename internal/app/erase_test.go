package app_test

import (
	"bytes"
	"database/sql"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // looks at the whole database

	"github.com/portvakt/portvakt/internal/audit"
	"github.com/portvakt/portvakt/internal/auditing"
	"github.com/portvakt/portvakt/internal/authn"
	"github.com/portvakt/portvakt/internal/secret"
	"github.com/portvakt/portvakt/internal/session"
	"github.com/portvakt/portvakt/internal/store"
)

// What tells who Veronika is.
const (
	veras     = "veronika.lundqvistsson@foretaget.example"
	veraKey   = "19770101-4711"
	veraIP    = "203.0.113.177"
	veraAgent = "Mozilla/5.0 (VeronikasPhone) AppleWebKit/605.1.15 Version/18.0 Safari/604.1"
)

func (w *world) vera() *browser {
	b := w.browser()
	b.ip, b.agent = veraIP, veraAgent
	return b
}

// raw opens the world's database behind Portvakt's back.
func (w *world) raw() *sql.DB {
	w.t.Helper()
	driver, at := "sqlite", w.settings.Database
	if strings.HasPrefix(at, "postgres") {
		driver = "pgx"
	}
	db, err := sql.Open(driver, at)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { db.Close() })
	return db
}

// tables lists the schema's tables.
func tables(t *testing.T, db *sql.DB) (all []string) {
	t.Helper()
	rows, err := db.Query(`SELECT name FROM sqlite_master WHERE type = 'table'`)
	if err != nil {
		rows, err = db.Query(`SELECT table_name FROM information_schema.tables WHERE table_schema = current_schema()`)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			t.Fatal(err)
		}
		all = append(all, name)
	}
	if len(all) < 20 {
		t.Fatalf("tables %v", all)
	}
	return all
}

// row is one row of any table.
type row map[string]string

func rowsOf(t *testing.T, db *sql.DB, table string) (all []row) {
	t.Helper()
	rows, err := db.Query(`SELECT * FROM "` + table + `"`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	for rows.Next() {
		values, dest := make([]any, len(columns)), make([]any, len(columns))
		for i := range values {
			dest[i] = &values[i]
		}
		if err := rows.Scan(dest...); err != nil {
			t.Fatal(err)
		}
		one := row{}
		for i, v := range values {
			if b, ok := v.([]byte); ok {
				v = string(bytes.ToValidUTF8(b, []byte("?")))
			}
			one[columns[i]] = fmt.Sprint(v)
		}
		all = append(all, one)
	}
	return all
}

// found lists the places of the database that hold one of the texts.
func found(t *testing.T, db *sql.DB, texts ...string) (places []string) {
	t.Helper()
	for _, table := range tables(t, db) {
		if table == "persons" || table == "person_terms" || table == "findings" {
			continue // the register is the employer's
		}
		for _, one := range rowsOf(t, db, table) {
			for column, value := range one {
				for _, text := range texts {
					if strings.Contains(strings.ToLower(value), strings.ToLower(text)) {
						places = append(places, fmt.Sprintf("%s.%s: %s (%v)", table, column, text, one["kind"]))
					}
				}
			}
		}
	}
	slices.Sort(places)
	return slices.Compact(places)
}

// prove verifies the chain of the audit log.
func (w *world) prove() (lines, erased int) {
	w.t.Helper()
	for p := (auditing.Progress{}); !p.Done; {
		var err error
		if p, err = w.app.Control.Auditing.Verify(w.t.Context(), p); err != nil {
			w.t.Fatal(err)
		}
		for _, problem := range p.Problems {
			w.t.Error(problem)
		}
		lines, erased = lines+p.Lines, erased+p.Erased
	}
	return lines, erased
}

func (w *world) seal() {
	w.t.Helper()
	if _, err := w.app.Control.Auditing.Round(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
}

func TestAnErasedPersonIsNowhereAnyMore(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		db := w.raw()
		// Somebody typed her address until it was suspended, before there was an account.
		w.append(audit.Event{Kind: audit.PasswordSuspended, At: w.clock.Now(), Actor: "anonymous",
			Personal: map[string]string{"identifier": veras, "ip": veraIP, "user_agent": veraAgent}})
		vera := w.newcomer(veras, "Veronika-Elvira", "Lundqvistsson", bosPass, veraKey)
		listener := w.listens("told", "ES256")

		b := w.vera()
		b.signIn(newLogin(w.hrm), veras, bosPass)
		app, _ := b.post("/account/apps/add").enrol()
		w.deliver()
		told := newLogin(listener.rp)
		b.get(told.authorize())
		if status, answer := w.redeem(told, told.code(t, b.leads())); status != http.StatusOK {
			t.Fatalf("redeem: %d %v", status, answer)
		}
		l := newLogin(w.mobile)
		b.get(l.authorize("scope", "openid email offline_access"))
		_, answer := w.redeem(l, l.code(t, b.leads()))
		access, refresh := answer["access_token"].(string), answer["refresh_token"].(string)

		second := w.vera()
		second.get(newLogin(w.hrm).authorize()).follow()
		second.post(second.action("/signin/"), "address", veras).follow()
		second.post(second.action("/signin/"), "password", bosPass).follow().expect(http.StatusOK)
		second.post(second.action("/signin/"), "code", app.code(), "remember", "on").follow()
		halfway := w.vera()
		halfway.get(newLogin(w.hrm).authorize()).follow()
		halfway.post(halfway.action("/signin/"), "address", veras).follow()
		halfway.post(halfway.action("/signin/"), "password", "fel lösenord som är långt").expect(http.StatusUnprocessableEntity)
		halfway.post(halfway.action("/signin/"), "password", bosPass).follow().expect(http.StatusOK)
		form := halfway.action("/signin/")
		for range 7 { // more than one recipient gets
			w.vera().askForLink(newLogin(w.hrm), strings.ToUpper(veras), "reset")
		}
		link := w.link(veras)
		mails := len(w.post.to(veras))
		w.append(audit.Event{Kind: audit.MessageDead, At: w.clock.Now(), Actor: "system", Account: vera.ID,
			Personal: map[string]string{"answer": "550 <" + veras + "> unknown"}})
		b.export()
		w.seal()
		if places := found(t, db, veras, "Lundqvistsson", veraIP, "VeronikasPhone"); len(places) < 12 {
			t.Fatalf("before, she is only here: %q", places)
		}

		b.get("/account/erase").expect(http.StatusOK).shows("Radera mitt konto").shows("arbetsgivarens egna system")
		b.post("/account/erase").expect(http.StatusUnprocessableEntity).shows("Kryssa i rutan först")
		b.post("/account/erase", "agree", "on").expect(http.StatusSeeOther)
		if got := b.cookies(); len(got) != 0 {
			t.Errorf("the browser still has %v", got)
		}
		b.follow().expect(http.StatusOK).shows("Ditt konto är raderat")
		w.deliver()

		if places := found(t, db, veras, "Veronika", "Lundqvistsson", veraIP, veraKey); len(places) > 0 {
			t.Errorf("afterwards she is still here: %q", places)
		}
		person := ""
		for _, one := range rowsOf(t, db, "persons") {
			if one["person_key"] == veraKey {
				person = one["id"]
			}
		}
		if places := found(t, db, person); person == "" || len(places) > 0 {
			t.Errorf("the employer's row %q is still connected: %q", person, places)
		}
		if got := w.post.to(veras); len(got) != mails+1 || len(w.post.about(veras, "har just raderats")) != 1 {
			t.Errorf("%d mails: %q", len(got)-mails, got)
		}
		if n := len(listener.heard()); n != 1 {
			t.Errorf("the app in her session was told %d times", n)
		}
		if status, _ := w.userinfo(access); status != http.StatusUnauthorized {
			t.Errorf("userinfo: %d", status)
		}
		if status, _ := w.refresh(w.mobile, refresh); status != http.StatusBadRequest {
			t.Errorf("refresh: %d", status)
		}
		second.get("/account").expect(http.StatusSeeOther) // an old session
		halfway.post(form, "code", app.code())
		halfway.follow()
		halfway.get("/account").expect(http.StatusSeeOther) // an open attempt
		thief := w.vera()
		thief.get(link).expect(http.StatusGone) // a living link
		thief.post(link, "new_password", "en helt ny båt vid bryggan", "repeat_password", "en helt ny båt vid bryggan").expect(http.StatusGone)
		late := w.vera().toPassword(newLogin(w.hrm), veras)
		late.post(late.action("/signin/"), "password", bosPass).expect(http.StatusUnprocessableEntity)
		late.post("/language", "lang", "sv") // it forgets the page

		w.seal()
		if lines, erased := w.prove(); lines < 20 || erased < 20 {
			t.Errorf("the log has %d lines and %d erased fields", lines, erased)
		}
		tombstone := false
		for _, one := range rowsOf(t, db, "audit_events") {
			tombstone = tombstone || one["kind"] == string(audit.Erased) && one["account_id"] == string(vera.ID)
		}
		if !tombstone {
			t.Error("no line tells that the account was erased")
		}

		again := w.newcomer(veras, "Veronika-Elvira", "Lundqvistsson", bosPass, "another key")
		if again.ID == vera.ID {
			t.Error("the sub is used again")
		}
		w.vera().signIn(newLogin(w.hrm), veras, bosPass)
	})
}

// stays are the tables whose rows name an account after it was erased, each with the reason.
var stays = map[string]string{
	"audit_events": "the log, pseudonymous: its personal fields are gone",
	"outbox":       "logout tokens on their way to apps, and no mails",
}

// TestEveryTableOfAnAccountIsErased holds the schema against what erasing does: a table that a new feature brings stands in
// store's list of erasures, or in stays.
func TestEveryTableOfAnAccountIsErased(t *testing.T) {
	w := on(t)
	db := w.raw()
	bo := w.bo()
	id := bo.ID
	treated := 0
	for _, table := range tables(t, db) {
		if table == "accounts" || !namesAccounts(t, db, table) {
			continue
		}
		treated++
		fill(t, db, table, string(id))
	}
	if treated < 12 {
		t.Fatalf("only %d tables name an account", treated)
	}
	err := store.InTx[*store.Tx](w.app.DB)(t.Context(), func(tx *store.Tx) error {
		erased, err := tx.EraseAccount(t.Context(), id, bo.Epoch, w.clock.Now())
		if err == nil && !erased {
			t.Error("it was not open")
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, table := range tables(t, db) {
		for _, one := range rowsOf(t, db, table) {
			if one["account_id"] == string(id) && stays[table] == "" {
				t.Errorf("%s still has a row of an erased account: add it to erasures in internal/store/erase.go (and to docs/export.md what it tells)", table)
			}
		}
	}
}

// columnsOf are a table's columns with their types.
func columnsOf(t *testing.T, db *sql.DB, table string) map[string]string {
	t.Helper()
	rows, err := db.Query(`SELECT name, type FROM pragma_table_info(?)`, table)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	all := map[string]string{}
	for rows.Next() {
		var name, kind string
		if err := rows.Scan(&name, &kind); err != nil {
			t.Fatal(err)
		}
		all[name] = kind
	}
	return all
}

func namesAccounts(t *testing.T, db *sql.DB, table string) bool {
	t.Helper()
	_, ok := columnsOf(t, db, table)["account_id"]
	return ok
}

// fill puts a row of the account into a table, whatever its columns are.
func fill(t *testing.T, db *sql.DB, table, id string) {
	t.Helper()
	var names, values []string
	for name, kind := range columnsOf(t, db, table) {
		value := map[string]string{"BIGINT": "1", "BYTEA": "x'01'", "BOOLEAN": "0"}[kind]
		if kind == "TEXT" {
			value = "'filled'"
		}
		if name == "account_id" {
			value = "'" + id + "'"
		}
		names, values = append(names, name), append(values, value)
	}
	_, err := db.Exec(`INSERT OR IGNORE INTO ` + table + ` (` + strings.Join(names, ", ") + `) VALUES (` + strings.Join(values, ", ") + `)`)
	if err != nil {
		t.Fatal(table, err)
	}
	for _, one := range rowsOf(t, db, table) {
		if one["account_id"] == id {
			return
		}
	}
	t.Fatalf("%s: no row of the account", table)
}

// TestAnErasureHappensOnce: two presses in two tabs, a press with an old proof, and one in a browser that is not signed in.
func TestAnErasureHappensOnce(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		b := w.browser()
		b.signIn(newLogin(w.hrm), bosAddress, bosPass)
		w.browser().post("/account/erase", "agree", "on").expect(http.StatusSeeOther)
		w.clock.Advance(6 * time.Minute)
		b.post("/account/erase", "agree", "on").expect(http.StatusSeeOther)
		if !strings.HasPrefix(b.leads(), "/signin/") {
			t.Fatalf("an old proof leads to %s", b.leads())
		}
		b.follow().post(b.action("/signin/"), "password", bosPass).follow().shows("Nu vet vi att det är du.")

		kept := b.cookies()
		var presses sync.WaitGroup
		for range 4 {
			presses.Go(func() {
				tab := w.browser()
				tab.forgetAllBut(kept)
				tab.post("/account/erase", "agree", "on").expect(http.StatusSeeOther)
			})
		}
		presses.Wait()
		w.deliver()
		if got := w.post.to(bosAddress); len(got) != 1 {
			t.Errorf("%d mails", len(got))
		}
		lines := 0
		for _, one := range rowsOf(t, w.raw(), "audit_events") {
			if one["kind"] == string(audit.Erased) {
				lines++
			}
		}
		if lines != 1 {
			t.Errorf("%d lines tell of one erasure", lines)
		}
		b.get("/account").expect(http.StatusSeeOther)
		b.post("/account/export").expect(http.StatusSeeOther) // the second tab
		w.browser().get("/account/erase").expect(http.StatusSeeOther)
	})
}

// TestAProofThatIsCheckedDuringTheErasureMakesNoSession: its transaction comes after the erasure's.
func TestAProofThatIsCheckedDuringTheErasureMakesNoSession(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		bo, now := w.bo(), w.clock.Now()
		prepared := authn.Prepare("attempt", session.Device{UserAgent: veraAgent, Address: veraIP}, now)
		proven := authn.Proven{Account: bo, Progress: authn.Progress{Methods: []string{authn.MethodPassword}, ProvenAt: now}, ACR: session.Pwd}
		b := w.browser()
		b.signIn(newLogin(w.hrm), bosAddress, bosPass)
		b.post("/account/erase", "agree", "on").expect(http.StatusSeeOther)
		err := store.InTx[*store.Tx](w.app.DB)(t.Context(), func(tx *store.Tx) error {
			return authn.SignIn(t.Context(), tx, &prepared, proven, secret.Hash{}, now)
		})
		if !errors.Is(err, authn.ErrAttemptUsed) {
			t.Errorf("it ends with %v", err)
		}
		if places := found(t, w.raw(), veraIP, "VeronikasPhone"); len(places) > 0 {
			t.Errorf("it has left %q", places)
		}
	})
}

// TestAnAccountWhoseAddressChangedLatelyIsNotErased: a thief who has changed the address could otherwise leave its owner nothing to
// take back (RULES §5).
func TestAnAccountWhoseAddressChangedLatelyIsNotErased(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		b := w.atAccount().changeAddress(bosOther)
		b.get("/account/erase").expect(http.StatusOK).shows("Din e-postadress byttes nyligen.")
		if strings.Contains(plain(b.body), "Jag förstår") {
			t.Error("the page has a form")
		}
		b.post("/account/erase", "agree", "on").expect(http.StatusSeeOther)
		if b.leads() != "/account/erase" || len(found(t, w.raw(), bosOther)) == 0 {
			t.Fatalf("it leads to %s", b.leads())
		}
		w.clock.Advance(authn.AddressGuard + time.Minute)
		b = w.browser()
		b.signIn(newLogin(w.hrm), bosOther, bosPass)
		b.post("/account/erase", "agree", "on").follow().shows("Ditt konto är raderat")
		w.deliver()
		if places := found(t, w.raw(), bosOther, bosAddress); len(places) > 0 {
			t.Errorf("left: %q", places)
		}
	})
}

// TestTheLastMailKeepsItsAddressUntilItIsDelivered and not a moment longer, also where nobody takes it.
func TestTheLastMailKeepsItsAddressUntilItIsDelivered(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		db := w.raw()
		b := w.browser()
		b.signIn(newLogin(w.hrm), bosAddress, bosPass)
		b.post("/account/erase", "agree", "on").expect(http.StatusSeeOther)
		for _, place := range found(t, db, bosAddress) {
			if !strings.HasPrefix(place, "outbox.") {
				t.Errorf("the address is in %s", place)
			}
		}
		if len(found(t, db, bosAddress)) == 0 {
			t.Fatal("nobody is told")
		}
		w.clock.Advance(25 * time.Hour) // it could not be delivered
		w.deliver()
		if got := w.post.to(bosAddress); len(got) != 0 {
			t.Errorf("%d mails", len(got))
		}
		if places := found(t, db, bosAddress, b.ip); len(places) > 0 {
			t.Errorf("left: %q", places)
		}
	})
}
