package app_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/portvakt/portvakt/internal/audit"
	"github.com/portvakt/portvakt/internal/clientregistration"
	"github.com/portvakt/portvakt/internal/config"
	"github.com/portvakt/portvakt/internal/control"
	"github.com/portvakt/portvakt/internal/organisation"
	"github.com/portvakt/portvakt/internal/store/storetest"
)

// openly and byToken let apps register themselves.
func openly(s *config.Settings)  { s.ClientRegistration = "open" }
func byToken(s *config.Settings) { s.ClientRegistration = "token" }

// registration sends a request of a program to a registration's address, with a token where there is one.
func (w *world) registration(method, at, token, body string, change ...func(*http.Request)) (int, http.Header, map[string]any) {
	w.t.Helper()
	r := httptest.NewRequest(method, issuer+strings.TrimPrefix(at, issuer), strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Origin", "https://app.example")
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	for _, f := range change {
		f(r)
	}
	rec := w.serve(r)
	var answer map[string]any
	json.Unmarshal(rec.Body.Bytes(), &answer) //nolint:errcheck // some have none
	return rec.Code, rec.Header(), answer
}

// itself registers an app by itself.
func (w *world) itself(token, metadata string) map[string]any {
	w.t.Helper()
	status, head, answer := w.registration(http.MethodPost, "/register", token, metadata)
	if status != http.StatusCreated || head.Get("Cache-Control") != "no-store" || head.Get("Access-Control-Allow-Origin") != "*" {
		w.t.Fatalf("%d %v", status, answer)
	}
	return answer
}

// initial makes a token by which apps register themselves.
func (w *world) initial(t control.RegistrationToken) string {
	w.t.Helper()
	var made control.RegistrationToken
	if t.Days == 0 {
		t.Days = 7
	}
	if err := w.operator(http.MethodPost, "/registration-tokens", t, &made); err != nil {
		w.t.Fatal(err)
	}
	return made.Token
}

// rpFrom is what an app knows of itself after its registration.
func rpFrom(answer map[string]any) control.RP {
	secret, _ := answer["client_secret"].(string)
	return control.RP{ClientID: answer["client_id"].(string), ClientSecret: secret, RedirectURIs: []string{answer["redirect_uris"].([]any)[0].(string)}}
}

const payroll = `"redirect_uris": ["https://payroll.example/callback"], "client_name": "Payroll"`

func TestAnAppRegistersItselfAndLooksAfterItself(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		token := w.initial(control.RegistrationToken{Organisation: "foretaget", PKCE: true, Uses: 1})
		made := w.itself(token, `{`+payroll+`, "grant_types": ["authorization_code", "refresh_token"], "contacts": ["a@b.example"], "nobody_knows": {"x": 1}, "scopes": ["audit:read"], "policy_uri": null}`)
		for name, want := range map[string]any{"client_name": "Payroll", "token_endpoint_auth_method": "client_secret_basic", "id_token_signed_response_alg": "RS256",
			"application_type": "web", "client_secret_expires_at": 0.0, "registration_client_uri": issuer + "/register/" + made["client_id"].(string), "nobody_knows": nil, "scopes": nil, "policy_uri": nil} {
			if made[name] != want {
				t.Errorf("%s is %v", name, made[name])
			}
		}
		if made["client_id_issued_at"].(float64) != float64(w.clock.Now().Unix()) || len(made["client_secret"].(string)) < 43 || len(made["registration_access_token"].(string)) < 43 {
			t.Errorf("%v", made)
		}
		rp := rpFrom(made)
		b, l := w.browser(), newLogin(rp)
		b.get(l.authorize()).follow().expect(http.StatusOK).shows("Payroll")
		tokens := w.browser().tokens(rp)
		if header(t, tokens["id_token"].(string))["alg"] != "RS256" || tokens["refresh_token"] == nil {
			t.Errorf("%v", tokens)
		}
		if _, info := w.userinfo(tokens["access_token"].(string)); info["urn:portvakt:person"] == nil {
			t.Errorf("an app of the organisation does not know its people: %v", info)
		}

		at, access := made["registration_client_uri"].(string), made["registration_access_token"].(string)
		status, _, own := w.registration(http.MethodGet, at, access, "")
		if status != http.StatusOK || own["client_secret"] != nil || own["registration_access_token"] != access || own["client_name"] != "Payroll" || own["contacts"] == nil {
			t.Errorf("it reads of itself: %d %v", status, own)
		}
		status, _, changed := w.registration(http.MethodPut, at, access, `{"client_id": "`+rp.ClientID+`", "client_secret": "`+rp.ClientSecret+`", "redirect_uris": ["https://payroll.example/done"], "client_name": "Payroll 2", "grant_types": ["authorization_code", "refresh_token"]}`)
		if status != http.StatusOK || changed["client_name"] != "Payroll 2" || changed["contacts"] != nil || changed["client_secret"] != nil {
			t.Errorf("it changes itself: %d %v", status, changed)
		}
		if status, answer := w.refresh(rp, tokens["refresh_token"].(string)); status != http.StatusOK {
			t.Errorf("its secret and its people's grants stay: %d %v", status, answer)
		}
		b.get(l.authorize()).expect(http.StatusBadRequest) // the former redirect URI
		if status, _, _ := w.registration(http.MethodDelete, at, access, ""); status != http.StatusNoContent {
			t.Errorf("it withdraws: %d", status)
		}
		for _, method := range []string{http.MethodGet, http.MethodPut, http.MethodDelete} {
			if status, head, answer := w.registration(method, at, access, `{"client_id": "`+rp.ClientID+`"}`); status != http.StatusUnauthorized || answer["error"] != "invalid_token" || !strings.Contains(head.Get("WWW-Authenticate"), "Bearer error=") {
				t.Errorf("%s afterwards: %d %v", method, status, answer)
			}
		}
		if status, _ := w.userinfo(tokens["access_token"].(string)); status != http.StatusUnauthorized {
			t.Errorf("its tokens count after that: %d", status)
		}
		if left := w.askDB(`SELECT (SELECT COUNT(*) FROM self_registered) + (SELECT COUNT(*) FROM relying_parties WHERE client_id = $1)`, rp.ClientID); left != "0" {
			t.Errorf("%s rows stay", left)
		}
		if w.lines(audit.RPCreated) != "3" || w.lines(audit.RPChanged) != "1" || w.lines(audit.RPDeleted) != "1" {
			t.Error("lines are missing in the log")
		}
	}, byToken)
}

func TestNoAppRegistersItselfWhereThatIsOff(t *testing.T) {
	w := on(t)
	token := w.initial(control.RegistrationToken{PKCE: true, Uses: 1})
	if status, _, _ := w.registration(http.MethodPost, "/register", token, `{`+payroll+`}`); status != http.StatusNotFound {
		t.Errorf("it is answered %d", status)
	}
	if strings.Contains(w.browser().get("/.well-known/openid-configuration").body, "registration_endpoint") {
		t.Error("discovery tells of what is off")
	}
}

func TestWhoMayRegisterAnApp(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		if !strings.Contains(w.browser().get("/.well-known/openid-configuration").body, `"registration_endpoint":"`+issuer+`/register"`) {
			t.Error("discovery does not tell of it")
		}
		short := w.initial(control.RegistrationToken{PKCE: true, Uses: 1, Days: 1})
		revoked := w.initial(control.RegistrationToken{PKCE: true, Uses: 1})
		var all []control.RegistrationToken
		if err := w.operator(http.MethodGet, "/registration-tokens", nil, &all); err != nil || len(all) != 2 || all[0].Token != "" {
			t.Fatalf("%v %+v", err, all)
		}
		for _, one := range all {
			if one.Expires.Sub(one.Created) > 24*time.Hour {
				if err := w.operator(http.MethodDelete, "/registration-tokens/"+one.ID, nil, new(map[string]string)); err != nil {
					t.Fatal(err)
				}
			}
		}
		w.clock.Advance(25 * time.Hour)
		once := w.initial(control.RegistrationToken{PKCE: true, Uses: 1})
		won := 0
		for status := range race(10, func() int {
			status, _, _ := w.registration(http.MethodPost, "/register", once, `{`+payroll+`}`)
			return status
		}) {
			if status == http.StatusCreated {
				won++
			}
		}
		if won != 1 {
			t.Errorf("a token for one app registered %d", won)
		}
		for name, token := range map[string]string{"none": "", "a used one": once, "an expired one": short, "a revoked one": revoked, "a foreign one": strings.Repeat("x", 43), "an RP's secret": w.hrm.ClientSecret} {
			status, head, answer := w.registration(http.MethodPost, "/register", token, `{`+payroll+`}`)
			if status != http.StatusUnauthorized || answer["error"] != "invalid_token" || head.Get("WWW-Authenticate") == "" {
				t.Errorf("%s: %d %v", name, status, answer)
			}
		}
		if hashed := w.askDB(`SELECT COUNT(*) FROM registration_tokens WHERE LENGTH(secret) = 32`); hashed != "3" {
			t.Errorf("%s tokens rest as hashes", hashed)
		}
		w.refuses(http.MethodPost, "/registration-tokens", control.RegistrationToken{Uses: 1, Days: 7, Organisation: "nowhere"}, "no organisation")
		w.refuses(http.MethodPost, "/registration-tokens", control.RegistrationToken{Uses: 0, Days: 7}, "1 to 1000 uses")
		w.refuses(http.MethodPost, "/registration-tokens", control.RegistrationToken{Uses: 1, Days: 4000}, "365 days")
	}, byToken)
}

// TestAnAppThatNobodyHasVouchedForIsKeptShort holds what such an app may never be.
func TestAnAppThatNobodyHasVouchedForIsKeptShort(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		made := w.itself("", `{"redirect_uris": ["https://evil.example/callback"], "client_name": "HRM", "grant_types": ["authorization_code"], "scope": "register:write", "organisations": ["foretaget"], "pkce": false, "require_pkce": false}`)
		rp := rpFrom(made)
		b, l := w.browser(), newLogin(rp)
		if to := b.get(l.authorize("code_challenge", "", "code_challenge_method", "")).leads(); !strings.Contains(to, "error=invalid_request") {
			t.Errorf("without PKCE: it leads to %s", to)
		}
		b.get(l.authorize()).follow().expect(http.StatusOK).shows("evil.example") // not the name that it gives itself
		tokens := w.browser().tokens(rp)
		if _, info := w.userinfo(tokens["access_token"].(string)); info["urn:portvakt:person"] != nil {
			t.Errorf("it knows an organisation's people: %v", info)
		}
		if status, answer := w.call("/token", rp, "grant_type", "client_credentials"); status != http.StatusBadRequest || answer["error"] != "unauthorized_client" {
			t.Errorf("it became a service: %d %v", status, answer)
		}
		at, access := made["registration_client_uri"].(string), made["registration_access_token"].(string)
		if _, _, own := w.registration(http.MethodPut, at, access, `{"client_id": "`+rp.ClientID+`", "redirect_uris": ["https://evil.example/callback"], "client_name": "Portvakt"}`); own["client_name"] != "evil.example" {
			t.Errorf("it gave itself the name %v afterwards", own["client_name"])
		}
		if status, _, own := w.registration(http.MethodPut, at, access, `{"client_id": "`+rp.ClientID+`", "redirect_uris": ["https://payroll.example/", "https://evil.example/callback"]}`); status != http.StatusBadRequest || own["error"] != "invalid_redirect_uri" {
			t.Errorf("it hides behind another host: %d %v", status, own)
		}
		other := rpFrom(w.itself("", `{`+payroll+`}`))
		for name, c := range map[string]struct{ at, token string }{
			"another app's":    {issuer + "/register/" + other.ClientID, access},
			"the operator's":   {issuer + "/register/" + w.hrm.ClientID, access},
			"without a token":  {at, ""},
			"by its secret":    {at, rp.ClientSecret},
			"of no app at all": {issuer + "/register/nobody", access},
			"of a NUL":         {issuer + "/register/%00", access},
			"of no UTF-8":      {issuer + "/register/%ff", access},
		} {
			for _, method := range []string{http.MethodGet, http.MethodPut, http.MethodDelete} {
				if status, _, answer := w.registration(method, c.at, c.token, `{"client_id": "x", `+payroll+`}`); status != http.StatusUnauthorized || answer["error"] != "invalid_token" {
					t.Errorf("%s %s: %d %v", method, name, status, answer)
				}
			}
		}
	}, openly)
}

func TestPKCEIsLeftOutByAWordOfTheOperatorAlone(t *testing.T) {
	t.Parallel()
	without := []string{"code_challenge", "", "code_challenge_method", ""}
	goes := func(w *world, rp control.RP) bool {
		b, l := w.browser(), newLogin(rp)
		return !strings.Contains(b.get(l.authorize(without...)).leads(), "error=invalid_request")
	}
	w := newWorld(t, storetest.SQLiteFile(t), byToken)
	exempt := w.initial(control.RegistrationToken{PKCE: false, Uses: 2})
	if !goes(w, rpFrom(w.itself(exempt, `{`+payroll+`}`))) {
		t.Error("a confidential app by such a token must have it")
	}
	if goes(w, rpFrom(w.itself(exempt, `{`+payroll+`, "token_endpoint_auth_method": "none"}`))) {
		t.Error("a public app may leave it out")
	}
	if goes(w, rpFrom(w.itself(w.initial(control.RegistrationToken{PKCE: true, Uses: 1}), `{`+payroll+`}`))) {
		t.Error("an app by another token may leave it out")
	}
	w = newWorld(t, storetest.SQLiteFile(t), openly, func(s *config.Settings) { s.ClientRegistrationWithoutPKCE = true })
	if !goes(w, rpFrom(w.itself("", `{`+payroll+`}`))) || goes(w, rpFrom(w.itself("", `{`+payroll+`, "token_endpoint_auth_method": "none"}`))) {
		t.Error("the setting is for confidential apps")
	}
}

// addresses are n of one host, as they stand in a list.
func addresses(n int) string {
	all := make([]string, n)
	for i := range all {
		all[i] = `"https://payroll.example/` + strconv.Itoa(i) + `"`
	}
	return strings.Join(all, ", ")
}

func TestWhatAnAppSaysOfItselfIsReadStrictly(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLiteFile(t), openly)
	private := `{"keys": [{"kty": "EC", "crv": "P-256", "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0", "d": "AAAA"}]}`
	for name, c := range map[string]struct{ body, want string }{
		"no redirect URI":             {`{"client_name": "x"}`, "invalid_redirect_uri"},
		"an empty list of them":       {`{"redirect_uris": []}`, "invalid_redirect_uri"},
		"one over http":               {`{"redirect_uris": ["http://payroll.example/"]}`, "invalid_redirect_uri"},
		"one with a fragment":         {`{"redirect_uris": ["https://payroll.example/#x"]}`, "invalid_redirect_uri"},
		"one with a wildcard":         {`{"redirect_uris": ["https://*.example/"]}`, "invalid_redirect_uri"},
		"a script":                    {`{"redirect_uris": ["javascript:alert(1)"]}`, "invalid_redirect_uri"},
		"the same twice":              {`{"redirect_uris": ["https://payroll.example/", "https://payroll.example/"]}`, "invalid_redirect_uri"},
		"a web app on this machine":   {`{"redirect_uris": ["http://127.0.0.1/done"]}`, "invalid_redirect_uri"},
		"a web app with a scheme":     {`{"redirect_uris": ["com.example.payroll:/done"], "token_endpoint_auth_method": "none"}`, "invalid_redirect_uri"},
		"another host besides":        {`{"redirect_uris": ["https://payroll.example/", "https://evil.example/"]}`, "invalid_redirect_uri"},
		"another port besides":        {`{"redirect_uris": ["https://payroll.example/", "https://payroll.example:8443/"]}`, "invalid_redirect_uri"},
		"a scheme besides":            {`{"redirect_uris": ["https://payroll.example/", "com.example.evil:/"], "application_type": "native"}`, "invalid_redirect_uri"},
		"two schemes of one host":     {`{"redirect_uris": ["com.example.payroll://a.example/", "com.example.evil://a.example/"], "application_type": "native"}`, "invalid_redirect_uri"},
		"21 redirect URIs":            {`{"redirect_uris": [` + addresses(21) + `]}`, "invalid_redirect_uri"},
		"21 pages after logout":       {`{` + payroll + `, "post_logout_redirect_uris": [` + addresses(21) + `]}`, "invalid_client_metadata"},
		"21 response types":           {`{` + payroll + `, "response_types": ["code"` + strings.Repeat(`, "code"`, 20) + `]}`, "invalid_client_metadata"},
		"a text for a list":           {`{"redirect_uris": "https://payroll.example/"}`, "invalid_client_metadata"},
		"keys twice":                  {`{` + payroll + `, "jwks_uri": "https://payroll.example/jwks", "jwks": {"keys": []}}`, "invalid_client_metadata"},
		"a private key":               {`{` + payroll + `, "jwks": ` + private + `}`, "invalid_client_metadata"},
		"a key's way without keys":    {`{` + payroll + `, "token_endpoint_auth_method": "private_key_jwt"}`, "invalid_client_metadata"},
		"an unknown way":              {`{` + payroll + `, "token_endpoint_auth_method": "tls_client_auth"}`, "invalid_client_metadata"},
		"a start over http":           {`{` + payroll + `, "initiate_login_uri": "http://localhost:8081/login"}`, "invalid_client_metadata"},
		"no algorithm":                {`{` + payroll + `, "id_token_signed_response_alg": "none"}`, "invalid_client_metadata"},
		"a service":                   {`{` + payroll + `, "grant_types": ["authorization_code", "client_credentials"]}`, "invalid_client_metadata"},
		"a password":                  {`{` + payroll + `, "grant_types": ["authorization_code", "password"]}`, "invalid_client_metadata"},
		"types that do not fit":       {`{` + payroll + `, "grant_types": ["authorization_code"], "response_types": ["id_token"]}`, "invalid_client_metadata"},
		"an access token alone":       {`{` + payroll + `, "response_types": ["token"]}`, "invalid_client_metadata"},
		"somebody else's word for it": {`{` + payroll + `, "software_statement": "a.b.c"}`, "unapproved_software_statement"},
		"a name over two lines":       {`{"redirect_uris": ["https://payroll.example/"], "client_name": "a\nb", "policy_uri": "https://payroll.example/\n"}`, "invalid_client_metadata"},
		"a list":                      {`[` + payroll + `]`, "invalid_client_metadata"},
		"nothing":                     {``, "invalid_client_metadata"},
		"null":                        {`null`, "invalid_client_metadata"},
		"two objects":                 {`{` + payroll + `}{}`, "invalid_client_metadata"},
		"half an object":              {`{` + payroll, "invalid_client_metadata"},
		"a name twice":                {`{` + payroll + `, "client_name": "HRM"}`, "invalid_client_metadata"},
		"a name twice below":          {`{` + payroll + `, "jwks": {"keys": [{"kty": "EC", "kty": "RSA"}]}}`, "invalid_client_metadata"},
		"a thousand levels":           {`{` + payroll + `, "x": ` + strings.Repeat("[", 1000) + strings.Repeat("]", 1000) + `}`, "invalid_client_metadata"},
		"a byte order mark":           {"\xef\xbb\xbf{" + payroll + `}`, "invalid_client_metadata"},
		"bytes that are no UTF-8":     {"{" + payroll + ", \"client_uri\": \"https://payroll.example/\xff\"}", "invalid_client_metadata"},
		"Latin-1":                     {"{\"redirect_uris\": [\"https://payroll.example/\"], \"client_name\": \"L\xf6n\"}", "invalid_client_metadata"},
	} {
		status, _, answer := w.registration(http.MethodPost, "/register", "", c.body)
		if status != http.StatusBadRequest || answer["error"] != c.want || answer["reference"] == nil {
			t.Errorf("%s: %d %v", name, status, answer)
		}
	}
	for name, kind := range map[string]string{"a form": "application/x-www-form-urlencoded", "UTF-16": "application/json; charset=utf-16", "no type": ""} {
		status, _, answer := w.registration(http.MethodPost, "/register", "", `{`+payroll+`}`, func(r *http.Request) { r.Header.Set("Content-Type", kind) })
		if status != http.StatusBadRequest || answer["error"] != "invalid_client_metadata" {
			t.Errorf("%s: %d %v", name, status, answer)
		}
	}
	if status, _, answer := w.registration(http.MethodPost, "/register", "", `{`+payroll+`, "x": "`+strings.Repeat("x", 64<<10)+`"}`); status != http.StatusRequestEntityTooLarge || answer["error"] == nil {
		t.Errorf("65 KB: %d %v", status, answer)
	}
	for method, at := range map[string]string{http.MethodGet: "/register", http.MethodPost: "/register/x"} {
		if status, head, _ := w.registration(method, at, "", `{`+payroll+`}`); status != http.StatusMethodNotAllowed || head.Get("Allow") == "" {
			t.Errorf("%s %s: %d", method, at, status)
		}
	}
	w.itself("", `{"redirect_uris": [`+addresses(20)+`], "post_logout_redirect_uris": [`+addresses(20)+`]}`)
	native := w.itself("", `{"redirect_uris": ["com.example.payroll:/done", "com.example.payroll://bank.example/done"], "application_type": "native", "token_endpoint_auth_method": "none"}`)
	if native["client_secret"] != nil || native["client_secret_expires_at"] != nil || native["token_endpoint_auth_method"] != "none" || native["client_name"] != "com.example.payroll" {
		t.Errorf("a native app: %v", native)
	}
	if left := w.askDB(`SELECT COUNT(*) FROM self_registered`); left != "2" {
		t.Errorf("%s apps are registered", left)
	}
}

// TestAChangeIsTheAppsOwnAndWhole holds RFC 7592 §2.2.
func TestAChangeIsTheAppsOwnAndWhole(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLiteFile(t), openly)
	made := w.itself("", `{`+payroll+`, "token_endpoint_auth_method": "client_secret_jwt"}`)
	id, at, access := made["client_id"].(string), made["registration_client_uri"].(string), made["registration_access_token"].(string)
	if err := w.operator(http.MethodPatch, "/relying-parties/"+id, control.RPChange{RequireACR: new("urn:portvakt:aal2")}, new(control.RP)); err != nil {
		t.Fatal(err)
	}
	own := `{"client_id": "` + id + `", ` + payroll + `, "token_endpoint_auth_method": "client_secret_jwt"`
	for name, body := range map[string]string{
		"without its id":             `{` + payroll + `, "token_endpoint_auth_method": "client_secret_jwt"}`,
		"with another id":            strings.Replace(own, id, w.hrm.ClientID, 1) + `}`,
		"with a token of its own":    own + `, "registration_access_token": "x"}`,
		"with an end of its secret":  own + `, "client_secret_expires_at": 0}`,
		"with another way of proof":  strings.Replace(own, "client_secret_jwt", "client_secret_basic", 1) + `}`,
		"as a public client":         strings.Replace(own, "client_secret_jwt", "none", 1) + `}`,
		"without redirect URIs":      `{"client_id": "` + id + `", "token_endpoint_auth_method": "client_secret_jwt"}`,
		"with somebody else's words": own + `, "software_statement": "a.b.c"}`,
	} {
		if status, _, answer := w.registration(http.MethodPut, at, access, body); status != http.StatusBadRequest {
			t.Errorf("%s: %d %v", name, status, answer)
		}
	}
	if status, _, answer := w.registration(http.MethodPut, at, access, own+`, "default_max_age": 60}`); status != http.StatusOK || answer["default_max_age"] != 60.0 {
		t.Errorf("%d %v", status, answer)
	}
	if kept := w.askDB(`SELECT require_acr FROM relying_parties WHERE client_id = $1`, id); kept != "urn:portvakt:aal2" {
		t.Errorf("what the operator has decided became %q", kept)
	}
	if has := w.askDB(`SELECT COUNT(*) FROM relying_party_organisations WHERE client_id = $1`, id); has != "0" {
		t.Errorf("by what else the operator set, it got %s organisations", has)
	}
	basic := w.itself("", `{`+payroll+`}`)
	body := `{"client_id": "` + basic["client_id"].(string) + `", "client_secret": "x", ` + payroll + `}`
	if status, _, answer := w.registration(http.MethodPut, basic["registration_client_uri"].(string), basic["registration_access_token"].(string), body); status != http.StatusBadRequest {
		t.Errorf("with another secret: %d %v", status, answer)
	}
}

func TestAnAppThatNobodyUsesFallsAfterAMonth(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		if _, err := w.app.Control.Provisioning.SetOrganisation(t.Context(), organisation.Organisation{ID: "annat", Name: "Annat AB", Policy: organisation.Policy{MFA: organisation.Optional}}); err != nil {
			t.Fatal(err)
		}
		used := rpFrom(w.itself("", `{`+payroll+`}`))
		w.browser().tokens(used)
		unused := rpFrom(w.itself("", `{`+payroll+`, "token_endpoint_auth_method": "client_secret_jwt"}`))
		there := func(rp control.RP) bool {
			return w.askDB(`SELECT COUNT(*) FROM relying_parties WHERE client_id = $1`, rp.ClientID) == "1"
		}
		round := func() {
			t.Helper()
			if err := w.app.House.Round(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		round()
		w.clock.Advance(29 * 24 * time.Hour)
		if round(); !there(used) || !there(unused) {
			t.Error("one fell too early")
		}
		w.clock.Advance(2 * 24 * time.Hour)
		if round(); !there(used) || there(unused) || !there(w.hrm) {
			t.Errorf("after a month: the used one is there: %t, the unused one: %t", there(used), there(unused))
		}
		if left := w.askDB(`SELECT COUNT(*) FROM client_secrets`); left != "0" {
			t.Errorf("%s secrets stay", left)
		}
		w.clock.Advance(400 * 24 * time.Hour)
		if round(); !there(used) {
			t.Error("an app that was used falls when its grants have gone")
		}
	}, openly)
}

// listed answers what it has listed only after somebody has used it.
type listed struct {
	clientregistration.Store
	use func()
}

func (l listed) ListOwn(ctx context.Context, before time.Time, n int) (used, unused []string, err error) {
	used, unused, err = l.Store.ListOwn(ctx, before, n)
	l.use()
	return used, unused, err
}

func TestAnAppThatIsUsedWhileTheUnusedFallStays(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		rp, unused := rpFrom(w.itself("", `{`+payroll+`}`)), rpFrom(w.itself("", `{`+payroll+`}`))
		w.clock.Advance(31 * 24 * time.Hour)
		var tokens map[string]any
		service := *w.app.Control.Registration
		service.Store = listed{service.Store, func() { tokens = w.browser().tokens(rp) }}
		if err := service.Tend(t.Context()); err != nil {
			t.Fatal(err)
		}
		if status, _ := w.userinfo(tokens["access_token"].(string)); status != http.StatusOK {
			t.Errorf("her tokens are answered %d", status)
		}
		if left := w.askDB(`SELECT client_id FROM self_registered`); left != rp.ClientID || w.askDB(`SELECT COUNT(*) FROM relying_parties WHERE client_id = $1`, unused.ClientID) != "0" {
			t.Errorf("%s stays", left)
		}
	}, openly)
}

func TestRegistrationsWithoutATokenHaveABudget(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLiteFile(t), openly)
	last := 0
	for range 301 {
		last, _, _ = w.registration(http.MethodPost, "/register", "", `{`+payroll+`}`)
	}
	if last != http.StatusTooManyRequests {
		t.Errorf("the 301st is answered %d", last)
	}
	token := w.initial(control.RegistrationToken{PKCE: true, Uses: 1})
	w.itself(token, `{`+payroll+`}`)
}

// TestAChangeUndoesNothingOfTheOperators holds what she sets while an app's change is held back by the app's own server, and what she has
// given to an app and asked of it before.
func TestAChangeUndoesNothingOfTheOperators(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		made := w.itself("", `{`+payroll+`}`)
		id, at, access := made["client_id"].(string), made["registration_client_uri"].(string), made["registration_access_token"].(string)
		sets := func(c control.RPChange) {
			t.Helper()
			if err := w.operator(http.MethodPatch, "/relying-parties/"+id, c, new(control.RP)); err != nil {
				t.Error(err)
			}
		}
		fetched := 0
		w.app.Control.Registration.FetchPublic = func(context.Context, string) (string, error) {
			if fetched++; fetched == 1 {
				sets(control.RPChange{RequireACR: new("urn:portvakt:aal2"), Organisations: []string{"foretaget"}})
			}
			return `["https://payroll.example/callback"]`, nil
		}
		body := `{"client_id": "` + id + `", ` + payroll
		sector := body + `, "sector_identifier_uri": "https://payroll.example/sector"`
		if status, _, answer := w.registration(http.MethodPut, at, access, sector+`}`); status != http.StatusOK || fetched != 2 {
			t.Fatalf("%d %v, fetched %d times", status, answer, fetched)
		}
		if kept := w.askDB(`SELECT require_acr FROM relying_parties WHERE client_id = $1`, id); kept != "urn:portvakt:aal2" {
			t.Errorf("what the operator has decided meanwhile became %q", kept)
		}
		if kept := w.askDB(`SELECT organisation_id FROM relying_party_organisations WHERE client_id = $1`, id); kept != "foretaget" {
			t.Errorf("the organisation that she gave meanwhile became %q", kept)
		}

		const device, exchange = "urn:ietf:params:oauth:grant-type:device_code", "urn:ietf:params:oauth:grant-type:token-exchange"
		sets(control.RPChange{RequireDPoP: new(true), RequirePAR: new(true), Metadata: json.RawMessage(`{"resources": ["https://api.example/"],
			"grant_types": ["authorization_code", "` + device + `"]}`)})
		for name, more := range map[string]string{"of nothing": ``, "of what it reads": `, "grant_types": ["authorization_code", "` + device + `"]`} {
			status, _, answer := w.registration(http.MethodPut, at, access, sector+more+`}`)
			if status != http.StatusOK || answer["dpop_bound_access_tokens"] != true || answer["require_pushed_authorization_requests"] != true ||
				!slices.Equal(answer["grant_types"].([]any), []any{"authorization_code", device}) || answer["resources"] == nil {
				t.Errorf("a change %s: %d %v", name, status, answer)
			}
		}
		if status, _, answer := w.registration(http.MethodPut, at, access, sector+`, "grant_types": ["authorization_code", "`+exchange+`"]}`); status != http.StatusBadRequest {
			t.Errorf("it gave itself more: %d %v", status, answer)
		}
		fetched = 0
		w.app.Control.Registration.FetchPublic = func(context.Context, string) (string, error) {
			fetched++
			sets(control.RPChange{ClientURI: new("https://payroll.example/" + strconv.Itoa(fetched))})
			return `["https://payroll.example/callback"]`, nil
		}
		if status, _, answer := w.registration(http.MethodPut, at, access, body+`, "sector_identifier_uri": "https://payroll.example/other"}`); status != http.StatusConflict || fetched != 3 {
			t.Errorf("without an end: %d %v, fetched %d times", status, answer, fetched)
		}
	}, openly)
}

func TestTokensByWayOfTheBrowserNeedARegistrationToken(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLiteFile(t), openly)
	token := w.initial(control.RegistrationToken{PKCE: true, Uses: 10})
	made := w.itself("", `{`+payroll+`}`)
	id, at, access := made["client_id"].(string), made["registration_client_uri"].(string), made["registration_access_token"].(string)
	for _, kind := range []string{"id_token", "id_token token", "token id_token", "code id_token", "code token", "code id_token token"} {
		more := `, "response_types": ["code", "` + kind + `"]}`
		if status, _, answer := w.registration(http.MethodPost, "/register", "", `{`+payroll+more); status != http.StatusBadRequest || answer["error"] != "invalid_client_metadata" {
			t.Errorf("%s without a token: %d %v", kind, status, answer)
		}
		if status, _, answer := w.registration(http.MethodPut, at, access, `{"client_id": "`+id+`", `+payroll+more); status != http.StatusBadRequest || answer["error"] != "invalid_client_metadata" {
			t.Errorf("%s afterwards: %d %v", kind, status, answer)
		}
		w.itself(token, `{`+payroll+more)
	}
	if err := w.operator(http.MethodPatch, "/relying-parties/"+id, control.RPChange{ResponseTypes: []string{"code", "token id_token"}}, new(control.RP)); err != nil {
		t.Fatal(err)
	}
	for kind, want := range map[string]int{"id_token token": http.StatusOK, "code id_token": http.StatusBadRequest} {
		if status, _, answer := w.registration(http.MethodPut, at, access, `{"client_id": "`+id+`", `+payroll+`, "response_types": ["`+kind+`"]}`); status != want {
			t.Errorf("%s, of what the operator gave: %d %v", kind, status, answer)
		}
	}
}
