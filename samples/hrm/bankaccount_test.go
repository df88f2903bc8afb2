package hrm

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// signInAs signs in with a sign-in that is worth acr and was proven some time ago.
func (w *world) signInAs(acr string, ago time.Duration) {
	w.Helper()
	w.op.id = map[string]any{"acr": acr, "auth_time": w.now.Add(-ago).Unix()}
	w.signIn()
}

// call calls the API as the browser does, from HRM's own pages or from another site.
func (w *world) call(method, body, site string) *http.Response {
	w.Helper()
	r, err := http.NewRequest(method, w.url+"/api/bank-account", strings.NewReader(body))
	if err != nil {
		w.Fatal(err)
	}
	r.Header.Set("Sec-Fetch-Site", site)
	res, err := w.browser.Do(r)
	if err != nil {
		w.Fatal(err)
	}
	w.Cleanup(func() { _ = res.Body.Close() })
	return res
}

const (
	newAccount = `{"account":"8327-9 111 222 333"}`
	wanted     = `Bearer error="insufficient_user_authentication", error_description="a change of the bank account needs two factors, shown within five minutes", acr_values="urn:portvakt:aal2", max_age="300"`
)

func TestTheAPIDemandsTwoFactorsShownLately(t *testing.T) {
	for _, c := range []struct {
		acr    string
		ago    time.Duration
		status int
	}{
		{"urn:portvakt:aal2", 0, http.StatusNoContent},
		{"urn:portvakt:aal2", 5 * time.Minute, http.StatusNoContent},
		{"urn:portvakt:phr", time.Minute, http.StatusNoContent},
		{"urn:portvakt:aal2", 5*time.Minute + time.Second, http.StatusUnauthorized},
		{"urn:portvakt:aal2", -2 * time.Minute, http.StatusUnauthorized}, // in the future
		{"urn:portvakt:mfa", 0, http.StatusUnauthorized},
		{"urn:portvakt:pwd", 0, http.StatusUnauthorized},
		{"", 0, http.StatusUnauthorized},
	} {
		w := newWorld(t)
		w.signInAs(c.acr, c.ago)
		res := w.call("PUT", newAccount, "same-origin")
		if res.StatusCode != c.status {
			t.Errorf("%s, %v ago: %s", c.acr, c.ago, res.Status)
		}
		if header := res.Header.Get("WWW-Authenticate"); c.status == http.StatusUnauthorized && header != wanted {
			t.Errorf("%s, %v ago: challenge %s", c.acr, c.ago, header)
		}
	}
}

func TestTheAPIKnowsNobodyWithoutASession(t *testing.T) {
	w := newWorld(t)
	for _, method := range []string{"GET", "PUT"} {
		res := w.call(method, newAccount, "same-origin")
		if res.StatusCode != http.StatusUnauthorized || res.Header.Get("WWW-Authenticate") != "Bearer" {
			t.Errorf("%s: %s %s", method, res.Status, res.Header.Get("WWW-Authenticate"))
		}
	}
	w.signInAs("urn:portvakt:aal2", 0)
	if res := w.call("PUT", newAccount, "cross-site"); res.StatusCode != http.StatusForbidden {
		t.Errorf("from another site: %s", res.Status)
	}
	for _, body := range []string{"", "{", `{"account":""}`, `{"account":"12345"}`, `{"account":"8327-9 111 222 33x"}`, `{"account":"` + strings.Repeat("1", 2000) + `"}`} {
		if res := w.call("PUT", body, "same-origin"); res.StatusCode != http.StatusUnprocessableEntity {
			t.Errorf("%.40s: %s", body, res.Status)
		}
	}
	var got bankAccount
	if err := json.Unmarshal([]byte(w.text(w.call("GET", "", "same-origin"))), &got); err != nil || !strings.HasPrefix(got.Account, "•••• ") {
		t.Errorf("%q %v", got.Account, err)
	}
}

// change presses **Byt konto** and returns the request that reaches the login service.
func (w *world) change(account string) url.Values {
	w.Helper()
	res := w.post("/bank-account", url.Values{"account": {account}})
	target, err := res.Location()
	if err != nil || res.StatusCode != http.StatusSeeOther || !strings.HasPrefix(target.String(), w.op.URL+"/authorize?") {
		w.Fatalf("%s %v %v", res.Status, target, err)
	}
	return target.Query()
}

const (
	typed = "8327-9 111 222 333"
	shown = "•••• 2333"
)

func TestAFreshSignInWithTwoFactorsChangesTheAccountAtOnce(t *testing.T) {
	w := newWorld(t)
	w.signInAs("urn:portvakt:aal2", time.Minute)
	if text := w.page("/bank-account"); strings.Contains(text, shown) || !strings.Contains(text, "Byt konto") {
		t.Error(text)
	}
	res := w.post("/bank-account", url.Values{"account": {typed}})
	if res.Header.Get("Location") != "/bank-account?changed" {
		t.Fatalf("%s %s", res.Status, res.Header.Get("Location"))
	}
	w.wantPage(w.get("/bank-account?changed"), http.StatusOK, "Bankkontot är bytt.", shown)
	w.wantPage(w.post("/bank-account", url.Values{"account": {"12"}}), http.StatusUnprocessableEntity, "ser inte ut som ett bankkonto", `value="12"`, `aria-invalid="true"`)
}

// TestTheChangeIsMadeAfterTheStepUp is RFC 9470 from end to end.
func TestTheChangeIsMadeAfterTheStepUp(t *testing.T) {
	w := newWorld(t)
	w.signInAs("urn:portvakt:pwd", time.Minute)
	q := w.change(typed)
	for name, want := range map[string]string{"acr_values": "urn:portvakt:aal2", "max_age": "300", "login_hint": "anna.svensson@foretaget.example",
		"claims": `{"id_token":{"acr":{"essential":true,"values":["urn:portvakt:aal2"]}}}`} {
		if q.Get(name) != want {
			t.Errorf("%s is %q", name, q.Get(name))
		}
	}
	if strings.Contains(q.Encode(), "111") {
		t.Error("the account number travels in the address")
	}
	w.op.id = map[string]any{"acr": "urn:portvakt:aal2", "auth_time": w.now.Unix()}
	if res := w.finish(q); res.Header.Get("Location") != "/bank-account?changed" {
		t.Fatalf("%s %s", res.Status, res.Header.Get("Location"))
	}
	w.wantPage(w.get("/bank-account?changed"), http.StatusOK, shown, "Logga ut")

	again := w.post("/bank-account", url.Values{"account": {"8327-9 999 999 999"}}) // now it is strong enough
	if again.Header.Get("Location") != "/bank-account?changed" {
		t.Errorf("the second change: %s", again.Header.Get("Location"))
	}
	w.finish(q) // the back button, or the answer a second time
	w.wantPage(w.get("/bank-account"), http.StatusOK, "•••• 9999")
}

func TestAChangeThatIsNotProvenIsNotMade(t *testing.T) {
	for name, c := range map[string]struct {
		id     map[string]any
		change func(url.Values)
		says   string
	}{
		"the login service tells less": {map[string]any{"acr": "urn:portvakt:pwd"}, func(url.Values) {}, "både lösenord och en kod"},
		"or an old proof":              {map[string]any{"acr": "urn:portvakt:aal2", "auth_time": 1}, func(url.Values) {}, "både lösenord och en kod"},
		"or that it cannot":            {nil, func(q url.Values) { q.Set("error", "unmet_authentication_requirements") }, "både lösenord och en kod"},
		"Anna has cancelled":           {nil, func(q url.Values) { q.Set("error", "access_denied") }, "Du avbröt, och inget har ändrats."},
		"somebody else has logged in":  {map[string]any{"acr": "urn:portvakt:aal2", "sub": "sub-bo"}, func(url.Values) {}, "Någon annan loggade in"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, func(c *Config) { c.Employees["1002"] = Employee{FirstName: "Bo"} })
			w.signInAs("urn:portvakt:pwd", time.Minute)
			before := w.page("/bank-account")
			q := w.change(typed)
			w.op.id = map[string]any{"auth_time": w.now.Unix()}
			for claim, value := range c.id {
				w.op.id[claim] = value
			}
			if w.op.id["sub"] == "sub-bo" {
				w.op.info = map[string]any{"sub": "sub-bo", "urn:portvakt:person": []personClaim{{Organisation: "foretaget", Key: "1002"}}}
			}
			res := w.finish(q, c.change)
			w.wantPage(res, http.StatusForbidden, c.says, `href="/bank-account"`)
			for _, key := range []string{"1001", "1002"} {
				if strings.HasSuffix(w.app.bank.of(key), "2333") {
					t.Errorf("the account of %s was changed", key)
				}
			}
			if c.id == nil && w.page("/bank-account") != before {
				t.Error("she is not where she was")
			}
		})
	}
}

func TestAForeignFormChangesNoAccount(t *testing.T) {
	w := newWorld(t)
	w.signInAs("urn:portvakt:aal2", 0)
	r, err := http.NewRequest("POST", w.url+"/bank-account", strings.NewReader("account=83279111222333"))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	res, err := w.browser.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusForbidden || strings.HasSuffix(w.app.bank.of("1001"), "2333") {
		t.Errorf("%s", res.Status)
	}
}

func TestOnlyADemandForAStepUpIsRead(t *testing.T) {
	if d, ok := readChallenge(wanted); !ok || d.ACR != stepUpACR || d.MaxAge != 300 {
		t.Errorf("%+v %v", d, ok)
	}
	if d, ok := readChallenge(`Bearer error="insufficient_user_authentication"`); !ok || d.ACR != "" || d.MaxAge != -1 || len(d.parameters()) != 0 {
		t.Errorf("without a wish: %+v %v", d, ok)
	}
	for _, header := range []string{"", "Bearer", "Basic realm=\"x\"", `Bearer error="invalid_token"`, `Bearer error=insufficient_user_authentication`,
		`Bearer error="insufficient_user_authentication`, `Bearer error`} {
		if d, ok := readChallenge(header); ok {
			t.Errorf("%s: %+v", header, d)
		}
	}
}
