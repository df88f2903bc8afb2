package oidc

import (
	"encoding/json"

	"github.com/portvakt/portvakt/internal/grant"
	"github.com/portvakt/portvakt/internal/relyingparty"
	"github.com/portvakt/portvakt/internal/session"
	"github.com/portvakt/portvakt/internal/signingkey"
)

// authMethods are the ways in which a client proves itself that has something to do it by.
var authMethods = relyingparty.AuthMethods()

// assertionAlgs are those that an assertion may be signed by: the RP's registration says whether by a key or by the secret.
var assertionAlgs = append(signingkey.ProofAlgs(), relyingparty.SharedAlgs()...)

// metadata is the discovery document (OpenID Connect Discovery §3, RFC 8414 §2), made once.
func (d *Door) metadata() []byte {
	all := map[string]any{
		"issuer":                                                   d.Issuer,
		"authorization_endpoint":                                   d.Issuer + authorizePath,
		"token_endpoint":                                           d.Issuer + tokenPath,
		"userinfo_endpoint":                                        d.Issuer + userinfoPath,
		"revocation_endpoint":                                      d.Issuer + revokePath,
		"introspection_endpoint":                                   d.Issuer + introspectPath,
		"device_authorization_endpoint":                            d.Issuer + devicePath, // RFC 8628 §4
		"pushed_authorization_request_endpoint":                    d.Issuer + pushedPath,
		"end_session_endpoint":                                     d.Issuer + endSessionPath,
		"jwks_uri":                                                 d.Issuer + jwksPath,
		"scopes_supported":                                         append(grant.Scopes(), relyingparty.ServiceScopes()...),
		"response_types_supported":                                 relyingparty.ResponseTypes(),
		"response_modes_supported":                                 append(grant.ResponseModes(), "jwt", "query.jwt", "fragment.jwt", "form_post.jwt"),
		"grant_types_supported":                                    []string{"authorization_code", "implicit", "refresh_token", "client_credentials", relyingparty.DeviceCode, relyingparty.TokenExchange, relyingparty.CIBA},
		"subject_types_supported":                                  []string{"public", "pairwise"},
		"id_token_signing_alg_values_supported":                    relyingparty.SigningAlgs(),
		"token_endpoint_auth_methods_supported":                    append(authMethods[:len(authMethods):len(authMethods)], "none"),
		"token_endpoint_auth_signing_alg_values_supported":         assertionAlgs,
		"revocation_endpoint_auth_methods_supported":               append(authMethods[:len(authMethods):len(authMethods)], "none"),
		"revocation_endpoint_auth_signing_alg_values_supported":    assertionAlgs,
		"introspection_endpoint_auth_methods_supported":            authMethods,
		"introspection_endpoint_auth_signing_alg_values_supported": assertionAlgs,
		"introspection_signing_alg_values_supported":               []signingkey.Alg{signingkey.ES256}, // RFC 9701 §7
		"code_challenge_methods_supported":                         []string{"S256"},
		"dpop_signing_alg_values_supported":                        signingkey.ProofAlgs(), // RFC 9449 §5.1
		"prompt_values_supported":                                  []string{"none", "login", "select_account"},
		"acr_values_supported":                                     []session.ACR{session.Mail, session.Pwd, session.MFA, session.AAL2},
		"claims_supported":                                         []string{"iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "acr", "amr", "sid", "name", "given_name", "family_name", "locale", "email", "email_verified", grant.PersonClaim, grant.CompanyClaim},
		"ui_locales_supported":                                     []string{"sv", "en"},
		"authorization_response_iss_parameter_supported":           true,                 // RFC 9207
		"check_session_iframe":                                     d.Issuer + checkPath, // Session Management §3.3
		"frontchannel_logout_supported":                            true,
		"frontchannel_logout_session_supported":                    true,
		"backchannel_logout_supported":                             true,
		"backchannel_logout_session_supported":                     true,
		"claims_parameter_supported":                               true,
		"request_parameter_supported":                              true,
		"request_object_signing_alg_values_supported":              signingkey.ProofAlgs(),
		"authorization_signing_alg_values_supported":               relyingparty.SigningAlgs(), // JARM §4
		"authorization_encryption_alg_values_supported":            signingkey.EncryptionAlgs(),
		"authorization_encryption_enc_values_supported":            signingkey.EncryptionMethods(),
		"userinfo_encryption_alg_values_supported":                 signingkey.EncryptionAlgs(),
		"userinfo_encryption_enc_values_supported":                 signingkey.EncryptionMethods(),
		"id_token_encryption_alg_values_supported":                 signingkey.EncryptionAlgs(),
		"id_token_encryption_enc_values_supported":                 signingkey.EncryptionMethods(),

		"backchannel_authentication_endpoint":                             d.Issuer + grant.CIBAPath, // CIBA Core §4
		"backchannel_token_delivery_modes_supported":                      relyingparty.Deliveries(),
		"backchannel_authentication_request_signing_alg_values_supported": relyingparty.ObjectAlgs(),
		"backchannel_user_code_parameter_supported":                       false,

		"request_uri_parameter_supported":       true,
		"require_request_uri_registration":      true,
		"userinfo_signing_alg_values_supported": relyingparty.SigningAlgs(),
	}
	if d.registers() {
		all["registration_endpoint"] = d.Issuer + registerPath // RFC 7591 §3
	}
	doc, err := json.Marshal(all)
	if err != nil {
		panic(err) // strings, lists and booleans
	}
	return doc
}
