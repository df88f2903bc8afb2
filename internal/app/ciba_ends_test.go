package app_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/portvakt/portvakt/internal/control"
	"github.com/portvakt/portvakt/internal/organisation"
	"github.com/portvakt/portvakt/internal/store"
)

// What comes between a yes and the app that fetches what it is worth.
func TestAYesThatWasNotFetchedEndsWithWhatItStoodOn(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		h, _ := w.pairBo()
		rp := w.till()
		approved := func() question {
			t.Helper()
			h.renew()
			q := w.asks(rp)
			if out := h.agrees(); out.text("result") != "approved" {
				t.Fatalf("yes: %d %v", out.status, out.body)
			}
			return q
		}

		q := approved()
		w.inTx(func(tx *store.Tx) error { return tx.SuspendApps(t.Context(), w.bo().ID, w.clock.Now()) })
		w.inTx(func(tx *store.Tx) error { return tx.RestoreApps(t.Context(), w.bo().ID) })
		q.gets("access_denied")

		standing := approved()
		_, answer := standing.polls()
		q = approved()
		w.asks(rp)
		c := h.newest()
		if out := h.post(c, h.signed(c, "not_me", "", map[string]any{"end_sessions": true})); out.text("result") != "reported" {
			t.Fatalf("not me: %d %v", out.status, out.body)
		}
		q.gets("invalid_grant")
		if status, _ := w.refresh(rp, answer["refresh_token"].(string)); status != http.StatusBadRequest {
			t.Errorf("refresh after she was signed out everywhere: %d", status)
		}
		if status, _ := w.userinfo(answer["access_token"].(string)); status != http.StatusUnauthorized {
			t.Errorf("userinfo after she was signed out everywhere: %d", status)
		}
		w.inTx(func(tx *store.Tx) error { return tx.ForgivePush(t.Context(), w.bo().ID) })

		_, answer = approved().polls()
		q = approved()
		if err := w.app.Transition.Disconnect(t.Context(), commandLine, "foretaget", w.bosPerson(), "slutade"); err != nil {
			t.Fatal(err)
		}
		q.gets("access_denied")
		if status, _ := w.refresh(rp, answer["refresh_token"].(string)); status != http.StatusBadRequest {
			t.Errorf("refresh after the connection has ended: %d", status)
		}
	})
}

// TestWhoLeavesOneOfTwoCompaniesHasToSayYesAnew where the app is of both: a code ends with the sessions, and so does a yes.
func TestWhoLeavesOneOfTwoCompaniesHasToSayYesAnew(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		h, _ := w.pairBo()
		left := w.bosPerson()
		w.alsoAt(organisation.ID(w.another()), w.bo().ID, "77")
		both := func(rp *control.RP) { rp.Organisations = []string{"foretaget", "kommunen"} }
		rp, l := w.till(both), newLogin(w.register(control.RP{Name: "Schema", PKCE: true, Organisations: []string{"foretaget", "kommunen"},
			RedirectURIs: []string{"https://schema.example/back"}, InitiateLoginURI: "https://schema.example/login"}))
		b := w.browser()
		b.toPush(l)
		h.renew()
		h.answer(h.newest(), "approve", b.number())
		b.onward()
		code := l.code(t, b.leads())
		fetched := w.asks(rp)
		h.agrees()
		_, answer := fetched.polls()
		q := w.asks(rp)
		h.agrees()
		if err := w.app.Transition.Disconnect(t.Context(), commandLine, "foretaget", left, "slutade"); err != nil {
			t.Fatal(err)
		}
		if status, _ := w.redeem(l, code); status != http.StatusBadRequest {
			t.Errorf("the code: %d", status)
		}
		if status, _ := w.refresh(rp, answer["refresh_token"].(string)); status != http.StatusBadRequest {
			t.Errorf("the refresh token: %d", status)
		}
		q.gets("access_denied")
		h.renew()
		q = w.asks(rp)
		h.agrees()
		if status, _ := q.polls(); status != http.StatusOK {
			t.Errorf("a yes for the other company: %d", status)
		}
	})
}

func TestAPolicyThatComesBeforeTheAnswerLetsNoYesCount(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		h, _ := w.pairBo()
		rp := w.till()
		for _, p := range []organisation.Policy{{MFA: organisation.Required}, {MFA: organisation.Recommended, TypedPush: true}} {
			w.policy(organisation.Policy{MFA: organisation.Recommended})
			q := w.asks(rp)
			c := h.newest()
			w.policy(p)
			if out := h.agreesTo(c); out.text("error") != "gone" {
				t.Errorf("%+v: yes: %d %v", p, out.status, out.body)
			}
			q.gets("authorization_pending")
			w.clock.Advance(3 * time.Minute)
			h.renew()
			w.inTx(func(tx *store.Tx) error { return tx.ForgivePush(t.Context(), w.bo().ID) })
		}
	})
}

func TestAnAppDoesNotHearThatWhoItAskedIsErased(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		h, _ := w.pairBo()
		rp := w.till()
		answered := w.asks(rp)
		h.agrees()
		waiting := w.asks(rp)
		bo := w.bo()
		w.inTx(func(tx *store.Tx) error {
			_, err := tx.EraseAccount(t.Context(), bo.ID, bo.Epoch, w.clock.Now())
			return err
		})
		for _, q := range []question{answered, waiting} {
			q.gets("authorization_pending")
		}
		w.clock.Advance(3 * time.Minute)
		for _, q := range []question{answered, waiting} {
			q.gets("expired_token")
		}
		var left int
		if err := w.raw().QueryRow(`SELECT count(*) FROM devices WHERE account_id <> '' OR grant_id <> '' OR amr <> '' OR auth_time > 0`).Scan(&left); err != nil || left != 0 {
			t.Errorf("%d rows tell of her: %v", left, err)
		}
	})
}
