// Package web is the kit of the doors that speak HTTP: pages in the person's language, errors with a reference number and a
// way on, headers, cookies, the client's address. It knows no journey and no protocol, and decides nothing about accounts.
//
// A door builds its handlers with Kit.Handle and answers with Kit.Page or by returning a Fault; the composition root wraps
// the whole mux once with Kit.Wrap, and the mux of the pages with Kit.SameOrigin.
package web

import (
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"

	"github.com/portvakt/portvakt/internal/locale"
)

// Options is what a Kit is made of.
type Options struct {
	Issuer         string            // Portvakt's own address; https decides about Secure cookies and HSTS
	Catalogue      *locale.Catalogue // the texts
	Templates      fs.FS             // layout.html, error.html and one file per page
	Static         fs.FS             // stylesheet, scripts, pictures
	TrustedProxies []netip.Prefix    // whose X-Forwarded-For is believed; none by default
	Logger         *slog.Logger      // nil means slog.Default()
	Reload         bool              // parse templates anew for each page; for development, with Templates from os.DirFS
	WayOn          string            // where an error page leads that names no way on; "/account" by default
	Refused        func(Refusal)     // hears of each page that refuses something; it must not wait. nil: nobody
	BodyLimit      int64             // largest request body in bytes; 1 MiB by default
}

// Kit answers in HTML. It is safe for concurrent use.
type Kit struct {
	options Options
	secure  bool
	static  *assets
	pages   pageSets
	guard   *http.CrossOriginProtection
}

// New reads no template yet (see pageSets); that all of them can be read and executed is what webtest and the views' tests see to.
func New(o Options) (*Kit, error) {
	issuer, err := url.Parse(o.Issuer)
	if err != nil || issuer.Host == "" {
		return nil, fmt.Errorf("web: issuer %q is not an absolute address", o.Issuer)
	}
	if o.Catalogue == nil || o.Templates == nil || o.Static == nil {
		return nil, errors.New("web: texts, templates and static files are required")
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if o.WayOn == "" {
		o.WayOn = "/account"
	}
	if o.BodyLimit == 0 {
		o.BodyLimit = 1 << 20
	}
	k := &Kit{options: o, secure: issuer.Scheme == "https", guard: http.NewCrossOriginProtection()}
	if k.static, err = readAssets(o.Static); err != nil {
		return nil, err
	}
	if k.pages, err = k.listPages(); err != nil {
		return nil, err
	}
	// Behind a proxy that rewrites Host, a browser too old for Sec-Fetch-Site is still recognised by the issuer's origin.
	if err := k.guard.AddTrustedOrigin(issuer.Scheme + "://" + issuer.Host); err != nil {
		return nil, fmt.Errorf("web: issuer: %w", err)
	}
	k.guard.SetDenyHandler(k.Handle(func(http.ResponseWriter, *http.Request) error {
		return &Fault{Status: http.StatusForbidden, Key: "error.cross_origin"}
	}))
	return k, nil
}

// SameOrigin refuses a POST that another site began. It belongs around the pages; endpoints that other origins may call by
// their protocol (token, userinfo, the RP's POST to authorize) are mounted outside.
func (k *Kit) SameOrigin(next http.Handler) http.Handler { return k.guard.Handler(next) }

// Cookies returns the cookie jar that fits the issuer's scheme.
func (k *Kit) Cookies() Cookies { return Cookies{Secure: k.secure} }

// functions are the helpers of the templates in one language.
func (k *Kit) functions(l locale.Language) template.FuncMap {
	p := k.options.Catalogue.Printer(l)
	return template.FuncMap{
		"t":        p.T,
		"plural":   p.Plural,
		"datetime": p.DateTime,
		"date":     p.Date,
		"asset":    k.static.url,
		"isotime":  isoTime,
		"address":  breakable,
	}
}
