package web

import (
	"context"
	"crypto/rand"
	"encoding/base32"
	"io"
	"net/http"
	"net/netip"

	"github.com/portvakt/portvakt/internal/locale"
)

// request is what the kit remembers of one request. It is changed only by the goroutine that serves the request, and in
// place: an error page that is made after the handler has returned still speaks the language that the handler learnt.
type request struct {
	reference  string
	client     netip.Addr
	pressed    string // language that the person chose during this visit
	uiLocales  string
	chosen     string // language of the cookie
	own        string // the account's own language, known after a proof
	accepted   string // Accept-Language
	catalogue  *locale.Catalogue
	brand      Brand
	identifier string // see About
	rp         string
	fromApp    bool          // see FromApp
	body       io.ReadCloser // as it came, without a limit; see Upload
	drain      func()        // reads away what is left of a body that was too large
}

type requestKey struct{}

func stateOf(ctx context.Context) *request {
	if s, ok := ctx.Value(requestKey{}).(*request); ok {
		return s
	}
	return &request{}
}

// withState returns the request with a state, its own or a fresh one.
func withState(r *http.Request) (*http.Request, *request) {
	if s, ok := r.Context().Value(requestKey{}).(*request); ok {
		return r, s
	}
	s := &request{reference: newReference()}
	return r.WithContext(context.WithValue(r.Context(), requestKey{}, s)), s
}

// Reference returns the request's number: on the error page, in the header X-Request-Id and in every log line about it.
func Reference(ctx context.Context) string { return stateOf(ctx).reference }

// ClientAddr returns the address of the client, as far as the trusted proxies tell it. It is the zero Addr outside Wrap.
func ClientAddr(ctx context.Context) netip.Addr { return stateOf(ctx).client }

// Language returns the language of the answer: what the person pressed during this visit, ui_locales, the person's earlier
// choice in this browser, the account's own, the browser's.
func Language(ctx context.Context) locale.Language {
	s := stateOf(ctx)
	if s.catalogue == nil {
		return locale.Swedish
	}
	return s.catalogue.Match(s.pressed, s.uiLocales, s.chosen, s.own, s.accepted)
}

// WithOwnLanguage lets the account's own language count. Only a page that comes after a proof may ask for it: before one,
// nothing of the account shapes a page (RULES §2).
func WithOwnLanguage(r *http.Request, language string) *http.Request {
	r, s := withState(r)
	s.own = language
	return r
}

// WithUILocales makes the request's pages follow the RP's ui_locales (OIDC Core 3.1.2.1), before cookie and browser. Error
// pages after it follow too.
func WithUILocales(r *http.Request, list string) *http.Request {
	r, s := withState(r)
	s.uiLocales = list
	return r
}

// WithBrand makes the request's pages, and error pages after it, wear an organisation's look.
func WithBrand(r *http.Request, b Brand) *http.Request {
	r, s := withState(r)
	s.brand = b
	return r
}

// crockford leaves out the letters that are mistaken for digits on the telephone.
var crockford = base32.NewEncoding("0123456789ABCDEFGHJKMNPQRSTVWXYZ").WithPadding(base32.NoPadding)

func newReference() string {
	var b [5]byte
	rand.Read(b[:]) // never fails (crypto/rand, Go 1.24)
	return crockford.EncodeToString(b[:])
}
