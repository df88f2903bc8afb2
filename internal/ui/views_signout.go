package ui

import (
	"github.com/portvakt/portvakt/internal/web"
)

// SignOutConfirm is the page signout_confirm: a sign-out that did not begin here asks first.
// Hidden carries what the handler needs back, as form fields.
type SignOutConfirm struct {
	Action    string
	CancelURL string
	App       string // the app that asks, or ""
	Address   string // who is signed in, or ""
	Hidden    map[string]string
}

// SignOutDone is the page signout_done.
type SignOutDone struct {
	App string
	URL string // back to the app; "" leads to a new sign-in

	Frames []SignOutFrame // none: no app is told here
}

// SignOutFrame is a hidden frame in which an app is told of the sign-out (OpenID Connect Front-Channel Logout §2).
type SignOutFrame struct {
	App string
	URL web.RegisteredURL
}

// SignOutContinue is the page signout_continue: signed out, going on to the app (with a Refresh header, as SignInContinue).
type SignOutContinue struct {
	App string
	URL web.RegisteredURL // registered by the operator

	Frames []SignOutFrame // some: the page goes on when they have loaded (farewell.js), or after three seconds
}
