package app_test

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"html"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"

	"github.com/portvakt/portvakt/internal/app"
	"github.com/portvakt/portvakt/internal/control"
	"github.com/portvakt/portvakt/internal/token"
)

// handset is a phone with an authenticator: it knows docs/authenticator-protocol.md and nothing of Portvakt's inside.
type handset struct {
	*holder
	app        *app.App // the node that it talks to
	wrap       *ecdh.PrivateKey
	deviceCode string
	comparison string
	access     string
	refresh    string
	id         string // key_id
	account    string // sub
}

func (w *world) handset() *handset {
	return &handset{holder: w.holder(), app: w.app, wrap: must(ecdh.P256().GenerateKey(rand.Reader))}
}

// request makes a request, once more where a nonce is asked for.
func (h *handset) request(method, path string, body any) answered {
	try := func() answered {
		r := httptest.NewRequest(method, issuer+path, strings.NewReader(string(must(json.Marshal(body)))))
		if body == nil {
			r = httptest.NewRequest(method, issuer+path, nil)
		}
		r.Header.Set("X-Forwarded-For", "203.0.113.50")
		r.RemoteAddr = "127.0.0.1:4712"
		if h.access != "" {
			r.Header.Set("Authorization", "DPoP "+h.access)
		}
		return h.send(h.app, r, h.proof(method, path, h.access))
	}
	out := try()
	if out.text("error") == "use_dpop_nonce" {
		out = try()
	}
	return out
}

// claim comes with a binding code.
func (h *handset) claim(code string) answered {
	point := h.wrap.PublicKey().Bytes()
	out := h.request(http.MethodPost, "/push/pair", map[string]any{"code": code, "name": "Bos telefon", "lang": "sv",
		"key": map[string]string{"kty": "EC", "crv": "P-256", "x": b64(point[1:33]), "y": b64(point[33:])}})
	if out.status == http.StatusOK {
		h.deviceCode, h.comparison = out.text("device_code"), out.text("comparison")
	}
	return out
}

// self is how the phone names itself as a client.
var self = control.RP{ClientID: token.AuthenticatorClient}

// poll asks for tokens.
func (h *handset) poll() answered {
	out := h.ask(self, "grant_type", "urn:ietf:params:oauth:grant-type:device_code", "device_code", h.deviceCode)
	h.keep(out)
	return out
}

// renew refreshes its tokens.
func (h *handset) renew() answered {
	out := h.ask(self, "grant_type", "refresh_token", "refresh_token", h.refresh)
	h.keep(out)
	return out
}

func (h *handset) keep(out answered) {
	if out.status == http.StatusOK {
		h.access, h.refresh = out.text("access_token"), out.text("refresh_token")
	}
}

// know reads its account.
func (h *handset) know() answered {
	out := h.request(http.MethodGet, "/push/account", nil)
	if out.status == http.StatusOK {
		h.id, h.account = out.text("key_id"), out.text("account")
	}
	return out
}

// waiting are the requests that it can answer.
func (h *handset) waiting() []map[string]any {
	h.w.t.Helper()
	out := h.request(http.MethodGet, "/push/challenges", nil)
	if out.status != http.StatusOK {
		h.w.t.Fatalf("challenges: %d %v", out.status, out.body)
	}
	var all []map[string]any
	for _, c := range out.body["challenges"].([]any) {
		all = append(all, c.(map[string]any))
	}
	return all
}

// newest is the request that came last.
func (h *handset) newest() map[string]any {
	h.w.t.Helper()
	all := h.waiting()
	if len(all) == 0 {
		h.w.t.Fatal("no request waits")
	}
	return all[0]
}

// signed is the answer to a request, but for what changes says.
func (h *handset) signed(c map[string]any, decision, number string, changes map[string]any) string {
	claims := map[string]any{"iss": h.id, "aud": issuer, "sub": h.account, "challenge": c["id"], "nonce": c["nonce"], "attempt": c["attempt"], "purpose": c["purpose"],
		"client_id": c["client_id"], "shown": c["shown"], "exp": c["exp"], "number": number, "decision": decision}
	maps.Copy(claims, changes)
	return h.sign(map[string]any{"alg": "ES256", "typ": "portvakt-approval+jwt", "kid": h.id}, claims)
}

// answer answers a request.
func (h *handset) answer(c map[string]any, decision, number string) answered {
	return h.post(c, h.signed(c, decision, number, nil))
}

func (h *handset) post(c map[string]any, signed string) answered {
	return h.request(http.MethodPost, "/push/challenges/"+c["id"].(string), map[string]any{"answer": signed})
}

// decrypt opens a compact JWE of alg ECDH-ES and enc A256GCM (RFC 7518 §4.6, Appendix C).
func (h *handset) decrypt(jwe string) []byte {
	h.w.t.Helper()
	part := strings.Split(jwe, ".")
	var head struct {
		Alg, Enc string
		EPK      struct{ X, Y string }
	}
	if err := json.Unmarshal(unb64(part[0]), &head); err != nil || head.Alg != "ECDH-ES" || head.Enc != "A256GCM" {
		h.w.t.Fatalf("not the JWE that is promised: %v %+v", err, head)
	}
	peer := must(ecdh.P256().NewPublicKey(append(append([]byte{4}, unb64(head.EPK.X)...), unb64(head.EPK.Y)...)))
	shared := must(h.wrap.ECDH(peer))
	info := binary.BigEndian.AppendUint32(nil, uint32(len(head.Enc)))
	info = append(append(info, head.Enc...), 0, 0, 0, 0, 0, 0, 0, 0)
	key := sha256.Sum256(append(append(binary.BigEndian.AppendUint32(nil, 1), shared...), binary.BigEndian.AppendUint32(info, 256)...))
	gcm := must(cipher.NewGCM(must(aes.NewCipher(key[:]))))
	return must(gcm.Open(nil, unb64(part[2]), append(unb64(part[3]), unb64(part[4])...), []byte(part[0])))
}

// unb64 reads what b64 wrote.
func unb64(s string) []byte { return must(base64.RawURLEncoding.DecodeString(s)) }

var shownLink = regexp.MustCompile(`id="pair" href="([^"]+)"`)

// pairingCode is the code on the browser's page.
func (b *browser) pairingCode() string {
	b.w.t.Helper()
	m := shownLink.FindStringSubmatch(b.body)
	if m == nil {
		b.w.t.Fatalf("no pairing link on the page:\n%s", plain(b.body))
	}
	link := must(url.Parse(html.UnescapeString(m[1])))
	if link.Scheme+"://"+link.Host+link.Path != issuer+"/authenticator/" {
		b.w.t.Fatalf("not the authenticator's address: %s", link)
	}
	fragment := must(url.ParseQuery(link.Fragment))
	if fragment.Get("iss") != issuer {
		b.w.t.Fatalf("another issuer: %s", link)
	}
	return fragment.Get("code")
}

// toPairing goes from the choice of an app to the page with the code.
func (b *browser) toPairing() string {
	b.w.t.Helper()
	b.post(b.action("/enrolment/"), "want", "own").expect(http.StatusSeeOther).follow().expect(http.StatusOK)
	return b.pairingCode()
}

// pair pairs a phone from the choice of an app on, and stops at its first ring.
func (b *browser) pair() *handset {
	b.w.t.Helper()
	h := b.w.handset()
	if out := h.claim(b.toPairing()); out.status != http.StatusOK {
		b.w.t.Fatalf("claim: %d %v", out.status, out.body)
	}
	if out := h.poll(); out.text("error") != "authorization_pending" {
		b.w.t.Fatalf("before the person has approved: %d %v", out.status, out.body)
	}
	b.get(b.at).expect(http.StatusSeeOther).follow().expect(http.StatusOK).shows(h.comparison).shows("Bos telefon")
	b.post(b.action("/enrolment/"), "want", "approve").expect(http.StatusSeeOther).follow().expect(http.StatusOK).shows("Öppna appen igen")
	b.w.clock.Advance(pollPause)
	if out := h.poll(); out.status != http.StatusOK {
		b.w.t.Fatalf("poll: %d %v", out.status, out.body)
	}
	if out := h.know(); out.status != http.StatusOK {
		b.w.t.Fatalf("account: %d %v", out.status, out.body)
	}
	return h
}

// pairBo pairs a phone with Bo's account, answers its first ring, and returns the recovery code too.
func (w *world) pairBo() (*handset, string) {
	w.t.Helper()
	b := w.browser()
	b.signIn(newLogin(w.hrm), bosAddress, bosPass)
	h := b.post("/account/apps/add").follow().expect(http.StatusOK).pair()
	if out := h.answer(h.newest(), "approve", ""); out.text("result") != "approved" {
		w.t.Fatalf("the first ring: %d %v", out.status, out.body)
	}
	b.get(b.at).expect(http.StatusOK).shows("Det fungerar")
	b.post(b.action("/enrolment/")).expect(http.StatusSeeOther)
	recovery := b.saveRecovery()
	b.follow().shows("Tvåfaktorsautentisering")
	w.deliver()
	return h, recovery
}

var shownNumber = regexp.MustCompile(`<output id="number"[^>]*>(\d+)</output>`)

// number is what the browser's page shows.
func (b *browser) number() string {
	b.w.t.Helper()
	m := shownNumber.FindStringSubmatch(b.body)
	if m == nil {
		b.w.t.Fatalf("no number on the page:\n%s", plain(b.body))
	}
	return m[1]
}

// toPush goes to the page that waits for the phone.
func (b *browser) toPush(l rp, extra ...string) *browser {
	b.w.t.Helper()
	b.get(l.authorize(extra...)).follow().expect(http.StatusOK)
	b.post(b.action("/signin/"), "address", bosAddress).follow().expect(http.StatusOK)
	return b.post(b.action("/signin/"), "password", bosPass).expect(http.StatusSeeOther).follow().expect(http.StatusOK).shows("Bekräfta i din telefon")
}

// onward sends the waiting page's form, as its script does after an approval.
func (b *browser) onward() *browser {
	b.w.t.Helper()
	at := b.at
	return b.post(at).expect(http.StatusSeeOther).follow()
}
