package grant

import (
	"encoding/json"
	"testing"

	"github.com/portvakt/portvakt/internal/authn"
	"github.com/portvakt/portvakt/internal/relyingparty"
)

// TestARequestThatAFormerReleaseSealedGoesOn: who is in the middle of a login at an upgrade is not sent back for what nobody wrote down then.
func TestARequestThatAFormerReleaseSealedGoesOn(t *testing.T) {
	rp := relyingparty.RP{ClientID: "hrm", RedirectURIs: []string{"https://hrm.example/callback"}, RequirePKCE: true,
		Options: relyingparty.Options{RequirePAR: true, RequireSigned: true}}
	for sealed, want := range map[string]bool{
		`{"c":"hrm","r":"https://hrm.example/callback","s":"openid","h":"E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"}`:          true,
		`{"c":"hrm","r":"https://hrm.example/callback","s":"openid","h":"E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM","d":true}`: false, // it was not held to pushing
		`{"c":"hrm","r":"https://hrm.example/callback","s":"openid","h":"E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM","g":true}`: false,
	} {
		var r authn.Request
		if err := json.Unmarshal([]byte(sealed), &r); err != nil {
			t.Fatal(err)
		}
		if service(t).mayStillAsk(rp, r) != want {
			t.Errorf("%s: want %t", sealed, want)
		}
	}
}
