package inbox

import (
	"embed"
	"html/template"
	"net/http"
	"time"

	"golang.org/x/text/language"
)

//go:embed templates
var templates embed.FS

// pages holds each page's template, joined with the layout.
type pages map[string]*template.Template

func parsePages() pages {
	p := pages{}
	for _, name := range []string{"list", "message", "missing"} {
		p[name] = template.Must(template.ParseFS(templates, "templates/layout.html", "templates/"+name+".html"))
	}
	return p
}

// view is what a template sees.
type view struct {
	Lang     string
	Messages []Message
	Message  Message
	texts    map[string]string
	zone     *time.Location
}

// T is the text of a key in the page's language.
func (v view) T(key string) string { return v.texts[key] }

// When writes a time as a person reads it.
func (v view) When(t time.Time) string { return t.In(v.zone).Format("2006-01-02 15:04:05") }

var (
	tags    = []language.Tag{language.Swedish, language.English}
	matcher = language.NewMatcher(tags)
)

// lang follows the browser; a browser that asks for neither language gets the
// inbox's own.
func (in *Inbox) lang(r *http.Request) string {
	want, _, err := language.ParseAcceptLanguage(r.Header.Get("Accept-Language"))
	_, i, sure := matcher.Match(want...)
	if (err != nil || sure == language.No) && texts[in.cfg.Lang] != nil {
		return in.cfg.Lang
	}
	return tags[i].String()
}

func (in *Inbox) render(w http.ResponseWriter, r *http.Request, status int, page string, v view) {
	v.Lang = in.lang(r)
	v.texts = texts[v.Lang]
	v.zone = time.Local
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Vary", "Accept-Language")
	w.WriteHeader(status)
	if err := in.pages[page].ExecuteTemplate(w, "layout", v); err != nil {
		in.cfg.Log.Error("inbox: page not written", "page", page, "error", err)
	}
}

func (in *Inbox) showList(w http.ResponseWriter, r *http.Request) {
	in.render(w, r, http.StatusOK, "list", view{Messages: in.Messages(r.URL.Query().Get("to"))})
}

func (in *Inbox) showMessage(w http.ResponseWriter, r *http.Request) {
	m, ok := in.box.find(r.PathValue("id"))
	if !ok {
		in.showNotFound(w, r)
		return
	}
	in.render(w, r, http.StatusOK, "message", view{Message: m})
}

func (in *Inbox) showNotFound(w http.ResponseWriter, r *http.Request) {
	in.render(w, r, http.StatusNotFound, "missing", view{})
}
