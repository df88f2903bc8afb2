package web

import (
	"net/http"
	"net/url"
	"strings"
	"time"
)

// languageCookie remembers the person's own choice of language. pressedCookie remembers it for the visit under way, where
// it wins over the RP's ui_locales too: somebody who has just pressed "English" must not go on reading Swedish.
const (
	languageCookie = "pv_lang"
	pressedCookie  = "pv_lang_pressed"
	pressedLife    = time.Hour // as long as an attempt lives
)

// ChangeLanguage handles POST /language: fields lang and back. It remembers the choice in this browser and returns.
func (k *Kit) ChangeLanguage() http.Handler {
	return k.Handle(func(w http.ResponseWriter, r *http.Request) error {
		chosen := k.options.Catalogue.Match(r.PostFormValue("lang"))
		k.Cookies().Set(w, languageCookie, string(chosen), 365*24*time.Hour)
		k.Cookies().Set(w, pressedCookie, string(chosen), pressedLife)
		http.Redirect(w, r, localPath(r.PostFormValue("back"), k.options.WayOn), http.StatusSeeOther)
		return nil
	})
}

// localPath returns the path if it stays on this host, else the other. Browsers read a backslash as a slash and skip tabs
// and line breaks, so "/\host" and "/<tab>/host" lead away too.
func localPath(path, otherwise string) string {
	u, err := url.Parse(path)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil || !strings.HasPrefix(path, "/") ||
		strings.HasPrefix(path, "//") || strings.ContainsFunc(path, func(r rune) bool { return r <= ' ' || r == '\\' || r == 0x7f }) {
		return otherwise
	}
	return u.RequestURI()
}
