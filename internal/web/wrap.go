package web

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"time"

	"github.com/portvakt/portvakt/internal/locale"
)

// contentSecurityPolicy lets a page use what comes from Portvakt itself and nothing inline; nobody may frame it (RULES §11).
const contentSecurityPolicy = "default-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'; object-src 'none'"

// Bounds on reading away a body that is too large, so that the browser comes to read the answer. It costs no memory.
const (
	drainBytes = 32 << 20
	drainTime  = 10 * time.Second
)

// Wrap goes around everything that Portvakt serves: reference number, client's address, language, security headers, a limit
// on the body, the access log, and a last net for panics.
func (k *Kit) Wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(outer http.ResponseWriter, r *http.Request) {
		begin := time.Now()
		state := &request{
			reference: newReference(),
			client:    clientAddr(r, k.options.TrustedProxies),
			pressed:   k.Cookies().Get(r, pressedCookie),
			chosen:    k.Cookies().Get(r, languageCookie),
			accepted:  r.Header.Get("Accept-Language"),
			catalogue: k.options.Catalogue,
		}
		r = r.WithContext(context.WithValue(r.Context(), requestKey{}, state))
		w := &response{ResponseWriter: outer}
		k.headers(w.Header(), state.reference)
		defer k.access(r, w, begin)
		defer k.rescue(w, r)

		body := r.Body
		state.drain = func() { drain(outer, r, body) }
		state.body = body
		if body != nil {
			r.Body = http.MaxBytesReader(w, body, k.options.BodyLimit)
		}
		next.ServeHTTP(w, r)
	})
}

func (k *Kit) headers(h http.Header, reference string) {
	h.Set("X-Request-Id", reference)
	h.Set("Content-Security-Policy", contentSecurityPolicy)
	h.Set("Referrer-Policy", "same-origin") // no-referrer would make a browser's own POST carry Origin: null
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	if k.secure {
		h.Set("Strict-Transport-Security", "max-age=31536000")
	}
}

// access writes the line of the access log. It names the pattern and never the path: a path may hold the secret of a link.
func (k *Kit) access(r *http.Request, w *response, begin time.Time) {
	k.options.Logger.LogAttrs(r.Context(), slog.LevelInfo, "request",
		slog.String("reference", Reference(r.Context())), slog.String("method", r.Method), slog.String("pattern", r.Pattern),
		slog.Int("status", max(w.status, http.StatusOK)), slog.Float64("ms", float64(time.Since(begin).Microseconds())/1000),
		slog.String("client", ClientAddr(r.Context()).String()))
}

// Drain reads away what is left of a body that was too large, so that its sender comes to read the answer.
func Drain(r *http.Request) {
	if drain := stateOf(r.Context()).drain; drain != nil {
		drain()
	}
}

func drain(w http.ResponseWriter, r *http.Request, body io.Reader) {
	if body == nil || r.Header.Get("Expect") != "" { // a client that asks first has sent nothing
		return
	}
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(drainTime))
	_, _ = io.CopyN(io.Discard, body, drainBytes)
}

// language is the language of a request, also of one that has not come through Wrap.
func (k *Kit) language(r *http.Request) locale.Language {
	if s := stateOf(r.Context()); s.catalogue != nil {
		return Language(r.Context())
	} else if s.uiLocales != "" {
		return k.options.Catalogue.Match(s.uiLocales, r.Header.Get("Accept-Language"))
	}
	return k.options.Catalogue.Match(k.Cookies().Get(r, languageCookie), r.Header.Get("Accept-Language"))
}

// response remembers the status for the log.
type response struct {
	http.ResponseWriter
	status int
}

// WriteHeader sends the status; an informational one (1xx) is not the answer yet.
func (w *response) WriteHeader(status int) {
	if w.status == 0 && status >= 200 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

// Write sends a part of the body.
func (w *response) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	return w.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController reach the connection.
func (w *response) Unwrap() http.ResponseWriter { return w.ResponseWriter }
