package app_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/portvakt/portvakt/internal/control"
)

// works replaces Bo's employments.
func (w *world) works(employments string) {
	w.t.Helper()
	if _, err := w.raw().Exec(`UPDATE persons SET employments = $2 WHERE id IN (SELECT c.person_id FROM connections c JOIN accounts a ON a.id = c.account_id WHERE a.identifier = $1)`,
		bosAddress, employments); err != nil {
		w.t.Fatal(err)
	}
}

const (
	oneJob  = `[{"company":"Företaget AB"},{"company":"Fabriken AB","to":"2020-12-31"}]`
	twoJobs = `[{"company":"Företaget AB"},{"company":"Ångbageriet AB","unit":"Butik"},{"company":"Företaget AB","unit":"Lager"},{"company":"Fabriken AB","to":"2020-12-31"}]`
)

const companyScope = "openid company offline_access"

// toCompany logs Bo in as far as the page after the password.
func (b *browser) toCompany(l rp, extra ...string) *browser {
	b.w.t.Helper()
	b.get(l.authorize(append([]string{"scope", companyScope}, extra...)...)).follow().expect(http.StatusOK)
	b.post(b.action("/signin/"), "address", bosAddress).follow().expect(http.StatusOK)
	return b.post(b.action("/signin/"), "password", bosPass).follow()
}

// companyIn is what an ID token says.
func companyIn(t *testing.T, answer map[string]any) any {
	t.Helper()
	token, _ := answer["id_token"].(string)
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		t.Fatalf("no ID token: %v", answer)
	}
	body, err := base64.RawURLEncoding.DecodeString(parts[1])
	var claims map[string]any
	if err != nil || json.Unmarshal(body, &claims) != nil {
		t.Fatal("not an ID token")
	}
	return claims["urn:portvakt:company"]
}

func TestWhoWorksForSeveralCompaniesChoosesOnceForAnApp(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.works(twoJobs)
		b, l := w.browser(), newLogin(w.mobile)
		b.toCompany(l).expect(http.StatusOK).shows("Vilket jobb gäller det?").shows("Ångbageriet AB")
		if strings.Contains(b.body, "Fabriken") || strings.Count(b.body, `value="Företaget AB"`) != 1 {
			t.Error("an employment that has ended is offered, or a company twice")
		}
		page := b.action("/signin/")
		b.post(page, "company", "Någon annans AB").expect(http.StatusUnprocessableEntity).shows("Vilket jobb gäller det?")
		b.post(page).expect(http.StatusUnprocessableEntity)
		b.post(page, "company", "Ångbageriet AB").expect(http.StatusOK)
		status, first := w.redeem(l, l.code(t, b.leads()))
		if got := companyIn(t, first); status != http.StatusOK || got != "Ångbageriet AB" {
			t.Errorf("the ID token: %d %v", status, got)
		}
		if _, info := w.userinfo(first["access_token"].(string)); info["urn:portvakt:company"] != "Ångbageriet AB" {
			t.Errorf("userinfo: %v", info)
		}
		// A refresh keeps it; so does the app's next request in this session, without a page.
		if _, next := w.refresh(w.mobile, first["refresh_token"].(string)); companyIn(t, next) != "Ångbageriet AB" {
			t.Errorf("after a refresh: %v", next)
		}
		again := newLogin(w.mobile)
		b.get(again.authorize("scope", companyScope, "prompt", "none"))
		if _, second := w.redeem(again, again.code(t, b.leads())); companyIn(t, second) != "Ångbageriet AB" {
			t.Errorf("the second time: %v", second)
		}
		// Another app asks for itself, also where the session answers at once.
		other := newLogin(w.hrm)
		b.get(other.authorize("scope", "openid company")).follow().expect(http.StatusOK).shows("Vilket jobb gäller det?")
		b.post(b.action("/signin/"), "company", "Företaget AB").expect(http.StatusOK)
		if _, third := w.redeem(other, other.code(t, b.leads())); companyIn(t, third) != "Företaget AB" {
			t.Errorf("the other app: %v", third)
		}
		// The app may let the person choose anew.
		anew := newLogin(w.mobile)
		b.toCompany(anew, "prompt", "select_account").expect(http.StatusOK).shows("Vilket jobb gäller det?")
		b.post(b.action("/signin/"), "company", "Företaget AB").expect(http.StatusOK)
		if _, fourth := w.redeem(anew, anew.code(t, b.leads())); companyIn(t, fourth) != "Företaget AB" {
			t.Errorf("anew: %v", fourth)
		}
		// Who has left the chosen company is asked again, or not at all.
		w.works(oneJob)
		last := newLogin(w.mobile)
		b.get(last.authorize("scope", companyScope, "prompt", "none"))
		if _, fifth := w.redeem(last, last.code(t, b.leads())); companyIn(t, fifth) != "Företaget AB" {
			t.Errorf("with one company left: %v", fifth)
		}
	})
}

func TestACompanyIsToldToAppsThatAskAndNobodyIsAskedWithoutNeed(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.works(twoJobs)
		b := w.browser()
		if got := companyIn(t, b.tokens(w.mobile)); got != nil {
			t.Errorf("an app that did not ask was told %v", got)
		}
		// Without a page nobody can choose.
		silent := newLogin(w.mobile)
		b.get(silent.authorize("scope", companyScope, "prompt", "none"))
		if u := must(url.Parse(b.leads())); u.Query().Get("error") != "interaction_required" {
			t.Errorf("prompt=none: %s", b.leads())
		}
		for employments, want := range map[string]any{oneJob: "Företaget AB", `[]`: nil, `[{"company":""}]`: nil} {
			w.works(employments)
			l := newLogin(w.mobile)
			b.get(l.authorize("scope", companyScope))
			if _, answer := w.redeem(l, l.code(t, b.leads())); companyIn(t, answer) != want {
				t.Errorf("%s: %v", employments, companyIn(t, answer))
			}
		}
	})
}

// TestAPageOfCompaniesThatIsOldLeadsBackToTheApp, which asks anew.
func TestAPageOfCompaniesThatIsOldLeadsBackToTheApp(t *testing.T) {
	w := on(t)
	w.works(twoJobs)
	b, l := w.browser(), newLogin(w.hrm)
	b.signIn(newLogin(w.mobile), bosAddress, bosPass)
	b.get(l.authorize("scope", "openid company")).follow().shows("Vilket jobb gäller det?")
	page := b.action("/signin/")
	w.clock.Advance(11 * time.Minute)
	b.get(page).expect(http.StatusOK)
	if !strings.HasPrefix(b.leads(), w.hrm.InitiateLoginURI) {
		t.Errorf("it leads to %s", b.leads())
	}
	b.post(page, "company", "Företaget AB")
	if !strings.HasPrefix(b.leads(), w.hrm.InitiateLoginURI) {
		t.Errorf("a press leads to %s", b.leads())
	}
}

func TestNobodyChoosesACompanyForSomebodyElse(t *testing.T) {
	w := on(t)
	w.works(twoJobs)
	b, l := w.browser(), newLogin(w.mobile)
	b.toCompany(l).shows("Vilket jobb gäller det?")
	page := b.action("/signin/")
	// Without the session, in another browser, and of an app of another organisation.
	w.browser().post(page, "company", "Företaget AB").expect(http.StatusGone)
	b.forgetAllBut(map[string]string{})
	b.post(page, "company", "Företaget AB").expect(http.StatusGone)
	fresh, one := w.browser(), newLogin(w.mobile)
	fresh.get(one.authorize("scope", companyScope)).follow()
	fresh.post("/signin/"+attemptOf(fresh.at)+"/company", "company", "Företaget AB").expect(http.StatusSeeOther)

	w.second()
	var theirs control.RP
	in := w.hrm
	in.ClientID, in.ClientSecret, in.Name, in.Organisations = "", "", "Kommunens", []string{"kommunen"}
	if err := control.InProcess(w.app.Control.Handler()).Do(t.Context(), http.MethodPost, "/relying-parties", in, &theirs); err != nil {
		t.Fatal(err)
	}
	there := newLogin(theirs)
	b = w.browser()
	b.toCompany(there).expect(http.StatusOK)
	if _, answer := w.redeem(there, there.code(t, b.leads())); companyIn(t, answer) != nil {
		t.Errorf("another organisation's app was told %v", companyIn(t, answer))
	}
}
