package app_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"
)

var sessionField = regexp.MustCompile(`name="session" value="([^"]+)"`)

func TestASessionIsEndedByItsIdAlone(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		desk, phone := w.browser(), w.browser()
		desk.signIn(newLogin(w.hrm), bosAddress, bosPass)
		phone.signIn(newLogin(w.hrm), bosAddress, bosPass)
		anna := w.browser()
		anna.askForLink(newLogin(w.hrm), annas, "login")
		link := w.link(annas)
		anna.get(link).post(link).expect(http.StatusSeeOther)
		desk.get("/account").expect(http.StatusOK)
		others := sessionField.FindAllStringSubmatch(desk.body, -1)
		if len(others) != 1 {
			t.Fatalf("%d other sessions", len(others))
		}

		for _, form := range [][]string{nil, {"session", ""}, {"session", "nobodys"}, {"session", "%00"}, {"session", "\x00\xff"}} {
			desk.post("/account/sessions/end", form...).expect(http.StatusSeeOther)
			if strings.Contains(desk.leads(), "notice") {
				t.Errorf("%q: it says that something was done", form)
			}
		}
		anna.post("/account/sessions/end", "session", others[0][1]).expect(http.StatusSeeOther) // somebody else's
		phone.get("/account").expect(http.StatusOK)
		anna.get("/account").expect(http.StatusOK)

		desk.post("/account/sessions/end", "session", others[0][1]).follow().shows("Enheten är utloggad.")
		phone.get("/account").expect(http.StatusSeeOther)
		desk.get("/account").expect(http.StatusOK)
	})
}

// TestEndingAllOthersEndsWhatIsUnderWayToo: links and sign-ins that somebody else has begun are of the old epoch (RULES §1).
func TestEndingAllOthersEndsWhatIsUnderWayToo(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		desk, phone, thief := w.browser(), w.browser(), w.browser()
		desk.signIn(newLogin(w.hrm), bosAddress, bosPass)
		phone.signIn(newLogin(w.hrm), bosAddress, bosPass)
		thief.askForLink(newLogin(w.hrm), bosAddress, "login")
		link := w.link(bosAddress)
		l := newLogin(w.mobile)
		phone.get(l.authorize())
		code := l.code(t, phone.leads())

		desk.get("/account").post("/account/sessions/end-others").follow().shows("Alla andra enheter är utloggade.")
		desk.get("/account").expect(http.StatusOK)
		phone.get("/account").expect(http.StatusSeeOther)
		thief.get(link).expect(http.StatusGone)
		if status, _ := w.redeem(l, code); status != http.StatusBadRequest {
			t.Errorf("a code of an ended session: %d", status)
		}
		own := newLogin(w.mobile)
		desk.get(own.authorize())
		if status, answer := w.redeem(own, own.code(t, desk.leads())); status != http.StatusOK {
			t.Errorf("her own browser goes on: %d %v", status, answer)
		}
	})
}
