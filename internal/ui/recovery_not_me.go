package ui

import (
	"cmp"
	"errors"
	"net/http"

	"github.com/portvakt/portvakt/internal/account"
	"github.com/portvakt/portvakt/internal/authn"
	"github.com/portvakt/portvakt/internal/enrolment"
	"github.com/portvakt/portvakt/internal/grant"
	"github.com/portvakt/portvakt/internal/myaccount"
	"github.com/portvakt/portvakt/internal/onetime"
	"github.com/portvakt/portvakt/internal/preparation"
	"github.com/portvakt/portvakt/internal/recovery"
	"github.com/portvakt/portvakt/internal/secret"
	"github.com/portvakt/portvakt/internal/signin"
	"github.com/portvakt/portvakt/internal/web"
)

// happened are what the mails have told, in the past tense, and what a press undoes of it.
var happened = map[string]struct{ what, undoes string }{
	recovery.ChangedTemplate:       {HappenedPassword, ""},
	authn.NewDeviceTemplate:        {HappenedNewDevice, ""},
	enrolment.OnTemplate:           {HappenedAppAdded, UndoesApp},
	enrolment.OffTemplate:          {HappenedAppRemoved, ""},
	enrolment.RecoveryMadeTemplate: {HappenedCodeMade, UndoesCode},
	signin.RecoveryUsedTemplate:    {HappenedCodeUsed, UndoesCode},
	grant.ReuseTemplate:            {HappenedReuse, ""},

	myaccount.AddressChangedTemplate: {HappenedAddress, ""},
	enrolment.RecoveryIssuedTemplate: {HappenedCodeIssued, UndoesCode},
	authn.FailuresTemplate:           {HappenedFailures, ""},
	enrolment.PhoneOnTemplate:        {HappenedPhoneAdded, UndoesPhone},
	enrolment.PhoneOffTemplate:       {HappenedPhoneRemoved, ""},
	preparation.DoneTemplate:         {HappenedPrepared, ""},
}

// getNotMe handles GET /recovery/not-me/{token}, to which the mails lead that tell of something. It only looks.
func (d *Door) getNotMe(w http.ResponseWriter, r *http.Request) error {
	p, err := d.Recovery.LookAtNotMe(r.Context(), secret.Token(r.PathValue("token")), d.Visitor.Session(r))
	if errors.Is(err, authn.ErrNoLink) {
		return d.gone(w, r, onetime.Link{})
	}
	if err != nil {
		return err
	}
	return d.notMePage(w, web.WithOwnLanguage(r, p.Language), http.StatusOK, p, "")
}

func (d *Door) notMePage(w http.ResponseWriter, r *http.Request, status int, p recovery.NotMePage, problem string) error {
	action := "/recovery/not-me/" + r.PathValue("token")
	of := happened[p.Told.Template]
	view := RecoveryNotMe{Action: action, PlainURL: action + "/plain", ChallengeURL: action + "/challenge", Address: account.Identifier(p.Told.To).Shown(), App: p.Told.App,
		What: cmp.Or(of.what, HappenedSomething), At: p.Told.At, Place: d.place(r, p.Told.Device.Address), IP: p.Told.Device.Address, Elsewhere: !p.Here, Problem: problem}
	if of.undoes != "" {
		view.Undoes = append(view.Undoes, of.undoes)
	}
	if p.Former {
		view.Undoes = append(view.Undoes, UndoesAddress)
	}
	if p.Told.Device.UserAgent != "" {
		view.Device, view.Browser = web.Device(p.Told.Device.UserAgent)
	}
	return d.Kit.Page(w, r, status, "recovery_not_me", view)
}

// postNotMe handles POST /recovery/not-me/{token}: the press that ends everything.
func (d *Door) postNotMe(w http.ResponseWriter, r *http.Request) error { return d.notMe(w, r, false) }

// postNotMePlain handles POST /recovery/not-me/{token}/plain: the press without JavaScript, elsewhere.
func (d *Door) postNotMePlain(w http.ResponseWriter, r *http.Request) error {
	return d.notMe(w, r, true)
}

func (d *Door) notMe(w http.ResponseWriter, r *http.Request, plain bool) error {
	token := secret.Token(r.PathValue("token"))
	p, err := d.Recovery.LookAtNotMe(r.Context(), token, d.Visitor.Session(r))
	if err == nil || p.JustUsed {
		r = web.WithOwnLanguage(r, p.Language)
		err = d.Recovery.NotMe(r.Context(), recovery.Use{Token: token, Answer: r.PostFormValue("robot"), Plain: plain}, p, d.Visitor.Browser(r))
	}
	switch {
	case errors.Is(err, authn.ErrNoLink):
		return d.gone(w, r, onetime.Link{})
	case errors.Is(err, recovery.ErrRobot):
		return d.notMePage(w, r, http.StatusUnprocessableEntity, p, ProblemRobot)
	case err != nil:
		return tooManyOr(err)
	}
	return see(w, r, "/recovery/not-me/"+token.Reveal()+"/done")
}

// getNotMeDone handles GET /recovery/not-me/{token}/done: what has been done, and what to do now.
func (d *Door) getNotMeDone(w http.ResponseWriter, r *http.Request) error {
	p, err := d.Recovery.LookAfterNotMe(r.Context(), secret.Token(r.PathValue("token")))
	if errors.Is(err, authn.ErrNoLink) {
		return d.gone(w, r, onetime.Link{})
	}
	if err != nil {
		return err
	}
	view := RecoveryNotMeDone{Address: p.Told.To, Lost: p.Former}
	return d.Kit.Page(w, web.WithOwnLanguage(r, p.Language), http.StatusOK, "recovery_not_me_done", view)
}
