package inbox

import (
	"embed"
	"encoding/json"
	"net/http"
	"regexp"
)

//go:embed static
var static embed.FS

// pageCSP allows nothing but our own files; the frame is the mail's HTML part.
const pageCSP = "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; object-src 'none'"

// mailCSP shows a stranger's HTML: no script, no network, no forms. The sandbox
// lets a link open in a tab of its own, as a mail program does.
const mailCSP = "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; " +
	"style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'"

// Handler returns the HTTP side: the pages and the JSON list.
func (in *Inbox) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", in.showList)
	mux.HandleFunc("GET /messages/{id}", in.showMessage)
	mux.HandleFunc("GET /messages/{id}/html", in.showHTML)
	mux.HandleFunc("GET /api/messages", in.listJSON)
	mux.HandleFunc("POST /a1/sms", in.acceptSMS)
	mux.HandleFunc("PUT /api/refuse", in.switchRefusal(true))
	mux.HandleFunc("DELETE /api/refuse", in.switchRefusal(false))
	mux.Handle("GET /static/", http.FileServerFS(static))
	mux.HandleFunc("/", in.showNotFound)
	return secured(mux)
}

// secured sets what every answer carries. The links of a login are secrets, so
// no answer is stored and no address travels on in a Referer.
func secured(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", pageCSP)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}

func (in *Inbox) listJSON(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false) // a person reads links here too: & and not \u0026
	if err := enc.Encode(in.Messages(r.URL.Query().Get("to"))); err != nil {
		in.cfg.Log.Debug("inbox: reader went away", "error", err)
	}
}

// switchRefusal answers PUT and DELETE: a foreign page cannot send them without
// a preflight, which is never granted.
func (in *Inbox) switchRefusal(on bool) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		in.Refuse(on)
		w.WriteHeader(http.StatusNoContent)
	}
}

var headTag = regexp.MustCompile(`(?i)<head[^>]*>`)

// withBase makes every link of a mail open in a tab of its own.
func withBase(page string) string {
	const base = `<base target="_blank">`
	if at := headTag.FindStringIndex(page); at != nil {
		return page[:at[1]] + base + page[at[1]:]
	}
	return base + page
}

func (in *Inbox) showHTML(w http.ResponseWriter, r *http.Request) {
	m, ok := in.box.find(r.PathValue("id"))
	if !ok || m.HTML == "" {
		in.showNotFound(w, r)
		return
	}
	w.Header().Set("Content-Security-Policy", mailCSP)
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	if _, err := w.Write([]byte(withBase(m.HTML))); err != nil {
		in.cfg.Log.Debug("inbox: reader went away", "error", err)
	}
}
