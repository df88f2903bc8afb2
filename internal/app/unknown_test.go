package app_test

import (
	"context"
	"net/http"
	"testing"

	"github.com/portvakt/portvakt/internal/authn"
)

// lostOnce is InTx over a connection that is lost in its next COMMIT: the effect is there, and nobody was told.
func lostOnce[T any](inTx func(context.Context, func(T) error) error) func(context.Context, func(T) error) error {
	lost := false
	return func(ctx context.Context, fn func(T) error) error {
		err := inTx(ctx, fn)
		if err == nil && !lost {
			lost = true
			return authn.ErrOutcomeUnknown
		}
		return err
	}
}

func TestALostCommitLosesNobodyHerLink(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		for _, want := range []string{"login", "reset"} {
			b := w.browser()
			b.askForLink(newLogin(w.hrm), annas, want)
			link := w.link(annas)
			whole := w.app.Recovery.InTx
			w.app.Recovery.InTx = lostOnce(whole)
			b.get(link).post(link, "new_password", freshPass, "repeat_password", freshPass).expect(http.StatusSeeOther)
			w.app.Recovery.InTx = whole
			b.follow().get("/account").expect(http.StatusOK)
		}
		w.deliver()
		if n := len(w.post.to(annas)); n != 3 {
			t.Errorf("%d mails, want two links and one change", n)
		}
	})
}

func TestALostCommitTakesNoRPForAThief(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		b, l := w.browser(), newLogin(w.mobile)
		code := l.code(t, b.signIn(l, bosAddress, bosPass))
		whole := w.app.Grant.InTx
		w.app.Grant.InTx = lostOnce(whole)
		status, answer := w.redeem(l, code)
		w.app.Grant.InTx = whole
		if status != http.StatusOK {
			t.Fatalf("%d %v", status, answer)
		}
		if status, _ := w.userinfo(answer["access_token"].(string)); status != http.StatusOK {
			t.Errorf("userinfo: %d", status)
		}
		if status, _ := w.redeem(l, code); status != http.StatusBadRequest {
			t.Errorf("a second redemption: %d", status)
		}
		if status, _ := w.userinfo(answer["access_token"].(string)); status != http.StatusUnauthorized {
			t.Errorf("after a second redemption: %d", status)
		}
	})
}
