package app_test

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestRemovedAccessIsRefusedAtOnce measures it with the real endpoints: userinfo, refresh, and the app's own back channel.
func TestRemovedAccessIsRefusedAtOnce(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		b := w.browser()
		answer := b.tokens(w.mobile)
		access, refresh := answer["access_token"].(string), answer["refresh_token"].(string)
		listener := w.listens("Lunch", "ES256")
		l := newLogin(listener.rp)
		b.get(l.authorize("scope", "openid email"))
		if status, answer := w.redeem(l, l.code(t, b.leads())); status != http.StatusOK {
			t.Fatalf("redeem: %d %v", status, answer)
		}
		b.get("/account").shows("HRM Mobile").shows("Lunch Får se: din e-postadress Sedan:")
		if status, _ := w.userinfo(access); status != http.StatusOK {
			t.Fatalf("userinfo before: %d", status)
		}

		b.post("/account/access/revoke", "app", w.mobile.ClientID).expect(http.StatusSeeOther).follow().shows("Appens åtkomst är borttagen.")
		if strings.Contains(plain(b.body), "HRM Mobile") {
			t.Error("the app is still on the list")
		}
		if status, _ := w.userinfo(access); status != http.StatusUnauthorized {
			t.Errorf("userinfo afterwards: %d", status)
		}
		if status, _ := w.refresh(w.mobile, refresh); status != http.StatusBadRequest {
			t.Errorf("refresh afterwards: %d", status)
		}
		w.deliver()
		if n := len(listener.heard()); n != 0 {
			t.Errorf("another app was told %d times", n)
		}

		w.clock.Advance(time.Hour) // the access token's life is over; the app's own session is not
		b.get("/account").shows("Lunch")
		b.post("/account/access/revoke", "app", listener.rp.ClientID).follow().shows("Appens åtkomst är borttagen.")
		w.deliver()
		if n := len(listener.heard()); n != 1 {
			t.Errorf("the app was told %d times, want once", n)
		}
		b.post("/account/access/revoke", "app", listener.rp.ClientID).expect(http.StatusSeeOther) // the second of two clicks
		if b.leads() != "/account" {
			t.Errorf("the second says that something was done: %s", b.leads())
		}
		w.deliver()
		if n := len(listener.heard()); n != 1 {
			t.Errorf("two clicks told the app %d times", n)
		}
		b.get("/account").expect(http.StatusOK) // Portvakt's own session stands
	})
}

// TestNobodyRemovesAnothersAccess: the statement names the account.
func TestNobodyRemovesAnothersAccess(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		access := w.browser().tokens(w.mobile)["access_token"].(string)
		anna := w.browser()
		anna.askForLink(newLogin(w.hrm), annas, "login")
		link := w.link(annas)
		anna.get(link).post(link).expect(http.StatusSeeOther)
		for _, form := range [][]string{nil, {"app", ""}, {"app", w.mobile.ClientID}, {"app", "\x00"}} {
			anna.post("/account/access/revoke", form...).expect(http.StatusSeeOther)
			if strings.Contains(anna.leads(), "notice") {
				t.Errorf("%q: it says that something was done", form)
			}
		}
		w.browser().post("/account/access/revoke", "app", w.mobile.ClientID).expect(http.StatusSeeOther) // nobody
		if status, _ := w.userinfo(access); status != http.StatusOK {
			t.Errorf("Bo's app: %d", status)
		}
	})
}

// TestAnAppThatOutlivesTheSignOutIsStillListed: scope offline_access (RULES §9).
func TestAnAppThatOutlivesTheSignOutIsStillListed(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		b := w.browser()
		b.signIn(newLogin(w.hrm), bosAddress, bosPass)
		l := newLogin(w.mobile)
		b.get(l.authorize("scope", "openid offline_access"))
		_, answer := w.redeem(l, l.code(t, b.leads()))
		refresh := answer["refresh_token"].(string)
		b.post("/signout")
		b.signIn(newLogin(w.hrm), bosAddress, bosPass)
		b.get("/account").shows("Behåller sin åtkomst även när du har loggat ut.")
		b.post("/account/access/revoke", "app", w.mobile.ClientID).follow().shows("Appens åtkomst är borttagen.")
		if status, _ := w.refresh(w.mobile, refresh); status != http.StatusBadRequest {
			t.Errorf("refresh afterwards: %d", status)
		}
	})
}

// A code that is on its way when the access is taken away must not bring it back; the next sign-in does.
func TestACodeFromBeforeTheRemovalOfAccessIsRefused(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		b := w.browser()
		b.tokens(w.mobile)
		stolen := newLogin(w.mobile)
		b.get(stolen.authorize())
		code := stolen.code(t, b.leads())
		w.clock.Advance(time.Second)
		b.post("/account/access/revoke", "app", w.mobile.ClientID).expect(http.StatusSeeOther)
		if status, answer := w.redeem(stolen, code); status != http.StatusBadRequest || answer["error"] != "invalid_grant" {
			t.Errorf("a code from before: %d %v", status, answer)
		}
		w.clock.Advance(time.Second)
		l := newLogin(w.mobile)
		b.get(l.authorize())
		if status, answer := w.redeem(l, l.code(t, b.leads())); status != http.StatusOK {
			t.Errorf("a sign-in afterwards: %d %v", status, answer)
		}
		other := newLogin(w.hrm)
		b.get(other.authorize())
		if status, answer := w.redeem(other, other.code(t, b.leads())); status != http.StatusOK {
			t.Errorf("another app: %d %v", status, answer)
		}
	})
}
