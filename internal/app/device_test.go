package app_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/portvakt/portvakt/internal/account"
	"github.com/portvakt/portvakt/internal/control"
	"github.com/portvakt/portvakt/internal/grant"
	"github.com/portvakt/portvakt/internal/relyingparty"
	"github.com/portvakt/portvakt/internal/secret"
	"github.com/portvakt/portvakt/internal/store"
	"github.com/portvakt/portvakt/internal/token"
)

// The client of every authenticator: nobody has registered it.
var authenticator = control.RP{ClientID: token.AuthenticatorClient}

// pairing is a device code that the holder has begun.
type pairing struct {
	h    *holder
	d    token.Device
	code secret.Token
}

// begins makes a device code for the holder's key.
func (h *holder) begins() pairing {
	h.w.t.Helper()
	code, now := secret.NewToken(), h.w.clock.Now()
	p := pairing{h: h, code: code, d: token.Device{ID: secret.NewID(), Code: code.Hash(), ClientID: token.AuthenticatorClient,
		Scope: strings.Join(token.AuthenticatorScopes(), " "), JKT: h.jkt, Created: now, Expires: now.Add(10 * time.Minute), Interval: 2 * time.Second}}
	h.w.inTx(func(tx *store.Tx) error { return tx.InsertDevice(h.w.t.Context(), p.d) })
	return p
}

func (w *world) inTx(fn func(tx *store.Tx) error) {
	w.t.Helper()
	if err := store.InTx[*store.Tx](w.app.DB)(w.t.Context(), fn); err != nil {
		w.t.Fatal(err)
	}
}

func (p *pairing) approve(id account.ID) (ok bool) {
	p.h.w.t.Helper()
	p.d.GrantID = secret.NewID()
	p.h.w.inTx(func(tx *store.Tx) (err error) {
		ok, err = tx.ApproveDevice(p.h.w.t.Context(), p.d.ID, id, p.d.GrantID, token.Approval{}, p.h.w.clock.Now())
		return err
	})
	return ok
}

func (p *pairing) deny() (ok bool) {
	p.h.w.t.Helper()
	p.h.w.inTx(func(tx *store.Tx) (err error) {
		ok, err = tx.DenyDevice(p.h.w.t.Context(), p.d.ID, "", p.h.w.clock.Now())
		return err
	})
	return ok
}

func (p pairing) pollBy(h *holder) answered {
	return h.ask(authenticator, "grant_type", relyingparty.DeviceCode, "device_code", p.code.Reveal())
}

func (p pairing) poll() answered { return p.pollBy(p.h) }

func (p pairing) gets(t *testing.T, want string) {
	t.Helper()
	if out := p.poll(); out.status != http.StatusBadRequest || out.text("error") != want {
		t.Errorf("%d %v, want %s", out.status, out.body, want)
	}
}

// paired is an authenticator of Bo's.
func (h *holder) paired() (pairing, answered) {
	h.w.t.Helper()
	p := h.begins()
	p.approve(h.w.bo().ID)
	out := p.poll()
	if out.status != http.StatusOK {
		h.w.t.Fatalf("poll: %d %v", out.status, out.body)
	}
	return p, out
}

func TestAnApprovedDeviceCodeBecomesTokensOfItsKey(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		h := w.holder()
		p := h.begins()
		p.gets(t, "authorization_pending")
		if !p.approve(w.bo().ID) {
			t.Fatal("not approved")
		}
		if p.approve(w.bo().ID) {
			t.Error("approved twice")
		}
		first := p.poll()
		if first.status != http.StatusOK || first.text("token_type") != "DPoP" || first.text("refresh_token") == "" || first.body["id_token"] != nil ||
			first.text("scope") != p.d.Scope {
			t.Fatalf("%d %v", first.status, first.body)
		}
		c := claims(t, first.text("access_token"))
		if cnf, _ := c["cnf"].(map[string]any); cnf["jkt"] != h.jkt || c["client_id"] != token.AuthenticatorClient || c["acr"] != nil || c["auth_time"] != nil {
			t.Errorf("%v", c)
		}
		// For months, whatever the account's sessions do.
		last := first.text("refresh_token")
		for range 6 {
			w.clock.Advance(60 * 24 * time.Hour)
			if err := w.app.House.Round(t.Context()); err != nil {
				t.Fatal(err)
			}
			out := h.refresh(authenticator, last)
			if out.status != http.StatusOK || out.text("refresh_token") == last {
				t.Fatalf("a refresh: %d %v", out.status, out.body)
			}
			last = out.text("refresh_token")
		}
		if out := h.ask(authenticator, "grant_type", "refresh_token", "refresh_token", last, "scope", "2fa.push:read openid"); out.text("scope") != "2fa.push:read" {
			t.Errorf("a narrower token: %d %v", out.status, out.body)
		}
	})
}

func TestADeviceCodeIsOfTheKeyThatBeganIt(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		h, thief := w.holder(), w.holder()
		p := h.begins()
		p.poll()
		w.clock.Advance(2 * time.Second)
		for range 3 {
			if out := p.pollBy(thief); out.text("error") != "invalid_grant" {
				t.Errorf("another key, waiting: %v", out.body)
			}
		}
		p.gets(t, "authorization_pending") // the thief has not made the right one wait
		p.approve(w.bo().ID)
		if out := p.pollBy(thief); out.text("error") != "invalid_grant" {
			t.Errorf("another key, approved: %v", out.body)
		}
		if status, answer := w.call("/token", authenticator, "grant_type", relyingparty.DeviceCode, "device_code", p.code.Reveal()); status != http.StatusBadRequest ||
			answer["error"] != "invalid_dpop_proof" {
			t.Errorf("no proof: %d %v", status, answer)
		}
		if out := h.ask(w.mobile, "grant_type", relyingparty.DeviceCode, "device_code", p.code.Reveal()); out.text("error") != "unauthorized_client" {
			t.Errorf("another client: %v", out.body)
		}
		if out := p.poll(); out.status != http.StatusOK {
			t.Errorf("the key itself: %d %v", out.status, out.body)
		}
		if out := p.pollBy(thief); out.text("error") != "invalid_grant" {
			t.Errorf("another key, used: %v", out.body)
		}
		other := h.begins()
		other.code = secret.NewToken()
		other.gets(t, "invalid_grant")
	})
}

func TestAPollThatComesTooSoonMakesTheIntervalLonger(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		p := w.holder().begins()
		p.gets(t, "authorization_pending")
		w.clock.Advance(time.Second)
		p.gets(t, "slow_down") // seven seconds now
		w.clock.Advance(2 * time.Second)
		p.gets(t, "slow_down") // twelve
		w.clock.Advance(12 * time.Second)
		p.gets(t, "authorization_pending")
		p.approve(w.bo().ID)
		if out := p.poll(); out.status != http.StatusOK {
			t.Errorf("what is approved is not made to wait: %d %v", out.status, out.body)
		}
	})
	w := onceMore(t)
	p := w.holder().begins()
	for range 30 {
		p.poll()
	}
	w.clock.Advance(token.MaxInterval)
	p.gets(t, "authorization_pending")
}

func TestADeviceCodeThatWasRefusedOrHasExpiredGetsNothing(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		bo := w.bo().ID
		denied := w.holder().begins()
		if !denied.deny() || denied.approve(bo) {
			t.Error("it was approved after it was denied")
		}
		denied.gets(t, "access_denied")

		withdrawn := w.holder().begins()
		if !withdrawn.approve(bo) || !withdrawn.deny() {
			t.Error("an approval that was not used yet can be taken back")
		}
		withdrawn.gets(t, "access_denied")

		late, lateApproved := w.holder().begins(), w.holder().begins()
		lateApproved.approve(bo)
		w.clock.Advance(10 * time.Minute)
		if late.approve(bo) || late.deny() {
			t.Error("an expired one was approved or denied")
		}
		late.gets(t, "expired_token")
		lateApproved.gets(t, "expired_token")
		if err := w.app.House.Round(t.Context()); err != nil {
			t.Fatal(err)
		}
		late.gets(t, "expired_token")
		w.clock.Advance(25 * time.Hour)
		if err := w.app.House.Round(t.Context()); err != nil {
			t.Fatal(err)
		}
		late.gets(t, "invalid_grant")
	})
}

func TestADeviceCodeIsUsedOnceAndItsAnswerMayBeAskedForAgainForAMoment(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		h := w.holder()
		p, first := h.paired()
		if p.deny() {
			t.Error("a used one was denied")
		}
		w.clock.Advance(29 * time.Second)
		for range grant.MaxReplays {
			if out := p.poll(); out.status != http.StatusOK || out.text("refresh_token") != first.text("refresh_token") {
				t.Errorf("a lost answer: %d, the same refresh token: %t", out.status, out.text("refresh_token") == first.text("refresh_token"))
			}
		}
		p.gets(t, "invalid_grant")
		if out := h.refresh(authenticator, first.text("refresh_token")); out.status != http.StatusOK {
			t.Errorf("asking again has ended it: %d %v", out.status, out.body)
		}

		late, _ := w.holder().paired()
		w.clock.Advance(31 * time.Second)
		late.gets(t, "invalid_grant")

		used := w.holder()
		moved, answer := used.paired()
		used.refresh(authenticator, answer.text("refresh_token"))
		moved.gets(t, "invalid_grant") // its answer has arrived
	})
}

func TestTwoPollsAtOnceMakeOneGrant(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		p := w.holder().begins()
		p.poll()
		p.approve(w.bo().ID)
		// Each sender has a copy of the nonce, as two tabs of one program do.
		tokens := map[string]bool{}
		for out := range race(4, func() answered {
			mine := *p.h
			return p.pollBy(&mine)
		}) {
			if out.status != http.StatusOK {
				t.Errorf("%d %v", out.status, out.body)
				continue
			}
			tokens[out.text("refresh_token")] = true
		}
		if len(tokens) != 1 {
			t.Errorf("%d refresh tokens", len(tokens))
		}
	})
}

func TestADeviceCodeOfAClosedAccountGetsNothing(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		p := w.holder().begins()
		bo := w.bo()
		p.approve(bo.ID)
		w.inTx(func(tx *store.Tx) error {
			_, err := tx.EraseAccount(t.Context(), bo.ID, bo.Epoch, w.clock.Now())
			return err
		})
		p.gets(t, "invalid_grant")
	})
}

// A phone is a proof, not an app that somebody has signed in to: what signs everything out leaves it paired.
func TestAnAuthenticatorStaysPairedWhateverIsSignedOut(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		h := w.holder()
		p, out := h.paired()
		b := w.browser()
		b.signIn(newLogin(w.mobile), bosAddress, bosPass)
		b.get("/account").expect(http.StatusOK)
		if strings.Contains(b.body, token.AuthenticatorClient) {
			t.Error("the account's page lists it among the apps")
		}
		if access := fmt.Sprint(b.export()["app_access"]); !strings.Contains(access, "Portvakt Authenticator") || strings.Contains(access, h.jkt) {
			t.Errorf("the export says %s", access)
		}
		b.post("/account/access/revoke", "app", token.AuthenticatorClient).expect(http.StatusSeeOther)
		b.post("/account/sessions/end-others")
		b.post("/signout")
		w.inTx(func(tx *store.Tx) error {
			if n, _, err := tx.EndAccess(t.Context(), w.bo().ID, token.AuthenticatorClient, w.clock.Now()); err != nil || n != 0 {
				t.Errorf("its access was ended: %d %v", n, err)
			}
			return nil
		})
		w.browser().askForLink(newLogin(w.hrm), bosAddress, "reset")
		w.resetTo("a new long password of Bo")
		out = h.refresh(authenticator, out.text("refresh_token"))
		if out.status != http.StatusOK {
			t.Fatalf("it was unpaired: %d %v", out.status, out.body)
		}
		status, answer := w.call("/revoke", authenticator, "token", out.text("refresh_token"))
		if status != http.StatusBadRequest || answer["error"] != "unsupported_token_type" {
			t.Errorf("a stolen token alone unpairs it: %d %v", status, answer)
		}
		access := out.text("access_token")
		w.inTx(func(tx *store.Tx) error { return tx.EndAuthenticatorGrant(t.Context(), p.d.GrantID, w.clock.Now()) })
		if out := h.refresh(authenticator, out.text("refresh_token")); out.text("error") != "invalid_grant" {
			t.Errorf("after it was unpaired: %d %v", out.status, out.body)
		}
		use := grant.Use{Scheme: "DPoP", Token: access, Method: http.MethodGet, URL: issuer + "/push/account", Proofs: []string{h.proof(http.MethodGet, "/push/account", access)}}
		if _, err := w.app.Grant.Authorize(t.Context(), use, "2fa.push:read"); !isError(err, "invalid_token") {
			t.Errorf("its access token, after it was unpaired: %v", err)
		}
	})
}

func TestAnAuthenticatorsTokenOpensItsEndpointsAndNoOthers(t *testing.T) {
	w := on(t)
	h := w.holder()
	_, out := h.paired()
	access := out.text("access_token")
	use := grant.Use{Scheme: "DPoP", Token: access, Method: http.MethodGet, URL: issuer + "/push/account", Proofs: []string{h.proof(http.MethodGet, "/push/account", access)}}
	if a, err := w.app.Grant.Authorize(t.Context(), use, "2fa.push:approve"); err != nil || a.JKT != h.jkt || a.Account != w.bo().ID {
		t.Errorf("%+v %v", a, err)
	}
	out = h.userinfo(access)
	if told := out.header.Get("WWW-Authenticate"); out.status != http.StatusForbidden || out.text("error") != "insufficient_scope" || !strings.Contains(told, `scope="openid"`) {
		t.Errorf("userinfo: %d %v %q", out.status, out.body, told)
	}
}

func TestTheRightsOfAnAuthenticatorAreGivenToNobodyElse(t *testing.T) {
	w := on(t)
	wanted := "openid profile offline_access " + strings.Join(token.AuthenticatorScopes(), " ")
	h := w.holder()
	b, l := w.browser(), newLogin(w.mobile)
	b.get(l.authorize("scope", wanted)).follow().expect(http.StatusOK)
	b.post(b.action("/signin/"), "address", bosAddress).follow().expect(http.StatusOK)
	b.post(b.action("/signin/"), "password", bosPass).expect(http.StatusSeeOther).follow().expect(http.StatusOK)
	out := h.redeem(l, l.code(t, b.leads()))
	if out.status != http.StatusOK || strings.Contains(out.text("scope"), "2fa") {
		t.Errorf("by /authorize: %d %v", out.status, out.body)
	}
	if strings.Contains(claims(t, out.text("access_token"))["scope"].(string), "2fa") {
		t.Error("the access token has them")
	}
	for _, scope := range []string{wanted, "2fa.push:approve", "openid 2fa.push:approve"} {
		out = h.ask(w.mobile, "grant_type", "refresh_token", "refresh_token", out.text("refresh_token"), "scope", scope)
		if strings.Contains(out.text("scope"), "2fa") || strings.Contains(claims(t, out.text("access_token"))["scope"].(string), "2fa") {
			t.Errorf("by a refresh with %q: %d %v", scope, out.status, out.body)
		}
	}
	// The authenticator's own client has no other door.
	b = w.browser()
	b.get(newLogin(authenticatorAt(hrmURL + "/callback")).authorize()).expect(http.StatusBadRequest)
	if b.leads() != "" && !strings.HasPrefix(b.leads(), issuer) {
		t.Errorf("it leads to %q", b.leads())
	}
	fresh := newLogin(w.mobile)
	b.get(fresh.authorize()).follow().expect(http.StatusOK)
	b.post(b.action("/signin/"), "address", bosAddress).follow().expect(http.StatusOK)
	b.post(b.action("/signin/"), "password", bosPass).expect(http.StatusSeeOther).follow().expect(http.StatusOK)
	code := fresh.code(t, b.leads())
	if out := h.ask(authenticator, "grant_type", "authorization_code", "code", code, "redirect_uri", fresh.redirect, "code_verifier", fresh.verifier); out.text("error") != "invalid_grant" {
		t.Errorf("another's code: %d %v", out.status, out.body)
	}
	if out := h.ask(control.RP{ClientID: token.AuthenticatorClient, ClientSecret: "x"}, "grant_type", "refresh_token", "refresh_token", "x"); out.text("error") != "invalid_client" {
		t.Errorf("with a secret: %d %v", out.status, out.body)
	}
	if out := h.ask(authenticator, "grant_type", "refresh_token", "refresh_token", out.text("refresh_token")); out.text("error") != "invalid_grant" {
		t.Errorf("another's refresh token: %d %v", out.status, out.body)
	}
}

func authenticatorAt(redirect string) control.RP {
	return control.RP{ClientID: token.AuthenticatorClient, RedirectURIs: []string{redirect}}
}

func TestTheAuthenticatorsClientIDCannotBeRegistered(t *testing.T) {
	w := on(t)
	for _, path := range []string{"", "/secret"} {
		method := map[string]string{"": http.MethodPatch, "/secret": http.MethodPost}[path]
		if err := w.control(method, "/relying-parties/"+token.AuthenticatorClient+path, map[string]string{}); err == nil {
			t.Errorf("%s %s: it is there", method, path)
		}
	}
	_, err := w.app.Control.Registration.Change(t.Context(), w.mobile.ClientID, func(rp *relyingparty.RP) error { rp.ClientID = token.AuthenticatorClient; return nil })
	if err == nil {
		t.Error("an app was given its client id")
	}
	if !slices.Contains(token.AuthenticatorScopes(), "2fa.push:approve") || slices.ContainsFunc(grant.Scopes(), func(s string) bool { return strings.HasPrefix(s, "2fa") }) {
		t.Error("the scopes are mixed")
	}
}
