package admin

import (
	"errors"
	"io"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/portvakt/portvakt/internal/authn"
	"github.com/portvakt/portvakt/internal/organisation"
	"github.com/portvakt/portvakt/internal/web"
)

// fresh asks for a proof that is not older than five minutes, before a change of who may do what (RULES §3). Where it returns
// done, it has led to the login; the form is pressed again afterwards.
func (d *Door) fresh(v visit) (done bool, err error) {
	_, _, _, err = d.Signin.Authn.Fresh(v.r.Context(), d.owner(v))
	if !errors.Is(err, authn.ErrStale) {
		return err != nil, err
	}
	return true, d.begin(v.w, v.r, v.by.Account.Address)
}

// getSettings handles GET /settings.
func (d *Door) getSettings(v visit) error {
	view, err := d.settingsView(v)
	if err != nil {
		return err
	}
	return d.page(v, http.StatusOK, "settings", view)
}

func (d *Door) settingsView(v visit) (Settings, error) {
	p := v.org.Policy
	view := Settings{Frame: d.frame(v, "/settings"), Action: v.url("/settings"), LookAction: v.url("/look"), SenderURL: v.url("/sender"), MFA: string(p.MFA), SignIns: p.SignIns,
		RememberDays: p.RememberDays, TypedPush: p.TypedPush, LeastMin: organisation.LeastMinPassword, MinPassword: max(p.MinPassword, organisation.LeastMinPassword),
		Name: v.org.Name, Colour: v.org.Colour}
	if !p.From.IsZero() {
		view.From = p.From.UTC().Format(time.DateOnly)
	}
	var networks []string
	for _, n := range v.org.Networks {
		networks = append(networks, n.String())
	}
	view.Networks = strings.Join(networks, "\n")
	if v.org.Logo.MediaType != "" {
		view.LogoURL = v.url("/logo")
	}
	if v.org.Colour != "" {
		view.StyleURL = "/brand/" + string(v.org.ID) + "/style.css"
	}
	var err error
	view.Accounts, view.Second, err = d.Provisioning.Store.CountSecond(v.r.Context(), v.org.ID)
	view.Without, view.Forecast = view.Accounts-view.Second, view.Accounts > 0
	return view, err
}

// postSettings handles POST /settings: the policy.
func (d *Door) postSettings(v visit) error {
	if done, err := d.fresh(v); done {
		return err
	}
	change, problem := readPolicy(v.r, v.org)
	if problem == "" {
		if _, err := d.Provisioning.ReplaceOrganisation(v.r.Context(), v.by, change, v.r.PostFormValue("reason")); err == nil {
			return v.back("/settings", "saved")
		} else if !errors.Is(err, organisation.ErrBadPolicy) {
			return err
		}
		problem = "admin.settings.problem_policy"
	}
	v.org = change
	view, err := d.settingsView(v)
	if err != nil {
		return err
	}
	view.Problem = problem
	view.From, view.Networks = v.r.PostFormValue("from"), v.r.PostFormValue("networks")
	return d.page(v, http.StatusUnprocessableEntity, "settings", view)
}

// readPolicy is what the form says; problem is the key of what cannot be read.
func readPolicy(r *http.Request, o organisation.Organisation) (_ organisation.Organisation, problem string) {
	p := organisation.Policy{MFA: organisation.MFA(r.PostFormValue("mfa")), TypedPush: r.PostFormValue("typed_push") == "on"}
	numbers := map[string]*int{"remember_days": &p.RememberDays, "min_password": &p.MinPassword}
	if day := strings.TrimSpace(r.PostFormValue("from")); day != "" && p.MFA == organisation.Required {
		from, err := time.Parse(time.DateOnly, day)
		if err != nil {
			return o, "admin.settings.problem_day"
		}
		p.From, numbers["signins"] = from, &p.SignIns
	}
	for field, to := range numbers {
		n, err := strconv.Atoi(strings.TrimSpace(r.PostFormValue(field)))
		if err != nil {
			return o, "admin.settings.problem_number"
		}
		*to = n
	}
	o.Policy, o.Networks = p, nil
	for line := range strings.FieldsSeq(r.PostFormValue("networks")) {
		n, err := netip.ParsePrefix(line)
		if err != nil {
			addr, errAddr := netip.ParseAddr(line)
			if errAddr != nil {
				return o, "admin.settings.problem_network"
			}
			n = netip.PrefixFrom(addr, addr.BitLen())
		}
		o.Networks = append(o.Networks, n.Masked())
	}
	if o.Check() != nil && errors.Is(o.Check(), organisation.ErrBadNetworks) {
		return o, "admin.settings.problem_network"
	}
	return o, ""
}

// lookProblems are the texts for why a look is refused.
var lookProblems = []struct {
	err error
	key string
}{
	{organisation.ErrBadName, "admin.settings.problem_name"},
	{organisation.ErrBadColour, "admin.settings.problem_colour"},
	{organisation.ErrLogoTooLarge, "admin.settings.problem_logo_size"},
	{organisation.ErrLogoTooWide, "admin.settings.problem_logo_size"},
	{organisation.ErrLogoKind, "admin.settings.problem_logo"},
	{organisation.ErrLogoBroken, "admin.settings.problem_logo"},
	{organisation.ErrLogoBlank, "admin.settings.problem_logo"},
}

// postLook handles POST /look: name, colour and logo; or a preview of them, which changes nothing.
func (d *Door) postLook(v visit) error {
	change := v.org
	change.Name, change.Colour = strings.TrimSpace(v.r.PostFormValue("name")), strings.TrimSpace(v.r.PostFormValue("colour"))
	if v.r.PostFormValue("no_logo") == "on" {
		change.Logo = organisation.Logo{}
	}
	err := readLogo(v.r, &change)
	if err == nil {
		err = change.Check()
	}
	if err == nil && v.r.PostFormValue("want") != "preview" {
		if _, err = d.Provisioning.ReplaceOrganisation(v.r.Context(), v.by, change, ""); err == nil {
			return v.back("/settings", "saved")
		}
	}
	problem := ""
	for _, p := range lookProblems {
		if errors.Is(err, p.err) {
			problem = p.key
		}
	}
	if err != nil && problem == "" {
		return err
	}
	stored := v.org.Colour
	v.org.Name, v.org.Colour = change.Name, change.Colour
	view, err := d.settingsView(v)
	if err != nil {
		return err
	}
	view.LookProblem, view.Preview = problem, problem == ""
	if view.Preview && change.Colour != stored {
		view.StyleURL = "/admin/preview.css?colour=" + strings.TrimPrefix(change.Colour, "#")
	}
	status := http.StatusOK
	if problem != "" {
		status = http.StatusUnprocessableEntity
	}
	return d.page(v, status, "settings", view)
}

// readLogo takes the picture of a form that has one.
func readLogo(r *http.Request, o *organisation.Organisation) error {
	if r.MultipartForm == nil {
		return nil
	}
	for _, header := range r.MultipartForm.File["logo"] {
		if header.Size == 0 {
			continue
		}
		f, err := header.Open()
		if err != nil {
			return err
		}
		defer f.Close()
		data, err := io.ReadAll(io.LimitReader(f, organisation.MaxLogo+1))
		if err != nil {
			return err
		}
		if o.Logo, err = organisation.ParseLogo(data); err != nil {
			return err
		}
	}
	return nil
}

// getPreview handles GET /admin/preview.css: a colour that nobody has saved yet, corrected for contrast.
func (d *Door) getPreview(w http.ResponseWriter, r *http.Request) error {
	w.Header().Set("Content-Type", "text/css; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	_, err := w.Write(web.BrandCSS("#" + r.URL.Query().Get("colour")))
	return err
}

// getLogo handles GET /logo, as the people's pages show it.
func (d *Door) getLogo(v visit) error { return see(v.w, v.r, "/brand/"+string(v.org.ID)+"/logo") }
