package web

import (
	"net/http"
	"strings"
)

// Challenge is how an endpoint refuses an access token (RFC 6750 §3, RFC 9449 §7.1). Its values are ours, without quotes.
type Challenge struct {
	DPoP        bool   // the request used the scheme DPoP, or should have
	Code        string // empty: nothing was tried, and nothing is said but how to try
	Description string
	Scope       string // what the token lacks
	Algs        string // what a DPoP proof may be signed with, separated by spaces
}

// Status is that of the answer.
func (c Challenge) Status() int {
	if c.Code == "insufficient_scope" {
		return http.StatusForbidden
	}
	return http.StatusUnauthorized
}

// Write sets the WWW-Authenticate headers: one for each scheme where nothing was tried, otherwise that of the scheme used.
func (c Challenge) Write(h http.Header) {
	algs := `algs="` + c.Algs + `"`
	if c.Code == "" {
		h.Add("WWW-Authenticate", "Bearer")
		h.Add("WWW-Authenticate", "DPoP "+algs)
		return
	}
	parts := []string{`error="` + c.Code + `"`, `error_description="` + c.Description + `"`}
	if c.Scope != "" {
		parts = append(parts, `scope="`+c.Scope+`"`)
	}
	scheme := "Bearer "
	if c.DPoP {
		scheme, parts = "DPoP ", append(parts, algs)
	}
	h.Set("WWW-Authenticate", scheme+strings.Join(parts, ", "))
}

// Presented reads the Authorization header of a request to an endpoint that takes access tokens: its scheme and the token. A token in the
// address would stand in logs (RFC 9700 §4.3.2), so none is read there. Of two headers neither counts.
func Presented(r *http.Request) (scheme, token string) {
	if len(r.Header.Values("Authorization")) > 1 {
		return "", ""
	}
	scheme, token, _ = strings.Cut(r.Header.Get("Authorization"), " ")
	return scheme, strings.TrimSpace(token)
}
