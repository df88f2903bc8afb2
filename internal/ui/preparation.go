package ui

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/portvakt/portvakt/internal/authn"
	"github.com/portvakt/portvakt/internal/organisation"
	"github.com/portvakt/portvakt/internal/preparation"
	"github.com/portvakt/portvakt/internal/recovery"
	"github.com/portvakt/portvakt/internal/relyingparty"
	"github.com/portvakt/portvakt/internal/secret"
	"github.com/portvakt/portvakt/internal/web"
)

// invited is one request to the page of a preparation link.
type invited struct {
	token  secret.Token
	opened preparation.Opened
	action string // the link's own address
}

// invite reads the link that the URL names. Where it does not work, it answers with the page that says what there is to do and returns
// done.
func (d *Door) invite(w http.ResponseWriter, r *http.Request) (v invited, dressed *http.Request, done bool, err error) {
	v.token = secret.Token(r.PathValue("token"))
	v.action = "/preparation/" + v.token.Reveal()
	v.opened, err = d.Preparation.Look(r.Context(), v.token, d.Visitor.Session(r))
	r = web.WithUILocales(r, v.opened.Language)
	if v.opened.Organisation != "" {
		var errBrand error
		if r, errBrand = d.branded(r, relyingparty.RP{Organisations: []organisation.ID{v.opened.Organisation}}); errBrand != nil {
			return v, r, true, errBrand
		}
	}
	if errors.Is(err, authn.ErrNoLink) {
		return v, r, true, d.uninvited(w, r, v)
	}
	return v, r, err != nil, err
}

// uninvited answers a link that does not work, or not any more. The second of two presses finds the work done.
func (d *Door) uninvited(w http.ResponseWriter, r *http.Request, v invited) error {
	switch o := v.opened; {
	case (o.Ready || o.Answered) && r.Method == http.MethodPost:
		return see(w, r, v.action+"/done")
	case o.Ready:
		return d.readyPage(w, r, v)
	case o.Answered:
		return d.Kit.Page(w, r, http.StatusOK, "preparation_answered", PreparationAnswered{Employer: o.Employer, Objected: o.Purpose == preparation.Object})
	}
	return d.uninvitedPage(w, r, http.StatusGone, v, "")
}

func (d *Door) uninvitedPage(w http.ResponseWriter, r *http.Request, status int, v invited, problem string) error {
	view := PreparationGone{Problem: problem, Sheet: v.opened.Purpose == preparation.Sheet}
	if v.opened.Renewable && v.opened.Purpose == preparation.Confirm {
		view.Action, view.PlainURL, view.ChallengeURL = v.action+"/renew", v.action+"/renew/plain", v.action+"/challenge"
	}
	return d.Kit.Page(w, r, status, "preparation_gone", view)
}

// readyPage says that the person is connected, and where to go.
func (d *Door) readyPage(w http.ResponseWriter, r *http.Request, v invited) error {
	o := v.opened
	view := PreparationDone{FirstName: o.FirstName, Employer: o.Employer, Address: shown(o), Phone: o.Phone, Number: d.ownNumber(r, o), Sheet: o.Purpose.IsUnaddressed(), Switched: switched(o), SwitchOn: d.toCome(o)}
	if view.Switched {
		apps, err := d.Preparation.Apps(r.Context(), o, d.Signin.Issuer)
		if err != nil {
			return err
		}
		for _, a := range apps {
			view.Apps = append(view.Apps, PreparationApp(a))
		}
	}
	return d.Kit.Page(w, r, http.StatusOK, "preparation_done", view)
}

// ownNumber is how somebody without an address logs in. Whoever finds a used sheet does not learn it: it is shown in a browser that
// knows the account (RULES §7).
func (d *Door) ownNumber(r *http.Request, o preparation.Opened) string {
	if !o.Purpose.IsUnaddressed() || !d.Visitor.Browser(r).Memory.Knows(d.Visitor.Keys, o.Identifier) {
		return ""
	}
	return o.Identifier.Shown()
}

// shown is what the person has read the link at: the address, or the phone, whose owner holds it in her hand.
func shown(o preparation.Opened) string {
	if o.Phone {
		return o.Identifier.Shown()
	}
	return o.Address
}

func switched(o preparation.Opened) bool { return o.Transition.Phase != organisation.Preparation }

// toCome is the day of the switch, if it is still to come.
func (d *Door) toCome(o preparation.Opened) time.Time {
	if switched(o) || !o.Transition.SwitchOn.After(d.Visitor.Now()) {
		return time.Time{}
	}
	return o.Transition.SwitchOn
}

// getPreparation handles GET /preparation/{token}, to which the mails of a transition lead. It only looks: mail scanners open links
// too.
func (d *Door) getPreparation(w http.ResponseWriter, r *http.Request) error {
	v, r, done, err := d.invite(w, r)
	if done {
		return err
	}
	if strings.HasSuffix(r.URL.Path, "/done") {
		return see(w, r, v.action) // it is not
	}
	d.Preparation.NoteOpening(v.opened)
	return d.invitedPage(w, r, http.StatusOK, v, "")
}

func (d *Door) invitedPage(w http.ResponseWriter, r *http.Request, status int, v invited, problem string) error {
	o, plain, challenge := v.opened, v.action+"/plain", v.action+"/challenge"
	switch {
	case o.Purpose == preparation.Proposed:
		return d.Kit.Page(w, r, status, "preparation_proposed", PreparationProposed{Action: v.action, PlainURL: plain, ChallengeURL: challenge,
			Employer: o.Employer, Address: o.Address, Problem: problem})
	case o.Purpose == preparation.Object:
		return d.Kit.Page(w, r, status, "preparation_objection", PreparationObjection{Action: v.action, PlainURL: plain, ChallengeURL: challenge,
			Employer: o.Employer, Address: o.Address, Problem: problem})
	case o.HasAccount:
		view := PreparationConnect{Employer: o.Employer, Address: shown(o), Phone: o.Phone, Mine: o.Mine, Stale: o.Stale}
		if o.Mine {
			view.Action = v.action + "/connect"
		} else {
			view.SignInURL = v.action + "/signin"
		}
		if !o.Mine && !o.Stale {
			view.Other = o.SignedIn
		}
		return d.Kit.Page(w, r, status, "preparation_connect", view)
	case o.Purpose.IsUnaddressed():
		// Of her number nothing stands in the page, not even for the password's rules: the sheet may be in a stranger's hands.
		return d.Kit.Page(w, r, status, "preparation_sheet", PreparationSheet{Action: v.action, PlainURL: plain, ChallengeURL: challenge, FirstName: o.FirstName,
			Employer: o.Employer, Switched: switched(o), SwitchOn: d.toCome(o), MinLength: o.Rules.Min, MaxLength: recovery.MaxLength,
			Words: shownWords([]string{o.FirstName, o.Employer}), Problem: problem, Password: isPasswordProblem(problem)})
	}
	view := PreparationConfirm{Action: v.action, PlainURL: plain, ChallengeURL: challenge, FirstName: o.FirstName, Employer: o.Employer, Address: shown(o),
		Switched: switched(o), SwitchOn: d.toCome(o), MinLength: o.Rules.Min, MaxLength: recovery.MaxLength, Words: shownWords(o.Rules.Words), Problem: problem}
	view.Password = isPasswordProblem(problem)
	view.Unfolded = view.Password || view.Switched || r.PostFormValue("new_password") != ""
	view.Unfolded, view.Phone = view.Unfolded || o.Phone, o.Phone
	if mayPropose(v) {
		view.AddressURL = v.action + "/address"
	}
	return d.Kit.Page(w, r, status, "preparation_confirm", view)
}

func isPasswordProblem(problem string) bool {
	return problem != "" && problem != ProblemRobot && problem != ProblemBusy
}

// postPreparation handles POST /preparation/{token}: the press that consumes the link, whatever it is for.
func (d *Door) postPreparation(w http.ResponseWriter, r *http.Request) error {
	return d.pressInvited(w, r, false)
}

// postPreparationPlain handles POST /preparation/{token}/plain: the same without JavaScript.
func (d *Door) postPreparationPlain(w http.ResponseWriter, r *http.Request) error {
	return d.pressInvited(w, r, true)
}

func (d *Door) pressInvited(w http.ResponseWriter, r *http.Request, plain bool) error {
	v, r, done, err := d.invite(w, r)
	if done {
		return err
	}
	press := preparation.Press{Token: v.token, Answer: r.PostFormValue("robot"), Plain: plain, NewPassword: r.PostFormValue("new_password")}
	browser := d.Visitor.Browser(r)
	switch v.opened.Purpose {
	case preparation.Proposed:
		err = d.Preparation.ConfirmProposed(r.Context(), press, browser)
	case preparation.Object:
		err = d.Preparation.Object(r.Context(), press, browser)
	default:
		if v.opened.Phone && press.NewPassword == "" {
			return d.invitedPage(w, r, http.StatusUnprocessableEntity, v, ProblemNewPasswordMissing)
		}
		if press.NewPassword != r.PostFormValue("repeat_password") {
			return d.invitedPage(w, r, http.StatusUnprocessableEntity, v, ProblemNewPasswordRepeat)
		}
		err = d.Preparation.Confirm(r.Context(), press, v.opened, browser)
	}
	if err != nil {
		return d.invitedProblem(w, r, v, err)
	}
	if v.opened.Purpose.Confirms() {
		d.learnInvited(w, v, browser.Memory)
	}
	return see(w, r, v.action+"/done")
}

// learnInvited makes the browser known to the account: its link was used in it (RULES §2).
func (d *Door) learnInvited(w http.ResponseWriter, v invited, m authn.Memory) {
	if v.opened.Identifier != "" {
		d.Visitor.Remember(w, m.Learn(d.Visitor.Keys, v.opened.Identifier))
	}
}

// invitedProblem answers a press that did not work.
func (d *Door) invitedProblem(w http.ResponseWriter, r *http.Request, v invited, err error) error {
	for _, p := range append(problems[:len(problems):len(problems)], problem{preparation.ErrRobot, ProblemRobot}) {
		if errors.Is(err, p.err) {
			return d.invitedPage(w, r, http.StatusUnprocessableEntity, v, p.key)
		}
	}
	switch {
	case errors.Is(err, preparation.ErrTaken): // by an account that has come to be meanwhile: the page says what to do
		return see(w, r, v.action)
	case errors.Is(err, authn.ErrNoLink): // another press was quicker, or the register has changed
		if _, _, done, err := d.invite(w, r); done {
			return err
		}
		return d.uninvitedPage(w, r, http.StatusGone, v, "")
	}
	return tooManyOr(err)
}

// getPreparationSignIn handles GET /preparation/{token}/signin: a sign-in that ends at the link's page. It is a cookie and no more.
func (d *Door) getPreparationSignIn(w http.ResponseWriter, r *http.Request) error {
	v, r, done, err := d.invite(w, r)
	if done {
		return err
	}
	if !v.opened.HasAccount || v.opened.Mine {
		return see(w, r, v.action)
	}
	a, cookie, err := d.Signin.ProveTo(v.action, shown(v.opened), string(web.Language(r.Context())))
	if err != nil {
		return err
	}
	d.Visitor.KeepAttempt(w, r, a.ID, cookie)
	return see(w, r, "/signin/"+a.ID+"/password")
}

// postPreparationConnect handles POST /preparation/{token}/connect: the press of somebody who is signed in to the address's account.
func (d *Door) postPreparationConnect(w http.ResponseWriter, r *http.Request) error {
	v, r, done, err := d.invite(w, r)
	if done {
		return err
	}
	switch err := d.Preparation.Connect(r.Context(), v.token, v.opened, d.owner(r)); {
	case errors.Is(err, preparation.ErrNotSignedIn):
		return see(w, r, v.action) // which says what is missing
	case err != nil:
		return d.invitedProblem(w, r, v, err)
	}
	return see(w, r, v.action+"/done")
}
