package relyingparty

import (
	"errors"
	"net/url"
	"slices"
	"strings"
)

// SingleLogout is how an RP hears in the browser that a session has ended. (How its server hears of it is BackchannelLogoutURI.)
type SingleLogout struct {
	// FrontURI is opened in a frame after a sign-out (Front-Channel Logout §2); FrontSession says that it shall name the session.
	FrontURI     string `json:"frontchannel_logout_uri,omitempty"`
	FrontSession bool   `json:"frontchannel_logout_session_required,omitempty"`
	// Watches says that the RP asks a frame of ours whether the session is still the same (Session Management 1.0). Client metadata have no
	// name for it.
	Watches bool `json:"session_management,omitempty"`
}

// ErrFrontURI says that an address for frames is at another place than the RP (Front-Channel Logout §2).
var ErrFrontURI = errors.New("the front-channel logout address must have scheme, host and port of a redirect URI")

// checkLogout holds the address for frames against the redirect URIs.
func (rp RP) checkLogout() error {
	front := rp.Options.FrontURI
	if front == "" {
		return nil
	}
	if err := checkWeb(front); err != nil {
		return err
	}
	if strings.ContainsAny(Origin(front), ";,'\"") {
		return ErrFrontURI // it stands in a header beside other words
	}
	if !slices.ContainsFunc(rp.RedirectURIs, func(uri string) bool { return Origin(uri) == Origin(front) }) {
		return ErrFrontURI
	}
	return nil
}

// Origin is the origin of a web address (RFC 6454 §6.2); empty: it has none, as an app's own scheme.
func Origin(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" {
		return ""
	}
	return u.Scheme + "://" + u.Host
}
