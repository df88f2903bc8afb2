package oidc

import (
	"mime"
	"net/http"
	"strings"

	"github.com/portvakt/portvakt/internal/grant"
	"github.com/portvakt/portvakt/internal/web"
)

// introspectionType is the media type of a signed answer (RFC 9701 §4).
const introspectionType = "application/token-introspection+jwt"

// postIntrospect handles POST /introspect (RFC 7662 §2). No other site's script may call it: it is for programs with a secret.
func (d *Door) postIntrospect(w http.ResponseWriter, r *http.Request, client grant.Client) {
	token := r.PostForm.Get("token")
	if !accepts(r, introspectionType) {
		answer, err := d.Grant.Introspect(r.Context(), client, token)
		if err != nil {
			d.fail(w, r, err)
			return
		}
		web.JSON(w, http.StatusOK, answer)
		return
	}
	signed, err := d.Grant.IntrospectSigned(r.Context(), client, token)
	if err != nil {
		d.fail(w, r, err)
		return
	}
	writeJWT(w, introspectionType, signed)
}

// writeJWT answers with a signed token alone.
func writeJWT(w http.ResponseWriter, mediaType, signed string) {
	h := w.Header()
	h.Set("Content-Type", mediaType)
	h.Set("Cache-Control", "no-store")
	w.Write([]byte(signed)) //nolint:errcheck // the client has gone away
}

// accepts says whether the client asks for the media type by name.
func accepts(r *http.Request, want string) bool {
	for _, line := range r.Header.Values("Accept") {
		for one := range strings.SplitSeq(line, ",") {
			if media, _, err := mime.ParseMediaType(one); err == nil && media == want {
				return true
			}
		}
	}
	return false
}
