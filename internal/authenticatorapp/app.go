package authenticatorapp

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/portvakt/portvakt/internal/locale"
)

//go:embed app
var files embed.FS

// mediaTypes are written down because the machine's own table may lack one or say something else.
var mediaTypes = map[string]string{
	".html": "text/html; charset=utf-8", ".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8",
	".json": "application/json", ".svg": "image/svg+xml", ".png": "image/png", ".webmanifest": "application/manifest+json",
}

// lasting are the files at lasting addresses, by what stands at the address's end.
var lasting = map[string]string{"": "index.html", "manifest.webmanifest": "manifest.webmanifest", "sw.js": "worker.js"}

// webApp is the web app as it is served: three files at lasting addresses (the page, its service worker and its manifest), and all
// others in a folder named by a hash of everything. So a release is kept by browsers as one whole, and never half of it.
type webApp struct {
	release string
	policy  string
	fill    *strings.Replacer // what the files leave open
	top     map[string][]byte // by name, see lasting
	assets  map[string][]byte // by name below the release
}

// mountApp mounts the files of the web app, and the one endpoint that only web apps need.
func (d *Door) mountApp(mux interface {
	Handle(pattern string, h http.Handler)
}) {
	host, at := d.place()
	made := sync.OnceValue(func() *webApp { return newWebApp(d.Issuer, d.URL, at, d.Catalogue) }) // a start does not wait for its texts
	for name := range lasting {
		pattern := "GET " + host + at + name
		if name == "" {
			pattern += "{$}"
		}
		mux.Handle(pattern, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { made().serveTop(w, r, name) }))
	}
	mux.Handle("GET "+host+at+"{release}/{file...}", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { made().serveAsset(w, r) }))
	toApp := http.RedirectHandler(d.URL, http.StatusPermanentRedirect) // a browser keeps the fragment, which holds the pairing code
	if bare := strings.TrimSuffix(at, "/"); bare != "" {
		mux.Handle("GET "+host+bare, toApp)
	}
	if host != "" { // whoever remembers the usual address arrives as well
		mux.Handle("GET /authenticator", toApp)
		mux.Handle("GET /authenticator/{$}", toApp)
	}
	d.mountQR(mux)
}

// place is where the app stands: a host, which is empty where the app is at the issuer's own, and a path with slashes around.
func (d *Door) place() (host, at string) {
	app, err := url.Parse(d.URL)
	issuer, err2 := url.Parse(d.Issuer)
	if err != nil || err2 != nil || app.Path == "" {
		return "", "/authenticator/" // settings are checked before: this is for a door in a test
	}
	if app.Hostname() != issuer.Hostname() {
		host = app.Hostname()
	}
	return host, app.Path
}

func newWebApp(issuer, address, at string, texts *locale.Catalogue) *webApp {
	a := &webApp{top: map[string][]byte{}, assets: map[string][]byte{}}
	for _, name := range names() {
		body, err := files.ReadFile("app/" + name)
		if err != nil {
			panic(err) // the files are part of the program
		}
		a.assets[name] = body
	}
	a.assets["config.json"] = asJSON(map[string]any{"issuer": issuer, "url": address, "languages": languages()})
	for _, l := range locale.Languages() {
		a.assets["texts-"+string(l)+".json"] = asJSON(texts.Printer(l).Raw("authenticator."))
	}
	a.policy = policy(issuer)
	a.release = a.hash()
	a.fill = strings.NewReplacer("{{release}}", a.release, "{{path}}", at)
	// They move out of the release's folder.
	for to, name := range lasting {
		a.top[to] = []byte(a.fill.Replace(string(a.assets[name])))
		delete(a.assets, name)
	}
	list := asJSON(slices.Sorted(maps.Keys(a.assets)))
	a.top["sw.js"] = append(fmt.Appendf(nil, "const release = %q;\nconst files = %s;\n", a.release, list), a.top["sw.js"]...)
	return a
}

// hash names everything that a browser keeps.
func (a *webApp) hash() string {
	sum := sha256.New()
	fmt.Fprintln(sum, a.policy)
	for _, name := range slices.Sorted(maps.Keys(a.assets)) {
		fmt.Fprintf(sum, "%s %d\n", name, len(a.assets[name]))
		sum.Write(a.assets[name])
	}
	return hex.EncodeToString(sum.Sum(nil))[:12]
}

// policy lets the app use its own files, talk to its issuer, and nothing else: a stolen key or token has nowhere to go.
func policy(issuer string) string {
	return "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; manifest-src 'self'; worker-src 'self'; connect-src 'self' " +
		issuer + "; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
}

func (a *webApp) serveTop(w http.ResponseWriter, r *http.Request, name string) {
	w.Header().Set("Cache-Control", "no-cache")
	w.Header().Set("ETag", `"`+a.release+`"`)
	a.serve(w, r, path.Ext(lasting[name]), a.top[name])
}

// serveAsset serves a file of the release. Under the name of another one (a page of the release before, or of another node during an
// upgrade) the present file is served and kept by nobody: the service worker knows it by that and waits.
func (a *webApp) serveAsset(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("file")
	body, known := a.assets[name]
	if !known {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	if r.PathValue("release") == a.release {
		w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	a.serve(w, r, path.Ext(name), body)
}

func (a *webApp) serve(w http.ResponseWriter, r *http.Request, kind string, body []byte) {
	h := w.Header()
	h.Set("Content-Type", mediaTypes[kind])
	h.Set("Content-Security-Policy", a.policy)
	h.Set("Permissions-Policy", "camera=(self), microphone=(), geolocation=()")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(body))
}

// names lists the embedded files.
func names() []string {
	entries, err := fs.ReadDir(files, "app")
	if err != nil {
		panic(err) // the files are part of the program
	}
	var all []string
	for _, e := range entries {
		all = append(all, e.Name())
	}
	return all
}

// languages are the app's, each with its name in itself.
func languages() (all []map[string]string) {
	for _, l := range locale.Languages() {
		all = append(all, map[string]string{"lang": string(l), "name": l.Own()})
	}
	return all
}

func asJSON(v any) []byte {
	body, err := json.Marshal(v)
	if err != nil {
		panic(err) // strings alone go in
	}
	return body
}
