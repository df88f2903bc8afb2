package app_test

import (
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/portvakt/portvakt/internal/administrator"
	"github.com/portvakt/portvakt/internal/authn"
	"github.com/portvakt/portvakt/internal/organisation"
	"github.com/portvakt/portvakt/internal/store"
	"github.com/portvakt/portvakt/internal/transition"
)

// attention is why somebody should look at the person, and how many of the organisation need it; both where the list says so too.
func (w *world) attention(o organisation.ID, key string) (why authn.Reported, marked bool, count int) {
	w.t.Helper()
	r, err := w.app.Transition.Find(w.t.Context(), o, w.personID(key))
	if err != nil {
		w.t.Fatal(err)
	}
	counts, err := w.app.Transition.Counts(w.t.Context(), o)
	if err != nil {
		w.t.Fatal(err)
	}
	rows, err := w.app.Transition.List(w.t.Context(), o, transition.Filter{Attention: true}, transition.Place{}, 50)
	if err != nil || len(rows) != counts.Attention {
		w.t.Errorf("%d in the list, %d counted: %v", len(rows), counts.Attention, err)
	}
	return r.AttentionWhy, r.NeedsAttention(w.clock.Now()), counts.Attention
}

// report lets a thief with Bo's password be disowned on his phone.
func (w *world) report(h *handset) {
	w.t.Helper()
	thief := w.browser()
	thief.ip = "192.0.2.66"
	thief.toPush(newLogin(w.hrm))
	if out := h.answer(h.newest(), "not_me", ""); out.text("result") != "reported" {
		w.t.Fatal(out.body)
	}
}

func TestWhoWasDisownedOnAPhoneIsShownToTheAdministratorsUntilItIsSettled(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		h, _ := w.pairBo()
		w.second()
		w.alsoAt("kommunen", w.bo().ID, "77")
		if _, marked, n := w.attention("foretaget", "1002"); marked || n != 0 {
			t.Fatal("marked before anything has happened")
		}
		w.report(h)
		for o, key := range map[organisation.ID]string{"foretaget": "1002", "kommunen": "77"} {
			if why, marked, n := w.attention(o, key); !marked || why != authn.ReportedNotMe || n != 1 {
				t.Errorf("%s: %q %t, %d in all", o, why, marked, n)
			}
		}

		// A login with another factor settles nothing: whoever knows the password still knows it.
		eva := helper("eva", administrator.Helpdesk, "foretaget")
		settle := func(by administrator.Administrator) error {
			return w.app.Transition.Settle(t.Context(), by, "foretaget", w.personID("1002"), "")
		}
		for what, by := range map[string]administrator.Administrator{"who only looks": helper("aud", administrator.Auditor, "foretaget"), "another's": helper("gun", administrator.Owner, "kommunen")} {
			if err := settle(by); !errors.Is(err, administrator.ErrForbidden) {
				t.Errorf("%s: %v", what, err)
			}
		}
		for range 2 { // and the second press
			if err := settle(eva); err != nil {
				t.Fatal(err)
			}
		}
		if _, marked, n := w.attention("foretaget", "1002"); marked || n != 0 {
			t.Error("still marked")
		}
		if _, marked, _ := w.attention("kommunen", "77"); !marked {
			t.Error("settled for another organisation")
		}
		if lines := w.lines("transition.attention_settled"); lines != "1" {
			t.Errorf("%s lines", lines)
		}
	})
}

func TestANewPasswordSettlesWhatThePhoneHasSaid(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		h, _ := w.pairBo()
		w.report(h)
		b := w.browser()
		b.askForLink(newLogin(w.hrm), bosAddress, "reset")
		link := w.link(bosAddress)
		if _, marked, _ := w.attention("foretaget", "1002"); !marked {
			t.Error("a request settles it")
		}
		b.get(link)
		b.post(link, "new_password", davidsPass, "repeat_password", davidsPass).expect(http.StatusSeeOther)
		// What is left is that her phone is asked no more, which her next code ends.
		if why, _, _ := w.attention("foretaget", "1002"); why == authn.ReportedNotMe {
			t.Error("still marked")
		}
	})
}

func TestQuestionsThatNobodyAnswersAreShownUntilAnotherFactorSucceeds(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		_, _ = w.pairBo()
		for range 2 {
			b := w.browser()
			b.toPush(newLogin(w.hrm))
			w.clock.Advance(3 * time.Minute)
		}
		b := w.browser()
		b.get(newLogin(w.hrm).authorize()).follow()
		b.post(b.action("/signin/"), "address", bosAddress).follow()
		b.post(b.action("/signin/"), "password", bosPass).follow().expect(http.StatusOK)
		b.post(b.action("/signin/" + attemptOf(b.at) + "/push/ask")).expect(http.StatusTooManyRequests)
		if why, marked, _ := w.attention("foretaget", "1002"); !marked || why != authn.ReportedPushOff {
			t.Errorf("%q %t", why, marked)
		}
		w.inTx(func(tx *store.Tx) error { return tx.ForgivePush(t.Context(), w.bo().ID) })
		if _, marked, _ := w.attention("foretaget", "1002"); marked {
			t.Error("still marked after another factor")
		}
	})
}
