package authenticatorapp

import (
	"encoding/json"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/portvakt/portvakt/internal/locale"
)

func door(t *testing.T, issuer, address string) http.Handler {
	t.Helper()
	c := locale.New()
	mux := http.NewServeMux()
	(&Door{Issuer: issuer, URL: address, Catalogue: c, Log: slog.New(slog.DiscardHandler)}).mountApp(mux)
	mux.Handle("GET /", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "the issuer's page", http.StatusTeapot) }))
	return mux
}

func usual(t *testing.T) http.Handler {
	t.Helper()
	return door(t, "https://login.example", "https://login.example/authenticator/")
}

func get(h http.Handler, address string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest("GET", address, nil)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// releaseOf reads the release's name out of the page.
func releaseOf(t *testing.T, h http.Handler, address string) string {
	t.Helper()
	found := regexp.MustCompile(`src="([0-9a-f]{12})/main\.js"`).FindStringSubmatch(get(h, address).Body.String())
	if found == nil {
		t.Fatal("the page names no release")
	}
	return found[1]
}

func TestTheAppIsServedWithItsTypes(t *testing.T) {
	h := usual(t)
	release := releaseOf(t, h, "https://login.example/authenticator/")
	for name, want := range map[string]string{
		"":                                "text/html; charset=utf-8",
		"sw.js":                           "text/javascript; charset=utf-8",
		"manifest.webmanifest":            "application/manifest+json",
		release + "/main.js":              "text/javascript; charset=utf-8",
		release + "/app.css":              "text/css; charset=utf-8",
		release + "/icon-192.png":         "image/png",
		release + "/apple-touch-icon.png": "image/png",
		release + "/icon.svg":             "image/svg+xml",
		release + "/config.json":          "application/json",
		release + "/texts-sv.json":        "application/json",
	} {
		w := get(h, "https://login.example/authenticator/"+name)
		if w.Code != http.StatusOK || w.Header().Get("Content-Type") != want {
			t.Errorf("%q: %d %s", name, w.Code, w.Header().Get("Content-Type"))
		}
	}
	for _, name := range []string{"nothing.js", release + "/worker.js", release + "/../app.go", release + "/"} {
		if w := get(h, "https://login.example/authenticator/"+name); w.Code == http.StatusOK {
			t.Errorf("%q is served", name)
		}
	}
}

func TestTheAppMayTalkToItsIssuerAndToNobodyElse(t *testing.T) {
	h := usual(t)
	for _, name := range []string{"", "sw.js", releaseOf(t, h, "https://login.example/authenticator/") + "/main.js"} {
		head := get(h, "https://login.example/authenticator/"+name).Header()
		csp := head.Get("Content-Security-Policy")
		if !strings.Contains(csp, "connect-src 'self' https://login.example;") || !strings.Contains(csp, "default-src 'none'") || strings.Contains(csp, "unsafe") {
			t.Errorf("%q: policy %s", name, csp)
		}
		if !strings.Contains(head.Get("Permissions-Policy"), "camera=(self)") || head.Get("Referrer-Policy") != "no-referrer" {
			t.Errorf("%q: %v", name, head)
		}
	}
	page := get(h, "https://login.example/authenticator/").Body.String()
	if regexp.MustCompile(`<script(?:[^>]*)>[^<]|<style|\son[a-z]+=|style=`).MatchString(page) {
		t.Error("the page has something inline, which its policy forbids")
	}
}

func TestAReleaseIsKeptWholeAndAnotherIsKeptByNobody(t *testing.T) {
	h := usual(t)
	release := releaseOf(t, h, "https://login.example/authenticator/")
	kept := get(h, "https://login.example/authenticator/"+release+"/main.js")
	if !strings.Contains(kept.Header().Get("Cache-Control"), "immutable") {
		t.Error(kept.Header())
	}
	old := get(h, "https://login.example/authenticator/0123456789ab/main.js")
	if old.Code != http.StatusOK || old.Header().Get("Cache-Control") != "no-store" || old.Body.String() != kept.Body.String() {
		t.Error(old.Code, old.Header())
	}
	for _, name := range []string{"", "sw.js", "manifest.webmanifest"} {
		first := get(h, "https://login.example/authenticator/"+name)
		if first.Header().Get("Cache-Control") != "no-cache" {
			t.Errorf("%q: %v", name, first.Header())
		}
		if again := get(h, "https://login.example/authenticator/"+name, "If-None-Match", first.Header().Get("ETag")); again.Code != http.StatusNotModified {
			t.Errorf("%q comes whole again: %d", name, again.Code)
		}
	}
}

// The worker keeps every file: one that is missing would leave the app blank offline.
func TestTheWorkerKnowsEveryFile(t *testing.T) {
	h := usual(t)
	worker := get(h, "https://login.example/authenticator/sw.js").Body.String()
	if !strings.HasPrefix(worker, `const release = "`+releaseOf(t, h, "https://login.example/authenticator/")+`";`) {
		t.Error("the worker does not name its release")
	}
	var list []string
	found := regexp.MustCompile(`(?m)^const files = (\[.*\]);$`).FindStringSubmatch(worker)
	if found == nil || json.Unmarshal([]byte(found[1]), &list) != nil {
		t.Fatal("no list of files")
	}
	for _, name := range list {
		if name == "index.html" || name == "worker.js" {
			t.Errorf("%s is served elsewhere", name)
		}
	}
	for _, name := range names() {
		apart := name == "index.html" || name == "worker.js" || name == "manifest.webmanifest"
		if !apart && !strings.Contains(found[1], `"`+name+`"`) {
			t.Errorf("the worker does not keep %s", name)
		}
	}
}

func TestTheManifestNamesTheAppByItsPlace(t *testing.T) {
	for address, want := range map[string]string{"https://login.example/authenticator/": "/authenticator/", "https://phone.example/": "/"} {
		h := door(t, "https://login.example", address)
		var manifest struct {
			ID      string `json:"id"`
			Start   string `json:"start_url"`
			Scope   string
			Display string
			Icons   []struct{ Src, Purpose string }
		}
		if err := json.Unmarshal(get(h, address+"manifest.webmanifest").Body.Bytes(), &manifest); err != nil {
			t.Fatal(err)
		}
		if manifest.ID != want || manifest.Start != want || manifest.Scope != want || manifest.Display != "standalone" {
			t.Errorf("%+v", manifest)
		}
		for _, icon := range manifest.Icons {
			if w := get(h, address+icon.Src); w.Code != http.StatusOK {
				t.Errorf("%s: %d", icon.Src, w.Code)
			}
		}
	}
}

func TestTheAddressWithoutItsSlashLeadsToTheApp(t *testing.T) {
	w := get(usual(t), "https://login.example/authenticator")
	if w.Code != http.StatusPermanentRedirect || w.Header().Get("Location") != "https://login.example/authenticator/" {
		t.Error(w.Code, w.Header())
	}
}

func TestAnAppAtItsOwnOriginLeavesTheIssuerItsAddresses(t *testing.T) {
	h := door(t, "https://login.example", "https://phone.example/")
	release := releaseOf(t, h, "https://phone.example/")
	if w := get(h, "https://phone.example/"+release+"/main.js"); w.Code != http.StatusOK {
		t.Error(w.Code)
	}
	if w := get(h, "https://login.example/"); w.Code != http.StatusTeapot {
		t.Errorf("the issuer's own page is covered: %d", w.Code)
	}
	if w := get(h, "https://login.example/authenticator/"); w.Header().Get("Location") != "https://phone.example/" {
		t.Error(w.Code, w.Header())
	}
	var config struct{ Issuer, URL string }
	if err := json.Unmarshal(get(h, "https://phone.example/"+release+"/config.json").Body.Bytes(), &config); err != nil || config.Issuer != "https://login.example" || config.URL != "https://phone.example/" {
		t.Errorf("%+v, %v", config, err)
	}
}

func TestTheTextsAreThoseOfTheAppInEachLanguage(t *testing.T) {
	h := usual(t)
	release := releaseOf(t, h, "https://login.example/authenticator/")
	for lang, want := range map[string]string{"sv": "Godkänn", "en": "Approve"} {
		var texts map[string]string
		if err := json.Unmarshal(get(h, "https://login.example/authenticator/"+release+"/texts-"+lang+".json").Body.Bytes(), &texts); err != nil {
			t.Fatal(err)
		}
		if texts["authenticator.approve"] != want {
			t.Errorf("%s: %q", lang, texts["authenticator.approve"])
		}
		for key := range texts {
			if !strings.HasPrefix(key, "authenticator.") {
				t.Errorf("%s is none of the app's", key)
			}
		}
	}
}

// TestTheModules runs the program's own tests, which are JavaScript too.
func TestTheModules(t *testing.T) {
	node, err := exec.LookPath("node")
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("node is missing: the browser program is not tested")
		}
		t.Skip("node is missing: the browser program is not tested here")
	}
	tests, err := fs.Glob(os.DirFS("."), "tests/*.test.js")
	if err != nil || len(tests) == 0 {
		t.Fatalf("no tests found: %v", err)
	}
	out, err := exec.Command(node, append([]string{"--test"}, tests...)...).CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
