package clientregistration

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/portvakt/portvakt/internal/relyingparty"
)

// Metadata is what an app says of itself, by the names of RFC 7591 §2 and OIDC Registration §2.
type Metadata struct {
	RedirectURIs           []string `json:"redirect_uris"`
	Name                   string   `json:"client_name,omitempty"`
	ClientURI              string   `json:"client_uri,omitempty"`
	PostLogoutRedirectURIs []string `json:"post_logout_redirect_uris,omitempty"`
	InitiateLoginURI       string   `json:"initiate_login_uri,omitempty"`
	BackchannelLogoutURI   string   `json:"backchannel_logout_uri,omitempty"`
	IDTokenAlg             string   `json:"id_token_signed_response_alg,omitempty"`
	RequireDPoP            bool     `json:"dpop_bound_access_tokens,omitempty"`
	relyingparty.Options
}

// sayable are the members that an app may say of itself. What else it says is not understood, and passed over (RFC 7591 §2): whatever the
// operator can give an app besides, no app gives itself.
var sayable = []string{
	"redirect_uris", "client_name", "client_uri", "post_logout_redirect_uris", "initiate_login_uri", "backchannel_logout_uri",
	"id_token_signed_response_alg", "dpop_bound_access_tokens",
	"token_endpoint_auth_method", "token_endpoint_auth_signing_alg", "jwks", "jwks_uri",
	"require_signed_request_object", "require_pushed_authorization_requests", "response_types", "grant_types", "application_type",
	"default_max_age", "default_acr_values", "require_auth_time", "request_object_signing_alg", "request_uris", "userinfo_signed_response_alg",
	"logo_uri", "policy_uri", "tos_uri", "contacts", "subject_type", "sector_identifier_uri",
	"authorization_signed_response_alg", "authorization_encrypted_response_alg", "authorization_encrypted_response_enc",
	"id_token_encrypted_response_alg", "id_token_encrypted_response_enc", "userinfo_encrypted_response_alg", "userinfo_encrypted_response_enc",
	"frontchannel_logout_uri", "frontchannel_logout_session_required",
}

// ErrStatement is for an app that brings somebody's word for itself: nobody's is trusted here.
var ErrStatement = errors.New("software statements are not taken here")

// Said is what an app has said of itself, or the operator of it.
func Said(rp relyingparty.RP) Metadata {
	m := Metadata{RedirectURIs: rp.RedirectURIs, Name: rp.Name, ClientURI: rp.ClientURI, PostLogoutRedirectURIs: rp.PostLogoutRedirectURIs,
		InitiateLoginURI: rp.InitiateLoginURI, BackchannelLogoutURI: rp.BackchannelLogoutURI, IDTokenAlg: rp.IDTokenAlg, RequireDPoP: rp.RequireDPoP, Options: rp.Options}
	if rp.IsPublic() {
		m.AuthMethod = "none"
	}
	return m
}

// Say puts the app's words in the place of all that it has said before; what it cannot say stays. It fails with ErrMetadata, or
// ErrStatement.
func Say(rp *relyingparty.RP, members map[string]json.RawMessage) (public bool, err error) {
	had, err := json.Marshal(rp.Options)
	if err != nil {
		return false, err
	}
	all := map[string]json.RawMessage{}
	if err := json.Unmarshal(had, &all); err != nil {
		return false, err
	}
	maps.DeleteFunc(all, func(name string, _ json.RawMessage) bool { return slices.Contains(sayable, name) })
	for _, name := range sayable {
		if v, there := members[name]; there && string(v) != "null" { // RFC 7591 §2: as if it was not there
			all[name] = v
		}
	}
	var m Metadata
	if err := Decode(all, &m); err != nil {
		return false, err
	}
	if _, there := members["software_statement"]; there {
		return false, ErrStatement
	}
	if m.AuthMethod == "none" {
		public, m.AuthMethod = true, ""
	} else if m.AuthMethod == "" {
		m.AuthMethod = relyingparty.SecretBasic
	}
	if m.ApplicationType == "" {
		m.ApplicationType = "web"
	}
	if m.IDTokenAlg == "" {
		m.IDTokenAlg = "RS256" // OIDC Registration §2
	}
	if err := m.fitGrantTypes(rp.Options.GrantTypes); err != nil {
		return false, err
	}
	rp.RedirectURIs, rp.Name, rp.ClientURI, rp.PostLogoutRedirectURIs = m.RedirectURIs, m.Name, m.ClientURI, m.PostLogoutRedirectURIs
	rp.InitiateLoginURI, rp.BackchannelLogoutURI, rp.IDTokenAlg, rp.RequireDPoP = m.InitiateLoginURI, m.BackchannelLogoutURI, m.IDTokenAlg, m.RequireDPoP
	rp.RefreshTokens, rp.Options = slices.Contains(m.GrantTypes, relyingparty.RefreshToken), m.Options
	if rp.Name == "" && len(rp.RedirectURIs) > 0 {
		rp.Name = Host(rp.RedirectURIs)
	}
	return public, nil
}

// ownGrantTypes are those that an app may give itself.
var ownGrantTypes = []string{relyingparty.AuthorizationCode, relyingparty.RefreshToken, relyingparty.Implicit}

// fitGrantTypes fills in what was left out, and holds the grant types against the response types (RFC 7591 §2.1). Of those that the app has
// had, it keeps what the operator gave.
func (m *Metadata) fitGrantTypes(had []string) error {
	if len(m.ResponseTypes) == 0 {
		m.ResponseTypes = []string{relyingparty.CodeType}
	}
	needed := map[string]bool{}
	for _, t := range m.ResponseTypes {
		for word := range strings.FieldsSeq(t) {
			kind := relyingparty.Implicit
			if word == relyingparty.CodeType {
				kind = relyingparty.AuthorizationCode
			}
			needed[kind] = true
		}
	}
	if len(m.GrantTypes) == 0 {
		m.GrantTypes = slices.Sorted(maps.Keys(needed))
	}
	for kind := range needed {
		if !slices.Contains(m.GrantTypes, kind) {
			return fmt.Errorf("%w: response_types need the grant type %s", ErrMetadata, kind)
		}
	}
	for _, kind := range m.GrantTypes {
		if !slices.Contains(ownGrantTypes, kind) && !slices.Contains(had, kind) {
			return fmt.Errorf("%w: no app registers itself for the grant type %s", ErrMetadata, kind)
		}
	}
	for _, kind := range had {
		if !slices.Contains(ownGrantTypes, kind) && !slices.Contains(m.GrantTypes, kind) {
			m.GrantTypes = append(m.GrantTypes, kind)
		}
	}
	return nil
}

// Decode reads members into a struct. It fails with ErrMetadata.
func Decode(members map[string]json.RawMessage, v any) error {
	body, err := json.Marshal(members)
	if err == nil {
		err = json.Unmarshal(body, v)
	}
	if err != nil {
		return fmt.Errorf("%w: %w", ErrMetadata, err)
	}
	return nil
}
