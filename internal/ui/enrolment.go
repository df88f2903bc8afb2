package ui

import (
	"errors"
	"github.com/portvakt/portvakt/internal/organisation"
	"net/http"

	"github.com/portvakt/portvakt/internal/authn"
	"github.com/portvakt/portvakt/internal/enrolment"
	"github.com/portvakt/portvakt/internal/relyingparty"
	"github.com/portvakt/portvakt/internal/session"
	"github.com/portvakt/portvakt/internal/signin"
	"github.com/portvakt/portvakt/internal/web"
)

// under is one request in an attempt whose person has been proven.
type under struct {
	attempt  authn.Attempt
	rp       relyingparty.RP
	position signin.Position
	r        *http.Request // dressed
}

// page is where an attempt's step is shown.
func (d *Door) page(a authn.Attempt, step authn.Step) string {
	path := map[authn.Step]string{
		authn.AskIdentifier: "/signin/" + a.ID, authn.AskPassword: "/signin/" + a.ID + "/password", authn.AskCode: "/signin/" + a.ID + "/second",
		authn.AskNewPassword: "/signin/" + a.ID + "/new-password",
		authn.AskApp:         "/signin/" + a.ID + "/recovered", authn.Offer: "/enrolment/" + a.ID, authn.AskMail: "/enrolment/" + a.ID + "/mail", authn.Enrol: "/enrolment/" + a.ID + "/choice",
		authn.TryPush: "/enrolment/" + a.ID + "/test", authn.AskPhone: "/enrolment/" + a.ID + "/phone", authn.ShowRecovery: "/enrolment/" + a.ID + "/recovery",
	}[step]
	if path == "" {
		path = "/signin/" + a.ID + "/continue"
	}
	return attemptURL(path, a)
}

// stepURL is page, and the phones come before the code of an app where the account has both.
func (d *Door) stepURL(a authn.Attempt, p signin.Position) string {
	if p.Step == authn.AskCode && p.Facts.Second.Push > 0 {
		return attemptURL("/signin/"+a.ID+"/push", a)
	}
	return d.page(a, p.Step)
}

// onward goes on after a step: with the session, where it was the last, else to the next step.
func (d *Door) onward(w http.ResponseWriter, v under, fresh authn.NewSession) error {
	if fresh.Made {
		memory := d.Visitor.Browser(v.r).Memory
		if v.attempt.Identifier != "" {
			memory = d.Signin.Remember(v.attempt, fresh.Whose, memory)
		}
		d.Visitor.SignedIn(w, v.r, fresh, memory)
	}
	return see(w, v.r, attemptURL("/signin/"+v.attempt.ID+"/continue", v.attempt))
}

// notNow answers a step that is over, or was never this attempt's: on to the one that is.
func (d *Door) notNow(w http.ResponseWriter, v under, err error) error {
	switch {
	case errors.Is(err, enrolment.ErrNotNow), isExpired(err) && v.position.Step <= authn.AskPassword:
		return see(w, v.r, attemptURL("/signin/"+v.attempt.ID+"/continue", v.attempt))
	case isExpired(err):
		return d.restart(w, v.r, v.attempt, err)
	case errors.Is(err, authn.ErrBusy):
		w.Header().Set("Retry-After", "5")
		return &web.Fault{Status: http.StatusServiceUnavailable, Key: "error.busy", Cause: err, On: &web.Link{
			URL: attemptURL("/signin/"+v.attempt.ID+"/continue", v.attempt), Key: "web.continue"}}
	}
	return err
}

func (d *Door) visit(v under) enrolment.Visit {
	return enrolment.Visit{Attempt: v.attempt, Browser: d.Visitor.Browser(v.r), Current: d.Visitor.Session(v.r)}
}

// getOffer handles GET /enrolment/{attempt}: why two-factor authentication, and from when it is required (S11).
func (d *Door) getOffer(w http.ResponseWriter, r *http.Request) error {
	v, done, err := d.second(w, r, authn.Offer, authn.Enrol)
	if done {
		return err
	}
	return d.Kit.Page(w, v.r, http.StatusOK, "enrolment_offer", d.offerView(v))
}

func (d *Door) offerView(v under) EnrolmentOffer {
	second, now := v.position.Facts.Second, d.Visitor.Now()
	view := EnrolmentOffer{Action: attemptURL("/enrolment/"+v.attempt.ID, v.attempt), App: v.rp.Name, Employer: second.Employer,
		Required: second.IsRequired(now) || v.attempt.Goal == authn.Administer, Administers: v.attempt.Goal == authn.Administer}
	if second.Policy.MFA == organisation.Required {
		view.Until = second.Policy.From
	}
	view.Asked = v.rp.Name != "" && v.attempt.Request.IsEssential() && v.attempt.Request.Least().Rank() > session.Pwd.Rank()
	view.Left, view.Counted = second.Left(now)
	return view
}

// postOffer handles POST /enrolment/{attempt}: **Aktivera** or **Påminn mig senare**.
func (d *Door) postOffer(w http.ResponseWriter, r *http.Request) error {
	v, done, err := d.second(w, r, authn.Offer, authn.Enrol)
	if done {
		return err
	}
	answer := d.Enrolment.Start
	switch r.PostFormValue("want") {
	case "on":
	case "later":
		answer = d.Enrolment.Later
	default:
		view := d.offerView(v)
		view.Problem = ProblemOffer
		return d.Kit.Page(w, v.r, http.StatusUnprocessableEntity, "enrolment_offer", view)
	}
	fresh, err := answer(r.Context(), d.visit(v))
	switch {
	case errors.Is(err, enrolment.ErrRequired):
		return see(w, r, d.page(v.attempt, authn.Offer)) // which says so: the day has come meanwhile
	case err != nil:
		return d.notNow(w, v, err)
	}
	return d.onward(w, v, fresh)
}

// getMail handles GET /enrolment/{attempt}/mail: an administrator shows that she reads her mail, before she adds her first app.
func (d *Door) getMail(w http.ResponseWriter, r *http.Request) error { return d.mailPage(w, r, false) }

// getMailSent handles GET /enrolment/{attempt}/mail/sent: the link is on its way.
func (d *Door) getMailSent(w http.ResponseWriter, r *http.Request) error {
	return d.mailPage(w, r, true)
}

func (d *Door) mailPage(w http.ResponseWriter, r *http.Request, sent bool) error {
	v, done, err := d.second(w, r, authn.AskMail)
	if done {
		return err
	}
	second, now := v.position.Facts.Second, d.Visitor.Now()
	view := EnrolmentMail{Action: attemptURL("/enrolment/"+v.attempt.ID+"/mail", v.attempt), Address: v.position.Whose.Address, Sent: sent}
	if second.HasNewAddress(now) {
		view.Guarded = second.AddressChanged.Add(authn.AddressGuard)
	}
	return d.Kit.Page(w, v.r, http.StatusOK, "enrolment_mail", view)
}

// postMail handles POST /enrolment/{attempt}/mail: the link is sent.
func (d *Door) postMail(w http.ResponseWriter, r *http.Request) error {
	v, done, err := d.second(w, r, authn.AskMail)
	if done {
		return err
	}
	page := d.page(v.attempt, authn.AskMail)
	if v.position.Whose.Address == "" || v.position.Facts.Second.HasNewAddress(d.Visitor.Now()) {
		return see(w, r, page) // which says so
	}
	if err := d.Recovery.AskProven(r.Context(), v.attempt, v.position.Whose, d.Visitor.Browser(r)); err != nil {
		return tooManyOr(err)
	}
	return see(w, r, attemptURL("/enrolment/"+v.attempt.ID+"/mail/sent", v.attempt))
}

// getChoice handles GET /enrolment/{attempt}/choice: which app? (S12)
func (d *Door) getChoice(w http.ResponseWriter, r *http.Request) error {
	v, done, err := d.second(w, r, authn.Enrol)
	if done {
		return err
	}
	base, back := "/enrolment/"+v.attempt.ID, "/account"
	switch {
	case v.position.Facts.Progress.Stage == authn.Replacing:
		back = ""
	case v.attempt.Goal == "":
		back = attemptURL(base, v.attempt)
	}
	view := EnrolmentChoice{Action: attemptURL(base+"/choice", v.attempt), BackURL: back, AppURL: d.Enrolment.App, Phone: web.IsPhone(r.UserAgent())}
	if view.QR, err = web.QR(view.AppURL); err != nil {
		return err
	}
	if second := v.position.Facts.Second; v.position.Facts.Progress.Stage == authn.Replacing && second.MayTurnOff(v.position.Facts.Progress, d.Visitor.Now()) {
		view.OffAction = attemptURL(base+"/off", v.attempt)
	}
	return d.Kit.Page(w, v.r, http.StatusOK, "enrolment_choice", view)
}

// postOff handles POST /enrolment/{attempt}/off: **Stäng av tvåfaktorsautentisering**, after the recovery code.
func (d *Door) postOff(w http.ResponseWriter, r *http.Request) error {
	v, done, err := d.second(w, r, authn.Enrol)
	if done {
		return err
	}
	fresh, err := d.Enrolment.TurnOff(r.Context(), d.visit(v))
	switch {
	case errors.Is(err, enrolment.ErrRequired):
		return see(w, r, d.page(v.attempt, authn.Enrol)) // policy has changed meanwhile: the page has no such button any more
	case err != nil:
		return d.notNow(w, v, err)
	}
	return d.onward(w, v, fresh)
}

// postChoice handles POST /enrolment/{attempt}/choice: **Nästa**, to Portvakt's own app, or a key for another one is made.
func (d *Door) postChoice(w http.ResponseWriter, r *http.Request) error {
	v, done, err := d.second(w, r, authn.Enrol)
	if done {
		return err
	}
	if r.PostFormValue("want") == "own" {
		return d.startPairing(w, v)
	}
	if err := d.Enrolment.MakeKey(r.Context(), d.visit(v)); err != nil {
		return d.notNow(w, v, err)
	}
	return see(w, r, attemptURL("/enrolment/"+v.attempt.ID+"/app", v.attempt))
}

// getApp handles GET /enrolment/{attempt}/app: the picture to scan, and the key to copy (S14).
func (d *Door) getApp(w http.ResponseWriter, r *http.Request) error {
	v, done, err := d.second(w, r, authn.Enrol)
	if done {
		return err
	}
	uri, groups, err := d.Enrolment.Key(d.stateOf(v))
	if err != nil {
		return see(w, r, d.page(v.attempt, authn.Enrol))
	}
	picture, err := web.QR(uri)
	if err != nil {
		return err
	}
	base := "/enrolment/" + v.attempt.ID
	return d.Kit.Page(w, v.r, http.StatusOK, "enrolment_app", EnrolmentApp{QR: picture, Key: groups, KeyURL: web.RegisteredURL(uri),
		NextURL: attemptURL(base+"/code", v.attempt), BackURL: attemptURL(base+"/choice", v.attempt), Phone: web.IsPhone(r.UserAgent())})
}

func (d *Door) stateOf(v under) enrolment.Under {
	return enrolment.Under{Progress: v.position.Facts.Progress, Account: v.position.Whose, Second: v.position.Facts.Second}
}

func codeView(v under) EnrolmentCode {
	base := "/enrolment/" + v.attempt.ID
	return EnrolmentCode{Action: attemptURL(base+"/code", v.attempt), BackURL: attemptURL(base+"/app", v.attempt)}
}

// getCode handles GET /enrolment/{attempt}/code: the app's first code.
func (d *Door) getCode(w http.ResponseWriter, r *http.Request) error {
	v, done, err := d.second(w, r, authn.Enrol)
	if done {
		return err
	}
	if _, _, err := d.Enrolment.Key(d.stateOf(v)); err != nil {
		return see(w, r, d.page(v.attempt, authn.Enrol))
	}
	return d.Kit.Page(w, v.r, http.StatusOK, "enrolment_code", codeView(v))
}

// postCode handles POST /enrolment/{attempt}/code: it binds the app.
func (d *Door) postCode(w http.ResponseWriter, r *http.Request) error {
	v, done, err := d.second(w, r, authn.Enrol)
	if done {
		return err
	}
	view, typed := codeView(v), r.PostFormValue("code")
	view.Name = r.PostFormValue("name")
	if typed == "" {
		view.Problem = ProblemCodeMissing
		return d.Kit.Page(w, v.r, http.StatusUnprocessableEntity, "enrolment_code", view)
	}
	fresh, err := d.Enrolment.Confirm(r.Context(), d.visit(v), typed, r.PostFormValue("name"))
	switch {
	case isProblem(err):
		view.Problem = ProblemCodeWrong
		return d.Kit.Page(w, v.r, http.StatusUnprocessableEntity, "enrolment_code", view)
	case errors.Is(err, enrolment.ErrTooMany):
		return &web.Fault{Status: http.StatusConflict, Key: "error.too_many_apps", Cause: err}
	case err != nil:
		return d.notNow(w, v, err)
	}
	return d.onward(w, v, fresh)
}

// recoveryView is the page that shows a new recovery code.
func (d *Door) recoveryView(v under) (EnrolmentRecovery, error) {
	code, err := d.Enrolment.Code(d.stateOf(v))
	base := "/enrolment/" + v.attempt.ID
	return EnrolmentRecovery{Action: attemptURL(base+"/recovery", v.attempt), Code: code.Reveal(), DownloadURL: attemptURL(base+"/recovery.txt", v.attempt),
		Again: v.position.Facts.Progress.Has(authn.MethodRecovery)}, err
}

// getNewRecovery handles GET /enrolment/{attempt}/recovery: the new recovery code, until it is saved (S16).
func (d *Door) getNewRecovery(w http.ResponseWriter, r *http.Request) error {
	v, done, err := d.second(w, r, authn.ShowRecovery)
	if done {
		return err
	}
	view, err := d.recoveryView(v)
	if err != nil {
		return d.notNow(w, v, err)
	}
	return d.Kit.Page(w, v.r, http.StatusOK, "enrolment_recovery", view)
}

// getRecoveryFile handles GET /enrolment/{attempt}/recovery.txt: the same code as a file to keep.
func (d *Door) getRecoveryFile(w http.ResponseWriter, r *http.Request) error {
	v, done, err := d.second(w, r, authn.ShowRecovery)
	if done {
		return err
	}
	view, err := d.recoveryView(v)
	if err != nil {
		return d.notNow(w, v, err)
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Content-Disposition", `attachment; filename="portvakt.txt"`)
	_, err = w.Write([]byte(view.Code + "\n"))
	return err
}

// postNewRecovery handles POST /enrolment/{attempt}/recovery: **Klar**.
func (d *Door) postNewRecovery(w http.ResponseWriter, r *http.Request) error {
	v, done, err := d.second(w, r, authn.ShowRecovery)
	if done {
		return err
	}
	if r.PostFormValue("saved") != "on" {
		view, err := d.recoveryView(v)
		if err != nil {
			return d.notNow(w, v, err)
		}
		view.Problem = ProblemNotSaved
		return d.Kit.Page(w, v.r, http.StatusUnprocessableEntity, "enrolment_recovery", view)
	}
	fresh, err := d.Enrolment.SaveCode(r.Context(), d.visit(v))
	if err != nil {
		return d.notNow(w, v, err)
	}
	return d.onward(w, v, fresh)
}

// getRecovered handles GET /signin/{attempt}/recovered: is the app still there?
func (d *Door) getRecovered(w http.ResponseWriter, r *http.Request) error {
	v, done, err := d.second(w, r, authn.AskApp)
	if done {
		return err
	}
	second, now := v.position.Facts.Second, d.Visitor.Now()
	view := SignInRecovered{Action: attemptURL("/signin/"+v.attempt.ID+"/recovered", v.attempt), App: v.rp.Name, Required: second.IsRequired(now)}
	if !second.MayReplace(v.position.Facts.Progress, now) {
		view.Guarded = second.AddressChanged.Add(authn.AddressGuard)
	}
	return d.Kit.Page(w, v.r, http.StatusOK, "signin_recovered", view)
}

// postRecovered handles POST /signin/{attempt}/recovered.
func (d *Door) postRecovered(w http.ResponseWriter, r *http.Request) error {
	v, done, err := d.second(w, r, authn.AskApp)
	if done {
		return err
	}
	want := r.PostFormValue("want")
	if want != "keep" && want != "gone" {
		return see(w, r, d.page(v.attempt, authn.AskApp))
	}
	fresh, err := d.Enrolment.Recovered(r.Context(), d.visit(v), want == "keep")
	switch {
	case errors.Is(err, enrolment.ErrGuarded):
		return see(w, r, d.page(v.attempt, authn.AskApp)) // which says until when
	case err != nil:
		return d.notNow(w, v, err)
	}
	return d.onward(w, v, fresh)
}
