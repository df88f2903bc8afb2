// Package admin is the door for administrators: the console at /admin. It speaks HTML to a browser, calls one use case per
// request, and answers with a page. Each route names the right that it asks for, in one table (routes.go); the organisation
// stands in the address, and whoever has no such right there gets the answer for an address that leads nowhere.
package admin

import (
	"embed"
	"errors"
	"io/fs"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/portvakt/portvakt/internal/administration"
	"github.com/portvakt/portvakt/internal/administrator"
	"github.com/portvakt/portvakt/internal/authn"
	"github.com/portvakt/portvakt/internal/enrolment"
	"github.com/portvakt/portvakt/internal/locale"
	"github.com/portvakt/portvakt/internal/organisation"
	"github.com/portvakt/portvakt/internal/preparation"
	"github.com/portvakt/portvakt/internal/provisioning"
	"github.com/portvakt/portvakt/internal/recovery"
	"github.com/portvakt/portvakt/internal/signin"
	"github.com/portvakt/portvakt/internal/transition"
	"github.com/portvakt/portvakt/internal/visitor"
	"github.com/portvakt/portvakt/internal/web"
)

// Door is the door for administrators.
type Door struct {
	Administration *administration.Service
	Provisioning   *provisioning.Service
	Transition     *transition.Service
	Preparation    *preparation.Service
	Enrolment      *enrolment.Service
	Recovery       *recovery.Service
	Signin         *signin.Service
	Visitor        visitor.Kit
	Kit            *web.Kit // with this door's templates
	Catalogue      *locale.Catalogue
	Now            func() time.Time

	uploading places
}

// places bound how many files come in at once: each may hold a hundred megabytes while it is read.
type places struct{ taken atomic.Int32 }

// mostUploads is how many files one node takes in at once.
const mostUploads = 2

// TryAcquire takes a place; false where all are taken.
func (p *places) TryAcquire() bool {
	if p.taken.Add(1) > mostUploads {
		p.taken.Add(-1)
		return false
	}
	return true
}

// Release gives the place back.
func (p *places) Release() { p.taken.Add(-1) }

// "all:" takes the shared parts too, whose names begin with an underscore.
//
//go:embed all:templates
var templates embed.FS

//go:embed static
var static embed.FS

// Templates returns the page templates, embedded in the binary, for web.Options.
func Templates() fs.FS { return sub(templates, "templates") }

// Static returns the console's stylesheet and scripts, which stand beside those of the other pages.
func Static() fs.FS { return sub(static, "static") }

func sub(f embed.FS, dir string) fs.FS {
	s, err := fs.Sub(f, dir)
	if err != nil {
		panic(err) // the folder is embedded by this file: it cannot be missing
	}
	return s
}

// visit is one administrator's request about one organisation.
type visit struct {
	by  administrator.Administrator
	org organisation.Organisation
	w   http.ResponseWriter
	r   *http.Request
}

// may says whether the visitor has a right here, for what a page shows.
func (v visit) may(right administrator.Right) bool { return v.by.May(v.org.ID, right) }

// url is the address of a page about the visit's organisation.
func (v visit) url(path string) string { return orgURL(v.org.ID, path) }

func orgURL(o organisation.ID, path string) string { return "/admin/organisations/" + string(o) + path }

// enter lets an administrator in. Where it returns done, it has answered: with the way to a login that is worth enough.
func (d *Door) enter(w http.ResponseWriter, r *http.Request) (by administrator.Administrator, dressed *http.Request, done bool, err error) {
	by, err = d.Administration.Enter(r.Context(), d.Visitor.Session(r))
	switch {
	case errors.Is(err, administration.ErrNobody), errors.Is(err, administration.ErrStepUp):
		return by, r, true, d.begin(w, r, "")
	case errors.Is(err, administrator.ErrForbidden):
		return by, r, true, &web.Fault{Status: http.StatusForbidden, Key: "admin.error.nobody", On: &web.Link{URL: "/account", Key: "admin.to_account"}}
	case err != nil:
		return by, r, true, err
	}
	return by, web.WithOwnLanguage(r, by.Account.Language), false, nil
}

// begin starts a sign-in that is worth enough and ends at the page that was asked for. What a form has sent is not kept.
func (d *Door) begin(w http.ResponseWriter, r *http.Request, address string) error {
	back := r.URL.RequestURI()
	if r.Method != http.MethodGet {
		back = "/admin"
		if from, err := url.Parse(r.Referer()); err == nil && from.Host == r.Host && strings.HasPrefix(from.Path, "/admin/") {
			back = from.RequestURI()
		}
	}
	if len(back) > maxBack {
		back = "/admin"
	}
	a, cookie, err := d.Signin.Administer(back, address, string(web.Language(r.Context())))
	if err != nil {
		return err
	}
	d.Visitor.KeepAttempt(w, r, a.ID, cookie)
	return see(w, r, "/signin/"+a.ID+"/continue")
}

// maxBack is the longest address to which a sign-in leads back; it rests in the attempt's cookie.
const maxBack = 300

// guarded is a handler behind its right: the visitor has it in the organisation that the address names.
func (d *Door) guarded(right administrator.Right, h func(v visit) error) web.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) error {
		by, r, done, err := d.enter(w, r)
		if done {
			return err
		}
		id := organisation.ID(r.PathValue("organisation"))
		if !by.May(id, right) {
			return errNotFound
		}
		o, ok, err := d.Provisioning.Store.FindOrganisation(r.Context(), id)
		if err != nil {
			return err
		}
		if !ok {
			return errNotFound
		}
		return h(visit{by: by, org: o, w: w, r: r})
	}
}

// errNotFound is the one answer for what is not there and what is somebody else's.
var errNotFound = &web.Fault{Status: http.StatusNotFound, Key: "error.not_found", On: &web.Link{URL: "/admin", Key: "admin.home"}}

// own leads from an address without an organisation to the same one of the visitor's own, or to the choice of one.
func (d *Door) own(path string) web.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) error {
		by, r, done, err := d.enter(w, r)
		if done {
			return err
		}
		all, err := d.Administration.Organisations(r.Context(), by)
		if err != nil {
			return err
		}
		if len(all) == 1 {
			return see(w, r, orgURL(all[0].ID, path))
		}
		view := Home{Frame: Frame{Who: who(by), SignOutAction: "/signout"}, Operator: by.Operator}
		for _, o := range all {
			view.Organisations = append(view.Organisations, HomeRow{Name: o.Name, URL: orgURL(o.ID, path), Role: roleOf(by, o.ID)})
		}
		return d.Kit.Page(w, r, http.StatusOK, "home", view)
	}
}

// roleOf is the key of the visitor's role's name.
func roleOf(by administrator.Administrator, o organisation.ID) string {
	if role, ok := by.Roles[o]; ok {
		return roleKeys[role]
	}
	return roleOperator
}

func who(by administrator.Administrator) string {
	if name := strings.TrimSpace(by.Account.GivenName + " " + by.Account.FamilyName); name != "" {
		return name
	}
	return by.Account.Address
}

// page answers with a page of the console.
func (d *Door) page(v visit, status int, name string, view any) error {
	return d.Kit.Page(v.w, v.r, status, name, view)
}

// frame is what stands around a page: where the visitor is and where else she may go. section is the page's part of the house.
func (d *Door) frame(v visit, section string) Frame {
	f := Frame{Organisation: v.org.Name, Who: who(v.by), SignOutAction: "/signout", Several: v.by.Operator || len(v.by.Roles) > 1,
		Notice: notices[v.r.URL.Query().Get("notice")]}
	for _, s := range sections {
		if v.may(s.right) {
			f.Sections = append(f.Sections, Section{Key: s.key, URL: v.url(s.path), Current: s.path == section})
		}
	}
	return f
}

// see answers 303.
func see(w http.ResponseWriter, r *http.Request, to string) error {
	http.Redirect(w, r, to, http.StatusSeeOther)
	return nil
}

// back goes to a page of the organisation, with a notice of what has been done.
func (v visit) back(path, notice string) error {
	to := v.url(path)
	if notice != "" {
		sep := "?"
		if strings.Contains(path, "?") {
			sep = "&"
		}
		to += sep + "notice=" + notice
	}
	return see(v.w, v.r, to)
}

// owner is the visitor as the one who looks after her own account, for what asks for a fresh proof.
func (d *Door) owner(v visit) authn.Owner {
	return authn.Owner{Browser: d.Visitor.Browser(v.r), Current: d.Visitor.Session(v.r)}
}
