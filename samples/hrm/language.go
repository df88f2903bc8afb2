package hrm

import (
	"net/http"
	"time"

	"golang.org/x/text/language"
)

// langCookie keeps a choice made by ?lang=.
const langCookie = "hrm_lang"

var (
	tags    = []language.Tag{language.Swedish, language.English}
	matcher = language.NewMatcher(tags)
)

// lang is the language of a request: chosen now, chosen before, or the browser's.
func (a *App) lang(r *http.Request) string {
	if chosen := r.URL.Query().Get("lang"); texts[chosen] != nil {
		return chosen
	}
	if c, err := r.Cookie(langCookie); err == nil && texts[c.Value] != nil {
		return c.Value
	}
	want, _, err := language.ParseAcceptLanguage(r.Header.Get("Accept-Language"))
	_, i, sure := matcher.Match(want...)
	if (err != nil || sure == language.No) && texts[a.cfg.Lang] != nil {
		return a.cfg.Lang
	}
	return tags[i].String()
}

// rememberLang keeps the language for the next page when it was just chosen.
func (a *App) rememberLang(w http.ResponseWriter, r *http.Request) string {
	lang := a.lang(r)
	if r.URL.Query().Get("lang") == lang {
		http.SetCookie(w, a.cfg.cookie(langCookie, lang, 365*24*time.Hour))
	}
	return lang
}
