package terminal

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"crypto/x509"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// The test vectors of docs/authenticator-protocol.md stand in testdata/authenticator of the repository, for whoever writes another
// authenticator; our server and our web app are tested by them as well. -update makes those with keys and signatures anew.
var update = flag.Bool("update", false, "make the test vectors anew")

const vectors = "../../testdata/authenticator"

func load(t *testing.T, name string, into any) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(vectors, name))
	if err != nil {
		t.Fatal(err)
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}

func save(t *testing.T, name string, v any) {
	t.Helper()
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(vectors, name), text.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}

// privateJWK is a key pair as a vector has it.
type privateJWK struct {
	jwk
	D string `json:"d"`
}

func (k privateJWK) key(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	d, err := unb64(k.D)
	if err != nil {
		t.Fatal(err)
	}
	key, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), d)
	if err != nil {
		t.Fatal(err)
	}
	if public, err := publicOf(key); err != nil || public != k.jwk {
		t.Fatalf("the halves of a key do not belong together: %v", err)
	}
	return key
}

func freshJWK(t *testing.T) privateJWK {
	t.Helper()
	der, err := newKey()
	if err != nil {
		t.Fatal(err)
	}
	key, err := readKey(der)
	if err != nil {
		t.Fatal(err)
	}
	public, err := publicOf(key)
	if err != nil {
		t.Fatal(err)
	}
	d, err := key.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	return privateJWK{public, b64(d)}
}

// opened verifies a compact JWS by a key, and reads its header and payload.
func opened(token string, key jwk, header, payload any) bool {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return false
	}
	var raw [3][]byte
	for i, part := range parts {
		var err error
		if raw[i], err = unb64(part); err != nil {
			return false
		}
	}
	point, err := key.point()
	if err != nil || len(raw[2]) != 64 {
		return false
	}
	public, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), point)
	if err != nil {
		return false
	}
	sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	return ecdsa.Verify(public, sum[:], new(big.Int).SetBytes(raw[2][:32]), new(big.Int).SetBytes(raw[2][32:])) &&
		json.Unmarshal(raw[0], header) == nil && json.Unmarshal(raw[1], payload) == nil
}

type pairingVectors struct {
	Good []struct {
		Text   string `json:"text"`
		Issuer string `json:"issuer,omitempty"` // named beside it
		Code   string `json:"code"`
		Linked string `json:"reads_as_issuer"`
	} `json:"good"`
	Bad []struct {
		Text   string `json:"text"`
		Issuer string `json:"issuer,omitempty"`
		Why    string `json:"why"`
	} `json:"bad"`
}

func TestPairingLinksAndKeysAreReadByTheVectors(t *testing.T) {
	var all pairingVectors
	load(t, "pairing.json", &all)
	for _, v := range all.Good {
		if i, err := Read(v.Text, v.Issuer); err != nil || i.Code != v.Code || i.Issuer != v.Linked {
			t.Errorf("%q: %+v %v", v.Text, i, err)
		}
	}
	for _, v := range all.Bad {
		if i, err := Read(v.Text, v.Issuer); err == nil {
			t.Errorf("%s: %q was read as %+v", v.Why, v.Text, i)
		}
	}
	if len(all.Good) < 5 || len(all.Bad) < 10 {
		t.Errorf("%d good and %d bad", len(all.Good), len(all.Bad))
	}
}

func TestWhatIsWrongWithALinkIsSaid(t *testing.T) {
	const key = "7K3M ABCD EFGH 0123 4567 89JK MN"
	for text, c := range map[string]struct {
		issuer string
		want   error
	}{
		key:     {"", ErrNoIssuer},
		"hello": {"", ErrLink},
		"https://a.example/#code=7K3MABCDEFGH0123456789JKMN&iss=https%3A%2F%2Fa.example": {"https://b.example", ErrOtherIssuer},
	} {
		if _, err := Read(text, c.issuer); !errors.Is(err, c.want) {
			t.Errorf("%q: %v", text, err)
		}
	}
	for _, address := range []string{"http://login.example.com", "login.example.com", "https://login.example.com/x", "https://a@login.example.com", "https://"} {
		if _, err := Read(key, address); err == nil {
			t.Errorf("%s was taken", address)
		}
	}
}

type dpopVectors struct {
	Key         privateJWK `json:"key"`
	Thumbprint  string     `json:"thumbprint"` // RFC 7638
	Method      string     `json:"method"`
	URL         string     `json:"url"`
	Nonce       string     `json:"nonce"`
	AccessToken string     `json:"access_token"`
	Ath         string     `json:"ath"`
	IAT         int64      `json:"iat"`
	Proof       string     `json:"proof"`
}

type dpopHeader struct {
	Typ string `json:"typ"`
	Alg string `json:"alg"`
	JWK jwk    `json:"jwk"`
}

type dpopClaims struct {
	JTI   string `json:"jti"`
	HTM   string `json:"htm"`
	HTU   string `json:"htu"`
	IAT   int64  `json:"iat"`
	Nonce string `json:"nonce"`
	Ath   string `json:"ath"`
}

func TestProofsAreThoseOfTheVector(t *testing.T) {
	if *update {
		v := dpopVectors{Key: freshJWK(t), Method: "GET", URL: "https://login.example.com/push/challenges", Nonce: "f3h1nonce", AccessToken: "an-access-token", IAT: 1764432000}
		sum := sha256.Sum256([]byte(`{"crv":"P-256","kty":"EC","x":"` + v.Key.X + `","y":"` + v.Key.Y + `"}`))
		ath := sha256.Sum256([]byte(v.AccessToken))
		v.Thumbprint, v.Ath = b64(sum[:]), b64(ath[:])
		var err error
		if v.Proof, err = proof(v.Key.key(t), v.Method, v.URL, v.Nonce, v.AccessToken, time.Unix(v.IAT, 0)); err != nil {
			t.Fatal(err)
		}
		save(t, "dpop.json", v)
	}
	var v dpopVectors
	load(t, "dpop.json", &v)
	ours, err := proof(v.Key.key(t), v.Method, v.URL, v.Nonce, v.AccessToken, time.Unix(v.IAT, 0))
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, token := range []string{v.Proof, ours} {
		var h dpopHeader
		var c dpopClaims
		if !opened(token, v.Key.jwk, &h, &c) {
			t.Fatal("not signed by the key")
		}
		ids = append(ids, c.JTI)
		c.JTI = ""
		if h != (dpopHeader{"dpop+jwt", "ES256", v.Key.jwk}) || c != (dpopClaims{HTM: v.Method, HTU: v.URL, IAT: v.IAT, Nonce: v.Nonce, Ath: v.Ath}) {
			t.Errorf("%+v %+v", h, c)
		}
	}
	if ids[0] == ids[1] || len(ids[1]) < 16 {
		t.Errorf("ids: %v", ids)
	}
}

type approvalVectors struct {
	Issuer  string          `json:"issuer"`
	Account string          `json:"account"`
	KeyID   string          `json:"key_id"`
	Key     privateJWK      `json:"key"`
	Request json.RawMessage `json:"request"`
	Number  string          `json:"number"` // the one that the sign-in page shows, or the message of an app's question
	Good    []struct {
		Name   string `json:"name"`
		Answer string `json:"answer"`
		Result string `json:"result"`
	} `json:"good"`
	Bad []struct {
		Name   string `json:"name"`
		Answer string `json:"answer"`
	} `json:"bad"`
}

type answerHeader struct {
	Alg string `json:"alg"`
	Typ string `json:"typ"`
	Kid string `json:"kid"`
}

// aboutSignIn and aboutQuestion are what the two files of answers are about, in JSON; %s stands for the attempt.
const (
	aboutSignIn = `{"id":"7k3mabcdefgh0123456789jkmn","nonce":"AAECAwQFBgcICQoLDA0ODw","attempt":"%s","purpose":"signin","mode":"tap",` +
		`"numbers":["17","42","86"],"client_id":"hrm","shown":{"app":"Lön & tid","browser":"Chrome","device":"Windows","place":"Sverige","address":"203.0.113.7","time":1764432000000},"exp":1764432120}`
	aboutQuestion = `{"id":"9p5rabcdefgh0123456789jkmn","nonce":"Dw4NDAsKCQgHBgUEAwIBAA","attempt":"%s","purpose":"ask","mode":"message",` +
		`"numbers":[],"client_id":"till","shown":{"app":"Lön & tid","browser":"","device":"","place":"Sverige","address":"203.0.113.7","time":1764432000000,"message":"Kassa 4 K7QX"},"exp":1764432120}`
)

func TestAnswersAreThoseOfTheVectors(t *testing.T) {
	if *update {
		makeAnswers(t, "approval.json", aboutSignIn, "42", "17")
		makeAnswers(t, "question.json", aboutQuestion, "Kassa 4 K7QX", "Kassa 5 K7QX")
	}
	for _, name := range []string{"approval.json", "question.json"} {
		t.Run(name, func(t *testing.T) { answersAreThoseOf(t, name) })
	}
}

func answersAreThoseOf(t *testing.T, name string) {
	var v approvalVectors
	load(t, name, &v)
	var r Request
	if err := json.Unmarshal(v.Request, &r); err != nil {
		t.Fatal(err)
	}
	account := v.account(t)
	for _, one := range v.Good {
		var h answerHeader
		var c map[string]any
		if !opened(one.Answer, v.Key.jwk, &h, &c) || h != (answerHeader{"ES256", "portvakt-approval+jwt", v.KeyID}) {
			t.Errorf("%s: not signed as it must be: %+v", one.Name, h)
			continue
		}
		number, _ := c["number"].(string)
		end, _ := c["end_sessions"].(bool)
		ours, err := account.signed(r, c["decision"].(string), number, end)
		if err != nil {
			t.Fatal(err)
		}
		var mine map[string]any
		if !opened(ours, v.Key.jwk, &h, &mine) || !reflect.DeepEqual(c, mine) {
			t.Errorf("%s: ours says %v, the vector %v", one.Name, mine, c)
		}
	}
	if len(v.Good) < 4 || len(v.Bad) < 10 {
		t.Errorf("%d good and %d bad", len(v.Good), len(v.Bad))
	}
}

func (v approvalVectors) account(t *testing.T) Account {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(v.Key.key(t))
	if err != nil {
		t.Fatal(err)
	}
	return Account{Issuer: v.Issuer, KeyID: v.KeyID, Subject: v.Account, Signing: der}
}

// makeAnswers makes good answers to a request, and those that a server must refuse.
func makeAnswers(t *testing.T, file, request, right, wrong string) {
	t.Helper()
	attempt := sha256.Sum256([]byte("portvakt-attempt attempt-1")) // as the server hashes its id
	v := approvalVectors{Issuer: "https://login.example.com", Account: "0b6ad5c8-3a0f-4d0b-9d2a-6f1f0d6c9b11", KeyID: "4qbp4b1xcb9d29gh0t6rwxgvf8", Key: freshJWK(t), Number: right,
		Request: json.RawMessage(fmt.Sprintf(request, b64(attempt[:])))}
	var r Request
	if err := json.Unmarshal(v.Request, &r); err != nil {
		t.Fatal(err)
	}
	account := v.account(t)
	good := func(name, result, decision, number string, end bool) string {
		token, err := account.signed(r, decision, number, end)
		if err != nil {
			t.Fatal(err)
		}
		v.Good = append(v.Good, struct {
			Name   string `json:"name"`
			Answer string `json:"answer"`
			Result string `json:"result"`
		}{name, token, result})
		return token
	}
	bad := func(name, token string) {
		v.Bad = append(v.Bad, struct {
			Name   string `json:"name"`
			Answer string `json:"answer"`
		}{name, token})
	}
	approval := good("approved with the right number", "approved", Approve, right, false)
	good("approved with another number", "wrong_number", Approve, wrong, false)
	good("denied", "denied", Deny, "", false)
	good("not me, and all sessions end", "reported", NotMe, "", true)

	parts := strings.Split(approval, ".")
	swap := func(part int, from, to string) string {
		raw, err := unb64(parts[part])
		if err != nil || !strings.Contains(string(raw), from) {
			t.Fatalf("%q is not in %s", from, raw)
		}
		changed := append([]string{}, parts...)
		changed[part] = b64([]byte(strings.Replace(string(raw), from, to, 1)))
		return strings.Join(changed, ".")
	}
	bad("the number was changed after signing", swap(1, `"number":"`+right+`"`, `"number":"`+wrong+`"`))
	bad("the app was changed after signing", swap(1, "Lön", "Lan"))
	bad("unsigned: alg none", swap(0, `"ES256"`, `"none"`)[:strings.LastIndex(swap(0, `"ES256"`, `"none"`), ".")+1])
	bad("the signature is missing", parts[0]+"."+parts[1]+".")
	again := func(name string, header map[string]any, change func(map[string]any)) {
		var claims map[string]any
		raw, err := unb64(parts[1])
		if err != nil || json.Unmarshal(raw, &claims) != nil {
			t.Fatal(err)
		}
		change(claims)
		h := map[string]any{"alg": "ES256", "typ": "portvakt-approval+jwt", "kid": v.KeyID}
		for k, to := range header {
			h[k] = to
		}
		token, err := sign(v.Key.key(t), h, claims)
		if err != nil {
			t.Fatal(err)
		}
		bad(name, token)
	}
	set := func(name string, to any) func(map[string]any) { return func(c map[string]any) { c[name] = to } }
	again("typ of another thing that the key signs", map[string]any{"typ": "dpop+jwt"}, func(map[string]any) {})
	again("another authenticator", nil, set("iss", "another"))
	again("for another installation", nil, set("aud", "https://login.example.org"))
	again("another account", nil, set("sub", "another"))
	again("another request", nil, set("challenge", "another"))
	again("another nonce", nil, set("nonce", "AAAAAAAAAAAAAAAAAAAAAA"))
	again("another attempt", nil, set("attempt", "another"))
	again("another purpose", nil, set("purpose", "step_up"))
	again("another app", nil, set("client_id", "mobile"))
	again("another place than was shown", nil, func(c map[string]any) { c["shown"].(map[string]any)["place"] = "Norge" })
	again("a longer life", nil, set("exp", r.Ends+60))
	again("an unknown decision", nil, set("decision", "maybe"))
	other := Account{Issuer: v.Issuer, KeyID: v.KeyID, Subject: v.Account}
	var err error
	if other.Signing, err = newKey(); err != nil {
		t.Fatal(err)
	}
	token, err := other.signed(r, Approve, right, false)
	if err != nil {
		t.Fatal(err)
	}
	bad("signed by another key", token)
	if r.Mode == Message {
		again("a yes that says nothing of the message", nil, set("number", ""))
		again("another message than was shown", nil, func(c map[string]any) { c["shown"].(map[string]any)["message"] = wrong })
	}
	save(t, file, v)
}

type jweVectors struct {
	Key       privateJWK `json:"key"`
	Plaintext string     `json:"plaintext"`
	Good      []string   `json:"good"`
	Bad       []struct {
		Why string `json:"why"`
		JWE string `json:"jwe"`
	} `json:"bad"`
}

func TestTheKeyForCodesIsDecryptedByTheVectors(t *testing.T) {
	if *update {
		makeJWEs(t)
	}
	var v jweVectors
	load(t, "jwe.json", &v)
	for _, token := range v.Good {
		if plain, err := decrypt(v.Key.key(t), token); err != nil || string(plain) != v.Plaintext {
			t.Errorf("%q %v", plain, err)
		}
	}
	for _, one := range v.Bad {
		if plain, err := decrypt(v.Key.key(t), one.JWE); !errors.Is(err, errJWE) {
			t.Errorf("%s: %q %v", one.Why, plain, err)
		}
	}
	if len(v.Good) < 2 || len(v.Bad) < 6 {
		t.Errorf("%d good and %d bad", len(v.Good), len(v.Bad))
	}
}

// TestTheExampleOfRFC7518IsAgreedOn is its appendix C: the one key agreement that somebody else has written down.
func TestTheExampleOfRFC7518IsAgreedOn(t *testing.T) {
	bob := privateJWK{jwk{"EC", "P-256", "weNJy2HscCSM6AEDTDg04biOvhFhyyWvOHQfeF_PxMQ", "e8lnCO-AlStT-NJVX-crhB7QRYhiix03illJOVAOyck"}, "VEmDZpDXXK8p8N0Cndsxs924q6nS1RXFASRl6BfUqdw"}
	alice := jwk{"EC", "P-256", "gI0GAILBdu7T53akrFmMyGcsF3n5dO7MmwNBHKW5SV0", "SLW_xSffzlPWrHEVI30DHM_4egVwt3NQqeUD7nMFpps"}
	key, err := agree(bob.key(t), alice, "A128GCM", "QWxpY2U", "Qm9i", 128)
	if err != nil || b64(key) != "VqqN6vgjbSBcIijNcacQGg" {
		t.Errorf("%s %v", b64(key), err)
	}
}

func makeJWEs(t *testing.T) {
	t.Helper()
	v := jweVectors{Key: freshJWK(t), Plaintext: `{"secret":"JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP","algorithm":"SHA1","digits":6,"period":30}`}
	public := v.Key.key(t).Public()
	encrypt := func(alg jose.KeyAlgorithm, enc jose.ContentEncryption, to any, o *jose.EncrypterOptions) string {
		encrypter, err := jose.NewEncrypter(enc, jose.Recipient{Algorithm: alg, Key: to}, o)
		if err != nil {
			t.Fatal(err)
		}
		token, err := encrypter.Encrypt([]byte(v.Plaintext))
		if err != nil {
			t.Fatal(err)
		}
		text, err := token.CompactSerialize()
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	v.Good = []string{encrypt(jose.ECDH_ES, jose.A256GCM, public, nil), encrypt(jose.ECDH_ES, jose.A256GCM, public, (&jose.EncrypterOptions{}).WithType("x"))}
	bad := func(why, token string) {
		v.Bad = append(v.Bad, struct {
			Why string `json:"why"`
			JWE string `json:"jwe"`
		}{why, token})
	}
	parts := strings.Split(v.Good[0], ".")
	with := func(i int, text string) string {
		changed := append([]string{}, parts...)
		changed[i] = text
		return strings.Join(changed, ".")
	}
	flip := func(i int) string {
		raw, err := unb64(parts[i])
		if err != nil {
			t.Fatal(err)
		}
		raw[0] ^= 1
		return with(i, b64(raw))
	}
	other := freshJWK(t)
	bad("to another key", encrypt(jose.ECDH_ES, jose.A256GCM, other.key(t).Public(), nil))
	bad("with a wrapped key", encrypt(jose.ECDH_ES_A256KW, jose.A256GCM, public, nil))
	bad("A128GCM", encrypt(jose.ECDH_ES, jose.A128GCM, public, nil))
	bad("compressed", encrypt(jose.ECDH_ES, jose.A256GCM, public, &jose.EncrypterOptions{Compression: jose.DEFLATE}))
	bad("the ciphertext was changed", flip(3))
	bad("the tag was changed", flip(4))
	bad("the tag was cut", with(4, parts[4][:16]))
	bad("the initialization vector was changed", flip(2))
	bad("an encrypted key where there is none", with(1, "AAAA"))
	bad("four parts", strings.Join(parts[:4], "."))
	header, err := unb64(parts[0])
	if err != nil {
		t.Fatal(err)
	}
	bad("a critical extension", with(0, b64([]byte(strings.Replace(string(header), "{", `{"crit":["x"],`, 1)))))
	var h map[string]any
	if err := json.Unmarshal(header, &h); err != nil {
		t.Fatal(err)
	}
	h["epk"].(map[string]any)["y"] = b64(make([]byte, 32))
	off, err := json.Marshal(h)
	if err != nil {
		t.Fatal(err)
	}
	bad("a point off the curve", with(0, b64(off)))
	save(t, "jwe.json", v)
}

type totpVectors struct {
	Secret    string `json:"secret"`
	Algorithm string `json:"algorithm"`
	Digits    int    `json:"digits"`
	Period    int    `json:"period"`
	Codes     []struct {
		Time int64  `json:"time"`
		Code string `json:"code"`
	} `json:"codes"`
}

func TestCodesAreThoseOfTheVectors(t *testing.T) {
	var all []totpVectors
	load(t, "totp.json", &all)
	for _, v := range all {
		for _, one := range v.Codes {
			code, left, err := codes{v.Secret, v.Algorithm, v.Digits, v.Period}.at(time.Unix(one.Time, 0))
			if want := time.Duration(int64(v.Period)-one.Time%int64(v.Period)) * time.Second; err != nil || code != one.Code || left != want {
				t.Errorf("at %d: %s for %s, want %s for %s: %v", one.Time, code, left, one.Code, want, err)
			}
		}
	}
	for _, bad := range []codes{{}, {"JBSWY3DP", "SHA256", 6, 30}, {"JBSWY3DP", "SHA1", 0, 30}, {"JBSWY3DP", "SHA1", 6, 0}, {"!!", "SHA1", 6, 30}} {
		if code, _, err := bad.at(time.Unix(0, 0)); err == nil {
			t.Errorf("%+v: %s", bad, code)
		}
	}
}
