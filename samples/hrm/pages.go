package hrm

import (
	"cmp"
	"embed"
	"html/template"
	"net/http"
	"strconv"
	"time"

	"golang.org/x/text/language"
	"golang.org/x/text/message"
)

//go:embed static
var static embed.FS

//go:embed templates
var templates embed.FS

// pages holds each page's template, joined with the layout.
type pages map[string]*template.Template

func parsePages() pages {
	p := pages{}
	for _, name := range []string{"start", "home", "payslips", "time", "bankaccount", "notice"} {
		p[name] = template.Must(template.ParseFS(templates, "templates/layout.html", "templates/"+name+".html"))
	}
	return p
}

// view is what a template sees.
type view struct {
	Lang     string
	Path     string
	Employer string
	Employee *Employee // nil when nobody is signed in
	Email    string
	Payslips []payslip
	Days     []day
	Account  string // where the pay goes, masked
	Typed    string // what was typed instead, when it can be no account
	Problem  bool
	Changed  bool
	Key      string // of a notice's texts
	Way      string // on from a notice: "login", "out", "bank" or "home"
	Ref      string // joins a failure's page and its log line
}

// T is the text of a key in the page's language.
func (v view) T(key string) string { return texts[v.Lang][key] }

// Money writes an amount in kronor.
func (v view) Money(kronor int) string {
	return message.NewPrinter(language.Make(v.Lang)).Sprintf(v.T("money"), kronor)
}

// Day writes a day without its year, for what is near.
func (v view) Day(t time.Time) string {
	return strconv.Itoa(t.Day()) + " " + months[v.Lang][t.Month()-1]
}

// Date writes a day of the calendar.
func (v view) Date(t time.Time) string { return v.Day(t) + t.Format(" 2006") }

// Month writes a month and its year.
func (v view) Month(t time.Time) string { return months[v.Lang][t.Month()-1] + t.Format(" 2006") }

// Weekday writes the name of a day.
func (v view) Weekday(t time.Time) string { return weekdays[v.Lang][t.Weekday()] }

func (a *App) render(w http.ResponseWriter, r *http.Request, status int, page string, v view) {
	v.Lang, v.Path, v.Employer = a.rememberLang(w, r), r.URL.Path, cmp.Or(v.Employer, a.cfg.Employer)
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Vary", "Accept-Language, Cookie")
	w.WriteHeader(status)
	if err := a.pages[page].ExecuteTemplate(w, "layout", v); err != nil {
		a.cfg.Log.Error("hrm: page not written", "page", page, "error", err)
	}
}

// signedIn keeps a page for people whom HRM knows; others start at the start page.
func (a *App) signedIn(page func(http.ResponseWriter, *http.Request, view)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if v, ok := a.viewOf(r); ok {
			page(w, r, v)
			return
		}
		http.Redirect(w, r, "/", http.StatusSeeOther)
	}
}

// viewOf is the page's view for the employee who asks.
func (a *App) viewOf(r *http.Request) (view, bool) {
	s, in := a.current(r)
	employee, known := a.records.employees[s.Key]
	if !in || !known {
		return view{}, false
	}
	now := a.cfg.Now()
	return view{Employee: &employee, Employer: s.Company, Email: s.Email, Payslips: payslipsOf(s.Key, now), Days: daysOf(s.Key, now)}, true
}

func (a *App) showStart(w http.ResponseWriter, r *http.Request) {
	v, known := a.viewOf(r)
	_, in := a.current(r)
	switch {
	case known:
		a.render(w, r, http.StatusOK, "home", v)
	case in:
		a.render(w, r, http.StatusForbidden, "notice", view{Key: "norecord", Way: "out"})
	default:
		a.render(w, r, http.StatusOK, "start", view{})
	}
}

func (a *App) showPayslips(w http.ResponseWriter, r *http.Request, v view) {
	a.render(w, r, http.StatusOK, "payslips", v)
}

func (a *App) showTime(w http.ResponseWriter, r *http.Request, v view) {
	a.render(w, r, http.StatusOK, "time", v)
}

func (a *App) showNotFound(w http.ResponseWriter, r *http.Request) {
	a.render(w, r, http.StatusNotFound, "notice", view{Key: "missing", Way: "home"})
}
