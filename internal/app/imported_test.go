package app_test

import (
	"crypto/sha1" //nolint:gosec // as directories have it
	"encoding/base64"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"

	"github.com/portvakt/portvakt/internal/account"
	"github.com/portvakt/portvakt/internal/authn"
	"github.com/portvakt/portvakt/internal/organisation"
	"github.com/portvakt/portvakt/internal/person"
	"github.com/portvakt/portvakt/internal/preparation"
	"github.com/portvakt/portvakt/internal/provisioning"
	"github.com/portvakt/portvakt/internal/secret"
	"github.com/portvakt/portvakt/internal/store"
	"github.com/portvakt/portvakt/internal/throttle"
)

const (
	idas     = "ida.ek@foretaget.example"
	idasLong = "gammalt men långt lösenord"
	idasTiny = "Fjällräv-7"
	idasList = "password1"
)

// oldHash is a password as an old login has kept it.
func oldHash(t testing.TB, pw string) string {
	t.Helper()
	b, err := bcrypt.GenerateFromPassword([]byte(pw), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// moved makes an account of somebody whose password comes from an old login, as the preparation does when she confirms her address.
func (w *world) moved(hash string) account.ID {
	w.t.Helper()
	a, err := w.app.Control.Provisioning.CreateAccount(w.t.Context(), provisioning.Newcomer{Address: idas, Verified: true, GivenName: "Ida", FamilyName: "Ek",
		Language: "sv", Person: &person.Person{Organisation: "foretaget", Key: "1999", ImportedHash: hash}})
	if err != nil {
		w.t.Fatal(err)
	}
	w.adopt(a.ID)
	return a.ID
}

func (w *world) adopt(id account.ID) {
	w.t.Helper()
	var row string
	if err := w.raw().QueryRow(`SELECT person_id FROM connections WHERE account_id = '` + string(id) + `'`).Scan(&row); err != nil {
		w.t.Fatal(err)
	}
	err := store.InTx[preparation.Tx](w.app.DB)(w.t.Context(), func(tx preparation.Tx) error {
		return tx.AdoptImported(w.t.Context(), row, id, w.clock.Now())
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

// kept is the verifier of an account, and what is left of the hash in the register.
func (w *world) kept(id account.ID) (verifier, register string) {
	w.t.Helper()
	err := w.raw().QueryRow(`SELECT COALESCE((SELECT verifier FROM passwords WHERE account_id = '`+string(id)+`'), ''), (SELECT p.imported_hash FROM persons p JOIN connections c
		ON c.person_id = p.id WHERE c.account_id = '`+string(id)+`')`).Scan(&verifier, &register)
	if err != nil {
		w.t.Fatal(err)
	}
	return verifier, register
}

func (w *world) tries(pw string) *browser {
	w.t.Helper()
	b := w.browser()
	b.get(newLogin(w.hrm).authorize()).follow().expect(http.StatusOK)
	b.post(b.action("/signin/"), "address", idas).follow().expect(http.StatusOK)
	return b.post(b.action("/signin/"), "password", pw)
}

func TestAnOldPasswordLogsInAndIsKeptInOurOwnForm(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		hash := oldHash(t, idasLong)
		id := w.moved(hash)
		if verifier, register := w.kept(id); verifier != hash || register != "" {
			t.Fatalf("kept %q and %q", verifier, register)
		}
		w.tries(idasLong + "x").expect(http.StatusUnprocessableEntity)
		if w.clock.waited != authn.ImportedDeadline {
			t.Errorf("a failure was answered after %s", w.clock.waited)
		}
		b := w.browser()
		b.signIn(newLogin(w.hrm), idas, idasLong)
		if verifier, _ := w.kept(id); !strings.HasPrefix(verifier, "$argon2id$") {
			t.Errorf("kept %q", verifier)
		}
		w.clock.Advance(2 * time.Minute)
		if err := w.app.House.Round(t.Context()); err != nil { // what a process knows of old hashes is a minute old at most
			t.Fatal(err)
		}
		w.browser().signIn(newLogin(w.hrm), idas, idasLong)
		w.tries("wrong").expect(http.StatusUnprocessableEntity)
		if w.clock.waited != authn.FailureDeadline {
			t.Errorf("without old hashes a failure was answered after %s", w.clock.waited)
		}
		if strings.Contains(w.log.String(), hash) {
			t.Error("the log has the hash")
		}
	})
}

func TestAnOldPasswordThatIsTooShortIsReplacedBeforeTheSession(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		id := w.moved(oldHash(t, idasTiny))
		b := w.tries(idasTiny).expect(http.StatusSeeOther).follow().expect(http.StatusOK)
		b.shows("Välj ett nytt lösenord, Ida").shows("Ditt gamla lösenord stämde")
		page := b.action("/signin/")
		if len(b.cookies()["__Host-portvakt_session"]) > 0 {
			t.Error("there is a session already")
		}
		if other := w.browser().get("/account").follow(); strings.Contains(other.body, "Ida Ek") {
			t.Error("somebody is signed in")
		}
		for problem, c := range map[string][2]string{"Skriv ett nytt lösenord": {"", ""}, "minst 15 tecken": {idasTiny, idasTiny}, "inte lika.": {idasLong, idasLong + "x"}} {
			b.post(page, "new_password", c[0], "repeat_password", c[1]).expect(http.StatusUnprocessableEntity)
			if !strings.Contains(plain(b.body), problem) {
				t.Errorf("it does not say %q:\n%s", problem, plain(b.body))
			}
		}
		// The page is left, and the old password leads to it once more, and to nothing else.
		w.tries(idasTiny).follow().shows("Välj ett nytt lösenord, Ida")
		b.post(page, "new_password", idasLong, "repeat_password", idasLong).expect(http.StatusSeeOther).follow().expect(http.StatusOK)
		if !strings.HasPrefix(b.leads(), hrmURL+"/callback") {
			t.Fatalf("it leads to %q", b.leads())
		}
		w.tries(idasTiny).expect(http.StatusUnprocessableEntity)
		w.browser().signIn(newLogin(w.hrm), idas, idasLong)
		if verifier, _ := w.kept(id); !strings.HasPrefix(verifier, "$argon2id$") {
			t.Errorf("kept %q", verifier)
		}
		w.deliver()
		if mails := w.post.news(idas); len(mails) != 1 || !strings.Contains(mails[0], "/recovery/not-me/") {
			t.Errorf("told: %q", mails)
		}
	})
}

func TestAShortOldPasswordMeetsAPolicyOfItsOwnLengthOnly(t *testing.T) {
	w := on(t)
	w.policy(organisation.Policy{MFA: organisation.Optional, MinPassword: 30})
	w.moved(oldHash(t, idasLong))
	w.tries(idasLong).follow().shows("30 tecken")
}

func TestAnOldPasswordThatEverybodyKnowsOpensNothing(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		hash := oldHash(t, idasList)
		id := w.moved(hash)
		answer := func(pw string) alike {
			b := w.tries(pw).expect(http.StatusUnprocessableEntity)
			a := b.answer(idas, attemptOf(b.at))
			a.counts = store.Counts{} // the owner is told; the deadline hides what it costs
			return a
		}
		if wrong, listed := answer("wrong"), answer(idasList); wrong != listed {
			t.Errorf("the page tells a stranger:\n%+v\n%+v", wrong, listed)
		}
		if w.clock.waited != authn.ImportedDeadline {
			t.Errorf("answered after %s", w.clock.waited)
		}
		w.tries(idasList).expect(http.StatusUnprocessableEntity)
		w.deliver()
		mails := w.post.news(idas)
		if len(mails) != 1 || !strings.Contains(mails[0], "lista över lösenord") {
			t.Fatalf("mails: %q", mails)
		}
		if verifier, _ := w.kept(id); verifier != hash {
			t.Errorf("kept %q", verifier)
		}
		link := w.link(idas)
		b := w.browser()
		b.get(link).expect(http.StatusOK)
		b.post(link, "new_password", idasLong, "repeat_password", idasLong, "robot", b.solve(link+"/challenge")).expect(http.StatusSeeOther).follow()
		w.browser().signIn(newLogin(w.hrm), idas, idasLong)
		w.tries(idasList).expect(http.StatusUnprocessableEntity)
		w.deliver()
		if n := len(w.post.news(idas)); n != 2 { // that the password was set
			t.Errorf("%d mails", n)
		}
	})
}

func TestAfterAResetTheOldHashIsNeverAskedAgain(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.moved(oldHash(t, idasLong))
		b := w.browser()
		b.askForLink(newLogin(w.hrm), idas, "reset")
		link := w.link(idas)
		const fresh = "nytt och långt lösenord"
		b.get(link).expect(http.StatusOK)
		b.post(link, "new_password", fresh, "repeat_password", fresh).expect(http.StatusSeeOther)
		w.tries(idasLong).expect(http.StatusUnprocessableEntity)
		w.browser().signIn(newLogin(w.hrm), idas, fresh)
	})
}

func TestAnOldHashOpensNoAccountWhoseAddressNobodyHasConfirmed(t *testing.T) {
	w := on(t)
	id := w.moved(oldHash(t, idasLong))
	if _, err := w.raw().Exec(`UPDATE accounts SET verified_at = 0 WHERE id = '` + string(id) + `'`); err != nil {
		t.Fatal(err)
	}
	w.tries(idasLong).expect(http.StatusUnprocessableEntity)
	if verifier, _ := w.kept(id); !strings.HasPrefix(verifier, "$2") {
		t.Errorf("kept %q", verifier)
	}
}

func TestAnAccountThatHasAPasswordTakesNoOldOne(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		a, err := w.app.Control.Provisioning.CreateAccount(t.Context(), provisioning.Newcomer{Address: idas, Verified: true, Password: idasLong,
			Person: &person.Person{Organisation: "foretaget", Key: "1999", ImportedHash: oldHash(t, "ett helt annat lösenord")}})
		if err != nil {
			t.Fatal(err)
		}
		w.adopt(a.ID)
		if verifier, register := w.kept(a.ID); !strings.HasPrefix(verifier, "$argon2id$") || register != "" {
			t.Errorf("kept %q and %q", verifier, register)
		}
		w.tries("ett helt annat lösenord").expect(http.StatusUnprocessableEntity)
	})
}

func TestAHashThatWillNotVerifyIsNoPassword(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		for _, hash := range []string{"Sommar-2019", "$2b$31$" + strings.Repeat("a", 53), "{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g="} {
			id := w.moved(hash)
			if verifier, register := w.kept(id); verifier != "" || register != "" {
				t.Errorf("kept %q and %q", verifier, register)
			}
			w.tries(hash).expect(http.StatusUnprocessableEntity)
			if _, err := w.raw().Exec(`DELETE FROM connections WHERE account_id = '` + string(id) + `'`); err != nil {
				t.Fatal(err)
			}
			if _, err := w.raw().Exec(`DELETE FROM persons WHERE person_key = '1999'`); err != nil {
				t.Fatal(err)
			}
			if _, err := w.raw().Exec(`UPDATE accounts SET identifier = id, closed_at = 1 WHERE id = '` + string(id) + `'`); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// TestOldPasswordsAtOnceAreKeptOnce: as many as the budget of an identifier lets through together.
func TestOldPasswordsAtOnceAreKeptOnce(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		salt := []byte(secret.NewID()[:8])
		sum := sha1.Sum(append([]byte(idasLong), salt...)) //nolint:gosec // as directories have it
		id := w.moved("{SSHA}" + base64.StdEncoding.EncodeToString(append(sum[:], salt...)))
		var group sync.WaitGroup
		for range throttle.Identifier.Limit {
			group.Go(func() { w.browser().signIn(newLogin(w.hrm), idas, idasLong) })
		}
		group.Wait()
		var times int
		if err := w.raw().QueryRow(`SELECT COUNT(*) FROM audit_events WHERE kind = 'signin.old_password_used' AND account_id = '` + string(id) + `'`).Scan(&times); err != nil || times != 1 {
			t.Errorf("taken over %d times (%v)", times, err)
		}
		w.browser().signIn(newLogin(w.hrm), idas, idasLong)
	})
}

// TestTheLongDeadlineHoldsBeforeTheFirstOldPasswordOpensAnAccount: one that waits in the register is enough, and no answer waits for the
// question.
func TestTheLongDeadlineHoldsBeforeTheFirstOldPasswordOpensAnAccount(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		fails := func() time.Duration {
			w.tries("wrong").expect(http.StatusUnprocessableEntity)
			return w.clock.waited
		}
		if got := fails(); got != authn.FailureDeadline {
			t.Errorf("with no old password anywhere: %s", got)
		}
		w.registered(person.Person{Key: "1998", GivenName: "Ida", FamilyName: "Ek", Address: idas, ImportedHash: oldHash(t, idasLong)})
		if err := w.app.House.Round(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := fails(); got != authn.ImportedDeadline {
			t.Errorf("with one in the register: %s", got)
		}
		w.restart()
		if got := fails(); got != authn.ImportedDeadline {
			t.Errorf("in a process that has just begun: %s", got)
		}
	})
}

// TestAnOldPasswordIsNoticedByTheProcessThatIsAskedForIt, also where it has come to be since the last look.
func TestAnOldPasswordIsNoticedByTheProcessThatIsAskedForIt(t *testing.T) {
	w := on(t)
	w.moved(oldHash(t, idasLong))
	w.tries("wrong").expect(http.StatusUnprocessableEntity)
	if w.clock.waited != authn.ImportedDeadline {
		t.Errorf("answered after %s", w.clock.waited)
	}
}
