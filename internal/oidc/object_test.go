package oidc

import (
	"encoding/json"
	"errors"
	"testing"
	"unicode/utf8"

	"github.com/portvakt/portvakt/internal/clientregistration"
	"github.com/portvakt/portvakt/internal/relyingparty"
)

func TestAnObjectIsReadInOneWayAlone(t *testing.T) {
	for name, body := range map[string]string{
		"nothing":            ``,
		"a list":             `[]`,
		"null":               `null`,
		"two":                `{}{}`,
		"a name twice":       `{"a": 1, "a": 1}`,
		"a name in capitals": `{"client_name": 1, "Client_Name": 1}`,
		"no UTF-8":           "{\"a\": \"\xff\"}",
	} {
		if m, err := readObject([]byte(body)); !errors.Is(err, clientregistration.ErrMetadata) {
			t.Errorf("%s: %v %v", name, m, err)
		}
	}
	if m, err := readObject([]byte(` {"a": {"b": 1}, "b": [{"b": 1}]} `)); err != nil || len(m) != 2 {
		t.Errorf("%v %v", m, err)
	}
}

// FuzzRegistration: whatever an app says of itself, it says nothing that is not its to say.
func FuzzRegistration(f *testing.F) {
	f.Add(`{"redirect_uris": ["https://payroll.example/"], "client_name": "Payroll", "scopes": ["audit:read"]}`)
	f.Add(`{"redirect_uris": ["com.example.payroll:/done"], "token_endpoint_auth_method": "none", "application_type": "native"}`)
	f.Add(`{"grant_types": ["implicit"], "response_types": ["id_token"], "jwks": {"keys": []}, "Require_PKCE": false}`)
	f.Fuzz(func(t *testing.T, body string) {
		members, err := readObject([]byte(body))
		if err != nil {
			if members != nil || !errors.Is(err, clientregistration.ErrMetadata) {
				t.Fatalf("%v %v", members, err)
			}
			return
		}
		if !utf8.ValidString(body) || !json.Valid([]byte(body)) {
			t.Fatalf("%q was read", body)
		}
		rp := relyingparty.RP{RequirePKCE: true, RequireACR: "urn:portvakt:aal2", Scopes: nil, ClientID: "own"}
		public, err := clientregistration.Say(&rp, members)
		if err != nil {
			return
		}
		if !rp.RequirePKCE || rp.RequireACR != "urn:portvakt:aal2" || rp.ClientID != "own" || rp.IsService() || len(rp.Organisations) > 0 || rp.HasSecret() {
			t.Errorf("%q made %+v", body, rp)
		}
		if public != (rp.Options.AuthMethod == "") || rp.Options.MayUse(relyingparty.DeviceCode) {
			t.Errorf("%q: public %t, %+v", body, public, rp.Options)
		}
	})
}
