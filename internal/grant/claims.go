package grant

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/portvakt/portvakt/internal/authn"
	"github.com/portvakt/portvakt/internal/strictjson"
)

// asked is how a request asks for one claim (OIDC Core §5.5.1). A claim that is asked for without more is null.
type asked struct {
	Essential bool     `json:"essential"`
	Value     string   `json:"value"`
	Values    []string `json:"values"`
}

func (a *asked) all() []string {
	if a.Value != "" {
		return append([]string{a.Value}, a.Values...)
	}
	return a.Values
}

// claimScope begins the scope that one claim is granted by which a request asks for by its name: less than profile or email. No request
// asks for such a scope itself.
const claimScope = "claim:"

// scopeOf is the scope by which a claim comes that can also be had by its name alone; empty for the others, which come by scope only:
// asking for them is no error (§5.5).
func scopeOf(claim string) string {
	switch claim {
	case "name", "given_name", "family_name", "locale":
		return "profile"
	case "email", "email_verified":
		return "email"
	}
	return ""
}

// Broadly is the scope of which a granted one is a part, or the same.
func Broadly(scope string) string {
	if claim, single := strings.CutPrefix(scope, claimScope); single {
		return scopeOf(claim)
	}
	return scope
}

// readClaims takes from the parameter claims what means something here: the class of the sign-in (acr) and whose it shall be
// (sub), of the ID token; and what is told of the person, in userinfo, or in the ID token of who gets no access token.
func readClaims(text string, r *authn.Request) error {
	var in struct {
		Userinfo map[string]json.RawMessage `json:"userinfo"`
		IDToken  map[string]json.RawMessage `json:"id_token"`
	}
	if err := strictjson.Unmarshal([]byte(text), &in); err != nil {
		return err
	}
	told := map[string]json.RawMessage{}
	maps.Copy(told, in.Userinfo)
	maps.Copy(told, in.IDToken)
	for _, name := range slices.Sorted(maps.Keys(told)) {
		if scopeOf(name) != "" {
			r.Scope += " " + claimScope + name
		}
	}
	for name, use := range map[string]func(*asked) error{
		"acr": func(a *asked) error {
			r.ACRValues = strings.Join(append(a.all(), strings.Fields(r.ACRValues)...), " ")
			if a.Essential && len(a.all()) > 0 { // without values it says no more than that the RP wants to know
				r.ACRValues, r.Essential = strings.Join(a.all(), " "), true
			}
			return nil
		},
		"sub": func(a *asked) error {
			if r.Subject != "" || len(a.Values) > 0 {
				return fmt.Errorf("one sub")
			}
			r.Subject = a.Value
			return nil
		},
	} {
		raw, ok := in.IDToken[name]
		if !ok || string(raw) == "null" {
			continue
		}
		var a asked
		if err := strictjson.Unmarshal(raw, &a); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if err := use(&a); err != nil {
			return err
		}
	}
	return nil
}
