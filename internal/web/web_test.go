package web_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/portvakt/portvakt/internal/locale"
	"github.com/portvakt/portvakt/internal/web"
)

// house is a kit with small templates, and what it logged.
type house struct {
	*web.Kit
	log *bytes.Buffer
}

func build(t *testing.T, change func(*web.Options)) house {
	t.Helper()
	texts := locale.New()
	log := &bytes.Buffer{}
	o := web.Options{
		Issuer: "https://login.example", Catalogue: texts, Logger: slog.New(slog.NewJSONHandler(log, nil)),
		Templates: fstest.MapFS{
			"layout.html": {Data: []byte(`<html lang="{{.Language}}"><title>{{template "title" .View}}</title>{{.Brand.Name}}<link href="{{asset "app.css"}}"><input name="back" value="{{.Back}}">{{template "content" .View}}<code>{{.Reference}}</code></html>`)},
			"error.html":  {Data: []byte(`{{define "title"}}{{.Title}}{{end}}{{define "content"}}<p>{{.Text}}</p><a href="{{.On.URL}}">{{.On.Text}}</a>{{end}}`)},
			"hello.html":  {Data: []byte(`{{define "title"}}{{t "signin.identifier.title"}}{{end}}{{define "content"}}<p>{{.Name}}</p>{{end}}`)},
		},
		Static: fstest.MapFS{"app.css": {Data: []byte("body{}")}, "a.js": {Data: []byte("1")}, "page.html": {Data: []byte("<script>")}},
	}
	if change != nil {
		change(&o)
	}
	kit, err := web.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return house{kit, log}
}

// ask sends a request through everything.
func (h house) ask(r *http.Request, handler web.HandlerFunc) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	mux := http.NewServeMux()
	mux.Handle("/secret/{token}", h.Handle(handler))
	mux.Handle("POST /language", h.ChangeLanguage())
	mux.Handle("GET /static/", h.Static())
	mux.Handle("/", h.NotFound())
	h.Wrap(h.SameOrigin(mux)).ServeHTTP(w, r)
	return w
}

type view struct{ Name string }

func (h house) hello(w http.ResponseWriter, r *http.Request) error {
	return h.Page(w, r, http.StatusOK, "hello", view{"<Anna>"})
}

func get(path string) *http.Request { return httptest.NewRequest(http.MethodGet, path, nil) }

func post(path, body string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return r
}

func TestPageCarriesTheSecurityHeaders(t *testing.T) {
	h := build(t, nil)
	w := h.ask(get("/secret/x"), h.hello)
	for name, want := range map[string]string{
		"Content-Security-Policy":    "default-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'; object-src 'none'",
		"Referrer-Policy":            "same-origin",
		"X-Content-Type-Options":     "nosniff",
		"Cross-Origin-Opener-Policy": "same-origin",
		"Strict-Transport-Security":  "max-age=31536000",
		"Cache-Control":              "no-store",
		"Content-Type":               "text/html; charset=utf-8",
	} {
		if got := w.Header().Get(name); got != want {
			t.Errorf("%s: %q", name, got)
		}
	}
	if !strings.Contains(w.Body.String(), "&lt;Anna&gt;") {
		t.Error("what the view holds is not escaped")
	}
	if plain := build(t, func(o *web.Options) { o.Issuer = "http://localhost:8080" }); plain.ask(get("/secret/x"), plain.hello).Header().Get("Strict-Transport-Security") != "" {
		t.Error("HSTS over http")
	}
}

var referenceForm = regexp.MustCompile(`^[0-9A-HJKMNP-TV-Z]{8}$`)

func TestAnErrorIsLoggedUnderItsReferenceAndNeverShown(t *testing.T) {
	h := build(t, nil)
	w := h.ask(get("/secret/token-of-a-link"), func(http.ResponseWriter, *http.Request) error {
		return errors.New("the database said: password of anna")
	})
	reference := w.Header().Get("X-Request-Id")
	if w.Code != http.StatusInternalServerError || !referenceForm.MatchString(reference) {
		t.Fatalf("status %d, reference %q", w.Code, reference)
	}
	body := w.Body.String()
	if strings.Contains(body, "database") || !strings.Contains(body, reference) || !strings.Contains(body, `href="/account"`) {
		t.Errorf("page: %s", body)
	}
	if !strings.Contains(h.log.String(), "the database said") || !strings.Contains(h.log.String(), reference) {
		t.Errorf("log: %s", h.log)
	}
	if strings.Contains(h.log.String(), "token-of-a-link") {
		t.Error("the log holds the secret of a path")
	}
}

func TestAFaultSpeaksThePersonsLanguageAndLeadsOn(t *testing.T) {
	h := build(t, nil)
	fault := func(w http.ResponseWriter, r *http.Request) error {
		r = web.WithUILocales(r, "en")
		web.WithBrand(r, web.Brand{Name: "Företaget AB"})
		return &web.Fault{Status: http.StatusBadRequest, Key: "error.client_unknown", On: &web.Link{URL: "https://hrm.example/", Key: "web.back_app", Data: map[string]any{"App": "HRM"}}}
	}
	r := get("/secret/x")
	r.Header.Set("Accept-Language", "sv")
	w := h.ask(r, fault)
	for _, want := range []string{`lang="en"`, "We do not know the app", `<a href="https://hrm.example/">Back to HRM</a>`, "Företaget AB"} {
		if !strings.Contains(w.Body.String(), want) {
			t.Errorf("no %q in %s", want, w.Body)
		}
	}
	if w.Code != http.StatusBadRequest || strings.Contains(h.log.String(), `"msg":"fault"`) {
		t.Errorf("status %d, log %s", w.Code, h.log)
	}
}

func TestAPanicBecomesAPageAndAnAbortStaysOne(t *testing.T) {
	h := build(t, nil)
	w := h.ask(get("/secret/x"), func(http.ResponseWriter, *http.Request) error { panic("of anna's password") })
	if w.Code != http.StatusInternalServerError || strings.Contains(w.Body.String(), "password") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if !strings.Contains(h.log.String(), "web_test.go") {
		t.Error("the log has no stack")
	}
	outside := httptest.NewRecorder()
	h.Wrap(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("x") })).ServeHTTP(outside, get("/"))
	if outside.Code != http.StatusInternalServerError {
		t.Errorf("outside Handle: %d", outside.Code)
	}
	for name, handler := range map[string]web.HandlerFunc{
		"abort": func(http.ResponseWriter, *http.Request) error { panic(http.ErrAbortHandler) },
		"half":  func(w http.ResponseWriter, _ *http.Request) error { io.WriteString(w, "half"); panic("x") },
	} {
		func() {
			defer func() {
				if recover() != http.ErrAbortHandler {
					t.Errorf("%s: the connection is not broken", name)
				}
			}()
			h.ask(get("/secret/x"), handler)
		}()
	}
}

func TestAMistakeInATemplateSendsNoHalfPage(t *testing.T) {
	h := build(t, func(o *web.Options) {
		o.Templates.(fstest.MapFS)["broken.html"] = &fstest.MapFile{Data: []byte(`{{define "title"}}x{{end}}{{define "content"}}first {{.Missing}}{{end}}`)}
	})
	for _, name := range []string{"broken", "absent"} {
		w := h.ask(get("/secret/x"), func(w http.ResponseWriter, r *http.Request) error {
			return h.Page(w, r, http.StatusOK, name, view{})
		})
		if w.Code != http.StatusInternalServerError || strings.Contains(w.Body.String(), "first") {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
	}
}

func TestABodyOfElevenMegabytesGetsAClearPage(t *testing.T) {
	h := build(t, nil)
	server := httptest.NewServer(h.Wrap(h.Handle(func(w http.ResponseWriter, r *http.Request) error {
		t.Error("the handler ran")
		return nil
	})))
	defer server.Close()
	big := "password=" + strings.Repeat("x", 11<<20)
	for name, body := range map[string]io.Reader{
		"announced": strings.NewReader(big),
		"chunked":   io.MultiReader(strings.NewReader(big)),
	} {
		answer, err := http.Post(server.URL, "application/x-www-form-urlencoded", body)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		page, _ := io.ReadAll(answer.Body)
		answer.Body.Close()
		if answer.StatusCode != http.StatusRequestEntityTooLarge || !strings.Contains(string(page), "Det var för mycket på en gång") {
			t.Errorf("%s: %d %s", name, answer.StatusCode, page)
		}
	}
}

func TestABrokenFormIsRefusedBeforeTheHandler(t *testing.T) {
	h := build(t, nil)
	w := h.ask(post("/secret/x", "password=%zz"), func(http.ResponseWriter, *http.Request) error {
		t.Error("the handler ran")
		return nil
	})
	if w.Code != http.StatusBadRequest {
		t.Error(w.Code)
	}
}

func TestAPostFromAnotherSiteIsRefused(t *testing.T) {
	h := build(t, nil)
	for site, want := range map[string]int{"cross-site": 403, "same-site": 403, "same-origin": 200, "none": 200} {
		r := post("/secret/x", "a=b")
		r.Header.Set("Sec-Fetch-Site", site)
		if w := h.ask(r, h.hello); w.Code != want {
			t.Errorf("%s: %d", site, w.Code)
		}
	}
	r := post("/secret/x", "a=b") // a browser without Sec-Fetch-Site, behind a proxy that rewrites Host
	r.Host = "10.0.0.7:8080"
	r.Header.Set("Origin", "https://login.example")
	if w := h.ask(r, h.hello); w.Code != http.StatusOK {
		t.Errorf("own origin: %d", w.Code)
	}
}

func TestTheAccessLogNamesThePatternAndNotThePath(t *testing.T) {
	h := build(t, nil)
	h.ask(get("/secret/abc?code=def"), h.hello)
	var line map[string]any
	if err := json.Unmarshal(h.log.Bytes(), &line); err != nil {
		t.Fatal(err)
	}
	if line["pattern"] != "/secret/{token}" || line["status"] != 200.0 || line["method"] != "GET" || line["client"] != "192.0.2.1" {
		t.Errorf("%v", line)
	}
	if strings.Contains(h.log.String(), "abc") || strings.Contains(h.log.String(), "def") {
		t.Error("the log holds the path or query")
	}
}

func TestTheClientIsTheRightmostUntrustedHop(t *testing.T) {
	proxies := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("2001:db8:ffff::/48")}
	for _, test := range []struct{ peer, header, value, want string }{
		{"192.0.2.1:5", "", "", "192.0.2.1"},
		{"192.0.2.1:5", "X-Forwarded-For", "198.51.100.1", "192.0.2.1"}, // a stranger's word
		{"10.0.0.1:5", "X-Forwarded-For", "198.51.100.1", "198.51.100.1"},
		{"10.0.0.1:5", "X-Forwarded-For", "6.6.6.6, 198.51.100.1, 10.0.0.2", "198.51.100.1"},
		{"10.0.0.1:5", "X-Forwarded-For", "198.51.100.1:4711", "198.51.100.1"},
		{"10.0.0.1:5", "X-Forwarded-For", "rubbish", "10.0.0.1"},
		{"10.0.0.1:5", "X-Forwarded-For", "6.6.6.6, rubbish, 10.0.0.2", "10.0.0.2"},
		{"10.0.0.1:5", "X-Forwarded-For", "::ffff:198.51.100.1", "198.51.100.1"},
		{"10.0.0.1:5", "X-Forwarded-For", "6.6.6.6, 2001:db8::1", "2001:db8::1"},
		{"10.0.0.1:5", "Forwarded", "for=6.6.6.6", "10.0.0.1"}, // no proxy writes it here, so a client did
		{"[2001:db8:ffff::1%eth0]:5", "X-Forwarded-For", "2001:db8::2", "2001:db8::2"},
		{"10.0.0.1:5", "X-Forwarded-For", "10.0.0.3, 10.0.0.2", "10.0.0.3"},
	} {
		h := build(t, func(o *web.Options) { o.TrustedProxies = proxies })
		r := get("/secret/x")
		r.RemoteAddr = test.peer
		if test.header != "" {
			r.Header.Set(test.header, test.value)
		}
		h.ask(r, func(_ http.ResponseWriter, r *http.Request) error {
			if got := web.ClientAddr(r.Context()); got.String() != test.want {
				t.Errorf("%v: %s", test, got)
			}
			return nil
		})
	}
}

func TestNetworksAreSlash24AndSlash64(t *testing.T) {
	for addr, want := range map[string]string{
		"192.0.2.77": "192.0.2.0/24", "::ffff:192.0.2.77": "192.0.2.0/24", "2001:db8:1:2:3:4:5:6": "2001:db8:1:2::/64",
	} {
		if got := web.Network(netip.MustParseAddr(addr)).String(); got != want {
			t.Errorf("%s: %s", addr, got)
		}
	}
	if web.Network(netip.Addr{}).IsValid() {
		t.Error("no address has a network")
	}
}

func TestLanguageFollowsTheRequestThenTheCookieThenTheBrowser(t *testing.T) {
	h := build(t, nil)
	for _, test := range []struct{ ui, cookie, browser, want string }{
		{"", "", "", "sv"}, {"", "", "en", "en"}, {"", "sv", "en", "sv"}, {"en", "sv", "sv", "en"}, {"fr", "en", "sv", "en"},
	} {
		r := get("/secret/x")
		r.Header.Set("Accept-Language", test.browser)
		if test.cookie != "" {
			r.AddCookie(&http.Cookie{Name: "__Host-pv_lang", Value: test.cookie})
		}
		w := h.ask(r, func(w http.ResponseWriter, r *http.Request) error {
			r = web.WithUILocales(r, test.ui)
			if got := web.Language(r.Context()); string(got) != test.want {
				t.Errorf("%v: Language %s", test, got)
			}
			return h.hello(w, r)
		})
		if !strings.Contains(w.Body.String(), `lang="`+test.want+`"`) {
			t.Errorf("%v: %s", test, w.Body)
		}
	}
}

func TestTheAccountsOwnLanguageCountsOnlyWhereAPageAsksForIt(t *testing.T) {
	h := build(t, nil)
	for _, test := range []struct{ cookie, own, browser, want string }{
		{"", "en", "sv", "en"}, {"sv", "en", "en", "sv"}, {"", "", "en", "en"}, {"", "xx", "en", "en"},
	} {
		r := get("/secret/x")
		r.Header.Set("Accept-Language", test.browser)
		if test.cookie != "" {
			r.AddCookie(&http.Cookie{Name: "__Host-pv_lang", Value: test.cookie})
		}
		h.ask(r, func(_ http.ResponseWriter, r *http.Request) error {
			if got := web.Language(web.WithOwnLanguage(r, test.own).Context()); string(got) != test.want {
				t.Errorf("%v: %s", test, got)
			}
			return nil
		})
	}
}

func TestALanguagePressedDuringTheVisitWinsOverTheRequest(t *testing.T) {
	h := build(t, nil)
	r := get("/secret/x")
	r.AddCookie(&http.Cookie{Name: "__Host-pv_lang_pressed", Value: "en"})
	h.ask(r, func(w http.ResponseWriter, r *http.Request) error {
		if got := web.Language(web.WithUILocales(r, "sv").Context()); got != locale.English {
			t.Errorf("pressed English, got %s", got)
		}
		return nil
	})
}

func TestALanguageIsChosenAndReturnsOnlyToALocalPath(t *testing.T) {
	h := build(t, nil)
	for back, want := range map[string]string{
		"/signin/1?x=å": "/signin/1?x=å", "//evil.example": "/account", "https://evil.example/": "/account", `/\evil.example`: "/account",
		"/\t/evil.example": "/account", "javascript:alert(1)": "/account", "": "/account", "evil": "/account", "/a\r\nSet-Cookie: x": "/account",
	} {
		r := post("/language", url.Values{"lang": {"en"}, "back": {back}}.Encode())
		w := h.ask(r, nil)
		cookie := w.Result().Cookies()
		location, _ := url.QueryUnescape(w.Header().Get("Location"))
		if w.Code != http.StatusSeeOther || location != want || len(cookie) != 2 || cookie[0].Value != "en" || cookie[1].Value != "en" {
			t.Errorf("%q: %d %q %v", back, w.Code, location, cookie)
		}
	}
}

func TestAfterAPostAChangeOfLanguageReturnsToTheFormsPage(t *testing.T) {
	h := build(t, nil)
	r := post("/secret/x", "")
	r.Header.Set("Referer", "http://example.com/signin/1?a=b")
	if w := h.ask(r, h.hello); !strings.Contains(w.Body.String(), `value="/signin/1?a=b"`) {
		t.Error(w.Body)
	}
	r.Header.Set("Referer", "http://evil.example/signin/1")
	if w := h.ask(r, h.hello); !strings.Contains(w.Body.String(), `value="/account"`) {
		t.Error(w.Body)
	}
}

func TestCookiesFollowTheScheme(t *testing.T) {
	for secure, want := range map[bool]string{
		true:  "__Host-pv_x=v; Path=/; Max-Age=60; HttpOnly; Secure; SameSite=Lax",
		false: "pv_x=v; Path=/; Max-Age=60; HttpOnly; SameSite=Lax",
	} {
		c := web.Cookies{Secure: secure}
		w := httptest.NewRecorder()
		c.Set(w, "pv_x", "v", 60e9)
		if got := w.Header().Get("Set-Cookie"); got != want {
			t.Error(got)
		}
		r := get("/")
		r.AddCookie(w.Result().Cookies()[0])
		if c.Get(r, "pv_x") != "v" || c.Get(r, "pv_y") != "" {
			t.Error("a cookie does not come back")
		}
		if names := c.Names(r, "pv_"); len(names) != 1 || names[0] != "pv_x" {
			t.Error(names)
		}
		if other := (web.Cookies{Secure: !secure}); other.Get(r, "pv_x") != "" {
			t.Error("the prefix does not count")
		}
		w = httptest.NewRecorder()
		c.Clear(w, "pv_x")
		if w.Result().Cookies()[0].MaxAge >= 0 {
			t.Error("not cleared")
		}
	}
}

func TestStaticFilesAreKeptForEverUnderTheirHashAlone(t *testing.T) {
	h := build(t, nil)
	page := h.ask(get("/secret/x"), h.hello).Body.String()
	address := regexp.MustCompile(`/static/[0-9a-f]{12}/app\.css`).FindString(page)
	w := h.ask(get(address), nil)
	if w.Code != 200 || w.Header().Get("Content-Type") != "text/css; charset=utf-8" || !strings.Contains(w.Header().Get("Cache-Control"), "immutable") {
		t.Errorf("%q: %d %v", address, w.Code, w.Header())
	}
	if w := h.ask(get("/static/000000000000/a.js"), nil); w.Code != 200 || w.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("another release's hash: %d %v", w.Code, w.Header())
	}
	for _, path := range []string{"/static/", "/static/x/", "/static/x/absent.css", "/static/x/page.html", "/static/x/..%2fapp.css"} {
		if w := h.ask(get(path), nil); w.Code != http.StatusNotFound {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
}

func TestAWrongStartSaysSo(t *testing.T) {
	texts := locale.New()
	for name, o := range map[string]web.Options{
		"issuer":  {Issuer: "localhost", Catalogue: texts, Templates: fstest.MapFS{}, Static: fstest.MapFS{}},
		"nothing": {Issuer: "https://login.example"},
	} {
		if _, err := web.New(o); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
