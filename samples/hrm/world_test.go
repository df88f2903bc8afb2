package hrm

import (
	"io"
	"net/http"
	"net/url"
	"strings"
)

// page is an answer with its text read.
func (w *world) page(path string) string {
	w.Helper()
	return w.text(w.get(path))
}

func (w *world) get(path string) *http.Response {
	w.Helper()
	return w.do("GET", path, nil)
}

func (w *world) post(path string, form url.Values) *http.Response {
	w.Helper()
	return w.do("POST", path, form)
}

func (w *world) do(method, path string, form url.Values) *http.Response {
	w.Helper()
	r, err := http.NewRequest(method, w.url+path, strings.NewReader(form.Encode()))
	if err != nil {
		w.Fatal(err)
	}
	if method == "POST" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	res, err := w.browser.Do(r)
	if err != nil {
		w.Fatal(err)
	}
	w.Cleanup(func() { _ = res.Body.Close() })
	return res
}

func (w *world) text(res *http.Response) string {
	w.Helper()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		w.Fatal(err)
	}
	return string(body)
}

func (w *world) wantPage(res *http.Response, status int, words ...string) {
	w.Helper()
	text := w.text(res)
	if res.StatusCode != status {
		w.Errorf("%s, want %d", res.Status, status)
	}
	for _, word := range words {
		if !strings.Contains(text, word) {
			w.Errorf("page lacks %q:\n%s", word, text)
		}
	}
}

func (w *world) signedIn() bool {
	w.Helper()
	return strings.Contains(w.page("/"), "Hej Anna!")
}
