package web

import (
	"net/http"
	"net/url"
	"strings"
)

// FormPost is the page signin_post: a form that brings an RP its answer and posts itself. Without a script one press does.
type FormPost struct {
	App    string        // the RP's name
	Action RegisteredURL // its redirect URI
	Fields url.Values
	Failed bool // the answer is an error: nobody has logged in
}

// PostPage answers with that page. It alone may post elsewhere, and to wherever the RP redirects then: form-action holds for the
// whole chain. Nothing on the page comes from anybody but the registration and the request.
func (k *Kit) PostPage(w http.ResponseWriter, r *http.Request, view FormPost) error {
	h := w.Header()
	h.Set("Content-Security-Policy", strings.Replace(contentSecurityPolicy, "form-action 'self'", "form-action *", 1))
	h.Set("Referrer-Policy", "strict-origin") // a form from an origin that hides itself is refused by many RPs
	return k.Page(w, r, http.StatusOK, "signin_post", view)
}
