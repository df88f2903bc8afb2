package web

import (
	"log/slog"
	"net/http"
	"reflect"
	"strings"
)

// Refusal is an answer with a status of 400 or more, as somebody who is asked for help wants to find it again.
type Refusal struct {
	Reference  string
	Status     int
	Page       string // template, or the key of a fault
	Problem    string // key of the sentence that the page says; empty: none
	Identifier string // what was typed, folded; empty: not known
	Client     string // client id of the RP that the person came from
}

// About says whom and which RP a request is about, as far as its attempt tells. It is only ever written down with a refusal.
func About(r *http.Request, identifier, client string) {
	s := stateOf(r.Context())
	s.identifier, s.rp = identifier, client
}

// FromApp marks a request by which an app speaks, also through a browser: whoever wrote the app asks for what was refused, even where the
// request names no app that is known.
func FromApp(r *http.Request) { stateOf(r.Context()).fromApp = true }

// refused tells of an answer that refuses.
func (k *Kit) refused(r *http.Request, status int, page string, view any) {
	if k.options.Refused == nil || status < 400 || status == http.StatusNotFound {
		return
	}
	s := stateOf(r.Context())
	refusal := Refusal{Reference: s.reference, Status: status, Page: page, Problem: problemOf(view), Identifier: s.identifier, Client: s.rp}
	if fault, ok := view.(faultView); ok {
		refusal.Page = fault.key
		if s.fromApp {
			refusal.Problem = strings.TrimSuffix(r.URL.Path+": "+fault.cause, ": ")
		}
	}
	if refusal.Reference != "" && (refusal.Identifier != "" || refusal.Client != "" || s.fromApp) {
		k.options.Refused(refusal)
	}
}

// RefusedProgram tells of an answer to a program that refuses, and the log too: what it asked, and the error as it was told.
func (k *Kit) RefusedProgram(r *http.Request, status int, endpoint, problem string) {
	s := stateOf(r.Context())
	k.options.Logger.LogAttrs(r.Context(), slog.LevelInfo, "refused", slog.String("reference", s.reference), slog.Int("status", status),
		slog.String("pattern", r.Pattern), slog.String("problem", problem), slog.String("client_id", s.rp))
	if k.options.Refused != nil && s.reference != "" {
		k.options.Refused(Refusal{Reference: s.reference, Status: status, Page: endpoint, Problem: problem, Client: s.rp})
	}
}

// problemOf is the view's field Problem: the pages' common name for the key of what is wrong.
func problemOf(view any) string {
	v := reflect.ValueOf(view)
	if v.Kind() != reflect.Struct {
		return ""
	}
	if f := v.FieldByName("Problem"); f.IsValid() && f.Kind() == reflect.String {
		return f.String()
	}
	return ""
}

// RefusedAnswer tells of an error that goes to an RP by way of the browser, and returns its number; empty where there is no error.
func (k *Kit) RefusedAnswer(r *http.Request, problem string) (number string) {
	if problem == "" {
		return ""
	}
	k.RefusedProgram(r, http.StatusFound, r.URL.Path, problem)
	return stateOf(r.Context()).reference
}
