package app_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/portvakt/portvakt/internal/control"
	"github.com/portvakt/portvakt/internal/session"
)

// changes is what the operator does to an app.
func (w *world) changes(c control.RP, change control.RPChange) {
	w.t.Helper()
	if err := w.operator(http.MethodPatch, "/relying-parties/"+c.ClientID, change, &struct{}{}); err != nil {
		w.t.Fatal(err)
	}
}

// TestWhatTheOperatorChangesWhileAPersonLogsInCounts: the request rests in her browser for minutes, and was good when it came.
func TestWhatTheOperatorChangesWhileAPersonLogsInCounts(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		h, yes, no := w.holder(), true, false
		const start = hrmURL + "/begin"
		front := func(change ...func(*control.RP)) control.RP {
			return w.inFront(append(change, func(rp *control.RP) { rp.InitiateLoginURI = start })...)
		}
		signer := func(change ...func(*control.RP)) control.RP {
			return w.signer(h, append(change, func(rp *control.RP) { rp.InitiateLoginURI = start })...)
		}
		const foreign = "https://taken-over.example/callback"
		mode, aal2, reports := control.FAPI("message-signing"), "urn:portvakt:aal2", `"https://reports.example/api"`
		for what, c := range map[string]struct {
			rp     control.RP
			asks   []string
			change control.RPChange
		}{
			"nothing":             {front(), nil, control.RPChange{Name: new("Another name")}},
			"redirect URI":        {front(func(rp *control.RP) { rp.RedirectURIs = []string{foreign, hrmURL + "/old"} }), nil, control.RPChange{RedirectURIs: []string{hrmURL + "/old"}}},
			"response type":       {front(), []string{"response_type", "id_token token"}, control.RPChange{ResponseTypes: []string{"code"}, RequireDPoP: &yes}},
			"signed answer":       {signer(), nil, control.RPChange{FAPI: &mode}},
			"pushed":              {signer(), nil, control.RPChange{RequirePAR: &yes}},
			"signed":              {signer(), nil, control.RPChange{RequireSigned: &yes}},
			"not pushed any more": {signer(func(rp *control.RP) { rp.RequirePAR = true }), nil, control.RPChange{RequirePAR: &no}},
			"resource": {front(func(rp *control.RP) { rp.Resources = []string{payrollAPI} }), []string{"resource", payrollAPI},
				control.RPChange{Metadata: json.RawMessage(`{"resources":[` + reports + `]}`)}},
			"acr": {front(), nil, control.RPChange{RequireACR: &aal2}},
		} {
			b, l := w.browser(), newLogin(c.rp)
			to := l.authorize(c.asks...)
			if c.rp.RequirePAR {
				to = h.pushed(l, l.pairs()...)
			}
			b.get(to).follow().expect(http.StatusOK)
			b.post(b.action("/signin/"), "address", bosAddress).follow().expect(http.StatusOK)
			w.changes(c.rp, c.change)
			b.post(b.action("/signin/"), "password", bosPass).follow()
			to = b.leads()
			switch what {
			case "nothing", "not pushed any more":
				if b.last.StatusCode != http.StatusOK || !strings.HasPrefix(to, l.redirect) || !strings.Contains(to, "code=") {
					t.Errorf("%s: %d %q", what, b.last.StatusCode, to)
				}
			case "redirect URI":
				if to != "" || strings.Contains(b.body, "taken-over") || !strings.Contains(b.body, start) {
					t.Errorf("%s: %d %q\n%s", what, b.last.StatusCode, to, plain(b.body))
				}
			default:
				if b.last.StatusCode != http.StatusOK || !strings.HasPrefix(to, start+"?iss="+url.QueryEscape(issuer)) {
					t.Errorf("%s: %d %q", what, b.last.StatusCode, to)
				}
			}
		}
	})
}

// TestARequestThatIsTurnedDownIsHeldAgainstItsAppToo: the address to go back to may have been taken away, or the answer be signed by now.
func TestARequestThatIsTurnedDownIsHeldAgainstItsAppToo(t *testing.T) {
	w := on(t)
	h, mode := w.holder(), control.FAPI("message-signing")
	c := w.signer(h)
	b, l := w.browser(), newLogin(c)
	b.get(l.authorize()).follow().expect(http.StatusOK)
	at, query, _ := strings.Cut(b.action("/signin/"), "?")
	w.changes(c, control.RPChange{FAPI: &mode})
	if to := b.get(at + "/cancel?" + query).leads(); b.last.StatusCode != http.StatusGone || to != "" {
		t.Errorf("an unsigned answer: %q", to)
	}
}

// TestACompanyIsChosenForARequestThatItsAppMayStillMake is the same at the last page before the app.
func TestACompanyIsChosenForARequestThatItsAppMayStillMake(t *testing.T) {
	w := on(t)
	w.works(twoJobs)
	b, l := w.browser(), newLogin(w.mobile)
	b.toCompany(l).expect(http.StatusOK)
	w.changes(w.mobile, control.RPChange{RedirectURIs: []string{mobileURL + "/elsewhere"}})
	b.post(b.action("/signin/"), "company", "Ångbageriet AB")
	if to := b.leads(); strings.HasPrefix(to, l.redirect) || strings.Contains(to, "code=") {
		t.Errorf("a code goes to an address that is registered no more: %q", to)
	}
}

// TestAnApprovedDeviceCodeIsWorthWhatItsAppRequiresWhenItIsUsed: the app asks for more since the person has said yes.
func TestAnApprovedDeviceCodeIsWorthWhatItsAppRequiresWhenItIsUsed(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		aal2 := string(session.AAL2)
		d := w.device(w.screen())
		b := w.browser()
		b.toQuestion(d).proves()
		b.post(b.action("/device/"), "answer", "yes").follow().expect(http.StatusOK)
		w.changes(d.rp, control.RPChange{RequireACR: &aal2})
		d.gets("access_denied")
		less := ""
		w.changes(d.rp, control.RPChange{RequireACR: &less})
		if status, answer := d.polls(); status != http.StatusOK {
			t.Errorf("nothing was used up: %d %v", status, answer)
		}
	})
}

// TestACallThatWaitsGoesWhereItsAppIsNow: the address may have been given up because somebody else has it.
func TestACallThatWaitsGoesWhereItsAppIsNow(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		from, to := newPinged(t, http.StatusServiceUnavailable), newPinged(t, http.StatusNoContent)
		moved, none := to.URL+"/moved", ""
		inFront := func() control.RP {
			return w.inFront(func(rp *control.RP) { rp.BackchannelLogoutURI = from.URL + "/logout" })
		}
		moves, closes := inFront(), inFront()
		for _, c := range []control.RP{moves, closes} {
			b := w.browser()
			b.tokens(c)
			b.post("/signout")
		}
		h, _ := w.pairBo()
		asker, silent := from.till(w), from.till(w)
		for _, c := range []control.RP{asker, silent} {
			w.asks(c, "client_notification_token", "token")
			h.agrees()
		}
		w.deliver()
		before := len(from.heard())
		if before != 4 {
			t.Fatalf("%d calls", before)
		}
		w.changes(moves, control.RPChange{BackchannelLogoutURI: &moved})
		w.changes(closes, control.RPChange{BackchannelLogoutURI: &none})
		w.changes(asker, control.RPChange{NotifyURI: &moved})
		poll := "poll"
		w.changes(silent, control.RPChange{Delivery: &poll, NotifyURI: &none})
		w.clock.Advance(time.Minute)
		w.deliver()
		if got := to.heard(); len(got) != 2 {
			t.Errorf("at the new address: %q", got)
		}
		if got := from.heard(); len(got) != before {
			t.Errorf("at the old address, afterwards: %q", got[before:])
		}
	})
}
