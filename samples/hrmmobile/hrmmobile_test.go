package hrmmobile

import (
	"encoding/json"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

func get(t *testing.T, path string) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	app := New(Config{Issuer: "http://localhost:8080", ClientID: "mobile", BaseURL: "http://localhost:8082/"})
	app.Handler().ServeHTTP(w, httptest.NewRequest("GET", path, nil))
	return w
}

func TestEveryAddressOfTheAppIsOnePage(t *testing.T) {
	for _, path := range []string{"/", "/login?iss=x", "/callback?code=c", "/signed-out"} {
		w := get(t, path)
		if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "/app/main.js") {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
	if w := get(t, "/nowhere"); w.Code != http.StatusNotFound {
		t.Errorf("unknown address: %d", w.Code)
	}
}

func TestTheConfigurationIsComplete(t *testing.T) {
	var got map[string]string
	if err := json.Unmarshal(get(t, "/config.json").Body.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"issuer": "http://localhost:8080", "client_id": "mobile", "scope": "openid profile", "default_lang": "sv",
		"redirect_uri": "http://localhost:8082/callback", "signed_out": "http://localhost:8082/signed-out",
	}
	for name, value := range want {
		if got[name] != value {
			t.Errorf("%s is %q", name, got[name])
		}
	}
}

func TestTheProgramMayTalkToItsLoginServiceOnly(t *testing.T) {
	csp := get(t, "/").Header().Get("Content-Security-Policy")
	if !strings.Contains(csp, "connect-src 'self' http://localhost:8080;") || strings.Contains(csp, "unsafe") {
		t.Errorf("policy %s", csp)
	}
}

func TestTypesAreWhatBrowsersAskFor(t *testing.T) {
	for path, want := range map[string]string{
		"/manifest.webmanifest": "application/manifest+json",
		"/app/main.js":          "text/javascript; charset=utf-8",
		"/app/icon.svg":         "image/svg+xml",
		"/worker.js":            "text/javascript; charset=utf-8",
		"/":                     "text/html; charset=utf-8",
	} {
		if got := get(t, path).Header().Get("Content-Type"); got != want {
			t.Errorf("%s is %s", path, got)
		}
	}
}

// The worker keeps every file: one that is missing would leave the app blank offline.
func TestTheWorkerKnowsEveryFile(t *testing.T) {
	worker := get(t, "/worker.js").Body.String()
	paths, err := fs.Glob(files, "app/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		apart := []string{"app/index.html", "app/worker.js", "app/manifest.webmanifest"}
		if !slices.Contains(apart, path) && !strings.Contains(worker, `"/`+path+`"`) {
			t.Errorf("the worker does not keep %s", path)
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
