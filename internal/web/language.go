package web

import (
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/portvakt/portvakt/internal/locale"
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
		k.KeepLanguage(w, string(chosen))
		http.Redirect(w, r, localPath(r.PostFormValue("back"), k.options.WayOn), http.StatusSeeOther)
		return nil
	})
}

// KeepLanguage makes this browser's pages follow the language from now on.
func (k *Kit) KeepLanguage(w http.ResponseWriter, language string) {
	chosen := string(k.options.Catalogue.Match(language))
	k.Cookies().Set(w, languageCookie, chosen, 365*24*time.Hour)
	k.Cookies().Set(w, pressedCookie, chosen, pressedLife)
}

// Languages lists the languages that pages and mails are written in, ours first.
func Languages() []locale.Language { return locale.Languages() }

// localPath returns the path if it stays on this host, else the other. Browsers read a backslash as a slash and skip tabs
// and line breaks, so "/\host" and "/<tab>/host" lead away too.
func localPath(path, otherwise string) string {
	u, err := url.Parse(path)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil || !strings.HasPrefix(path, "/") ||
		strings.HasPrefix(path, "//") || strings.ContainsFunc(path, func(r rune) bool { return r <= ' ' || r == '\\' || r == 0x7f }) {
		return otherwise
	}
	uri := u.RequestURI()
	if strings.HasPrefix(uri, "//") {
		return otherwise // an escaped slash, that a character beside it made Go write anew
	}
	return uri
}
