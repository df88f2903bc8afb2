package docs

import (
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	texts "github.com/portvakt/portvakt/docs"
	"github.com/portvakt/portvakt/internal/locale"
	"github.com/portvakt/portvakt/internal/web"
	"github.com/portvakt/portvakt/internal/web/webtest"
)

// served is the door as the composition root mounts it, with a stylesheet in the place of the people's.
func served(t *testing.T) *http.ServeMux {
	t.Helper()
	catalogue := locale.New()
	kit, err := web.New(web.Options{Issuer: "https://login.example.com", Catalogue: catalogue, Templates: Templates(),
		Static: web.Overlay(Static(), fstest.MapFS{"app.css": {}, "favicon.svg": {}}), Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	(&Door{Kit: kit}).Routes(mux)
	return mux
}

func get(t *testing.T, mux *http.ServeMux, path string, headers ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, path, nil)
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, r)
	return w
}

var (
	leads  = regexp.MustCompile(`(?:href|src)="([^"]*)"`)
	quoted = regexp.MustCompile(`(?s)<code.*?</code>`)
	marked = regexp.MustCompile(` id="([^"]*)"`)
)

// TestEveryPageIsReachedFromTheFirstAndNoLinkIsDead walks the documentation as a reader would.
func TestEveryPageIsReachedFromTheFirstAndNoLinkIsDead(t *testing.T) {
	mux := served(t)
	bodies := map[string]string{}
	var walk func(at string)
	walk = func(at string) {
		answer := get(t, mux, at)
		bodies[at] = answer.Body.String()
		if answer.Code != http.StatusOK {
			t.Errorf("%s: %d", at, answer.Code)
			return
		}
		if !strings.HasPrefix(answer.Header().Get("Content-Type"), "text/html") {
			return // no page
		}
		webtest.CheckPage(t, quoted.ReplaceAllString(bodies[at], "")) // what is quoted may look like a key, or be a template
		for _, m := range leads.FindAllStringSubmatch(bodies[at], -1) {
			if to, _, _ := strings.Cut(m[1], "#"); strings.HasPrefix(to, root) {
				if _, seen := bodies[to]; !seen {
					walk(to)
				}
			} else if !strings.HasPrefix(m[1], "#") && !strings.HasPrefix(m[1], "/static/") && !strings.Contains(m[1], "://") {
				t.Errorf("%s leads to %s, which is not of the documentation", at, m[1])
			}
		}
	}
	walk(root)
	for at, body := range bodies {
		for _, m := range leads.FindAllStringSubmatch(body, -1) {
			to, id, found := strings.Cut(m[1], "#")
			if to == "" {
				to = at
			}
			if target, ok := bodies[to]; found && ok && !slices.Contains(ids(target), id) {
				t.Errorf("%s leads to %s, and there is no such section", at, m[1])
			}
		}
	}
	err := fs.WalkDir(texts.Files, ".", func(name string, entry fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(name, ".md") && bodies[address(name)] == "" {
			t.Errorf("nothing leads to docs/%s: add it to docs/README.md", name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func ids(body string) (all []string) {
	for _, m := range marked.FindAllStringSubmatch(body, -1) {
		all = append(all, m[1])
	}
	return all
}

func TestAPageIsAskedForByItsTag(t *testing.T) {
	mux := served(t)
	for _, path := range []string{root, root + "openapi.json"} {
		first := get(t, mux, path)
		tag := first.Header().Get("ETag")
		if tag == "" || first.Header().Get("Cache-Control") != "no-cache" {
			t.Errorf("%s: tag %q, %q", path, tag, first.Header().Get("Cache-Control"))
		}
		if again := get(t, mux, path, "If-None-Match", tag); again.Code != http.StatusNotModified || again.Body.Len() > 0 {
			t.Errorf("%s asked for again: %d with %d bytes", path, again.Code, again.Body.Len())
		}
		if other := get(t, mux, path, "If-None-Match", `"other"`); other.Code != http.StatusOK {
			t.Errorf("%s with another tag: %d", path, other.Code)
		}
	}
}

func TestWhatIsNoDocumentIsNotServed(t *testing.T) {
	mux := served(t)
	for _, path := range []string{"nothing", "docs.go", "operations.md", "../docs.go", "adr/../docs.go", "pictures", "pictures/", "%2e%2e/go.mod", "guide/nothing/", "guide/sv/", "guide/sv/guide"} {
		if answer := get(t, mux, root+path); answer.Code == http.StatusOK {
			t.Errorf("%s is served", path)
		}
	}
	if answer := get(t, mux, "/docs"); answer.Code != http.StatusPermanentRedirect || answer.Header().Get("Location") != root {
		t.Errorf("/docs: %d %s", answer.Code, answer.Header().Get("Location"))
	}
}
