package web

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/portvakt/portvakt/internal/locale"
)

// RegisteredURL is an address that the operator registered and that was checked then, or one that Portvakt itself has made,
// such as an app's otpauth: address. A template writes it as it is, also where it has an app's own scheme, which it would
// not accept of anybody else's.
type RegisteredURL = template.URL

// Markup is HTML that Portvakt itself has made, such as a drawing, and never anything that came from outside. A template
// writes it as it is.
type Markup = template.HTML

// pageSets holds, for each language, each page together with the layout. A page is made when somebody opens it first: a start
// that made all of them would take longer than all the rest of it.
type pageSets map[locale.Language]map[string]func() (*template.Template, error)

// layoutView is what layout.html sees. A page's own "content" and "title" see View alone.
type layoutView struct {
	View      any
	Language  locale.Language
	Languages []locale.Language
	Brand     Brand
	Reference string
	Failed    bool   // the answer is an error (4xx, 5xx): the page shows the reference
	Back      string // the page's own address, where a change of language returns to
}

// listPages finds the templates. layout.html and the files that begin with "_" are shared; each other file is a page that
// defines "title" and "content".
func (k *Kit) listPages() (pageSets, error) {
	names, err := fs.Glob(k.options.Templates, "*.html")
	if err != nil {
		return nil, fmt.Errorf("web: list templates: %w", err)
	}
	shared := []string{"layout.html"}
	if !slices.Contains(names, shared[0]) {
		return nil, errors.New("web: there is no layout.html among the templates")
	}
	for _, name := range names {
		if strings.HasPrefix(name, "_") {
			shared = append(shared, name)
		}
	}
	sets := pageSets{}
	for _, l := range locale.Languages() {
		layout := sync.OnceValues(func() (*template.Template, error) {
			return template.New("layout.html").Funcs(k.functions(l)).ParseFS(k.options.Templates, shared...)
		})
		sets[l] = map[string]func() (*template.Template, error){}
		for _, name := range names {
			if slices.Contains(shared, name) {
				continue
			}
			sets[l][strings.TrimSuffix(name, ".html")] = sync.OnceValues(func() (*template.Template, error) {
				base, err := layout()
				if err != nil {
					return nil, err
				}
				page, err := base.Clone()
				if err != nil {
					return nil, err
				}
				return page.ParseFS(k.options.Templates, name)
			})
		}
	}
	return sets, nil
}

// Page answers with the template of that name, in the request's language. Nothing is sent before the whole page is made: a
// mistake in it becomes a clean error page and never half a one.
func (k *Kit) Page(w http.ResponseWriter, r *http.Request, status int, name string, view any) error {
	body, err := k.render(r, status, name, view)
	if err != nil {
		return err
	}
	k.refused(r, status, name, view)
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(body) // the person has gone: nobody to tell
	return nil
}

// Publish answers with the template of that name, which is the same for everybody who reads one language: a browser may keep it,
// and asks by its tag whether it has changed.
func (k *Kit) Publish(w http.ResponseWriter, r *http.Request, name string, view any) error {
	body, err := k.render(r, http.StatusOK, name, view)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(body)
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-cache")
	h.Set("ETag", `"`+hex.EncodeToString(sum[:16])+`"`)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(body))
	return nil
}

func (k *Kit) render(r *http.Request, status int, name string, view any) ([]byte, error) {
	pages := k.pages
	if k.options.Reload {
		var err error
		if pages, err = k.listPages(); err != nil {
			return nil, err
		}
	}
	l := k.language(r)
	parse := pages[l][name]
	if parse == nil {
		return nil, fmt.Errorf("web: no page %q", name)
	}
	page, err := parse()
	if err != nil {
		return nil, fmt.Errorf("web: parse %s: %w", name, err)
	}
	var body bytes.Buffer
	err = page.ExecuteTemplate(&body, "layout.html", layoutView{
		View: view, Language: l, Languages: locale.Languages(), Brand: stateOf(r.Context()).brand,
		Reference: Reference(r.Context()), Failed: status >= 400, Back: k.backOf(r),
	})
	if err != nil {
		return nil, fmt.Errorf("web: render %s: %w", name, err)
	}
	return body.Bytes(), nil
}

// backOf is where the person stands. An answer to a POST stands on the page whose form was sent: its own address may not
// answer a GET.
func (k *Kit) backOf(r *http.Request) string {
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		return r.URL.RequestURI()
	}
	if from, err := url.Parse(r.Referer()); err == nil && from.Host == r.Host {
		return from.RequestURI()
	}
	return k.options.WayOn
}

// breakable lets a long mail address break before its "@" rather than anywhere.
func breakable(address string) template.HTML {
	return template.HTML(strings.ReplaceAll(template.HTMLEscapeString(address), "@", "<wbr>@"))
}

func isoTime(t time.Time) string { return t.UTC().Format(time.RFC3339) }
