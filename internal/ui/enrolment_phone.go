package ui

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/portvakt/portvakt/internal/authn"
	"github.com/portvakt/portvakt/internal/enrolment"
	"github.com/portvakt/portvakt/internal/web"
)

// phoneURL is a page of the part of an enrolment that adds a phone.
func phoneURL(v under, page string) string {
	return attemptURL("/enrolment/"+v.attempt.ID+"/phone"+page, v.attempt)
}

// skipURL is where a person goes on without a phone, or "": on her account's page she goes back instead.
func skipURL(v under) string {
	if v.attempt.Goal == authn.AddPhone {
		return ""
	}
	return phoneURL(v, "/skip")
}

func phoneView(v under) EnrolmentPhone {
	view := EnrolmentPhone{Action: phoneURL(v, ""), SkipAction: skipURL(v)}
	if v.attempt.Goal == authn.AddPhone {
		view.BackURL = "/account"
	}
	return view
}

// getPhone handles GET /enrolment/{attempt}/phone: the number of a phone (S15).
func (d *Door) getPhone(w http.ResponseWriter, r *http.Request) error {
	v, done, err := d.second(w, r, authn.AskPhone)
	if done {
		return err
	}
	view := phoneView(v)
	given, err := d.Enrolment.Number(r.Context(), v.attempt)
	switch {
	case err == nil:
		view.Number = given.Number.Full()
	case !errors.Is(err, enrolment.ErrNotNow):
		return err
	}
	return d.Kit.Page(w, v.r, http.StatusOK, "enrolment_phone", view)
}

// postPhone handles POST /enrolment/{attempt}/phone: nothing is sent before the number was shown as it was understood.
func (d *Door) postPhone(w http.ResponseWriter, r *http.Request) error {
	v, done, err := d.second(w, r, authn.AskPhone)
	if done {
		return err
	}
	view := phoneView(v)
	view.Number = r.PostFormValue("number")
	if view.Number == "" {
		view.Problem = ProblemNumberMissing
		return d.Kit.Page(w, v.r, http.StatusUnprocessableEntity, "enrolment_phone", view)
	}
	err = d.Enrolment.GiveNumber(r.Context(), d.visit(v), view.Number)
	switch {
	case err == nil:
		return see(w, r, phoneURL(v, "/check"))
	case errors.Is(err, enrolment.ErrNotANumber):
		view.Problem = ProblemNumberInvalid
	case errors.Is(err, enrolment.ErrNotMobile):
		view.Problem = ProblemNumberNotMobile
	case errors.Is(err, authn.ErrCountry), errors.Is(err, authn.ErrNoSMS):
		view.Problem = ProblemNumberCountry
	case errors.Is(err, enrolment.ErrOwnNumber):
		view.Problem = ProblemNumberOwn
	default:
		return d.notNow(w, v, err)
	}
	return d.Kit.Page(w, v.r, http.StatusUnprocessableEntity, "enrolment_phone", view)
}

// given is the number of the attempt; without one, back to where it is asked for.
func (d *Door) given(w http.ResponseWriter, r *http.Request) (v under, p authn.Pending, done bool, err error) {
	v, done, err = d.second(w, r, authn.AskPhone)
	if done || v.position.Step != authn.AskPhone { // the latter: perhaps the second of two presses
		return v, p, done, err
	}
	p, err = d.Enrolment.Number(r.Context(), v.attempt)
	if errors.Is(err, enrolment.ErrNotNow) {
		return v, p, true, see(w, r, phoneURL(v, ""))
	}
	return v, p, err != nil, err
}

func checkView(v under, p authn.Pending) EnrolmentPhoneCheck {
	return EnrolmentPhoneCheck{Action: phoneURL(v, "/check"), ChangeURL: phoneURL(v, ""), SkipAction: skipURL(v), Number: p.Number.Full()}
}

// getPhoneCheck handles GET /enrolment/{attempt}/phone/check: is this the number?
func (d *Door) getPhoneCheck(w http.ResponseWriter, r *http.Request) error {
	v, p, done, err := d.given(w, r)
	if done {
		return err
	}
	return d.Kit.Page(w, v.r, http.StatusOK, "enrolment_phone_check", checkView(v, p))
}

// postPhoneCheck handles POST /enrolment/{attempt}/phone/check: it is, and a code is sent to it.
func (d *Door) postPhoneCheck(w http.ResponseWriter, r *http.Request) error {
	v, p, done, err := d.given(w, r)
	if done {
		return err
	}
	err = d.Enrolment.SendCode(r.Context(), d.visit(v), string(web.Language(v.r.Context())))
	if err == nil || errors.Is(err, authn.ErrWait) && p.Sent {
		return see(w, r, phoneURL(v, "/code"))
	}
	view := checkView(v, p)
	switch {
	case errors.Is(err, authn.ErrWait):
		view.Again.Wait = seconds(p.Wait)
	case errors.Is(err, authn.ErrSMSLimit):
		view.Problem = ProblemSMSLimit
	case errors.Is(err, authn.ErrCountry), errors.Is(err, authn.ErrNoSMS):
		view.Problem = ProblemSMSNone
	default:
		return d.notNow(w, v, err)
	}
	return d.Kit.Page(w, v.r, http.StatusTooManyRequests, "enrolment_phone_check", view)
}

// seconds rounds up: a wait of nothing and a bit is a second.
func seconds(d time.Duration) int { return int((d + time.Second - 1) / time.Second) }

func again(action string, p authn.Pending) SMSAgain {
	return SMSAgain{Action: action, Wait: seconds(p.Wait), Spent: p.Spent, Failed: p.Delivery.Failed}
}

func phoneCodeView(v under, p authn.Pending) EnrolmentPhoneCode {
	return EnrolmentPhoneCode{Action: phoneURL(v, "/code"), ChangeURL: phoneURL(v, ""), SkipAction: skipURL(v), Number: unbroken(p.Number.Hidden()),
		Again: again(phoneURL(v, "/again"), p)}
}

// getPhoneCode handles GET /enrolment/{attempt}/phone/code: the code that was sent.
func (d *Door) getPhoneCode(w http.ResponseWriter, r *http.Request) error {
	v, p, done, err := d.given(w, r)
	switch {
	case done:
		return err
	case !p.Sent:
		return see(w, r, phoneURL(v, "/check"))
	}
	return d.Kit.Page(w, v.r, http.StatusOK, "enrolment_phone_code", phoneCodeView(v, p))
}

// postPhoneAgain handles POST /enrolment/{attempt}/phone/again: **Skicka igen**.
func (d *Door) postPhoneAgain(w http.ResponseWriter, r *http.Request) error {
	v, p, done, err := d.given(w, r)
	if done {
		return err
	}
	err = d.Enrolment.SendCode(r.Context(), d.visit(v), string(web.Language(v.r.Context())))
	switch {
	case err == nil, errors.Is(err, authn.ErrWait): // the page says how long it is
		return see(w, r, phoneURL(v, "/code"))
	case errors.Is(err, authn.ErrSMSLimit), errors.Is(err, authn.ErrCountry), errors.Is(err, authn.ErrNoSMS):
		view := phoneCodeView(v, p)
		view.Again.Spent = true
		return d.Kit.Page(w, v.r, http.StatusTooManyRequests, "enrolment_phone_code", view)
	}
	return d.notNow(w, v, err)
}

// postPhoneCode handles POST /enrolment/{attempt}/phone/code: it binds the phone.
func (d *Door) postPhoneCode(w http.ResponseWriter, r *http.Request) error {
	v, p, done, err := d.given(w, r)
	if done {
		return err
	}
	view, typed := phoneCodeView(v, p), r.PostFormValue("code")
	if typed == "" {
		view.Problem = ProblemTextedMissing
		return d.Kit.Page(w, v.r, http.StatusUnprocessableEntity, "enrolment_phone_code", view)
	}
	fresh, err := d.Enrolment.ConfirmPhone(r.Context(), d.visit(v), typed)
	switch {
	case isProblem(err):
		view.Problem, view.Throttled = ProblemTextedWrong, errors.Is(err, authn.ErrThrottled)
		return d.Kit.Page(w, v.r, http.StatusUnprocessableEntity, "enrolment_phone_code", view)
	case err != nil:
		return d.notNow(w, v, err)
	}
	return d.onward(w, v, fresh)
}

// postPhoneSkip handles POST /enrolment/{attempt}/phone/skip: **Hoppa över**.
func (d *Door) postPhoneSkip(w http.ResponseWriter, r *http.Request) error {
	v, done, err := d.second(w, r, authn.AskPhone)
	if done {
		return err
	}
	fresh, err := d.Enrolment.SkipPhone(r.Context(), d.visit(v))
	if err != nil {
		return d.notNow(w, v, err)
	}
	return d.onward(w, v, fresh)
}

// unbroken keeps the parts of a number on one line.
func unbroken(number string) string { return strings.ReplaceAll(number, " ", "\u00a0") }
