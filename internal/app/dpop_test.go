package app_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/portvakt/portvakt/internal/app"
	"github.com/portvakt/portvakt/internal/control"
	"github.com/portvakt/portvakt/internal/grant"
	"github.com/portvakt/portvakt/internal/secret"
	"github.com/portvakt/portvakt/internal/signingkey"
	"github.com/portvakt/portvakt/internal/store"
	"github.com/portvakt/portvakt/internal/store/storetest"
)

// holder is a program that holds a key and signs proofs with it (RFC 9449 §4.2).
type holder struct {
	w     *world
	key   *ecdsa.PrivateKey
	jwk   map[string]string
	jkt   string
	nonce string // of the last answer
}

func (w *world) holder() *holder {
	w.t.Helper()
	key := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	point := must(key.PublicKey.Bytes())
	h := &holder{w: w, key: key, jwk: map[string]string{"kty": "EC", "crv": "P-256", "x": b64(point[1:33]), "y": b64(point[33:])}}
	h.jkt = must(signingkey.Thumbprint(must(json.Marshal(h.jwk))))
	return h
}

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// sign makes a JWS of the header and the claims.
func (h *holder) sign(header, claims map[string]any) string {
	signed := b64(must(json.Marshal(header))) + "." + b64(must(json.Marshal(claims)))
	sum := sha256.Sum256([]byte(signed))
	r, s, err := ecdsa.Sign(rand.Reader, h.key, sum[:])
	if err != nil {
		panic(err)
	}
	return signed + "." + b64(append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...))
}

// proof is an honest proof, but for what changes says; token is the access token beside it, or empty.
func (h *holder) proof(method, path, token string, changes ...any) string {
	claims := map[string]any{"jti": secret.NewID(), "htm": method, "htu": issuer + path, "iat": h.w.clock.Now().Unix()}
	if h.nonce != "" {
		claims["nonce"] = h.nonce
	}
	if token != "" {
		sum := sha256.Sum256([]byte(token))
		claims["ath"] = b64(sum[:])
	}
	for i := 0; i+1 < len(changes); i += 2 {
		if changes[i+1] == nil {
			delete(claims, changes[i].(string))
			continue
		}
		claims[changes[i].(string)] = changes[i+1]
	}
	return h.sign(map[string]any{"typ": "dpop+jwt", "alg": "ES256", "jwk": h.jwk}, claims)
}

// answered is what a program is told.
type answered struct {
	status int
	body   map[string]any
	header http.Header
}

func (a answered) text(name string) string { s, _ := a.body[name].(string); return s }

// send sends a request with the given proofs and keeps the nonce of the answer.
func (h *holder) send(a *app.App, r *http.Request, proofs ...string) answered {
	for _, p := range proofs {
		r.Header.Add("DPoP", p)
	}
	rec := httptest.NewRecorder()
	a.Handler().ServeHTTP(rec, r)
	out := answered{status: rec.Code, header: rec.Result().Header}
	json.Unmarshal(rec.Body.Bytes(), &out.body) //nolint:errcheck // a refusal may have no body
	if n := out.header.Get("DPoP-Nonce"); n != "" {
		h.nonce = n
	}
	return out
}

// tokenRequest is a request of the client at the token endpoint.
func tokenRequest(c control.RP, pairs ...string) *http.Request {
	form := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	if c.ClientSecret == "" {
		form.Set("client_id", c.ClientID)
	}
	r := httptest.NewRequest(http.MethodPost, issuer+"/token", strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if c.ClientSecret != "" {
		r.SetBasicAuth(url.QueryEscape(c.ClientID), url.QueryEscape(c.ClientSecret))
	}
	return r
}

// ask sends a token request as a client does: once more where a nonce is asked for.
func (h *holder) ask(c control.RP, pairs ...string) answered {
	out := h.send(h.w.app, tokenRequest(c, pairs...), h.proof(http.MethodPost, "/token", ""))
	if out.text("error") == "use_dpop_nonce" {
		out = h.send(h.w.app, tokenRequest(c, pairs...), h.proof(http.MethodPost, "/token", ""))
	}
	return out
}

func (h *holder) redeem(l rp, code string) answered {
	return h.ask(l.RP, "grant_type", "authorization_code", "code", code, "redirect_uri", l.redirect, "code_verifier", l.verifier)
}

func (h *holder) refresh(c control.RP, token string) answered {
	return h.ask(c, "grant_type", "refresh_token", "refresh_token", token)
}

func userinfoRequest(scheme, token string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, issuer+"/userinfo", nil)
	r.Header.Set("Authorization", scheme+" "+token)
	return r
}

func (h *holder) userinfo(token string) answered {
	out := h.send(h.w.app, userinfoRequest("DPoP", token), h.proof(http.MethodGet, "/userinfo", token))
	if out.text("error") == "use_dpop_nonce" {
		out = h.send(h.w.app, userinfoRequest("DPoP", token), h.proof(http.MethodGet, "/userinfo", token))
	}
	return out
}

// signedIn signs Bo in at the RP, with tokens that are bound to the holder's key.
func (h *holder) signedIn(c control.RP) answered {
	h.w.t.Helper()
	l := newLogin(c)
	out := h.redeem(l, l.code(h.w.t, h.w.browser().signIn(l, bosAddress, bosPass)))
	if out.status != http.StatusOK {
		h.w.t.Fatalf("redeem: %d %v", out.status, out.body)
	}
	return out
}

func TestTokensAreBoundToTheKeyThatFetchedThem(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		h := w.holder()
		first := h.signedIn(w.mobile)
		if first.text("token_type") != "DPoP" || first.text("id_token") == "" {
			t.Errorf("%v", first.body)
		}
		if cnf, _ := claims(t, first.text("access_token"))["cnf"].(map[string]any); cnf["jkt"] != h.jkt {
			t.Errorf("cnf %v, want %s", cnf, h.jkt)
		}
		if out := h.userinfo(first.text("access_token")); out.status != http.StatusOK || out.text("given_name") != "Bo" {
			t.Errorf("userinfo: %d %v", out.status, out.body)
		}
		second := h.refresh(w.mobile, first.text("refresh_token"))
		if second.status != http.StatusOK || second.text("token_type") != "DPoP" {
			t.Fatalf("refresh: %d %v", second.status, second.body)
		}
		if out := h.userinfo(second.text("access_token")); out.status != http.StatusOK {
			t.Errorf("userinfo after a refresh: %d %v", out.status, out.body)
		}
	})
}

// A stolen refresh token is worth nothing without the key, and whoever tries it signs nobody out (ADR 19).
func TestAStolenRefreshTokenWithoutTheKeyGetsNothingAndEndsNothing(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		h, thief := w.holder(), w.holder()
		stolen := h.signedIn(w.mobile).text("refresh_token")
		try := func(when, token string) {
			if status, answer := w.refresh(w.mobile, token); status != http.StatusBadRequest || answer["error"] != "invalid_grant" {
				t.Errorf("%s, without a proof: %d %v", when, status, answer)
			}
			if out := thief.refresh(w.mobile, token); out.status != http.StatusBadRequest || out.text("error") != "invalid_grant" {
				t.Errorf("%s, by another key: %d %v", when, out.status, out.body)
			}
		}
		try("the newest", stolen)
		next := h.refresh(w.mobile, stolen)
		if next.status != http.StatusOK {
			t.Fatalf("the honest app was signed out: %v", next.body)
		}
		w.clock.Advance(time.Hour)
		try("an old one", stolen)
		again := h.refresh(w.mobile, next.text("refresh_token"))
		if again.status != http.StatusOK {
			t.Fatalf("the honest app was signed out by an old token: %v", again.body)
		}
		// By the right key an old token is what it always was: a sign that the key's own program is not alone.
		if out := h.refresh(w.mobile, stolen); out.text("error") != "invalid_grant" {
			t.Errorf("an old token by the right key: %v", out.body)
		}
		if out := h.refresh(w.mobile, again.text("refresh_token")); out.text("error") != "invalid_grant" {
			t.Errorf("the family lives on: %v", out.body)
		}
	})
}

func TestABoundRefreshTokenMayBeReplayedForThirtySeconds(t *testing.T) {
	w := on(t)
	h := w.holder()
	first := h.signedIn(w.mobile).text("refresh_token")
	second := h.refresh(w.mobile, first).text("refresh_token")
	w.clock.Advance(29 * time.Second)
	if out := h.refresh(w.mobile, first); out.text("refresh_token") != second {
		t.Errorf("after 29 seconds: %d %v", out.status, out.body)
	}
	if out := w.holder().refresh(w.mobile, first); out.text("error") != "invalid_grant" {
		t.Errorf("by another key: %d %v", out.status, out.body)
	}
	w.clock.Advance(2 * time.Second)
	if out := h.refresh(w.mobile, first); out.text("error") != "invalid_grant" {
		t.Errorf("after 31 seconds: %d %v", out.status, out.body)
	}
}

// Otherwise a thief could tie a stolen token to a key of his own, and its owner's use of it would no longer be noticed.
func TestAFamilyThatBeganWithoutAKeyStaysWithoutOne(t *testing.T) {
	w := on(t)
	token := w.browser().tokens(w.mobile)["refresh_token"].(string)
	if out := w.holder().refresh(w.mobile, token); out.status != http.StatusBadRequest || out.text("error") != "invalid_grant" {
		t.Errorf("%d %v", out.status, out.body)
	}
	if status, answer := w.refresh(w.mobile, token); status != http.StatusOK || answer["token_type"] != "Bearer" {
		t.Errorf("its own program: %d %v", status, answer)
	}
}

func TestAConfidentialClientBindsItsAccessTokensAndMayChangeItsKey(t *testing.T) {
	w := on(t)
	var c control.RP
	if err := w.controlled(http.MethodPost, "/relying-parties", control.RP{Name: "Office", RedirectURIs: []string{hrmURL + "/office"}, PKCE: true,
		RefreshTokens: true}, &c); err != nil {
		t.Fatal(err)
	}
	h, next := w.holder(), w.holder()
	first := h.signedIn(c)
	out := next.refresh(c, first.text("refresh_token"))
	if cnf, _ := claims(t, out.text("access_token"))["cnf"].(map[string]any); out.status != http.StatusOK || cnf["jkt"] != next.jkt {
		t.Errorf("with a new key: %d %v", out.status, out.body)
	}
	if out := h.userinfo(out.text("access_token")); out.status != http.StatusUnauthorized {
		t.Errorf("the old key uses the new one's token: %d", out.status)
	}
	if status, answer := w.refresh(c, out.text("refresh_token")); status != http.StatusOK || answer["token_type"] != "Bearer" {
		t.Errorf("its secret alone: %d %v", status, answer)
	}
}

func TestAnAppThatRequiresBoundTokensGetsNoOthers(t *testing.T) {
	w := on(t)
	before := w.browser().tokens(w.mobile)["refresh_token"].(string)
	bound := true
	var changed control.RP
	if err := w.controlled(http.MethodPatch, "/relying-parties/"+w.mobile.ClientID, control.RPChange{RequireDPoP: &bound}, &changed); err != nil || !changed.RequireDPoP {
		t.Fatal(err, changed)
	}
	l := newLogin(w.mobile)
	code := l.code(t, w.browser().signIn(l, bosAddress, bosPass))
	if status, answer := w.redeem(l, code); status != http.StatusBadRequest || answer["error"] != "invalid_dpop_proof" {
		t.Errorf("a code without a proof: %d %v", status, answer)
	}
	if out := w.holder().redeem(l, code); out.status != http.StatusOK {
		t.Errorf("the same code with a proof: %d %v", out.status, out.body)
	}
	if status, answer := w.refresh(w.mobile, before); status != http.StatusBadRequest || answer["error"] != "invalid_dpop_proof" {
		t.Errorf("a refresh token from before: %d %v", status, answer)
	}
	var listed []control.RP
	if err := w.controlled(http.MethodGet, "/relying-parties", nil, &listed); err != nil {
		t.Fatal(err)
	}
	for _, one := range listed {
		if one.RequireDPoP != (one.ClientID == w.mobile.ClientID) {
			t.Errorf("%s requires bound tokens: %t", one.Name, one.RequireDPoP)
		}
	}
}

func TestACodeForAKeyIsRedeemedByThatKeyAlone(t *testing.T) {
	w := on(t)
	h := w.holder()
	for name, try := range map[string]func(rp, string) answered{
		"another key": w.holder().redeem,
		"no proof": func(l rp, code string) answered {
			status, body := w.redeem(l, code)
			return answered{status: status, body: body}
		},
	} {
		b, l := w.browser(), newLogin(w.mobile)
		b.get(l.authorize("dpop_jkt", h.jkt)).follow().expect(http.StatusOK)
		b.post(b.action("/signin/"), "address", bosAddress).follow().expect(http.StatusOK)
		b.post(b.action("/signin/"), "password", bosPass).expect(http.StatusSeeOther).follow().expect(http.StatusOK)
		code := l.code(t, b.leads())
		if out := try(l, code); out.status != http.StatusBadRequest || out.text("error") != "invalid_grant" {
			t.Errorf("%s: %d %v", name, out.status, out.body)
		}
		if out := h.redeem(l, code); out.status != http.StatusOK {
			t.Errorf("the key itself, after %s: %d %v", name, out.status, out.body)
		}
		// Single sign-on keeps it as well as the sign-in did.
		l = newLogin(w.mobile)
		b.get(l.authorize("dpop_jkt", h.jkt))
		code = l.code(t, b.leads())
		if out := try(l, code); out.text("error") != "invalid_grant" {
			t.Errorf("%s, in single sign-on: %d %v", name, out.status, out.body)
		}
	}
	b, l := w.browser(), newLogin(w.mobile)
	b.get(l.authorize("dpop_jkt", "x"))
	if q := mustURL(b.leads()).Query(); q.Get("error") != "invalid_request" {
		t.Errorf("a thumbprint that is none: %q", b.leads())
	}
}

func TestABoundTokenIsNoBearerTokenAndABearerTokenNoBoundOne(t *testing.T) {
	w := on(t)
	h := w.holder()
	bound := h.signedIn(w.mobile).text("access_token")
	bearer := w.browser().tokens(w.mobile)["access_token"].(string)
	for name, c := range map[string]struct {
		scheme, token string
		proof         bool
		code          string
	}{
		"a bound token as a bearer's":             {"Bearer", bound, false, "invalid_token"},
		"the same with a proof":                   {"Bearer", bound, true, "invalid_token"},
		"a bound token without a proof":           {"DPoP", bound, false, "invalid_dpop_proof"},
		"a bearer token as a bound one":           {"DPoP", bearer, true, "invalid_token"},
		"a bearer token with the scheme of bound": {"DPoP", bearer, false, "invalid_token"},
		"an ID token":                             {"DPoP", "x.y.z", true, "invalid_token"},
	} {
		var proofs []string
		if c.proof {
			proofs = []string{h.proof(http.MethodGet, "/userinfo", c.token)}
		}
		out := h.send(w.app, userinfoRequest(c.scheme, c.token), proofs...)
		told := out.header.Get("WWW-Authenticate")
		if out.status != http.StatusUnauthorized || out.text("error") != c.code || !strings.HasPrefix(told, c.scheme+" ") ||
			!strings.Contains(told, `error="`+c.code+`"`) || (c.scheme == "DPoP") != strings.Contains(told, `algs="ES256 `) {
			t.Errorf("%s: %d %v %q", name, out.status, out.body, told)
		}
	}
	if out := h.send(w.app, userinfoRequest("dpop", bound), h.proof(http.MethodGet, "/userinfo", bound)); out.status != http.StatusOK {
		t.Errorf("a scheme in small letters: %d", out.status)
	}
	twice := userinfoRequest("DPoP", bound)
	twice.Header.Add("Authorization", "Bearer "+bearer)
	if out := h.send(w.app, twice, h.proof(http.MethodGet, "/userinfo", bound)); out.status != http.StatusUnauthorized || len(out.body) != 1 || out.text("reference") == "" {
		t.Errorf("two tokens: %d %v", out.status, out.body)
	}
	out := h.send(w.app, httptest.NewRequest(http.MethodGet, issuer+"/userinfo", nil))
	if told := out.header.Values("WWW-Authenticate"); out.status != http.StatusUnauthorized || len(told) != 2 || told[0] != "Bearer" ||
		!strings.HasPrefix(told[1], `DPoP algs="`) || strings.Contains(strings.Join(told, ""), "error") {
		t.Errorf("nothing at all: %d %q", out.status, told)
	}
}

func TestEachFaultOfAProofIsRefused(t *testing.T) {
	w := on(t)
	h, other := w.holder(), w.holder()
	token := h.signedIn(w.mobile).text("access_token")
	foreign := onceMore(t).holder()
	foreign.signedIn(foreign.w.mobile)
	header := map[string]any{"typ": "dpop+jwt", "alg": "ES256", "jwk": h.jwk}
	claimsOf := func() map[string]any {
		return claims(t, h.proof(http.MethodGet, "/userinfo", token))
	}
	with := func(name string, value any) func() []string {
		return func() []string { return []string{h.proof(http.MethodGet, "/userinfo", token, name, value)} }
	}
	stale := h.nonce
	w.clock.Advance(61 * time.Second)
	h.userinfo(token)
	for name, c := range map[string]struct {
		proofs func() []string
		code   string
	}{
		"another address":           {with("htu", issuer+"/token"), "invalid_dpop_proof"},
		"another host":              {with("htu", "https://evil.example/userinfo"), "invalid_dpop_proof"},
		"another method":            {with("htm", "POST"), "invalid_dpop_proof"},
		"a method in small letters": {with("htm", "get"), "invalid_dpop_proof"},
		"no address":                {with("htu", nil), "invalid_dpop_proof"},
		"another token's hash":      {with("ath", b64(make([]byte, 32))), "invalid_dpop_proof"},
		"no hash":                   {with("ath", nil), "invalid_dpop_proof"},
		"no jti":                    {with("jti", nil), "invalid_dpop_proof"},
		"a long jti":                {with("jti", strings.Repeat("a", 257)), "invalid_dpop_proof"},
		"no iat":                    {with("iat", nil), "invalid_dpop_proof"},
		"an iat that is a text":     {with("iat", "now"), "invalid_dpop_proof"},
		"no nonce":                  {with("nonce", nil), "use_dpop_nonce"},
		"an old nonce":              {with("nonce", stale), "use_dpop_nonce"},
		"a foreign nonce":           {with("nonce", foreign.nonce), "use_dpop_nonce"},
		"a made-up nonce":           {with("nonce", "x"), "use_dpop_nonce"},
		"two headers": {func() []string {
			return []string{h.proof(http.MethodGet, "/userinfo", token), h.proof(http.MethodGet, "/userinfo", token)}
		}, "invalid_dpop_proof"},
		"two proofs in one header": {func() []string {
			return []string{h.proof(http.MethodGet, "/userinfo", token) + ", " + h.proof(http.MethodGet, "/userinfo", token)}
		}, "invalid_dpop_proof"},
		"an empty header": {func() []string { return []string{""} }, "invalid_dpop_proof"},
		"another key": {func() []string {
			other.nonce = h.nonce
			return []string{other.proof(http.MethodGet, "/userinfo", token)}
		}, "invalid_token"},
		"the key of another in the header": {func() []string { return []string{other.sign(header, claimsOf())} }, "invalid_dpop_proof"},
		"no signature": {func() []string {
			return []string{b64(must(json.Marshal(map[string]any{"typ": "dpop+jwt", "alg": "none", "jwk": h.jwk}))) + "." + b64(must(json.Marshal(claimsOf()))) + "."}
		}, "invalid_dpop_proof"},
	} {
		proofs := c.proofs()
		if out := h.send(w.app, userinfoRequest("DPoP", token), proofs...); out.status != http.StatusUnauthorized || out.text("error") != c.code ||
			out.header.Get("DPoP-Nonce") == "" {
			t.Errorf("%s: %d %v", name, out.status, out.body)
		}
	}
	// A clock that is off does no harm beside a nonce.
	for _, iat := range []any{0, 1e12, 1.5} {
		if out := h.send(w.app, userinfoRequest("DPoP", token), h.proof(http.MethodGet, "/userinfo", token, "iat", iat)); out.status != http.StatusOK {
			t.Errorf("iat %v: %d %v", iat, out.status, out.body)
		}
	}
	if out := h.send(w.app, userinfoRequest("DPoP", token), h.proof(http.MethodGet, "/userinfo", token, "htu", issuer+"/userinfo?a=b#c")); out.status != http.StatusOK {
		t.Errorf("htu with a query: %d %v", out.status, out.body)
	}
}

func TestAProofWorksOnceAtANode(t *testing.T) {
	w := on(t)
	h := w.holder()
	token := h.signedIn(w.mobile).text("access_token")
	proof := h.proof(http.MethodGet, "/userinfo", token)
	won := 0
	for status := range race(20, func() int {
		r := userinfoRequest("DPoP", token)
		r.Header.Set("DPoP", proof)
		return w.serve(r).Code
	}) {
		if status == http.StatusOK {
			won++
		}
	}
	if won != 1 {
		t.Errorf("%d of 20 uses of one proof won", won)
	}
	r := userinfoRequest("DPoP", token)
	r.Header.Set("DPoP", proof)
	if rec := w.serve(r); rec.Code != http.StatusUnauthorized || !strings.Contains(rec.Body.String(), "invalid_dpop_proof") {
		t.Errorf("later: %d %s", rec.Code, rec.Body)
	}
	w.clock.Advance(grant.NonceLife)
	r = userinfoRequest("DPoP", token)
	r.Header.Set("DPoP", proof)
	if rec := w.serve(r); !strings.Contains(rec.Body.String(), "use_dpop_nonce") {
		t.Errorf("after its nonce: %d %s", rec.Code, rec.Body)
	}
}

func TestANonceIsAskedForBeforeAnythingIsSpent(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		h, l := w.holder(), newLogin(w.mobile)
		code := l.code(t, w.browser().signIn(l, bosAddress, bosPass))
		request := func() *http.Request {
			r := tokenRequest(l.RP, "grant_type", "authorization_code", "code", code, "redirect_uri", l.redirect, "code_verifier", l.verifier)
			r.Header.Set("Origin", "https://app.example.com")
			return r
		}
		out := h.send(w.app, request(), h.proof(http.MethodPost, "/token", ""))
		if out.status != http.StatusBadRequest || out.text("error") != "use_dpop_nonce" || h.nonce == "" ||
			!strings.Contains(out.header.Get("Access-Control-Expose-Headers"), "DPoP-Nonce") {
			t.Fatalf("without a nonce: %d %v %v", out.status, out.body, out.header)
		}
		before := h.nonce
		if out = h.send(w.app, request(), h.proof(http.MethodPost, "/token", "")); out.status != http.StatusOK {
			t.Fatalf("with it: %d %v", out.status, out.body)
		}
		if h.nonce == before {
			t.Error("a success brings no new nonce")
		}
		token := out.text("refresh_token")
		h.nonce = "x"
		out = h.send(w.app, tokenRequest(l.RP, "grant_type", "refresh_token", "refresh_token", token), h.proof(http.MethodPost, "/token", ""))
		if out.text("error") != "use_dpop_nonce" {
			t.Errorf("a refresh: %d %v", out.status, out.body)
		}
		if out = h.refresh(l.RP, token); out.status != http.StatusOK {
			t.Errorf("the refresh again: %d %v", out.status, out.body)
		}
	})
}

func TestANonceOfOneNodeIsGoodAtAnother(t *testing.T) {
	w := newWorld(t, storetest.PostgresURL(t))
	other := w.start()
	h := w.holder()
	token := h.signedIn(w.mobile).text("access_token")
	if out := h.send(other, userinfoRequest("DPoP", token), h.proof(http.MethodGet, "/userinfo", token)); out.status != http.StatusOK {
		t.Errorf("%d %v", out.status, out.body)
	}
}

func TestABoundRefreshAndUserinfoCostNoMoreThanOthers(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		h := w.holder()
		first := h.signedIn(w.mobile)
		cost := func(do func() answered) store.Counts {
			before := w.app.DB.Counts()
			if out := do(); out.status != http.StatusOK {
				t.Fatalf("%d %v", out.status, out.body)
			}
			return minus(w.app.DB.Counts(), before)
		}
		for name, c := range map[string]struct{ got, want store.Counts }{
			"refresh":  {cost(func() answered { return h.refresh(w.mobile, first.text("refresh_token")) }), store.Counts{Reads: 1, Writes: 2, Commits: 1}},
			"userinfo": {cost(func() answered { return h.userinfo(first.text("access_token")) }), store.Counts{Reads: 1}},
		} {
			if c.got != c.want {
				t.Errorf("%s cost %+v, want %+v", name, c.got, c.want)
			}
		}
	})
}

// What the door of authenticators asks of grant.
func TestAnEndpointLearnsWhatATokenGives(t *testing.T) {
	w := on(t)
	h := w.holder()
	first := h.signedIn(w.mobile)
	token := first.text("access_token")
	use := func(changes ...any) grant.Use {
		h.nonce = w.app.Grant.DPoPNonce()
		return grant.Use{Scheme: "DPoP", Token: token, Method: http.MethodPut, URL: issuer + "/push/subscription",
			Proofs: []string{h.proof(http.MethodPut, "/push/subscription", token, changes...)}}
	}
	a, err := w.app.Grant.Authorize(t.Context(), use(), "profile")
	if err != nil || a.ClientID != w.mobile.ClientID || a.JKT != h.jkt || a.Account == "" || a.Grant == "" || !strings.Contains(a.Scope, "openid") {
		t.Errorf("%+v %v", a, err)
	}
	refused := func(name, code string, err error) {
		t.Helper()
		if e, ok := errors.AsType[grant.Error](err); !ok || e.Code != code {
			t.Errorf("%s: %v", name, err)
		}
	}
	_, err = w.app.Grant.Authorize(t.Context(), use(), "2fa.push:approve")
	refused("a scope that it lacks", "insufficient_scope", err)
	_, err = w.app.Grant.Authorize(t.Context(), use("nonce", nil), "profile")
	refused("no nonce", "use_dpop_nonce", err)
	_, err = w.app.Grant.Authorize(t.Context(), use("htu", issuer+"/push/account"), "profile")
	refused("another endpoint", "invalid_dpop_proof", err)
	_, err = w.app.Grant.Authorize(t.Context(), grant.Use{}, "profile")
	refused("nothing", "invalid_token", err)
	w.call("/revoke", w.mobile, "token", first.text("refresh_token"))
	_, err = w.app.Grant.Authorize(t.Context(), use(), "profile")
	refused("a grant that has ended", "invalid_token", err)
}

func TestABareProofProvesAKeyOnce(t *testing.T) {
	w := on(t)
	h := w.holder()
	h.nonce = w.app.Grant.DPoPNonce()
	use := grant.Use{Method: http.MethodPost, URL: issuer + "/push/pair", Proofs: []string{h.proof(http.MethodPost, "/push/pair", "")}}
	jkt, jwk, err := w.app.Grant.ProveKey(t.Context(), use)
	if err != nil || jkt != h.jkt || string(jwk) != `{"crv":"P-256","kty":"EC","x":"`+h.jwk["x"]+`","y":"`+h.jwk["y"]+`"}` {
		t.Errorf("%s %s %v", jkt, jwk, err)
	}
	for name, c := range map[string]struct {
		use  grant.Use
		code string
	}{
		"the same again": {use, "invalid_dpop_proof"},
		"no proof":       {grant.Use{Method: http.MethodPost, URL: issuer + "/push/pair"}, "invalid_dpop_proof"},
		"no nonce": {grant.Use{Method: http.MethodPost, URL: issuer + "/push/pair",
			Proofs: []string{h.proof(http.MethodPost, "/push/pair", "", "nonce", nil)}}, "use_dpop_nonce"},
	} {
		if _, _, err := w.app.Grant.ProveKey(t.Context(), c.use); !isError(err, c.code) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func isError(err error, code string) bool {
	e, ok := errors.AsType[grant.Error](err)
	return ok && e.Code == code
}

func TestDiscoveryTellsOfDPoP(t *testing.T) {
	w := on(t)
	rec := w.serve(httptest.NewRequest(http.MethodGet, issuer+"/.well-known/openid-configuration", nil))
	var doc map[string]any
	if err := json.Unmarshal(rec.Body.Bytes(), &doc); err != nil {
		t.Fatal(err)
	}
	if algs, _ := doc["dpop_signing_alg_values_supported"].([]any); len(algs) == 0 || algs[0] != "ES256" {
		t.Errorf("%v", doc["dpop_signing_alg_values_supported"])
	}
	if strings.Contains(rec.Body.String(), "2fa.push") {
		t.Errorf("it tells of what no app can have: %s", rec.Body)
	}
}
