package app_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/portvakt/portvakt/internal/control"
	"github.com/portvakt/portvakt/internal/relyingparty"
	"github.com/portvakt/portvakt/internal/session"
	"github.com/portvakt/portvakt/internal/throttle"
	"github.com/portvakt/portvakt/internal/token"
)

// screen registers an app on a device without a browser.
func (w *world) screen(change ...func(*control.RP)) control.RP {
	w.t.Helper()
	rp := control.RP{Name: "Skiftskärmen", Public: true, PKCE: true, RefreshTokens: true,
		Options: control.Options{Metadata: relyingparty.Metadata{GrantTypes: []string{relyingparty.DeviceCode, relyingparty.RefreshToken}}}}
	for _, f := range change {
		f(&rp)
	}
	return w.register(rp)
}

// device is one that waits for a person.
type device struct {
	w          *world
	rp         control.RP
	code, user string
	page       string // with the code in it
}

func (w *world) device(rp control.RP) device {
	w.t.Helper()
	status, answer := w.call("/device_authorization", rp, "scope", "openid profile company offline_access")
	if status != http.StatusOK || answer["expires_in"] != 900.0 || answer["interval"] != 5.0 || answer["verification_uri"] != issuer+"/device" {
		w.t.Fatalf("device authorization: %d %v", status, answer)
	}
	return device{w: w, rp: rp, code: answer["device_code"].(string), user: answer["user_code"].(string), page: answer["verification_uri_complete"].(string)}
}

// polls asks once, after its interval.
func (d device) polls() (int, map[string]any) {
	d.w.clock.Advance(6 * time.Second)
	return d.w.call("/token", d.rp, "grant_type", relyingparty.DeviceCode, "device_code", d.code)
}

func (d device) gets(want string) {
	d.w.t.Helper()
	if status, answer := d.polls(); status != http.StatusBadRequest || answer["error"] != want {
		d.w.t.Errorf("poll: %d %v, want %s", status, answer, want)
	}
}

// toQuestion types the device's code.
func (b *browser) toQuestion(d device) *browser {
	b.w.t.Helper()
	b.get(strings.TrimPrefix(d.page, issuer)).expect(http.StatusOK).shows("Skriv koden från enheten")
	return b.post("/device", "user_code", d.user).expect(http.StatusSeeOther).follow()
}

// proves signs Bo in on the pages that the browser was led to.
func (b *browser) proves() *browser {
	b.w.t.Helper()
	b.expect(http.StatusOK)
	b.post(b.action("/signin/"), "address", bosAddress).follow().expect(http.StatusOK)
	return b.post(b.action("/signin/"), "password", bosPass).follow()
}

func TestAPersonLetsADeviceInByItsCode(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		d := w.device(w.screen())
		if len(d.user) != 9 || strings.ContainsAny(d.user, "AEIOUY0123456789") {
			t.Errorf("the code is %q", d.user)
		}
		d.gets("authorization_pending")

		b := w.browser()
		b.toQuestion(d).proves().expect(http.StatusOK).shows("Logga in på en annan enhet?").shows("Skiftskärmen").shows(bosAddress)
		d.gets("authorization_pending") // a page that was opened lets nobody in
		at := b.at
		b.post(at, "answer", "yes").expect(http.StatusSeeOther).follow().shows("Klart")
		b.post(at, "answer", "yes").expect(http.StatusSeeOther).follow().shows("Klart") // twice

		status, answer := d.polls()
		if status != http.StatusOK || answer["refresh_token"] == nil {
			t.Fatalf("approved: %d %v", status, answer)
		}
		told := claims(t, answer["id_token"].(string))
		if told["acr"] != string(session.Pwd) || told["sub"] != string(w.bo().ID) || told["auth_time"] == nil || told["sid"] == nil || answer["scope"] != "offline_access openid profile" {
			t.Errorf("told: %v, scope %v", told, answer["scope"])
		}
		if status, info := w.userinfo(answer["access_token"].(string)); status != http.StatusOK || info["given_name"] != "Bo" {
			t.Errorf("userinfo: %d %v", status, info)
		}
		b.get("/account").shows("Skiftskärmen")
		b.get("/account/activity").shows("Du lät Skiftskärmen logga in på en annan enhet")
		b.post("/signout")
		if status, _ := w.refresh(d.rp, answer["refresh_token"].(string)); status != http.StatusOK {
			t.Errorf("the device ended with the browser's session: %d", status)
		}
		w.clock.Advance(time.Minute)
		d.gets("invalid_grant") // once
	})
}

func TestADeviceThatWasRefusedGetsNothing(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		d, b := w.device(w.screen()), w.browser()
		b.tokens(w.hrm)
		b.toQuestion(d).expect(http.StatusOK).shows("Logga in på en annan enhet?") // the session answers who it is, and nothing else
		at := b.at
		b.post(at, "answer", "no").follow().shows("Enheten släpptes inte in")
		b.post(at, "answer", "yes").follow().shows("Enheten släpptes inte in")
		d.gets("access_denied")

		taken := w.device(d.rp)
		b.toQuestion(taken).post(b.at, "answer", "yes").follow().shows("Klart")
		b.post(b.at, "answer", "no").follow().shows("Enheten släpptes inte in") // she has thought better of it, before the device asked
		taken.gets("access_denied")
		b.get("/account/activity").shows("Du sa nej till Skiftskärmen")

		// Whoever else has the address learns nothing of it.
		w.browser().get(at).expect(http.StatusSeeOther).follow().shows("Skriv koden från enheten")
	})
}

func TestAnAnswerToADeviceCountsOnlyAsLongAsThePersonStandsByIt(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		rp, b := w.screen(), w.browser()
		b.tokens(w.hrm)
		former := w.device(rp)
		b.toQuestion(former).post(b.at, "answer", "yes").follow().shows("Klart")
		if status, _ := former.polls(); status != http.StatusOK {
			t.Fatalf("poll: %d", status)
		}

		d := w.device(rp)
		b.toQuestion(d).post(b.at, "answer", "yes").follow().shows("Klart")
		b.get("/account")
		w.clock.Advance(time.Second)
		b.post("/account/access/revoke", "app", rp.ClientID).expect(http.StatusSeeOther)
		d.gets("invalid_grant")

		d = w.device(rp)
		b.toQuestion(d).post(b.at, "answer", "yes").follow().shows("Klart")
		w.browser().askForLink(newLogin(w.hrm), bosAddress, "reset")
		w.deliver()
		w.resetTo("nio blå cyklar i snö")
		d.gets("invalid_grant")
	})
}

func TestADeviceEndsWithTheSessionThatLetItInUnlessItAskedForMore(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		rp, b := w.screen(), w.browser()
		b.tokens(w.hrm)
		begin := func() device {
			_, answer := w.call("/device_authorization", rp, "scope", "openid")
			return device{w: w, rp: rp, code: answer["device_code"].(string), user: answer["user_code"].(string), page: answer["verification_uri_complete"].(string)}
		}
		d, late := begin(), begin()
		for _, one := range []device{d, late} {
			b.toQuestion(one).post(b.at, "answer", "yes").follow().shows("Klart")
		}
		status, answer := d.polls()
		if status != http.StatusOK {
			t.Fatalf("poll: %d %v", status, answer)
		}
		b.post("/signout")
		if status, _ := w.refresh(rp, answer["refresh_token"].(string)); status != http.StatusBadRequest {
			t.Errorf("after the sign-out: %d", status)
		}
		late.gets("invalid_grant")
	})
}

func TestAnAddressThatSomebodySendsAsksNobodyToLetADeviceIn(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		thief, victim := w.browser(), w.browser()
		victim.tokens(w.hrm)
		d := w.device(w.screen())
		thief.post("/device", "user_code", d.user).expect(http.StatusSeeOther)
		sent := thief.leads()
		victim.get(sent).expect(http.StatusSeeOther).follow().shows("Skriv koden från enheten")
		victim.post(sent, "answer", "yes").expect(http.StatusSeeOther)
		d.gets("authorization_pending")
		victim.toQuestion(d).shows("Enheten ska visa den här koden: " + d.user)
	})
}

func TestADeviceIsLetInByAProofAsFreshAsTheAppAsks(t *testing.T) {
	w := on(t)
	age := 60
	rp := w.screen(func(rp *control.RP) { rp.Options.DefaultMaxAge = &age })
	d, b := w.device(rp), w.browser()
	b.tokens(w.hrm)
	w.clock.Advance(5 * time.Minute)
	b.toQuestion(d).proves().shows("Logga in på en annan enhet?")
}

func TestADeviceOfAnAppThatNeedsMoreIsAnsweredByMore(t *testing.T) {
	w := on(t)
	app, _ := w.addApp()
	rp := w.screen(func(rp *control.RP) { rp.RequireACR = string(session.AAL2) })
	d, b := w.device(rp), w.browser()
	b.toQuestion(d).proves().shows("Ange din 6-siffriga kod")
	d.gets("authorization_pending")
	b.post(b.action("/signin/"), "code", app.code()).follow().expect(http.StatusOK).shows("Logga in på en annan enhet?")
	b.post(b.at, "answer", "yes").follow().shows("Klart")
	status, answer := d.polls()
	if status != http.StatusOK || claims(t, answer["id_token"].(string))["acr"] != string(session.AAL2) {
		t.Errorf("poll: %d %v", status, answer)
	}
}

func TestBadInputToTheDeviceGrant(t *testing.T) {
	w := on(t)
	rp := w.screen()
	for name, c := range map[string]struct {
		rp    control.RP
		pairs []string
		want  string
	}{
		"an app that is not registered for it": {w.hrm, nil, "unauthorized_client"},
		"a public app that is not, either":     {w.mobile, nil, "unauthorized_client"},
		"nobody":                               {control.RP{ClientID: "nobody"}, nil, "invalid_client"},
		"without openid":                       {rp, []string{"scope", "profile"}, "invalid_scope"},
		"an authenticator's rights":            {rp, []string{"scope", "2fa.push:approve"}, "invalid_scope"},
	} {
		if _, answer := w.call("/device_authorization", c.rp, c.pairs...); answer["error"] != c.want {
			t.Errorf("%s: %v, want %s", name, answer, c.want)
		}
	}
	d, b := w.device(rp), w.browser()
	if status, answer := w.call("/token", w.screen(), "grant_type", relyingparty.DeviceCode, "device_code", d.code); answer["error"] != "invalid_grant" {
		t.Errorf("another app's code: %d %v", status, answer)
	}
	l := newLogin(w.mobile)
	l.ClientID = rp.ClientID
	b.get(l.authorize()).expect(http.StatusBadRequest) // it has no redirect URI
	typed := strings.ToLower(strings.ReplaceAll(d.user, "-", " "))
	b.post("/device", "user_code", typed).expect(http.StatusSeeOther)
	for _, wrong := range []string{"", "BCDF-GHJK", d.user + "B", strings.Repeat("B", 5000), "åäö\x00", d.code} {
		b.post("/device", "user_code", wrong).expect(http.StatusUnprocessableEntity).shows("Den koden känner vi inte igen")
	}
	b.get("/device/" + url.PathEscape("' OR 1=1 --")).expect(http.StatusSeeOther)
	w.clock.Advance(token.DeviceLife)
	b.post("/device", "user_code", d.user).expect(http.StatusUnprocessableEntity)
	d.gets("expired_token")
}

func TestCodesOfDevicesCannotBeTriedOutOrHoarded(t *testing.T) {
	w := on(t)
	rp, b := w.screen(), w.browser()
	for range throttle.Requests.Limit {
		b.post("/device", "user_code", "BCDF-GHJK").expect(http.StatusUnprocessableEntity)
	}
	b.post("/device", "user_code", "BCDF-GHJK").expect(http.StatusTooManyRequests)
	last := 0
	for range throttle.Requests.Limit + 1 {
		last, _ = w.call("/device_authorization", rp)
	}
	if last != http.StatusTooManyRequests {
		t.Errorf("one code too many: %d", last)
	}
}
