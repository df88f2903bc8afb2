package ui

import (
	"context"
	"errors"
	"net/http"
	"net/url"

	"github.com/portvakt/portvakt/internal/authn"
	"github.com/portvakt/portvakt/internal/enrolment"
	"github.com/portvakt/portvakt/internal/grant"
	"github.com/portvakt/portvakt/internal/myaccount"
	"github.com/portvakt/portvakt/internal/preparation"
	"github.com/portvakt/portvakt/internal/recovery"
	"github.com/portvakt/portvakt/internal/relyingparty"
	"github.com/portvakt/portvakt/internal/signin"
	"github.com/portvakt/portvakt/internal/transition"
	"github.com/portvakt/portvakt/internal/visitor"
	"github.com/portvakt/portvakt/internal/web"
)

// Door is the door for people.
type Door struct {
	Signin    *signin.Service
	Recovery  *recovery.Service
	Enrolment *enrolment.Service
	MyAccount *myaccount.Service
	// Preparation is the way to a first login.
	Preparation *preparation.Service
	Transition  *transition.Service
	Grant       *grant.Service
	Visitor     visitor.Kit
	// Country names the country of an IP address in a language, "" where unknown; nil: nothing is known.
	Country func(address, lang string) string
	Kit     *web.Kit
}

// Routes mounts the pages. They stand behind the kit's origin check: a POST that another site began is
// refused.
func (d *Door) Routes(mux interface {
	Handle(pattern string, h http.Handler)
}) {
	for pattern, h := range map[string]web.HandlerFunc{
		"GET /{$}": d.getHome,

		"GET /signin/{attempt}":           d.getIdentifier,
		"POST /signin/{attempt}":          d.postIdentifier,
		"GET /signin/{attempt}/cancel":    d.getCancel,
		"GET /signin/{attempt}/password":  d.getPassword,
		"POST /signin/{attempt}/password": d.postPassword,
		"GET /signin/{attempt}/continue":  d.getContinue,
		"POST /signin/{attempt}/continue": d.postContinue,

		"GET /signin/{attempt}/company":  d.getCompany,
		"POST /signin/{attempt}/company": d.postCompany,

		"GET /signin/{attempt}/second": d.getSecond,

		"GET /signin/{attempt}/new-password":  d.getSigninPassword,
		"POST /signin/{attempt}/new-password": d.postSigninPassword,

		"POST /signin/{attempt}/second":     d.postSecond,
		"GET /signin/{attempt}/push":        d.getPush,
		"POST /signin/{attempt}/push":       d.postPush,
		"POST /signin/{attempt}/push/ask":   d.postAskPush,
		"GET /signin/{attempt}/push/events": d.getPushEvents,
		"GET /signin/{attempt}/methods":     d.getMethods,
		"GET /signin/{attempt}/recovery":    d.getRecoveryCode,
		"POST /signin/{attempt}/recovery":   d.postRecoveryCode,
		"GET /signin/{attempt}/recovered":   d.getRecovered,
		"POST /signin/{attempt}/recovered":  d.postRecovered,

		"GET /enrolment/{attempt}":              d.getOffer,
		"POST /enrolment/{attempt}":             d.postOffer,
		"GET /enrolment/{attempt}/mail":         d.getMail,
		"GET /enrolment/{attempt}/mail/sent":    d.getMailSent,
		"POST /enrolment/{attempt}/mail":        d.postMail,
		"GET /enrolment/{attempt}/choice":       d.getChoice,
		"POST /enrolment/{attempt}/choice":      d.postChoice,
		"POST /enrolment/{attempt}/off":         d.postOff,
		"GET /enrolment/{attempt}/pair":         d.getPair,
		"POST /enrolment/{attempt}/pair":        d.postPair,
		"GET /enrolment/{attempt}/pair/events":  d.getPairEvents,
		"GET /enrolment/{attempt}/consent":      d.getConsent,
		"POST /enrolment/{attempt}/consent":     d.postConsent,
		"GET /enrolment/{attempt}/test":         d.getTest,
		"POST /enrolment/{attempt}/test":        d.postTest,
		"GET /enrolment/{attempt}/app":          d.getApp,
		"GET /enrolment/{attempt}/code":         d.getCode,
		"POST /enrolment/{attempt}/code":        d.postCode,
		"GET /enrolment/{attempt}/recovery":     d.getNewRecovery,
		"GET /enrolment/{attempt}/recovery.txt": d.getRecoveryFile,
		"POST /enrolment/{attempt}/recovery":    d.postNewRecovery,

		"GET /enrolment/{attempt}/phone":        d.getPhone,
		"POST /enrolment/{attempt}/phone":       d.postPhone,
		"GET /enrolment/{attempt}/phone/check":  d.getPhoneCheck,
		"POST /enrolment/{attempt}/phone/check": d.postPhoneCheck,
		"GET /enrolment/{attempt}/phone/code":   d.getPhoneCode,
		"POST /enrolment/{attempt}/phone/code":  d.postPhoneCode,
		"POST /enrolment/{attempt}/phone/again": d.postPhoneAgain,
		"POST /enrolment/{attempt}/phone/skip":  d.postPhoneSkip,

		"GET /signin/{attempt}/sms":       d.getSMS,
		"POST /signin/{attempt}/sms":      d.postSMS,
		"POST /signin/{attempt}/sms/send": d.postSendSMS,

		"POST /account/phone":        d.postMyPhone,
		"GET /account/phone/remove":  d.getRemovePhone,
		"POST /account/phone/remove": d.postRemovePhone,

		"GET /recovery/new":                     d.getRecoveryNew,
		"GET /recovery/start/{attempt}":         d.getRecoveryStart,
		"POST /recovery/start/{attempt}":        d.postRecoveryStart,
		"POST /recovery/plain/{attempt}":        d.postRecoveryPlain,
		"POST /recovery/challenge/{attempt}":    d.postRecoveryChallenge,
		"GET /recovery/sent/{attempt}":          d.getRecoverySent,
		"GET /recovery/link/{token}":            d.getRecoveryLink,
		"POST /recovery/link/{token}":           d.postRecoveryLink,
		"POST /recovery/link/{token}/plain":     d.postRecoveryLinkPlain,
		"POST /recovery/link/{token}/challenge": d.postRecoveryLinkChallenge,

		"GET /r/{token}": d.getShortRecovery,
		"GET /p/{token}": d.getShortPreparation,
		"GET /n/{token}": d.getShortNotMe,

		"GET /recovery/not-me/{token}":            d.getNotMe,
		"POST /recovery/not-me/{token}":           d.postNotMe,
		"POST /recovery/not-me/{token}/plain":     d.postNotMePlain,
		"POST /recovery/not-me/{token}/challenge": d.postRecoveryLinkChallenge,
		"GET /recovery/not-me/{token}/done":       d.getNotMeDone,

		"GET /preparation/{token}":                d.getPreparation,
		"POST /preparation/{token}":               d.postPreparation,
		"POST /preparation/{token}/plain":         d.postPreparationPlain,
		"POST /preparation/{token}/challenge":     d.postRecoveryLinkChallenge,
		"GET /preparation/{token}/done":           d.getPreparation,
		"GET /preparation/{token}/signin":         d.getPreparationSignIn,
		"POST /preparation/{token}/connect":       d.postPreparationConnect,
		"GET /preparation/{token}/address":        d.getPreparationAddress,
		"POST /preparation/{token}/address":       d.postPreparationAddress,
		"POST /preparation/{token}/address/plain": d.postPreparationAddressPlain,
		"POST /preparation/{token}/renew":         d.postPreparationRenew,
		"POST /preparation/{token}/renew/plain":   d.postPreparationRenewPlain,
		"GET /preparation/{token}/sent":           d.getPreparationSent,

		"GET /guide/{link}":           d.getGuideFolder,
		"GET /guide/{link}/{file...}": d.getGuide,

		"GET /device":           d.getDevice,
		"POST /device":          d.postDevice,
		"GET /device/{device}":  d.getDeviceQuestion,
		"POST /device/{device}": d.postDeviceQuestion,

		"GET /sheet":  d.getSheetCode,
		"POST /sheet": d.postSheetCode,

		"GET /account":                      d.getMyAccount,
		"POST /account/sessions/end":        d.postEndSession,
		"POST /account/sessions/end-others": d.postEndOthers,
		"POST /account/apps/add":            d.postAddApp,
		"POST /account/apps/rename":         d.postRenameApp,
		"GET /account/apps/remove":          d.getRemoveApp,
		"POST /account/apps/remove":         d.postRemoveApp,
		"POST /account/recovery-code":       d.postRenewRecovery,
		"POST /account/browsers/forget":     d.postForgetBrowser,

		"POST /account/access/revoke": d.postRevokeAccess,
		"GET /account/activity":       d.getActivity,
		"POST /account/export":        d.postExport,
		"GET /account/erase":          d.getErase,
		"POST /account/erase":         d.postErase,
		"GET /account/erased":         d.getErased,

		"GET /account/profile":   d.getProfile,
		"POST /account/profile":  d.postProfile,
		"GET /account/password":  d.getNewPassword,
		"POST /account/password": d.postNewPassword,

		"GET /account/address":                d.getNewAddress,
		"POST /account/address":               d.postNewAddress,
		"GET /account/address/sent":           d.getAddressSent,
		"POST /account/address/withdraw":      d.postWithdrawAddress,
		"GET /account/address/{token}":        d.getAddressLink,
		"POST /account/address/{token}":       d.postAddressLink,
		"GET /account/address/{token}/signin": d.getAddressSignIn,

		"GET /signout":      d.getSignOut,
		"POST /signout":     d.postSignOut,
		"GET /signout/done": d.getSignOutDone,

		"GET /brand/{organisation}/logo":      d.getLogo,
		"GET /brand/{organisation}/style.css": d.getStyle,
	} {
		mux.Handle(pattern, d.Kit.SameOrigin(d.Kit.Handle(h)))
	}
	mux.Handle("POST /language", d.Kit.SameOrigin(d.Kit.ChangeLanguage()))
	mux.Handle("GET /static/", d.Kit.Static())
	mux.Handle("/", d.Kit.NotFound())
}

// place is where an address lies, in the language of the request's page; "" where nothing is known.
func (d *Door) place(r *http.Request, address string) string {
	if d.Country == nil {
		return ""
	}
	return d.Country(address, string(web.Language(r.Context())))
}

// getHome handles GET /: whoever types the bare address wants her account.
func (d *Door) getHome(w http.ResponseWriter, r *http.Request) error {
	return see(w, r, "/account")
}

// see answers 303: after a POST, and from a page that has nothing to show, to one that has.
func see(w http.ResponseWriter, r *http.Request, to string) error {
	http.Redirect(w, r, to, http.StatusSeeOther)
	return nil
}

// tooManyOr turns a spent budget into its page and leaves other errors alone.
func tooManyOr(err error) error {
	if errors.Is(err, authn.ErrThrottled) {
		return &web.Fault{Status: http.StatusTooManyRequests, Key: "error.too_many", Cause: err}
	}
	return err
}

// attemptURL is the address of a page of an attempt. The client id stands in it, so that an expired page
// can still lead back to the app.
func attemptURL(path string, a authn.Attempt) string {
	if a.Request.ClientID == "" {
		return path
	}
	return path + "?" + url.Values{"client_id": {a.Request.ClientID}}.Encode()
}

// dressed makes the request's pages follow the RP: its language, and the look of its organisation. Both are
// the RP's and never the account's (RULES §2).
func (d *Door) dressed(r *http.Request, a authn.Attempt, rp relyingparty.RP) (*http.Request, error) {
	if a.Request.UILocales != "" {
		r = web.WithUILocales(r, a.Request.UILocales)
	}
	return d.branded(r, rp)
}

// lookOf is branded for an RP of which the request knows no more than its client id.
func (d *Door) lookOf(r *http.Request, clientID string) (*http.Request, error) {
	rp, _, err := d.Signin.App(r.Context(), clientID, "")
	if err != nil {
		return r, err
	}
	return d.branded(r, rp)
}

func (d *Door) branded(r *http.Request, rp relyingparty.RP) (*http.Request, error) {
	o, ok, err := d.Signin.Look(r.Context(), rp)
	if err != nil || !ok {
		return r, err
	}
	base := "/brand/" + string(o.ID)
	b := web.Brand{Name: o.Name}
	if o.Logo.MediaType != "" {
		b.LogoURL = base + "/logo"
	}
	if o.Colour != "" {
		b.StyleURL = base + "/style.css"
	}
	return web.WithBrand(r, b), nil
}

// open reads the attempt that the URL names. Where it cannot be read, it answers with the page that leads
// back to the app and returns done.
func (d *Door) open(w http.ResponseWriter, r *http.Request) (a authn.Attempt, rp relyingparty.RP, dressed *http.Request, done bool, err error) {
	id := r.PathValue("attempt")
	a, err = d.Signin.Open(r.Context(), id, d.Visitor.Attempt(r, id))
	if err != nil {
		return a, rp, r, true, d.restart(w, r, a, err)
	}
	web.About(r, string(a.Identifier), a.Request.ClientID)
	rp, _, err = d.Signin.App(r.Context(), a.Request.ClientID, "")
	if err != nil {
		return a, rp, r, true, err
	}
	dressed, err = d.dressed(r, a, rp)
	return a, rp, dressed, err != nil, err
}

// restart answers an attempt that is over or was never ours: start again, from the app that the URL names. Where the
// attempt is over because it has signed this browser in (the back button, or the second of two clicks), it says so and
// leads on.
func (d *Door) restart(w http.ResponseWriter, r *http.Request, a authn.Attempt, cause error) error {
	if !isExpired(cause) {
		return cause
	}
	clientID := a.Request.ClientID
	if clientID == "" {
		clientID = r.URL.Query().Get("client_id")
	}
	app, start, err := d.start(r.Context(), clientID, a.Address)
	if err != nil {
		return err
	}
	if r, err = d.lookOf(r, clientID); err != nil {
		return err
	}
	facts, _, err := d.Signin.Authn.Current(r.Context(), d.Visitor.Session(r))
	switch {
	case err != nil:
		return err
	case !facts.Live || facts.Session.Attempt != r.PathValue("attempt"):
		return d.Kit.Page(w, r, http.StatusGone, "signin_restart", SignInRestart{App: app, URL: start})
	case r.Method == http.MethodPost:
		return d.moveOn(w, r, "signin_continue", SignInContinue{App: app, URL: web.RegisteredURL(start)}, start)
	}
	return d.Kit.Page(w, r, http.StatusOK, "signin_continue", SignInContinue{App: app, URL: web.RegisteredURL(start)})
}

// start is the app's name and where a person begins anew at it. An app that told us no address is named on
// the account's page, which says what to press.
func (d *Door) start(ctx context.Context, clientID, loginHint string) (app, location string, err error) {
	rp, location, err := d.Signin.App(ctx, clientID, loginHint)
	switch {
	case err != nil:
		return "", "", err
	case rp.ClientID == "":
		return "", "/account", nil
	case location == "":
		return "", "/account?" + url.Values{"app": {rp.ClientID}}.Encode(), nil
	}
	return rp.Name, location, nil
}
