package app_test

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/portvakt/portvakt/internal/control"
	"github.com/portvakt/portvakt/internal/grant"
)

// held registers an RP that FAPI 2.0 holds.
func (w *world) held(h *holder, profile control.FAPI) control.RP {
	w.t.Helper()
	return w.signer(h, func(rp *control.RP) { rp.FAPI = profile })
}

// asks sends a request with an assertion and a proof, once more where a nonce is asked for.
func (h *holder) asks(c control.RP, path string, pairs ...string) answered {
	ask := func() answered {
		r := tokenRequest(control.RP{}, append([]string{"client_id", c.ClientID, "client_assertion_type", grant.AssertionType, "client_assertion", h.assertion(c.ClientID)}, pairs...)...)
		r.URL = mustURL(issuer + path)
		return h.send(h.w.app, r, h.proof(http.MethodPost, path, ""))
	}
	out := ask()
	if out.text("error") == "use_dpop_nonce" {
		out = ask()
	}
	return out
}

// pushed is the address of a request that the RP has handed in.
func (h *holder) pushed(l rp, pairs ...string) string {
	h.w.t.Helper()
	out := h.asks(l.RP, "/par", pairs...)
	if out.status != http.StatusCreated {
		h.w.t.Fatalf("push: %d %v", out.status, out.body)
	}
	return "/authorize?" + url.Values{"client_id": {l.ClientID}, "request_uri": {out.text("request_uri")}}.Encode()
}

// TestFAPI2HoldsAnAppToItsSecurityProfile goes the whole way, and then tries what the profile forbids (FAPI 2.0 Security Profile §5.3.2).
func TestFAPI2HoldsAnAppToItsSecurityProfile(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		h := w.holder()
		c := w.held(h, "security")
		if !c.RequireDPoP || !c.RequirePAR || c.RequireSigned {
			t.Errorf("it is held to %+v", c)
		}
		b, l := w.browser(), newLogin(c)
		b.get(h.pushed(l, l.pairs()...)).follow().expect(http.StatusOK)
		b.post(b.action("/signin/"), "address", bosAddress).follow().expect(http.StatusOK)
		b.post(b.action("/signin/"), "password", bosPass).follow().expect(http.StatusOK)
		code := l.code(t, b.leads())
		redeem := []string{"grant_type", "authorization_code", "code", code, "redirect_uri", l.redirect, "code_verifier", l.verifier}
		if status, answer := w.signed("/token", h.assertion(c.ClientID), redeem...); status != http.StatusBadRequest || answer["error"] != "invalid_dpop_proof" {
			t.Errorf("without a proof: %d %v", status, answer)
		}
		tokens := h.asks(c, "/token", redeem...)
		if tokens.status != http.StatusOK || tokens.text("token_type") != "DPoP" || h.userinfo(tokens.text("access_token")).status != http.StatusOK {
			t.Fatalf("redeem: %d %v", tokens.status, tokens.body)
		}

		// The refresh token stays the same, and is good for nobody else.
		first := tokens.text("refresh_token")
		for range 3 {
			w.clock.Advance(time.Minute)
			if out := h.asks(c, "/token", "grant_type", "refresh_token", "refresh_token", first); out.status != http.StatusOK || out.text("refresh_token") != first || out.text("token_type") != "DPoP" {
				t.Errorf("refresh: %d %v", out.status, out.body)
			}
		}
		other := w.holder()
		d := w.held(other, "security")
		if out := other.asks(d, "/token", "grant_type", "refresh_token", "refresh_token", first); out.status != http.StatusBadRequest || out.text("error") != "invalid_grant" {
			t.Errorf("another client's refresh: %d %v", out.status, out.body)
		}
		if out := h.asks(c, "/token", "grant_type", "refresh_token", "refresh_token", changed(first)); out.status != http.StatusBadRequest {
			t.Errorf("a changed refresh token: %d %v", out.status, out.body)
		}

		l = newLogin(c)
		if to := b.get(l.authorize()).leads(); !strings.Contains(to, "error=invalid_request") {
			t.Errorf("a request that was not pushed: %s", to)
		}
		if out := h.asks(c, "/par", append(l.pairs(), "code_challenge", "")...); out.status != http.StatusBadRequest {
			t.Errorf("without PKCE: %d %v", out.status, out.body)
		}
		if out := h.asks(c, "/par", append(l.pairs(), "response_type", "code id_token")...); out.text("error") != "unsupported_response_type" {
			t.Errorf("another response type: %d %v", out.status, out.body)
		}
		for name, aud := range map[string]any{"as a list": []string{issuer}, "as the endpoint": issuer + "/par", "as the token endpoint": issuer + "/token"} {
			if status, answer := w.signed("/par", h.assertion(c.ClientID, "aud", aud), l.pairs()...); status != http.StatusUnauthorized || !strings.Contains(answer["error_description"].(string), "as a text") {
				t.Errorf("aud %s: %d %v", name, status, answer)
			}
		}
		if status, answer := w.signed("/par", h.assertion(c.ClientID, "header alg", "RS256"), l.pairs()...); status != http.StatusUnauthorized || !strings.Contains(answer["error_description"].(string), "FAPI") {
			t.Errorf("an assertion by RS256: %d %v", status, answer)
		}
		weak := h.sign(map[string]any{"typ": "dpop+jwt", "alg": "RS256", "jwk": h.jwk}, map[string]any{})
		r := tokenRequest(c, "client_assertion_type", grant.AssertionType, "client_assertion", h.assertion(c.ClientID), "grant_type", "refresh_token", "refresh_token", first)
		if out := h.send(w.app, r, weak); out.text("error") != "invalid_dpop_proof" || !strings.Contains(out.text("error_description"), "FAPI") {
			t.Errorf("a proof by RS256: %d %v", out.status, out.body)
		}
		b.post("/signout")
		if out := h.asks(c, "/token", "grant_type", "refresh_token", "refresh_token", first); out.status != http.StatusBadRequest {
			t.Errorf("after the sign-out: %d %v", out.status, out.body)
		}
	})
}

// TestFAPI2HoldsProofsToItsAlgorithmsAtUserinfoToo (Security Profile §5.4.1): also those by a key to which tokens were bound before the switch.
func TestFAPI2HoldsProofsToItsAlgorithmsAtUserinfoToo(t *testing.T) {
	w := on(t)
	h, key := w.holder(), must(rsa.GenerateKey(rand.Reader, 2048))
	jwk := map[string]string{"kty": "RSA", "n": b64(key.N.Bytes()), "e": "AQAB"}
	by := func(alg, proof string) string { // the holder's proof, by the other key
		signed := b64(must(json.Marshal(map[string]any{"typ": "dpop+jwt", "alg": alg, "jwk": jwk}))) + "." + strings.Split(proof, ".")[1]
		sum := sha256.Sum256([]byte(signed))
		if alg == "RS256" {
			return signed + "." + b64(must(key.Sign(rand.Reader, sum[:], crypto.SHA256)))
		}
		return signed + "." + b64(must(key.Sign(rand.Reader, sum[:], &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: crypto.SHA256})))
	}
	c := w.signer(h)
	b, l := w.browser(), newLogin(c)
	code := l.code(t, b.signIn(l, bosAddress, bosPass))
	redeem := func() answered {
		return h.send(w.app, tokenRequest(c, "client_assertion_type", grant.AssertionType, "client_assertion", h.assertion(c.ClientID), "grant_type", "authorization_code",
			"code", code, "redirect_uri", l.redirect, "code_verifier", l.verifier), by("RS256", h.proof(http.MethodPost, "/token", "")))
	}
	redeem() // for the nonce
	tokens := redeem()
	access := tokens.text("access_token")
	userinfo := func(alg string) answered {
		return h.send(w.app, userinfoRequest("DPoP", access), by(alg, h.proof(http.MethodGet, "/userinfo", access)))
	}
	if out := userinfo("RS256"); out.status != http.StatusOK {
		t.Fatalf("before the switch: %v, %d %v", tokens.body, out.status, out.body)
	}
	profile := control.FAPI("security")
	w.changes(c, control.RPChange{FAPI: &profile})
	if out := userinfo("RS256"); out.status != http.StatusUnauthorized || out.text("error") != "invalid_dpop_proof" || !strings.Contains(out.text("error_description"), "FAPI") {
		t.Errorf("a proof by RS256: %d %v", out.status, out.body)
	}
	if out := userinfo("PS256"); out.status != http.StatusOK {
		t.Errorf("a proof by PS256: %d %v", out.status, out.body)
	}
}

// TestFAPI2MessageSigningSignsBothWays holds requests and answers to signatures (FAPI 2.0 Message Signing §5.3, §5.4).
func TestFAPI2MessageSigningSignsBothWays(t *testing.T) {
	w := on(t)
	h := w.holder()
	c := w.held(h, "message-signing")
	b, l := w.browser(), newLogin(c)
	b.get(h.pushed(l, "request", h.object(l, "response_mode", "jwt"))).follow().expect(http.StatusOK)
	b.post(b.action("/signin/"), "address", bosAddress).follow().expect(http.StatusOK)
	b.post(b.action("/signin/"), "password", bosPass).follow().expect(http.StatusOK)
	code := l.response(t, mustURL(b.leads()).Query().Get("response"))["code"].(string)
	if out := h.asks(c, "/token", "grant_type", "authorization_code", "code", code, "redirect_uri", l.redirect, "code_verifier", l.verifier); out.status != http.StatusOK {
		t.Errorf("redeem: %d %v", out.status, out.body)
	}
	now := w.clock.Now().Unix()
	for name, change := range map[string][]any{
		"an answer that is not signed": {"response_mode", "query"},
		"no mode at all":               {},
		"without nbf":                  {"response_mode", "jwt", "nbf", nil},
		"without exp":                  {"response_mode", "jwt", "exp", nil},
		"without aud":                  {"response_mode", "jwt", "aud", nil},
		"from over an hour ago":        {"response_mode", "jwt", "nbf", now - 3700},
		"for over an hour":             {"response_mode", "jwt", "exp", now + 3700},
		"by RS256":                     {"response_mode", "jwt", "header alg", "RS256"},
	} {
		if out := h.asks(c, "/par", "request", h.object(l, change...)); out.status != http.StatusBadRequest {
			t.Errorf("%s: %d %v", name, out.status, out.body)
		}
	}
	if out := h.asks(c, "/par", append(l.pairs(), "response_mode", "jwt")...); out.status != http.StatusBadRequest {
		t.Errorf("a request that is not signed: %d %v", out.status, out.body)
	}
	l = newLogin(c)
	b.get(l.authorize("response_mode", "query"))
	if got := l.response(t, mustURL(b.leads()).Query().Get("response")); got["error"] != "invalid_request" {
		t.Errorf("an error: %v", got)
	}
}

func TestWhatFAPI2AsksOfARegistration(t *testing.T) {
	w := on(t)
	h := w.holder()
	for text, change := range map[string]func(*control.RP){
		"private_key_jwt":            func(rp *control.RP) { rp.AuthMethod = "" },
		"FAPI 2.0 asks for PKCE":     func(rp *control.RP) { rp.PKCE = false },
		"a profile that there is":    func(rp *control.RP) { rp.FAPI = "2.0" },
		"the response type code":     func(rp *control.RP) { rp.ResponseTypes = []string{"code", "code id_token"} },
		"signatures by ES256, EdDSA": func(rp *control.RP) { rp.IDTokenAlg = "RS256" },
		"redirect URIs over https":   func(rp *control.RP) { rp.RedirectURIs = []string{"http://localhost/callback"} },
	} {
		rp := control.RP{Name: "Bank", RedirectURIs: []string{"https://bank.example.com/callback"}, PKCE: true, Options: control.Options{AuthMethod: control.PrivateKeyJWT, JWKS: h.set("one"), FAPI: "security"}}
		change(&rp)
		w.refuses(http.MethodPost, "/relying-parties", rp, text)
	}
	// What the profile asks cannot be taken away while the app is held to it.
	c, no := w.held(h, "message-signing"), false
	var after control.RP
	if err := w.operator(http.MethodPatch, "/relying-parties/"+c.ClientID, control.RPChange{RequirePAR: &no, RequireDPoP: &no, RequireSigned: &no}, &after); err != nil ||
		!after.RequirePAR || !after.RequireDPoP || !after.RequireSigned || after.AnswerSigned != "ES256" {
		t.Errorf("%v %+v", err, after)
	}
	none := control.FAPI("")
	after = control.RP{}
	if err := w.operator(http.MethodPatch, "/relying-parties/"+c.ClientID, control.RPChange{FAPI: &none, RequirePAR: &no}, &after); err != nil || after.RequirePAR {
		t.Errorf("%v %+v", err, after)
	}
}
