// Package authenticatorapp is the door for authenticators: it serves the web app that approves sign-ins, and speaks the protocol of
// docs/authenticator-protocol.md to it and to every other authenticator. It calls flows and decides nothing.
package authenticatorapp

import (
	"log/slog"
	"net/http"

	"github.com/portvakt/portvakt/internal/enrolment"
	"github.com/portvakt/portvakt/internal/grant"
	"github.com/portvakt/portvakt/internal/locale"
	"github.com/portvakt/portvakt/internal/signin"
	"github.com/portvakt/portvakt/internal/web"
)

// Door is the door for authenticators.
type Door struct {
	Issuer    string // the endpoints stand below it
	URL       string // the web app stands here, with a slash at the end; it may be another origin
	Grant     *grant.Service
	Enrolment *enrolment.Service
	Signin    *signin.Service
	Kit       *web.Kit
	Catalogue *locale.Catalogue
	Log       *slog.Logger
}

// Routes mounts the web app and the endpoints. They stand outside of the pages' origin check: no cookie is looked at.
func (d *Door) Routes(mux interface {
	Handle(pattern string, h http.Handler)
}) {
	d.mountApp(mux)
	d.mountAPI(mux)
}
