package config

import (
	"net/mail"
	"net/url"
	"strings"
)

func (s Settings) checkPush() error {
	if s.PushContact == "" {
		return nil
	}
	if address, ok := strings.CutPrefix(s.PushContact, "mailto:"); ok {
		if a, err := mail.ParseAddress(address); err == nil && a.Address == address {
			return nil
		}
	}
	if u, err := url.Parse(s.PushContact); err == nil && u.Scheme == "https" && u.Hostname() != "" && u.User == nil {
		return nil
	}
	return complain("push-contact %q: want mailto: with an address, as mailto:login@example.com, or an https address", s.PushContact)
}

// PushSubject is whom a push service may ask about this installation (RFC 8292 §2.1): the demo's issuer is no address that anybody
// outside could ask.
func (s Settings) PushSubject() string {
	switch {
	case s.PushContact != "":
		return s.PushContact
	case strings.HasPrefix(s.Issuer, "https:"):
		return s.Issuer
	}
	return "mailto:operator@localhost"
}
