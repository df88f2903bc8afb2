package app_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/portvakt/portvakt/internal/control"
	"github.com/portvakt/portvakt/internal/relyingparty"
	"github.com/portvakt/portvakt/internal/store/storetest"
)

// inside is a server in a private network that the operator has listed, and how often it was called.
func inside(t *testing.T, answer func() []byte) (at string, called *atomic.Int32) {
	called = new(atomic.Int32)
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		called.Add(1)
		rw.Write(answer()) //nolint:errcheck // a test's server
	}))
	t.Cleanup(server.Close)
	return server.URL, called
}

// TestWhatAnAppNamesThatRegisteredItselfLeadsIntoNoListedNetwork goes through all that Portvakt calls at an app's word, for one with a
// registration token and one without; an app of the operator's is beside them, and names the same.
func TestWhatAnAppNamesThatRegisteredItselfLeadsIntoNoListedNetwork(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		h := w.holder()
		at, called := inside(t, func() []byte { return h.set("one") })
		keyed := w.signer(h, func(rp *control.RP) { rp.JWKS, rp.JWKSURI = nil, at })
		if w.signed("/token", h.assertion(keyed.ClientID, "header kid", "one"), "grant_type", "refresh_token", "refresh_token", "x"); called.Load() != 1 {
			t.Fatalf("the operator's app: its keys were read %d times", called.Load())
		}
		told := w.register(control.RP{Name: "Told", RedirectURIs: []string{hrmURL + "/told"}, BackchannelLogoutURI: at, PKCE: true})
		called.Store(0)
		for kind, token := range map[string]string{"with a token": w.initial(control.RegistrationToken{PKCE: true, Uses: 5, Organisation: "foretaget"}), "without": ""} {
			made := w.itself(token, `{`+payroll+`, "token_endpoint_auth_method": "private_key_jwt", "jwks_uri": "`+at+`"}`)
			status, answer := w.signed("/token", h.assertion(made["client_id"].(string), "header kid", "one"), "grant_type", "refresh_token", "refresh_token", "x")
			if status != http.StatusUnauthorized || !strings.Contains(answer["error_description"].(string), "jwks_uri") {
				t.Errorf("%s: keys: %d %v", kind, status, answer)
			}
			made = w.itself(token, `{`+payroll+`, "request_uris": ["`+at+`/request"], "backchannel_logout_uri": "`+at+`/logout", "registered_itself": false,
				"jwks_uri": "`+at+`/keys", "userinfo_encrypted_response_alg": "ECDH-ES"}`)
			rp := rpFrom(made)
			b, l := w.browser(), newLogin(rp)
			q := url.Values{"client_id": {rp.ClientID}, "redirect_uri": {l.redirect}, "request_uri": {at + "/request"}}
			if to := b.get("/authorize?" + q.Encode()).leads(); !strings.Contains(to, "error=invalid_request_uri") {
				t.Errorf("%s: a request object: it leads to %s", kind, to)
			}
			if status, _, answer := w.registration(http.MethodPost, "/register", token, `{`+payroll+`, "sector_identifier_uri": "`+at+`"}`); status != http.StatusBadRequest {
				t.Errorf("%s: a sector: %d %v", kind, status, answer)
			}
			if err := w.operator(http.MethodPatch, "/relying-parties/"+rp.ClientID, control.RPChange{BackchannelLogoutURI: new(at + "/by-the-operator")}, new(control.RP)); err != nil {
				t.Fatal(err)
			}
			if status, answer := w.userinfo(b.tokens(rp)["access_token"].(string)); status == http.StatusOK {
				t.Errorf("%s: a key to encrypt to: %v", kind, answer)
			}
			b.post("/signout")
			w.deliver()
			at, own := made["registration_client_uri"].(string), made["registration_access_token"].(string)
			if status, _, now := w.registration(http.MethodGet, at, own, ""); status != http.StatusOK || now["registered_itself"] != nil {
				t.Errorf("%s: %d %v", kind, status, now)
			}
			if n := called.Load(); n != 0 {
				t.Errorf("%s: the inside was called %d times", kind, n)
			}
		}
		b := w.browser()
		b.tokens(told)
		b.post("/signout")
		w.deliver()
		if called.Load() != 1 {
			t.Errorf("the operator's app heard %d times of a logout", called.Load())
		}
	}, openly)
}

func TestAPingOfAnAppThatRegisteredItselfLeadsIntoNoListedNetwork(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLiteFile(t), openly)
	h, _ := w.pairBo()
	p := newPinged(t, http.StatusNoContent)
	rp := rpFrom(w.itself("", `{`+payroll+`}`))
	give := control.RPChange{Organisations: []string{"foretaget"}, Metadata: json.RawMessage(`{"grant_types": ["authorization_code", "` + relyingparty.CIBA +
		`"], "backchannel_token_delivery_mode": "ping", "backchannel_client_notification_endpoint": "` + p.URL + `"}`)}
	if err := w.operator(http.MethodPatch, "/relying-parties/"+rp.ClientID, give, new(control.RP)); err != nil {
		t.Fatal(err)
	}
	q := w.asks(rp, "client_notification_token", "8d67dc78")
	c := h.newest()
	h.post(c, h.signed(c, "approve", "Kassa 4-17", nil))
	w.deliver()
	if got := p.heard(); len(got) != 0 {
		t.Errorf("heard %v", got)
	}
	if status, answer := w.call("/token", rp, "grant_type", relyingparty.CIBA, "auth_req_id", q.id); status != http.StatusOK {
		t.Errorf("it may ask by itself: %d %v", status, answer)
	}
}

// TestTheOperatorSeesWhichAppsRegisteredThemselves, and does not say so of one.
func TestTheOperatorSeesWhichAppsRegisteredThemselves(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLiteFile(t), openly)
	id := w.itself("", `{`+payroll+`}`)["client_id"]
	w.register(control.RP{Name: "One", RedirectURIs: []string{hrmURL + "/one"}, PKCE: true, Itself: true})
	var all []control.RP
	if err := w.operator(http.MethodGet, "/relying-parties", nil, &all); err != nil || len(all) != 4 {
		t.Fatal(err, all)
	}
	for _, one := range all {
		if one.Itself != (one.ClientID == id) {
			t.Errorf("%s: %t", one.Name, one.Itself)
		}
	}
	for _, said := range []string{"true", "false"} {
		w.refuses(http.MethodPatch, "/relying-parties/"+id.(string), control.RPChange{Metadata: json.RawMessage(`{"registered_itself": ` + said + `}`)}, "unknown field")
	}
}

// TestANameThatTheOperatorGivesStands holds it for an app that nobody has vouched for: as long as she gives none, people see where they are sent.
func TestANameThatTheOperatorGivesStands(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		made := w.itself("", `{`+payroll+`}`)
		id, at, access := made["client_id"].(string), made["registration_client_uri"].(string), made["registration_access_token"].(string)
		puts := func(host string) string {
			t.Helper()
			status, _, answer := w.registration(http.MethodPut, at, access, `{"client_id": "`+id+`", "redirect_uris": ["https://`+host+`/callback"], "client_name": "HRM"}`)
			if status != http.StatusOK {
				t.Fatalf("%d %v", status, answer)
			}
			return answer["client_name"].(string)
		}
		sets := func(c control.RPChange) (changed control.RP) {
			t.Helper()
			if err := w.operator(http.MethodPatch, "/relying-parties/"+id, c, &changed); err != nil {
				t.Fatal(err)
			}
			return changed
		}
		if got := puts("shifts.example"); got != "shifts.example" {
			t.Errorf("without a name it is %s", got)
		}
		if got := sets(control.RPChange{RedirectURIs: []string{"https://times.example/callback"}}).Name; got != "times.example" {
			t.Errorf("where the operator sends people elsewhere it is %s", got)
		}
		if got := puts("wages.example"); got != "wages.example" {
			t.Errorf("after that it is %s", got)
		}
		sets(control.RPChange{Name: new("Lönekontoret")})
		sets(control.RPChange{RequireACR: new("urn:portvakt:pwd"), RedirectURIs: []string{"https://wages.example/callback", "https://wages.example/other"}})
		for _, host := range []string{"wages.example", "elsewhere.example"} {
			if got := puts(host); got != "Lönekontoret" {
				t.Errorf("at %s the operator's name became %s", host, got)
			}
		}
		b := w.browser()
		b.get(newLogin(control.RP{ClientID: id, RedirectURIs: []string{"https://elsewhere.example/callback"}}).authorize()).follow().expect(http.StatusOK).shows("Lönekontoret")
	}, openly)
}

// TestWhatFailsIsNotTriedWithoutEnd: a registration that fails takes no use of its token, nor does a change of an app's own.
func TestWhatFailsIsNotTriedWithoutEnd(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLiteFile(t), byToken)
	var fetched atomic.Int32
	w.app.Control.Registration.FetchPublic = func(context.Context, string) (string, error) {
		fetched.Add(1)
		return "[]", nil
	}
	token := w.initial(control.RegistrationToken{PKCE: true, Uses: 2})
	made := w.itself(token, `{`+payroll+`}`)
	sector := `, ` + payroll + `, "sector_identifier_uri": "https://payroll.example/sector"}`
	for kind, try := range map[string]func() int{
		"registrations": func() int {
			status, _, _ := w.registration(http.MethodPost, "/register", token, `{"client_uri": "https://payroll.example/"`+sector)
			return status
		},
		"changes": func() int {
			status, _, _ := w.registration(http.MethodPut, made["registration_client_uri"].(string), made["registration_access_token"].(string), `{"client_id": "`+made["client_id"].(string)+`"`+sector)
			return status
		},
	} {
		fetched.Store(0)
		seen := map[int]int{}
		for range 310 {
			seen[try()]++
		}
		if seen[http.StatusTooManyRequests] < 10 || seen[http.StatusBadRequest] < 290 || int(fetched.Load()) != seen[http.StatusBadRequest] {
			t.Errorf("%s: %v, and %d fetched", kind, seen, fetched.Load())
		}
	}
	w.itself(w.initial(control.RegistrationToken{PKCE: true, Uses: 1}), `{`+payroll+`}`)
	w.clock.Advance(11 * time.Minute)
	w.itself(token, `{`+payroll+`}`) // its use is left
}
