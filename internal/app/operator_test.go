package app_test

import (
	"bytes"
	"encoding/json"
	"image"
	"image/png"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/portvakt/portvakt/internal/control"
	"github.com/portvakt/portvakt/internal/organisation"
)

// operator does one operation of the control door, as the command line does while no server runs.
func (w *world) operator(method, path string, in, out any) error {
	w.t.Helper()
	return control.InProcess(w.app.Control.Handler()).Do(w.t.Context(), method, path, in, out)
}

func (w *world) register(rp control.RP) control.RP {
	w.t.Helper()
	var made control.RP
	if err := w.operator(http.MethodPost, "/relying-parties", rp, &made); err != nil {
		w.t.Fatal(err)
	}
	return made
}

// refuses fails unless the operation is refused in words that contain the text.
func (w *world) refuses(method, path string, in any, text string) {
	w.t.Helper()
	if err := w.operator(method, path, in, &struct{}{}); err == nil || !strings.Contains(err.Error(), text) {
		w.t.Errorf("%s %s %+v: %v, want %q", method, path, in, err, text)
	}
}

func TestTheOperatorsWordIsChecked(t *testing.T) {
	w := on(t)
	good := func(change func(*control.RP)) control.RP {
		rp := control.RP{Name: "Payroll", RedirectURIs: []string{"https://payroll.example.com/callback"}, PKCE: true}
		change(&rp)
		return rp
	}
	for text, change := range map[string]func(*control.RP){
		"no control characters":         func(rp *control.RP) { rp.Name = "Pay\x1b[31mroll" },
		"1 to 100 characters":           func(rp *control.RP) { rp.Name = "" },
		"wildcards are not allowed":     func(rp *control.RP) { rp.RedirectURIs = []string{"https://*.example.com/callback"} },
		"there twice":                   func(rp *control.RP) { rp.RedirectURIs = append(rp.RedirectURIs, rp.RedirectURIs[0]) },
		`twice: "https://x.example/"`:   func(rp *control.RP) { rp.PostLogoutRedirectURIs = []string{"https://x.example/", "https://x.example/"} },
		"always uses PKCE":              func(rp *control.RP) { rp.Public, rp.PKCE = true, false },
		"at least one redirect URI":     func(rp *control.RP) { rp.RedirectURIs = nil },
		`with this short name: "nobody`: func(rp *control.RP) { rp.Organisations = []string{"nobody"} },
		"https, except on this machine": func(rp *control.RP) { rp.InitiateLoginURI = "http://payroll.example.com/login" },
	} {
		w.refuses(http.MethodPost, "/relying-parties", good(change), text)
	}
	made := w.register(good(func(rp *control.RP) { rp.PKCE, rp.Organisations = false, []string{"foretaget", "foretaget"} }))
	if made.PKCE || made.ClientSecret == "" || !slices.Equal(made.Organisations, []string{"foretaget"}) {
		t.Errorf("%+v", made)
	}
	if made := w.register(good(func(rp *control.RP) { rp.Public = true })); made.ClientSecret != "" || !made.Public {
		t.Errorf("a public app with a secret: %+v", made)
	}
}

func TestARotatedSecretReplacesTheOldOneAtOnce(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		old := w.hrm
		var answer map[string]string
		if err := w.operator(http.MethodPost, "/relying-parties/"+old.ClientID+"/secret", nil, &answer); err != nil {
			t.Fatal(err)
		}
		renewed := old
		renewed.ClientSecret = answer["client_secret"]
		if answer["client_id"] != old.ClientID || renewed.ClientSecret == "" || renewed.ClientSecret == old.ClientSecret {
			t.Fatalf("%v", answer)
		}
		l := newLogin(old)
		code := l.code(t, w.browser().signIn(l, bosAddress, bosPass))
		if status, answer := w.redeem(l, code); status != http.StatusUnauthorized || answer["error"] != "invalid_client" {
			t.Errorf("the old secret: %d %v", status, answer)
		}
		l.RP = renewed
		if status, answer := w.redeem(l, code); status != http.StatusOK {
			t.Errorf("the new secret: %d %v", status, answer)
		}
		w.refuses(http.MethodPost, "/relying-parties/"+w.mobile.ClientID+"/secret", nil, "no secret")
		w.refuses(http.MethodPost, "/relying-parties/nobody/secret", nil, "no relying party")
	})
}

func TestAChangedAppKeepsItsSecretAndItsPeople(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		access, _ := w.browser().tokens(w.hrm)["access_token"].(string)
		const moved = "https://hr.example.com/callback"
		var changed control.RP
		if err := w.operator(http.MethodPatch, "/relying-parties/"+w.hrm.ClientID, control.RPChange{RedirectURIs: []string{moved}}, &changed); err != nil {
			t.Fatal(err)
		}
		if changed.Name != "HRM" || changed.InitiateLoginURI != w.hrm.InitiateLoginURI || !slices.Equal(changed.Organisations, []string{"foretaget"}) {
			t.Errorf("%+v", changed)
		}
		if status, _ := w.userinfo(access); status != http.StatusOK {
			t.Errorf("a grant from before: %d", status)
		}
		w.browser().get(newLogin(w.hrm).authorize()).expect(http.StatusBadRequest)
		changed.ClientSecret = w.hrm.ClientSecret
		if answer := w.browser().tokens(changed); answer["access_token"] == "" {
			t.Errorf("%v", answer)
		}
		w.refuses(http.MethodPatch, "/relying-parties/nobody", control.RPChange{}, "no relying party")
		w.refuses(http.MethodPatch, "/relying-parties/"+w.hrm.ClientID, control.RPChange{Organisations: []string{"nobody"}}, "no organisation")
	})
}

func TestADeletedAppIsUnknownAtOnce(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		tokens := w.browser().tokens(w.hrm)
		access, _ := tokens["access_token"].(string)
		if status, _ := w.userinfo(access); status != http.StatusOK {
			t.Fatalf("userinfo before: %d", status)
		}
		path := "/relying-parties/" + w.hrm.ClientID
		if err := w.operator(http.MethodDelete, path, nil, &struct{}{}); err != nil {
			t.Fatal(err)
		}
		if status, _ := w.userinfo(access); status != http.StatusUnauthorized {
			t.Errorf("userinfo afterwards: %d", status)
		}
		w.browser().get(newLogin(w.hrm).authorize()).expect(http.StatusBadRequest)
		w.refuses(http.MethodDelete, path, nil, "no relying party")
		var left []control.RP
		if err := w.operator(http.MethodGet, "/relying-parties", nil, &left); err != nil || len(left) != 1 || left[0].ClientID != w.mobile.ClientID {
			t.Errorf("%+v %v", left, err)
		}
	})
}

func TestAnOrganisationKeepsWhatIsNotGivenAndLosesWhatIsNamed(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		var picture bytes.Buffer
		if err := png.Encode(&picture, image.NewGray(image.Rect(0, 0, 3, 2))); err != nil {
			t.Fatal(err)
		}
		set := func(change control.Organisation) control.Organisation {
			t.Helper()
			var out control.Organisation
			if err := w.operator(http.MethodPost, "/organisations", change, &out); err != nil {
				t.Fatal(err)
			}
			return out
		}
		first := set(control.Organisation{ID: "annan", Name: "Annan AB", Colour: "#1f5d4c", Logo: picture.Bytes()})
		if !first.Made || first.LogoType != "image/png" || first.LogoBytes != picture.Len() || first.MFA != "recommended" {
			t.Errorf("made: %+v", first)
		}
		if o := set(control.Organisation{ID: "annan", MFA: "required"}); o.Made || o.Name != "Annan AB" || o.Colour != "#1f5d4c" || o.LogoBytes == 0 {
			t.Errorf("nothing given but the policy: %+v", o)
		}
		if o := set(control.Organisation{ID: "annan", NoLogo: true}); o.LogoType != "" || o.LogoBytes != 0 || o.Colour != "#1f5d4c" {
			t.Errorf("without a logo: %+v", o)
		}
		if o := set(control.Organisation{ID: "annan", NoColour: true}); o.Colour != "" || o.MFA != "required" {
			t.Errorf("without a colour: %+v", o)
		}
		var all []control.Organisation
		if err := w.operator(http.MethodGet, "/organisations", nil, &all); err != nil || len(all) != 2 || all[0].ID != "annan" || all[1].ID != "foretaget" {
			t.Errorf("%+v %v", all, err)
		}
	})
}

func TestALogoIsRefusedInTheOrganisationsOwnWords(t *testing.T) {
	w := on(t)
	for text, logo := range map[string][]byte{
		"empty":                                {},
		organisation.ErrLogoTooLarge.Error():   make([]byte, control.MaxLogo+1),
		organisation.ErrLogoKind.Error():       []byte("GIF89a"),
		organisation.ErrLogoBroken.Error():     []byte("\x89PNG\r\n\x1a\n"),
		organisation.ErrLogoBlank.Error()[:10]: []byte(`<svg xmlns="http://www.w3.org/2000/svg"/>`),
	} {
		w.refuses(http.MethodPost, "/organisations", control.Organisation{ID: "foretaget", Logo: logo}, text)
	}
}

// TestTheOperatorChangesHowAnAppGetsItsTokens: nobody has to register an app anew, which would make its people strangers to it.
func TestTheOperatorChangesHowAnAppGetsItsTokens(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		app := w.register(control.RP{Name: "Payroll", RedirectURIs: []string{hrmURL + "/payroll"}, PKCE: true})
		change := func(c control.RPChange) {
			t.Helper()
			if err := w.operator(http.MethodPatch, "/relying-parties/"+app.ClientID, c, &struct{}{}); err != nil {
				t.Fatal(err)
			}
		}
		tokens := func(alg string, refreshes bool) string {
			t.Helper()
			got := w.browser().tokens(app)
			refresh, given := got["refresh_token"].(string)
			if header(t, got["id_token"].(string))["alg"] != alg || given != refreshes {
				t.Fatalf("%v", got)
			}
			return refresh
		}
		yes, no, rs := true, false, "RS256"
		tokens("ES256", false)
		change(control.RPChange{RefreshTokens: &yes, IDTokenAlg: &rs})
		refresh := tokens("RS256", true)
		change(control.RPChange{RefreshTokens: &no})
		if status, answer := w.refresh(app, refresh); status != http.StatusBadRequest || answer["error"] != "unauthorized_client" {
			t.Errorf("without refresh tokens: %d %v", status, answer)
		}
		tokens("RS256", false)
		change(control.RPChange{Metadata: json.RawMessage(`{"id_token_signed_response_alg": null, "grant_types": ["authorization_code", "refresh_token"]}`)})
		tokens("ES256", true)
		if status, answer := w.refresh(app, refresh); status != http.StatusOK { // nothing has ended it, and nobody has lost it
			t.Errorf("again with them: %d %v", status, answer)
		}
		change(control.RPChange{Metadata: json.RawMessage(`{"grant_types": ["authorization_code"]}`)})
		tokens("ES256", false)
		change(control.RPChange{RefreshTokens: &yes}) // the list of grant types goes with it
		if status, answer := w.refresh(app, tokens("ES256", true)); status != http.StatusOK {
			t.Errorf("given without being of use: %d %v", status, answer)
		}
		change(control.RPChange{RefreshTokens: &no, Metadata: json.RawMessage(`{"grant_types": ["authorization_code", "refresh_token"]}`)})
		tokens("ES256", false)

		l := newLogin(app)
		plain := l.authorize("code_challenge", "", "code_challenge_method", "")
		refused := func() bool {
			t.Helper()
			b := w.browser()
			b.signIn(l, bosAddress, bosPass)
			b.get(plain)
			return strings.Contains(b.leads(), "error=invalid_request")
		}
		if !refused() {
			t.Error("PKCE is not asked for")
		}
		change(control.RPChange{PKCE: &no})
		if refused() {
			t.Error("PKCE is still asked for")
		}
		w.refuses(http.MethodPatch, "/relying-parties/"+w.mobile.ClientID, control.RPChange{PKCE: &no}, "PKCE") // it has no secret
		w.refuses(http.MethodPatch, "/relying-parties/"+app.ClientID, control.RPChange{IDTokenAlg: new(string)}, "signed by")
		w.refuses(http.MethodPatch, "/relying-parties/"+app.ClientID, control.RPChange{Metadata: json.RawMessage(`{"id_token_signed_response_alg": "none"}`)}, "signed by")
	})
}
