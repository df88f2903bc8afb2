package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"text/tabwriter"

	"github.com/portvakt/portvakt/internal/control"
)

type rpCommand struct {
	Create       rpCreate       `cmd:"" help:"Register an app; prints its client_id and client_secret as JSON, once."`
	List         rpList         `cmd:"" help:"List the apps."`
	Set          rpSet          `cmd:"" help:"Change an app; what is not given stays as it is."`
	RotateSecret rpRotateSecret `cmd:"" help:"Give an app a new secret; the old one ends at once."`
	Delete       rpDelete       `cmd:"" help:"Remove an app and end its people's grants."`
	Refusal      rpRefusal      `cmd:"" help:"What was refused, by the reference number that the app or the page was told."`

	RegistrationToken registrationTokenCommand `cmd:"" help:"Tokens by which apps register themselves (RFC 7591)."`
}

type rpCreate struct {
	settingsFlags         `embed:""`
	Name                  string   `help:"Name that people see." required:""`
	RedirectURI           []string `help:"Where the app receives its codes; repeatable. An app has one, a service has none." sep:"none" placeholder:"URL"`
	PostLogoutRedirectURI []string `help:"Where a browser may go after sign-out; repeatable." sep:"none" placeholder:"URL"`
	InitiateLoginURI      string   `help:"Where a login of the app begins (OIDC Core 4). People whose link or login took long start again there." placeholder:"URL"`
	ClientURI             string   `help:"The app's own start page." placeholder:"URL"`
	BackchannelLogoutURI  string   `help:"Where the app hears that a session ended." placeholder:"URL"`
	Public                bool     `help:"The app can keep no secret: it runs in a browser or on a phone."`
	PKCE                  bool     `name:"pkce" help:"Require PKCE (RFC 7636)." default:"true" negatable:""`
	RefreshTokens         bool     `help:"Give the app refresh tokens." default:"false"`
	RequireACR            string   `name:"require-acr" help:"The least that a sign-in must be worth there: urn:portvakt:pwd or urn:portvakt:aal2." placeholder:"ACR"`
	RequireDPoP           bool     `name:"require-dpop" help:"Give the app tokens that are bound to its key, and no others (RFC 9449)." default:"false"`
	IDTokenAlg            string   `name:"id-token-alg" help:"How the app's ID tokens are signed: ${enum}." enum:"ES256,EdDSA,PS256,RS256" default:"ES256"`
	Org                   []string `help:"Organisation whose people the app may know; repeatable. The default is the only one, if there is one." placeholder:"SHORT-NAME"`
	Service               bool     `help:"Not an app that people log in to, but a program that calls the API in its own name (docs/api.md)."`
	Scope                 []string `help:"What the service may do at the API, as register:read; repeatable." placeholder:"SCOPE"`
	AuthMethod            string   `help:"How the app proves itself: secret, as it likes or by client_secret_basic or client_secret_post alone; client_secret_jwt, by a MAC with its secret; private_key_jwt, by signing with a key of its own (RFC 7523)." enum:"secret,client_secret_basic,client_secret_post,client_secret_jwt,private_key_jwt" default:"secret"`
	AuthAlg               string   `help:"The one algorithm that the app signs its assertions by, as ES256 or HS256; any, where it is not given." placeholder:"ALG"`
	JWKS                  []byte   `name:"jwks" help:"File with the app's public keys, a JWK Set." type:"filecontent" placeholder:"FILE"`
	JWKSURI               string   `name:"jwks-uri" help:"Where the app publishes its public keys." placeholder:"URL"`
	RequireSigned         bool     `name:"require-signed-request" help:"Take requests that the app has signed, and no others (RFC 9101)." default:"false"`
	RequirePAR            bool     `name:"require-par" help:"Take requests that the app has pushed, and no others (RFC 9126)." default:"false"`
	Metadata              []byte   `help:"File with a JSON object of further client metadata, by the names of RFC 7591 and OpenID Connect Registration (docs/relying-parties.md)." type:"filecontent" placeholder:"FILE"`
	ResponseType          []string `help:"What the app may ask for, where that is more than a code, as \"code id_token\"; repeatable." placeholder:"WORDS"`
	FAPI                  string   `name:"fapi" help:"Hold the app to FAPI 2.0: security, or message-signing, by which requests and answers are signed too." enum:",security,message-signing" default:"" placeholder:"PROFILE"`
	CIBA                  string   `name:"ciba" help:"Let the app ask people on their phones (OpenID Connect CIBA), and hear of the answer by asking (poll) or by a call (ping)." enum:",poll,ping" default:"" placeholder:"MODE"`
	CIBANotification      string   `name:"ciba-notification-endpoint" help:"Where an app is called by --ciba ping." placeholder:"URL"`
}

// Validate implements kong.Validatable: what a service needs, and what an app does.
func (c *rpCreate) Validate() error {
	switch {
	case c.Service && len(c.Scope) == 0:
		return fmt.Errorf("a service needs --scope, one or more of %s", strings.Join(control.ServiceScopes(), ", "))
	case !c.Service && len(c.Scope) > 0:
		return errors.New("--scope belongs to --service: an app asks for its scopes itself, when somebody logs in")
	case !c.Service && len(c.RedirectURI) == 0 && c.CIBA == "" && c.Metadata == nil: // which may name grant types that need none
		return errors.New("an app needs --redirect-uri; a program that nobody logs in to is a --service")
	}
	return nil
}

// Run registers an RP.
func (c *rpCreate) Run(ctx context.Context, s streams) error {
	in := control.RP{Name: c.Name, Public: c.Public, Organisations: c.Org, RedirectURIs: c.RedirectURI,
		PostLogoutRedirectURIs: c.PostLogoutRedirectURI, InitiateLoginURI: c.InitiateLoginURI, ClientURI: c.ClientURI,
		BackchannelLogoutURI: c.BackchannelLogoutURI, PKCE: c.PKCE, RefreshTokens: c.RefreshTokens, RequireACR: c.RequireACR,
		RequireDPoP: c.RequireDPoP, IDTokenAlg: c.IDTokenAlg, Scopes: c.Scope, Options: control.Options{AuthAlg: c.AuthAlg, JWKS: c.JWKS, JWKSURI: c.JWKSURI,
			RequirePAR: c.RequirePAR, RequireSigned: c.RequireSigned, ResponseTypes: c.ResponseType, FAPI: control.FAPI(c.FAPI)}}
	if c.AuthMethod != "secret" {
		in.AuthMethod = control.AuthMethod(c.AuthMethod)
	}
	if c.Metadata != nil {
		if err := control.ReadMetadata(c.Metadata, &in); err != nil {
			return err
		}
	}
	if c.CIBA != "" {
		in.Options.AskBy(c.CIBA, len(in.RedirectURIs) > 0)
	}
	in.NotifyURI = cmp.Or(c.CIBANotification, in.NotifyURI)
	var out control.RP
	if err := operate(ctx, c.settingsFlags, s, http.MethodPost, "/relying-parties", in, &out); err != nil {
		return err
	}
	warn(s.err, out)
	return printJSON(s.out, out)
}

// warn says what an app can be registered without, and what that means for its people (ADR 10).
func warn(w io.Writer, rp control.RP) {
	if len(rp.Scopes) > 0 {
		if len(rp.Organisations) == 0 {
			fmt.Fprintln(w, "warning: the service belongs to no organisation and sees none, until rp set names one with --org.")
		}
		return
	}
	if rp.InitiateLoginURI == "" && len(rp.RedirectURIs) > 0 {
		fmt.Fprintf(w, "warning: without --initiate-login-uri, people whose sign-in took longer than the app waits, or who opened a mailed link in "+
			"another browser, are not signed in to the app: they are led to %s and begin anew.\n", cmp.Or(rp.ClientURI, "Portvakt's account page"))
	}
	if len(rp.Organisations) == 0 {
		fmt.Fprintln(w, "warning: the app belongs to no organisation: it is told of no organisation's people (scope person), and its sign-in has no "+
			"organisation's look, until rp set names one with --org; portvakt org set makes one.")
	}
}

func printJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

type rpList struct {
	settingsFlags `embed:""`
	JSON          bool `help:"Print JSON."`
}

// Run lists the RPs.
func (c *rpList) Run(ctx context.Context, s streams) error {
	var out []control.RP
	if err := operate(ctx, c.settingsFlags, s, http.MethodGet, "/relying-parties", nil, &out); err != nil {
		return err
	}
	if c.JSON {
		return printJSON(s.out, out)
	}
	t := tabwriter.NewWriter(s.out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(t, "CLIENT ID\tNAME\tKIND\tREDIRECT URIS")
	for _, rp := range out {
		kind := "confidential"
		if rp.Public {
			kind = "public"
		}
		if len(rp.Scopes) > 0 {
			kind = "service"
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", rp.ClientID, rp.Name, kind, rp.RedirectURIs)
	}
	return t.Flush()
}

// clientID is an app's, as rp list prints it.
type clientID string

// Validate implements kong.Validatable: an empty id, as of a shell's variable that is not set, would name all apps.
func (id clientID) Validate() error {
	if id == "" || url.PathEscape(string(id)) != string(id) || strings.Trim(string(id), ".") == "" {
		return fmt.Errorf("%q is no client id; portvakt rp list shows them", string(id))
	}
	return nil
}

func (id clientID) path() string { return "/relying-parties/" + string(id) }

type rpSet struct {
	settingsFlags         `embed:""`
	ClientID              clientID `arg:"" help:"The app's client id."`
	Name                  *string  `help:"Name that people see."`
	RedirectURI           []string `help:"Where the app receives its codes, instead of what is stored; repeatable." sep:"none" placeholder:"URL"`
	PostLogoutRedirectURI []string `help:"Where a browser may go after sign-out, instead of what is stored; repeatable." sep:"none" placeholder:"URL"`
	InitiateLoginURI      *string  `help:"Where a login of the app begins (OIDC Core 4); \"\" takes it away." placeholder:"URL"`
	ClientURI             *string  `help:"The app's own start page; \"\" takes it away." placeholder:"URL"`
	BackchannelLogoutURI  *string  `help:"Where the app hears that a session ended; \"\" takes it away." placeholder:"URL"`
	RequireACR            *string  `name:"require-acr" help:"The least that a sign-in must be worth there; \"\" takes it away." placeholder:"ACR"`
	RequireDPoP           *bool    `name:"require-dpop" help:"Whether the app gets tokens that are bound to its key, and no others (RFC 9449)." negatable:""`
	PKCE                  *bool    `name:"pkce" help:"Whether to require PKCE (RFC 7636)." negatable:""`
	RefreshTokens         *bool    `help:"Whether the app gets refresh tokens; without, those that it has are refused." negatable:""`
	IDTokenAlg            *string  `name:"id-token-alg" help:"How the app's ID tokens are signed from now on: ES256, EdDSA, PS256 or RS256." placeholder:"ALG"`
	Org                   []string `help:"Organisation whose people the app may know, instead of what is stored; repeatable." placeholder:"SHORT-NAME"`
	Scope                 []string `help:"What a service may do at the API, instead of what is stored; repeatable." placeholder:"SCOPE"`
	JWKS                  []byte   `name:"jwks" help:"File with the app's public keys, a JWK Set, instead of what is stored." type:"filecontent" placeholder:"FILE"`
	JWKSURI               *string  `name:"jwks-uri" help:"Where the app publishes its public keys, instead of what is stored." placeholder:"URL"`
	AuthAlg               *string  `help:"The one algorithm that the app signs its assertions by; \"\" takes it away." placeholder:"ALG"`
	RequireSigned         *bool    `name:"require-signed-request" help:"Whether to take requests that the app has signed, and no others (RFC 9101)." negatable:""`
	RequirePAR            *bool    `name:"require-par" help:"Whether to take requests that the app has pushed, and no others (RFC 9126)." negatable:""`
	Metadata              []byte   `help:"File with a JSON object of client metadata; each member replaces what is stored, null takes it away." type:"filecontent" placeholder:"FILE"`
	ResponseType          []string `help:"What the app may ask for, instead of what is stored; repeatable." placeholder:"WORDS"`
	FAPI                  *string  `name:"fapi" help:"Hold the app to FAPI 2.0: security or message-signing; \"\" holds it to it no more." placeholder:"PROFILE"`
	CIBA                  *string  `name:"ciba" help:"Let the app ask people on their phones (OpenID Connect CIBA): poll or ping; \"\" lets it ask nobody." placeholder:"MODE"`
	CIBANotification      *string  `name:"ciba-notification-endpoint" help:"Where an app is called by --ciba ping; \"\" takes it away." placeholder:"URL"`
}

// Run changes an RP.
func (c *rpSet) Run(ctx context.Context, s streams) error {
	in := control.RPChange{Name: c.Name, Organisations: c.Org, RedirectURIs: c.RedirectURI, PostLogoutRedirectURIs: c.PostLogoutRedirectURI,
		InitiateLoginURI: c.InitiateLoginURI, ClientURI: c.ClientURI, BackchannelLogoutURI: c.BackchannelLogoutURI, RequireACR: c.RequireACR,
		RequireDPoP: c.RequireDPoP, PKCE: c.PKCE, RefreshTokens: c.RefreshTokens, IDTokenAlg: c.IDTokenAlg, Scopes: c.Scope, JWKS: c.JWKS, JWKSURI: c.JWKSURI, AuthAlg: c.AuthAlg, RequirePAR: c.RequirePAR, RequireSigned: c.RequireSigned,
		ResponseTypes: c.ResponseType, Metadata: c.Metadata, FAPI: (*control.FAPI)(c.FAPI),
		Delivery: c.CIBA, NotifyURI: c.CIBANotification}
	var out control.RP
	if err := operate(ctx, c.settingsFlags, s, http.MethodPatch, c.ClientID.path(), in, &out); err != nil {
		return err
	}
	warn(s.err, out)
	return printJSON(s.out, out)
}

type rpRotateSecret struct {
	settingsFlags `embed:""`
	ClientID      clientID `arg:"" help:"The app's client id."`
}

// Run rotates an RP's secret.
func (c *rpRotateSecret) Run(ctx context.Context, s streams) error {
	var out map[string]string
	if err := operate(ctx, c.settingsFlags, s, http.MethodPost, c.ClientID.path()+"/secret", nil, &out); err != nil {
		return err
	}
	return printJSON(s.out, out)
}

type rpDelete struct {
	settingsFlags `embed:""`
	ClientID      clientID `arg:"" help:"The app's client id."`
}

// Run deletes an RP.
func (c *rpDelete) Run(ctx context.Context, s streams) error {
	var out map[string]string
	if err := operate(ctx, c.settingsFlags, s, http.MethodDelete, c.ClientID.path(), nil, &out); err != nil {
		return err
	}
	fmt.Fprintln(s.out, "Deleted", c.ClientID)
	return nil
}

type orgCommand struct {
	Set  orgSet  `cmd:"" help:"Make or change an organisation; what is not given stays as it is."`
	List orgList `cmd:"" help:"List the organisations."`

	Sender senderCommand `cmd:"" help:"In whose name an organisation's mails go."`
}

type orgSet struct {
	settingsFlags `embed:""`
	ID            string `arg:"" help:"Short name, chosen once: lower case letters, digits and dashes."`
	Name          string `help:"Name that people see."`
	Logo          string `help:"Picture file: PNG, JPEG, WebP or SVG, up to 256 KB." type:"existingfile" placeholder:"FILE" xor:"logo"`
	NoLogo        bool   `help:"Take the logo away." xor:"logo"`
	Colour        string `help:"Colour of buttons and links as #rrggbb; its contrast is corrected." placeholder:"#RRGGBB" xor:"colour"`
	NoColour      bool   `help:"Go back to Portvakt's own colour." xor:"colour"`
	MFA           string `name:"2fa" help:"off, optional, recommended or required." enum:",off,optional,recommended,required" default:"" placeholder:"POLICY"`
	MFAFrom       string `name:"2fa-from" help:"Day from which required holds, as 2026-12-01; until then people are told of it." placeholder:"DATE"`
	MFASignIns    *int   `name:"2fa-signins" help:"How many sign-ins without it a person has before that day; 0: the day alone counts. Default 12." placeholder:"N"`
	RememberDays  *int   `help:"How many days a browser may be remembered after a code, 0 to 90." placeholder:"DAYS"`
	TypedPush     *bool  `help:"Ask for six typed digits where a phone would be asked for one tap." negatable:""`
}

// Run changes an organisation.
func (c *orgSet) Run(ctx context.Context, s streams) error {
	in := control.Organisation{ID: c.ID, Name: c.Name, Colour: c.Colour, MFA: c.MFA, MFAFrom: c.MFAFrom, MFASignIns: c.MFASignIns, RememberDays: c.RememberDays, TypedPush: c.TypedPush, NoLogo: c.NoLogo, NoColour: c.NoColour}
	var err error
	if c.Logo != "" {
		if in.Logo, err = readLogo(c.Logo); err != nil {
			return err
		}
	}
	var out control.Organisation
	if err := operate(ctx, c.settingsFlags, s, http.MethodPost, "/organisations", in, &out); err != nil {
		return err
	}
	if out.Made {
		fmt.Fprintf(s.err, "made organisation %s: there was none with this short name\n", out.ID)
		out.Made = false
	}
	return printJSON(s.out, out)
}

// readLogo reads as much of a file as a logo may have, and one byte more, which is enough to be told that it is too large.
func readLogo(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, control.MaxLogo+1))
}

type orgList struct {
	settingsFlags `embed:""`
	JSON          bool `help:"Print JSON."`
}

// Run lists the organisations.
func (c *orgList) Run(ctx context.Context, s streams) error {
	var out []control.Organisation
	if err := operate(ctx, c.settingsFlags, s, http.MethodGet, "/organisations", nil, &out); err != nil {
		return err
	}
	if c.JSON {
		return printJSON(s.out, out)
	}
	t := tabwriter.NewWriter(s.out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(t, "SHORT NAME\tNAME\t2FA\tCOLOUR\tLOGO")
	for _, o := range out {
		logo := "-"
		if o.LogoType != "" {
			logo = fmt.Sprintf("%s, %d bytes", o.LogoType, o.LogoBytes)
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\n", o.ID, o.Name, o.MFA, cmp.Or(o.Colour, "-"), logo)
	}
	return t.Flush()
}

type accountCommand struct {
	Create        accountCreate        `cmd:"" help:"Make an account by hand. Its owner creates a password at the first sign-in."`
	RecoveryCode  accountRecoveryCode  `cmd:"" help:"Hand out a recovery code to somebody who has lost her authenticator app and her own recovery code."`
	Authenticator accountAuthenticator `cmd:"" help:"The authenticators of an account: apps that show codes, and phones that approve."`
}

type accountCreate struct {
	settingsFlags `embed:""`
	Address       string `arg:"" help:"E-mail address."`
	GivenName     string `help:"First name."`
	FamilyName    string `help:"Last name."`
	Language      string `help:"sv or en." enum:"sv,en" default:"sv"`
	Verified      bool   `help:"You have checked that the address is this person's."`
}

// Run makes an account.
func (c *accountCreate) Run(ctx context.Context, s streams) error {
	in := control.Account{Address: c.Address, GivenName: c.GivenName, FamilyName: c.FamilyName, Language: c.Language, Verified: c.Verified}
	var out control.Account
	if err := operate(ctx, c.settingsFlags, s, http.MethodPost, "/accounts", in, &out); err != nil {
		return err
	}
	return printJSON(s.out, out)
}

type accountRecoveryCode struct {
	settingsFlags `embed:""`
	Address       string `arg:"" help:"E-mail address of the account."`
	Reason        string `help:"How you made sure who asks, in a few words; it stands in the audit log." required:"" placeholder:"TEXT"`
}

// Run hands a recovery code out.
func (c *accountRecoveryCode) Run(ctx context.Context, s streams) error {
	var out control.Issue
	in := control.Issue{Address: c.Address, Reason: c.Reason}
	if err := operate(ctx, c.settingsFlags, s, http.MethodPost, "/accounts/recovery-code", in, &out); err != nil {
		return err
	}
	fmt.Fprintf(s.err, "Tell it to the person by voice or hand it over, and to nobody else. It works once, until %s, under Återställningskod, "+
		"after the password or a mailed link. A mail has told her that it was made.\n", out.Expires.Format("2006-01-02 15:04 MST"))
	fmt.Fprintln(s.out, out.Code)
	return nil
}

type accountAuthenticator struct {
	List   authenticatorsList   `cmd:"" help:"List the authenticators of an account."`
	Remove authenticatorsRemove `cmd:"" help:"Remove an authenticator from an account, as when a phone was lost or stolen."`
}

type authenticatorsList struct {
	settingsFlags `embed:""`
	Address       string `arg:"" help:"E-mail address of the account."`
}

// Run lists authenticators.
func (c *authenticatorsList) Run(ctx context.Context, s streams) error {
	var out []control.Authenticator
	if err := operate(ctx, c.settingsFlags, s, http.MethodPost, "/accounts/authenticators", control.Authenticators{Address: c.Address}, &out); err != nil {
		return err
	}
	return printJSON(s.out, out)
}

type authenticatorsRemove struct {
	settingsFlags `embed:""`
	Address       string `arg:"" help:"E-mail address of the account."`
	Authenticator string `arg:"" help:"Its id or its name, as the list shows them."`
	Reason        string `help:"How you made sure who asks, in a few words; it stands in the audit log." required:"" placeholder:"TEXT"`
}

// Run removes an authenticator.
func (c *authenticatorsRemove) Run(ctx context.Context, s streams) error {
	in := control.Authenticators{Address: c.Address, Authenticator: c.Authenticator, Reason: c.Reason}
	var out control.Authenticators
	if err := operate(ctx, c.settingsFlags, s, http.MethodPost, "/accounts/authenticators/remove", in, &out); err != nil {
		return err
	}
	fmt.Fprintln(s.out, "Removed", out.Authenticator)
	return nil
}
