// Package api is the door for programs: what the console offers to administrators, as JSON over HTTP below /api/v1. A program is a
// service that the operator has registered; it comes with an access token of its own (RFC 6749 §4.4). Each operation names the scope
// that it asks for, and the right that its flow then finds; an organisation that is not the service's does not exist for it.
package api

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/portvakt/portvakt/internal/administration"
	"github.com/portvakt/portvakt/internal/enrolment"
	"github.com/portvakt/portvakt/internal/grant"
	"github.com/portvakt/portvakt/internal/idempotency"
	"github.com/portvakt/portvakt/internal/preparation"
	"github.com/portvakt/portvakt/internal/provisioning"
	"github.com/portvakt/portvakt/internal/recovery"
	"github.com/portvakt/portvakt/internal/relyingparty"
	"github.com/portvakt/portvakt/internal/transition"
	"github.com/portvakt/portvakt/internal/web"
)

// Door is the door for programs.
type Door struct {
	Issuer         string
	Grant          *grant.Service
	Administration *administration.Service
	Provisioning   *provisioning.Service
	Transition     *transition.Service
	Preparation    *preparation.Service
	Recovery       *recovery.Service
	Enrolment      *enrolment.Service
	Keys           *idempotency.Keys
	Kit            *web.Kit
	Now            func() time.Time
	Log            *slog.Logger
}

// base is where the operations begin.
const base = grant.APIPath + "/v1"

// mux is where handlers are mounted.
type mux interface {
	Handle(pattern string, h http.Handler)
}

// Routes mounts the door, and returns a function that lists its patterns. The operations are described and made when the first program asks for
// one: many an installation has none, and its start would wait for them. It stands outside of the pages' origin check: it looks at no cookie.
func (d *Door) Routes(to mux) (patterns func() []string) {
	operations := sync.OnceValue(d.operations)
	to.Handle(grant.APIPath+"/", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { operations().ServeHTTP(w, r) }))
	return func() []string { return operations().Patterns }
}

func (d *Door) operations() *web.Mux {
	to := &web.Mux{}
	described := d.mount(to)
	document := sync.OnceValue(func() []byte { return write(described) })
	to.Handle("GET "+base+"/openapi.json", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Write(document()) //nolint:errcheck // the client has gone away
	}))
	to.Handle(grant.APIPath+"/", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		d.writeProblem(w, r, problem(http.StatusNotFound, "not_found", "there is no such operation, or not by this method"))
	}))
	return to
}

// Document is the description of the API (OpenAPI 3.1), as it is served and as docs/openapi.json has it.
func Document() []byte { return write(new(Door).mount(http.NewServeMux())) }

// mount mounts the operations and returns their description.
func (d *Door) mount(to mux) *huma.OpenAPI {
	config := huma.DefaultConfig("Portvakt", "1")
	// Its own pages would load scripts from elsewhere, and its links a field into every answer.
	config.OpenAPIPath, config.DocsPath, config.SchemasPath, config.CreateHooks = "", "", "", nil
	config.RejectUnknownQueryParameters = true
	config.Transformers = []huma.Transformer{d.referenced}
	config.Info.Description = "What the console of Portvakt offers to administrators, for programs. How to begin: docs/api.md."
	scopes := map[string]string{}
	for _, scope := range relyingparty.ServiceScopes() {
		scopes[scope] = scopeTexts[scope]
	}
	config.Components.SecuritySchemes = map[string]*huma.SecurityScheme{security: {Type: "oauth2",
		Flows: &huma.OAuthFlows{ClientCredentials: &huma.OAuthFlow{TokenURL: "/token", Scopes: scopes}}}}
	b := &builder{door: d, to: to, rules: map[string]rule{}}
	b.api = humago.New(b, config)
	for _, part := range []struct {
		about string
		mount func(*builder)
	}{
		{"organisation", d.organisations}, {"administrators", d.administrators}, {"register", d.imports}, {"preflight", d.preflight}, {"people", d.people}, {"approvals", d.approvals}, {"mailings", d.mailings}, {"sheets", d.sheets},
	} {
		b.about = part.about
		part.mount(b)
	}
	return b.api.OpenAPI()
}

func write(described *huma.OpenAPI) []byte {
	raw, err := json.Marshal(described)
	if err != nil {
		panic(err) // it is made of our own types
	}
	var text bytes.Buffer
	if err := json.Indent(&text, raw, "", " "); err != nil {
		panic(err)
	}
	text.WriteByte('\n')
	return text.Bytes()
}

// security is the name of the one way in.
const security = "service"

// scopeTexts say what each scope is good for.
var scopeTexts = map[string]string{
	relyingparty.OrganisationRead:    "look at the organisation's settings, look and sender",
	relyingparty.OrganisationWrite:   "change them",
	relyingparty.RegisterRead:        "look at imports of the register, and at what the pre-flight has found",
	relyingparty.RegisterWrite:       "import the register, decide on what is held, run the pre-flight",
	relyingparty.TransitionRead:      "look at the people and how far each has come",
	relyingparty.TransitionWrite:     "help people, send mails, move the transition on",
	relyingparty.SheetsWrite:         "print sheets for people without an address: each is a key to a login",
	relyingparty.AdministratorsRead:  "list the administrators",
	relyingparty.AdministratorsWrite: "appoint and dismiss administrators",
	relyingparty.AuditRead:           "read the organisation's lines of the audit log",
}
