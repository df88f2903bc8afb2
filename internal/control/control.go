// Package control is the door for the operator's command line: the same HTTP handler answers over a socket
// beside a running server, or inside the command's own process while no server runs. Nobody else reaches it:
// the socket belongs to the server's user.
package control

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/portvakt/portvakt/internal/administration"
	"github.com/portvakt/portvakt/internal/auditing"
	"github.com/portvakt/portvakt/internal/clientregistration"
	"github.com/portvakt/portvakt/internal/enrolment"
	"github.com/portvakt/portvakt/internal/organisation"
	"github.com/portvakt/portvakt/internal/provisioning"
	"github.com/portvakt/portvakt/internal/relyingparty"
	"github.com/portvakt/portvakt/internal/signingkey"
	"github.com/portvakt/portvakt/internal/transition"
	"github.com/portvakt/portvakt/internal/vapid"
)

// Door is the control door.
type Door struct {
	Administration *administration.Service
	Registration   *clientregistration.Service
	Provisioning   *provisioning.Service
	Transition     *transition.Service
	Enrolment      *enrolment.Service
	Auditing       *auditing.Service
	VAPID          *vapid.Keys
	Signing        *signingkey.Keys
	Log            *slog.Logger
	Words          func(key string) string // a text in the operator's language
	Issuer         string
}

// RP is a relying party as the command line reads and prints it.
type RP struct {
	ClientID               string   `json:"client_id,omitempty"`
	ClientSecret           string   `json:"client_secret,omitempty"`
	Name                   string   `json:"client_name"`
	Public                 bool     `json:"public,omitempty"`
	Organisations          []string `json:"organisations,omitempty"`
	RedirectURIs           []string `json:"redirect_uris"`
	PostLogoutRedirectURIs []string `json:"post_logout_redirect_uris,omitempty"`
	InitiateLoginURI       string   `json:"initiate_login_uri,omitempty"`
	ClientURI              string   `json:"client_uri,omitempty"`
	BackchannelLogoutURI   string   `json:"backchannel_logout_uri,omitempty"`
	PKCE                   bool     `json:"pkce"`
	IDTokenAlg             string   `json:"id_token_signed_response_alg,omitempty"`
	RefreshTokens          bool     `json:"refresh_tokens"`
	RequireACR             string   `json:"require_acr,omitempty"`              // the least that a sign-in must be worth
	RequireDPoP            bool     `json:"dpop_bound_access_tokens,omitempty"` // RFC 9449 §5.2
	Scopes                 []string `json:"scopes,omitempty"`                   // of a service
	Itself                 bool     `json:"registered_itself,omitempty"`        // read alone: nobody says so of an app
	Options
}

// Options are what few relying parties need.
type Options = relyingparty.Options

// AuthMethod is how a relying party proves itself.
type AuthMethod = relyingparty.AuthMethod

// FAPI is the profile of FAPI 2.0 that a relying party is held to.
type FAPI = relyingparty.FAPI

// SingleLogout is how a relying party hears in the browser that a session has ended.
type SingleLogout = relyingparty.SingleLogout

// PrivateKeyJWT is for an app that proves itself by signing.
const PrivateKeyJWT = relyingparty.PrivateKeyJWT

// ServiceScopes are what a service can be allowed.
func ServiceScopes() []string { return relyingparty.ServiceScopes() }

// RPChange is a change to a relying party. What is not given stays as it is; an empty text takes an address away.
type RPChange struct {
	Name                   *string  `json:"client_name,omitempty"`
	Organisations          []string `json:"organisations,omitempty"`
	RedirectURIs           []string `json:"redirect_uris,omitempty"`
	PostLogoutRedirectURIs []string `json:"post_logout_redirect_uris,omitempty"`
	InitiateLoginURI       *string  `json:"initiate_login_uri,omitempty"`
	ClientURI              *string  `json:"client_uri,omitempty"`
	BackchannelLogoutURI   *string  `json:"backchannel_logout_uri,omitempty"`
	RequireACR             *string  `json:"require_acr,omitempty"`
	RequireDPoP            *bool    `json:"dpop_bound_access_tokens,omitempty"`
	PKCE                   *bool    `json:"pkce,omitempty"`
	RefreshTokens          *bool    `json:"refresh_tokens,omitempty"`
	IDTokenAlg             *string  `json:"id_token_signed_response_alg,omitempty"`
	Scopes                 []string `json:"scopes,omitempty"`
	// JWKS and JWKSURI replace each other: one that is given takes the other away.
	JWKS    json.RawMessage `json:"jwks,omitempty"`
	JWKSURI *string         `json:"jwks_uri,omitempty"`
	AuthAlg *string         `json:"token_endpoint_auth_signing_alg,omitempty"`
	// Metadata are options by their names, as a file has them: each that is there replaces what is stored, and null takes it away.
	Metadata      json.RawMessage `json:"metadata,omitempty"`
	RequireSigned *bool           `json:"require_signed_request_object,omitempty"`
	RequirePAR    *bool           `json:"require_pushed_authorization_requests,omitempty"`
	ResponseTypes []string        `json:"response_types,omitempty"`
	FAPI          *FAPI           `json:"fapi,omitempty"`
	// Delivery is how it hears of answers on phones (CIBA): its grant type comes and goes with it.
	Delivery  *string `json:"backchannel_token_delivery_mode,omitempty"`
	NotifyURI *string `json:"backchannel_client_notification_endpoint,omitempty"`
}

// Organisation is a change to an organisation, of which empty fields keep what is stored; or an organisation as it is stored.
type Organisation struct {
	ID     string `json:"id"`
	Name   string `json:"name,omitempty"`
	Colour string `json:"colour,omitempty"` // as chosen; pages correct its contrast
	MFA    string `json:"mfa,omitempty"`
	// MFAFrom is the day from which "required" holds, as 2026-12-01 in UTC; empty: at once.
	MFAFrom string `json:"mfa_from,omitempty"`
	// MFASignIns is how many sign-ins without it a person has before that day; absent in a change: 12; 0: the day alone counts.
	MFASignIns *int `json:"mfa_signins,omitempty"`
	// RememberDays is how long a browser may skip the second proof; absent in a change: as it is.
	RememberDays *int `json:"remember_days,omitempty"`

	// TypedPush asks for six typed digits where a phone would be asked for one tap; absent in a change: as it is.
	TypedPush *bool `json:"typed_push,omitempty"`

	// Of a change, and of Look.
	Logo []byte `json:"logo,omitzero"` // a picture file as it is, also an empty one

	// Of a change alone.
	NoLogo   bool `json:"no_logo,omitempty"`
	NoColour bool `json:"no_colour,omitempty"`

	// Of an answer alone.
	Made      bool   `json:"made,omitempty"` // it did not exist before
	LogoType  string `json:"logo_type,omitempty"`
	LogoBytes int    `json:"logo_bytes,omitempty"`
}

// MaxLogo is the largest logo in bytes. More than one byte above it need not be sent to be refused.
const MaxLogo = organisation.MaxLogo

// Account is an account to make.
type Account struct {
	ID         string `json:"id,omitempty"`
	Address    string `json:"address"`
	GivenName  string `json:"given_name,omitempty"`
	FamilyName string `json:"family_name,omitempty"`
	Language   string `json:"language,omitempty"`
	Verified   bool   `json:"verified"`
}

// Issue asks for a recovery code to hand out, or is one.
type Issue struct {
	Address string `json:"address"`
	Reason  string `json:"reason,omitempty"`
	// Of an answer alone.
	Code    string    `json:"recovery_code,omitempty"`
	Expires time.Time `json:"expires,omitzero"`
}

// Authenticators names an account, and one of its authenticators where it is to be removed.
type Authenticators struct {
	Address       string `json:"address"`
	Authenticator string `json:"authenticator,omitempty"` // id, or name
	Reason        string `json:"reason,omitempty"`
}

// Authenticator is an authenticator as the command line prints it.
type Authenticator struct {
	ID       string    `json:"id"`
	Name     string    `json:"name"`
	Approves bool      `json:"approves"`           // a paired phone; else it shows codes alone
	Messages bool      `json:"messages,omitempty"` // it has a push service
	Lost     bool      `json:"lost,omitempty"`     // it says that its keys are gone
	Added    time.Time `json:"added"`
	Used     time.Time `json:"used,omitzero"`
}

// Handler returns the door's handler.
func (d *Door) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("POST /relying-parties", answer(d, d.createRP))
	mux.Handle("GET /relying-parties", answer(d, func(ctx context.Context, _ *http.Request, _ struct{}) ([]RP, error) { return d.listRPs(ctx) }))
	mux.Handle("PATCH /relying-parties/{id}", answer(d, d.changeRP))
	mux.Handle("POST /relying-parties/{id}/secret", answer(d, d.rotateSecret))
	mux.Handle("DELETE /relying-parties/{id}", answer(d, d.deleteRP))
	mux.Handle("GET /refusals/{number}", answer(d, d.findRefusal))
	mux.Handle("POST /organisations", answer(d, d.setOrganisation))
	mux.Handle("GET /organisations/{id}/look", answer(d, d.lookOf))
	mux.Handle("GET /organisations", answer(d, func(ctx context.Context, _ *http.Request, _ struct{}) ([]Organisation, error) {
		return d.listOrganisations(ctx)
	}))
	mux.Handle("POST /accounts", answer(d, d.createAccount))
	mux.Handle("POST /accounts/recovery-code", answer(d, d.issueRecoveryCode))
	mux.Handle("GET /keys/vapid", answer(d, func(ctx context.Context, _ *http.Request, _ struct{}) ([]VAPIDKey, error) {
		return d.listVAPIDKeys(ctx)
	}))
	mux.Handle("POST /keys/vapid", answer(d, func(ctx context.Context, _ *http.Request, _ struct{}) (VAPIDKey, error) { return d.rotateVAPIDKey(ctx) }))
	for pattern, use := range map[string]func(context.Context) ([]SigningKey, error){"GET /keys/signing": d.listSigningKeys, "POST /keys/signing": d.rotateSigningKeys,
		"POST /keys/signing/replace": d.replaceSigningKeys} {
		mux.Handle(pattern, answer(d, func(ctx context.Context, _ *http.Request, _ struct{}) ([]SigningKey, error) { return use(ctx) }))
	}
	d.senderRoutes(mux)
	mux.Handle("POST /accounts/authenticators", answer(d, d.listAuthenticators))
	mux.Handle("POST /accounts/authenticators/remove", answer(d, d.removeAuthenticator))
	mux.Handle("POST /administrators", answer(d, d.appoint))
	mux.Handle("POST /administrators/dismiss", answer(d, d.dismiss))
	mux.Handle("POST /administrators/list", answer(d, d.listAdministrators))
	mux.Handle("GET /audit/head", answer(d, func(ctx context.Context, _ *http.Request, _ struct{}) (AuditHead, error) { return d.auditHead(ctx) }))
	mux.Handle("POST /audit/verify", answer(d, d.verifyAudit))
	d.importRoutes(mux)
	d.registrationRoutes(mux)
	return mux
}

// failure is the body of an error.
type failure struct {
	Error string `json:"error"`
}

// answer decodes a request, calls one use case and encodes its result. The operator is told the error itself:
// it is her machine.
func answer[In, Out any](d *Door, use func(context.Context, *http.Request, In) (Out, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var in In
		if r.ContentLength != 0 {
			if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20)).Decode(&in); err != nil {
				write(w, http.StatusBadRequest, failure{"the request cannot be read: " + err.Error()})
				return
			}
		}
		out, err := use(r.Context(), r, in)
		if err != nil {
			d.Log.Warn("control: refused", "operation", r.Pattern, "error", err)
			write(w, http.StatusUnprocessableEntity, failure{err.Error()})
			return
		}
		write(w, http.StatusOK, out)
	})
}

func write(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(v) //nolint:errcheck // the command has gone away
}

func (d *Door) createRP(ctx context.Context, _ *http.Request, in RP) (RP, error) {
	rp := relyingparty.RP{Name: in.Name, RedirectURIs: in.RedirectURIs, PostLogoutRedirectURIs: in.PostLogoutRedirectURIs,
		InitiateLoginURI: in.InitiateLoginURI, ClientURI: in.ClientURI, BackchannelLogoutURI: in.BackchannelLogoutURI,
		RequirePKCE: in.PKCE, IDTokenAlg: in.IDTokenAlg, RefreshTokens: in.RefreshTokens, RequireACR: in.RequireACR,
		RequireDPoP: in.RequireDPoP, Scopes: in.Scopes, Organisations: identified(in.Organisations), Options: in.Options}
	made, plain, err := d.Registration.Create(ctx, rp, in.Public)
	if err != nil {
		return RP{}, err
	}
	out := shown(made)
	out.ClientSecret = plain.Reveal()
	return out, nil
}

// ReadMetadata puts the members of a JSON object in the place of what an app had. Of grant_types follows whether it gets refresh tokens, as
// where an app registers itself.
func ReadMetadata(text []byte, rp *RP) error {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(text, &members); err != nil {
		return fmt.Errorf("metadata: %w", err)
	}
	const alg, grants = "id_token_signed_response_alg", "grant_types"
	if text, there := members[alg]; there {
		rp.IDTokenAlg = "ES256" // null: as it is at the beginning
		if err := json.Unmarshal(text, &rp.IDTokenAlg); err != nil {
			return fmt.Errorf("metadata: %s: %w", alg, err)
		}
		delete(members, alg)
	}
	if err := replace(members, &rp.Options); err != nil {
		return err
	}
	if _, there := members[grants]; there && len(rp.GrantTypes) > 0 {
		rp.RefreshTokens = slices.Contains(rp.GrantTypes, relyingparty.RefreshToken)
	}
	return nil
}

// replace puts members in the place of what options had.
func replace(members map[string]json.RawMessage, o *Options) error {
	had, err := json.Marshal(o)
	if err != nil {
		return err
	}
	all := map[string]json.RawMessage{}
	if err := json.Unmarshal(had, &all); err != nil {
		return err
	}
	maps.Copy(all, members)
	if had, err = json.Marshal(all); err != nil {
		return err
	}
	read := json.NewDecoder(bytes.NewReader(had))
	read.DisallowUnknownFields()
	*o = Options{}
	if err := read.Decode(o); err != nil {
		return fmt.Errorf("metadata: %w", err)
	}
	return nil
}

func (d *Door) changeRP(ctx context.Context, r *http.Request, in RPChange) (RP, error) {
	rp, err := d.Registration.Change(ctx, r.PathValue("id"), func(rp *relyingparty.RP) error {
		for field, text := range map[*string]*string{&rp.Name: in.Name, &rp.InitiateLoginURI: in.InitiateLoginURI, &rp.ClientURI: in.ClientURI,
			&rp.BackchannelLogoutURI: in.BackchannelLogoutURI, &rp.RequireACR: in.RequireACR, &rp.IDTokenAlg: in.IDTokenAlg} {
			if text != nil {
				*field = *text
			}
		}
		for field, list := range map[*[]string][]string{&rp.RedirectURIs: in.RedirectURIs, &rp.PostLogoutRedirectURIs: in.PostLogoutRedirectURIs,
			&rp.Scopes: in.Scopes} {
			if list != nil {
				*field = list
			}
		}
		for field, yes := range map[*bool]*bool{&rp.RequireDPoP: in.RequireDPoP, &rp.RequirePKCE: in.PKCE} {
			if yes != nil {
				*field = *yes
			}
		}
		if in.Organisations != nil {
			rp.Organisations = identified(in.Organisations)
		}
		in.options(&rp.Options)
		if in.Delivery != nil {
			rp.Options.AskBy(*in.Delivery, len(rp.RedirectURIs) > 0)
		}
		if in.NotifyURI != nil {
			rp.Options.NotifyURI = *in.NotifyURI
		}
		if in.Metadata != nil {
			read := RP{IDTokenAlg: rp.IDTokenAlg, RefreshTokens: rp.RefreshTokens, Options: rp.Options}
			if err := ReadMetadata(in.Metadata, &read); err != nil {
				return err
			}
			rp.IDTokenAlg, rp.RefreshTokens, rp.Options = read.IDTokenAlg, read.RefreshTokens, read.Options
		}
		if in.RefreshTokens != nil { // what is said of it by itself counts beside a list
			rp.GiveRefreshTokens(*in.RefreshTokens)
		}
		return nil
	})
	return shown(rp), err
}

func (c RPChange) options(o *relyingparty.Options) {
	if c.JWKS != nil {
		o.JWKS, o.JWKSURI = c.JWKS, ""
	}
	if c.JWKSURI != nil {
		o.JWKS, o.JWKSURI = nil, *c.JWKSURI
	}
	if c.AuthAlg != nil {
		o.AuthAlg = *c.AuthAlg
	}
	if c.RequireSigned != nil {
		o.RequireSigned = *c.RequireSigned
	}
	if c.RequirePAR != nil {
		o.RequirePAR = *c.RequirePAR
	}
	if c.ResponseTypes != nil {
		o.ResponseTypes = c.ResponseTypes
	}
	if c.FAPI != nil {
		o.FAPI = *c.FAPI
	}
}

func identified(names []string) []organisation.ID {
	ids := make([]organisation.ID, 0, len(names))
	for _, name := range names {
		ids = append(ids, organisation.ID(name))
	}
	return ids
}

func shown(rp relyingparty.RP) RP {
	out := RP{ClientID: rp.ClientID, Name: rp.Name, Public: rp.IsPublic(), RedirectURIs: rp.RedirectURIs,
		PostLogoutRedirectURIs: rp.PostLogoutRedirectURIs, InitiateLoginURI: rp.InitiateLoginURI, ClientURI: rp.ClientURI,
		BackchannelLogoutURI: rp.BackchannelLogoutURI, PKCE: rp.RequirePKCE, IDTokenAlg: rp.IDTokenAlg, RefreshTokens: rp.RefreshTokens, RequireACR: rp.RequireACR,
		RequireDPoP: rp.RequireDPoP, Scopes: rp.Scopes, Itself: rp.Itself, Options: rp.Options}
	for _, id := range rp.Organisations {
		out.Organisations = append(out.Organisations, string(id))
	}
	return out
}

func (d *Door) listRPs(ctx context.Context) ([]RP, error) {
	all, err := d.Registration.List(ctx)
	out := make([]RP, 0, len(all))
	for _, rp := range all {
		out = append(out, shown(rp))
	}
	return out, err
}

func (d *Door) rotateSecret(ctx context.Context, r *http.Request, _ struct{}) (map[string]string, error) {
	id := r.PathValue("id")
	plain, err := d.Registration.RotateSecret(ctx, id)
	return map[string]string{"client_id": id, "client_secret": plain.Reveal()}, err
}

func (d *Door) deleteRP(ctx context.Context, r *http.Request, _ struct{}) (map[string]string, error) {
	id := r.PathValue("id")
	return map[string]string{"client_id": id}, d.Registration.Delete(ctx, id)
}

func (d *Door) setOrganisation(ctx context.Context, _ *http.Request, in Organisation) (Organisation, error) {
	change := organisation.Organisation{ID: organisation.ID(in.ID), Name: in.Name, Colour: in.Colour,
		Policy: organisation.Policy{MFA: organisation.MFA(in.MFA)}}
	if in.MFAFrom != "" {
		day, err := time.Parse(time.DateOnly, in.MFAFrom)
		if err != nil || in.MFA != string(organisation.Required) {
			return in, errMFAFrom
		}
		change.Policy.From, change.Policy.SignIns = day, organisation.DefaultSignIns
	}
	if in.MFASignIns != nil {
		if change.Policy.From.IsZero() {
			return in, errMFASignIns
		}
		change.Policy.SignIns = *in.MFASignIns
	}
	if in.Logo != nil {
		logo, err := organisation.ParseLogo(in.Logo)
		if err != nil {
			return in, err
		}
		change.Logo = logo
	}
	var without []provisioning.Part
	if in.NoLogo {
		without = append(without, provisioning.Logo)
	}
	if in.NoColour {
		without = append(without, provisioning.Colour)
	}
	if in.RememberDays != nil {
		if change.Policy.RememberDays = *in.RememberDays; *in.RememberDays == 0 {
			without = append(without, provisioning.Remember)
		}
	}
	if in.TypedPush != nil {
		if change.Policy.TypedPush = *in.TypedPush; !*in.TypedPush {
			without = append(without, provisioning.Typed)
		}
	}
	known, err := d.Provisioning.HasOrganisation(ctx, change.ID)
	if err != nil {
		return in, err
	}
	o, err := d.Provisioning.SetOrganisation(ctx, change, without...)
	out := stored(o)
	out.Made = !known
	return out, err
}

// errMFAFrom says how the day is written, and that it belongs to "required".
var errMFAFrom = errors.New("the day from which 2FA is required reads 2026-12-01, and belongs to the policy required")

// errMFASignIns says that the number belongs to a day.
var errMFASignIns = errors.New("a number of sign-ins without 2FA belongs to the policy required with a day from which it holds")

func stored(o organisation.Organisation) Organisation {
	out := Organisation{ID: string(o.ID), Name: o.Name, Colour: o.Colour, MFA: string(o.Policy.MFA), RememberDays: &o.Policy.RememberDays, TypedPush: &o.Policy.TypedPush,
		LogoType: o.Logo.MediaType, LogoBytes: len(o.Logo.Data)}
	if !o.Policy.From.IsZero() {
		out.MFAFrom, out.MFASignIns = o.Policy.From.UTC().Format(time.DateOnly), &o.Policy.SignIns
	}
	return out
}

func (d *Door) listOrganisations(ctx context.Context) ([]Organisation, error) {
	all, err := d.Provisioning.ListOrganisations(ctx)
	out := make([]Organisation, 0, len(all))
	for _, o := range all {
		out = append(out, stored(o))
	}
	return out, err
}

// errUnverified reminds the operator that an unproven address is the preparation's business.
var errUnverified = errors.New("only accounts with a verified address can be made by hand; say --verified if you have checked it")

func (d *Door) createAccount(ctx context.Context, _ *http.Request, in Account) (Account, error) {
	if !in.Verified {
		return in, errUnverified
	}
	a, err := d.Provisioning.CreateAccount(ctx, provisioning.Newcomer{Address: in.Address, Verified: true,
		GivenName: in.GivenName, FamilyName: in.FamilyName, Language: in.Language})
	in.ID = string(a.ID)
	return in, err
}

func (d *Door) issueRecoveryCode(ctx context.Context, _ *http.Request, in Issue) (Issue, error) {
	code, err := d.Enrolment.Issue(ctx, in.Address, in.Reason)
	return Issue{Address: in.Address, Code: code.Reveal(), Expires: d.Enrolment.Now().Add(enrolment.IssuedLife).UTC()}, err
}

func (d *Door) listAuthenticators(ctx context.Context, _ *http.Request, in Authenticators) ([]Authenticator, error) {
	_, apps, keys, err := d.Enrolment.Authenticators(ctx, in.Address)
	all := make([]Authenticator, 0, len(apps))
	for _, app := range apps {
		a := Authenticator{ID: app.ID, Name: app.Name, Added: app.Created.UTC()}
		if !app.Used.IsZero() {
			a.Used = app.Used.UTC()
		}
		for _, k := range keys {
			if k.ID == app.ID {
				a.Approves, a.Messages, a.Lost = true, len(k.Subscription) > 0, !k.Lost.IsZero()
				a.Used = k.Seen.UTC()
			}
		}
		all = append(all, a)
	}
	return all, err
}

func (d *Door) removeAuthenticator(ctx context.Context, _ *http.Request, in Authenticators) (Authenticators, error) {
	id, err := d.Enrolment.RemoveFor(ctx, in.Address, in.Authenticator, in.Reason)
	return Authenticators{Address: in.Address, Authenticator: id}, err
}
