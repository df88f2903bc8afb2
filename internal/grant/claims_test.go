package grant

import (
	"testing"

	"github.com/portvakt/portvakt/internal/authn"
)

func TestWhatTheParameterClaimsMeansHere(t *testing.T) {
	const aal2, pwd = "urn:portvakt:aal2", "urn:portvakt:pwd"
	for _, c := range []struct {
		claims  string
		request authn.Request // as it comes from the other parameters
		want    authn.Request
		wrong   bool
	}{
		{`{}`, authn.Request{ACRValues: pwd}, authn.Request{ACRValues: pwd}, false},
		{`{"id_token":{"acr":null,"email":{"essential":true}},"userinfo":{"acr":{"essential":true,"value":"` + aal2 + `"}}}`, authn.Request{}, authn.Request{Scope: " claim:email"}, false},
		{`{"userinfo":{"name":null,"locale":{"value":"sv"},"picture":null,"openid":null,"claim:name":null}}`, authn.Request{Scope: "openid"}, authn.Request{Scope: "openid claim:locale claim:name"}, false},
		{`{"id_token":{"acr":{"values":["` + aal2 + `"]}}}`, authn.Request{ACRValues: pwd}, authn.Request{ACRValues: aal2 + " " + pwd}, false},
		{`{"id_token":{"acr":{"essential":true,"value":"` + aal2 + `"}}}`, authn.Request{ACRValues: pwd}, authn.Request{ACRValues: aal2, Essential: true}, false},
		{`{"id_token":{"acr":{"essential":true}}}`, authn.Request{}, authn.Request{}, false},
		{`{"id_token":{"acr":{"essential":true,"values":[]}}}`, authn.Request{ACRValues: pwd}, authn.Request{ACRValues: pwd}, false},
		{`{"id_token":{"sub":{"value":"u1"}}}`, authn.Request{}, authn.Request{Subject: "u1"}, false},
		{`{"id_token":{"sub":{"values":["u1","u2"]}}}`, authn.Request{}, authn.Request{}, true},
		{`{"id_token":{"acr":"` + aal2 + `"}}`, authn.Request{}, authn.Request{}, true},
		{`{"id_token":{"acr":{"essential":"yes"}}}`, authn.Request{}, authn.Request{}, true},
		{`{"ID_TOKEN":{"acr":{"essential":true,"value":"` + aal2 + `"}}}`, authn.Request{}, authn.Request{}, false}, // no member that means something
		{`{"id_token":{"acr":{"Essential":true,"VALUE":"` + aal2 + `"}}}`, authn.Request{ACRValues: pwd}, authn.Request{ACRValues: pwd}, false},
		{`{"id_token":{"acr":{"essential":true,"value":"` + aal2 + `"}},"id_token":{}}`, authn.Request{}, authn.Request{}, true},
		{`{"id_token":{"acr":{"essential":true,"value":"` + aal2 + `"}},"Id_Token":{}}`, authn.Request{}, authn.Request{}, true},
		{`{"id_token":{"acr":{"value":"` + aal2 + `","value":"` + pwd + `"}}}`, authn.Request{}, authn.Request{}, true},
		{"{\"id_token\":{\"sub\":{\"value\":\"u\xff\"}}}", authn.Request{}, authn.Request{}, true},
		{`{"id_token":{"sub":{"value":"u1","x":[[[[[[1]]]]]]}}}`, authn.Request{}, authn.Request{}, true},
		{`["acr"]`, authn.Request{}, authn.Request{}, true},
		{`{"id_token":`, authn.Request{}, authn.Request{}, true},
	} {
		r := c.request
		err := readClaims(c.claims, &r)
		if (err != nil) != c.wrong {
			t.Errorf("%s: %v", c.claims, err)
		} else if err == nil && r != c.want {
			t.Errorf("%s: %+v, want %+v", c.claims, r, c.want)
		}
	}
}

// Whatever an app sends there, it is read or refused, and asks for no class that it does not name.
func FuzzClaims(f *testing.F) {
	for _, seed := range []string{`{}`, `{"id_token":{"acr":{"essential":true,"values":["urn:portvakt:aal2"]}}}`, `{"id_token":{"sub":{"value":"u1"}}}`, `null`, `{"id_token":null}`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, claims string) {
		r := authn.Request{}
		if err := readClaims(claims, &r); err == nil && r.Essential && r.ACRValues == "" {
			t.Errorf("%q is essential and names nothing", claims)
		}
	})
}
