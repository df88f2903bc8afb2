package ui_test

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"github.com/portvakt/portvakt/internal/locale"
	"github.com/portvakt/portvakt/internal/ui"
	"github.com/portvakt/portvakt/internal/web"
	"github.com/portvakt/portvakt/internal/web/webtest"
)

// sample is one page with one view. The name is the template's, with a variant after a dash.
type sample struct {
	name string
	view any
}

func (s sample) page() string { page, _, _ := strings.Cut(s.name, "-"); return page }

const (
	anna = "anna.svensson@foretaget.example"
	evil = `"><script>alert(1)</script>`
)

// full are the pages as people meet them.
var full = []sample{
	{"signin_identifier", ui.SignInIdentifier{Action: "/signin/1", App: "HRM", BackURL: "http://localhost:8081/"}},
	{"signin_identifier-policy", ui.SignInIdentifier{Action: "/signin/1", App: "HRM", BackURL: "http://localhost:8081/", PolicyURL: "https://hrm.example/policy", TermsURL: "https://hrm.example/terms"}},
	{"signin_identifier-problem", ui.SignInIdentifier{Action: "/signin/1", Address: "anna svensson", Remember: true, Problem: ui.ProblemAddressInvalid, App: "HRM", BackURL: "http://localhost:8081/"}},
	{"signin_identifier-number", ui.SignInIdentifier{Action: "/signin/1", App: "HRM", Number: "1007@foretaget"}},
	{"signin_identifier-numberless", ui.SignInIdentifier{Action: "/signin/1", Address: "1007", App: "HRM", Number: "1007@foretaget", Problem: ui.ProblemNumberless}},
	{"recovery_sent-number", ui.RecoverySent{AgainURL: "/recovery/1", BackURL: "/signin/1", Address: "1007@foretaget", Number: true}},
	{"signin_password", ui.SignInPassword{Action: "/signin/1/password", Address: anna, ChangeURL: "/signin/1", ForgotURL: "/recovery/1", App: "HRM"}},
	{"signin_password-throttled", ui.SignInPassword{Action: "/signin/1/password", Address: anna, ChangeURL: "/signin/1", ForgotURL: "/recovery/1", Problem: ui.ProblemPasswordWrong, Throttled: true}},
	{"signin_newpassword", ui.SignInNewPassword{Action: "/signin/1/new-password", Address: anna, FirstName: "Anna", App: "HRM", MinLength: 15, MaxLength: 256, Words: []string{"anna"}}},
	{"signin_newpassword-short", ui.SignInNewPassword{Action: "/signin/1/new-password", Address: anna, MinLength: 15, MaxLength: 256, Problem: ui.ProblemNewPasswordShort}},
	{"signin_second", ui.SignInSecond{Action: "/signin/1/second", Address: anna, ChangeURL: "/signin/1", App: "HRM", RememberDays: 30, OtherURL: "/signin/1/methods"}},
	{"signin_second-missing", ui.SignInSecond{Action: "/signin/1/second", Address: anna, Problem: ui.ProblemCodeMissing, RememberDays: 1, OtherURL: "/signin/1/methods"}},
	{"signin_second-throttled", ui.SignInSecond{Action: "/signin/1/second", Address: anna, App: "HRM", Problem: ui.ProblemCodeWrong, Throttled: true, OtherURL: "/signin/1/methods"}},
	{"signin_methods", ui.SignInMethods{Address: anna, CodeURL: "/signin/1/second", RecoveryURL: "/signin/1/recovery", BackURL: "/signin/1/second"}},
	{"signin_methods-recovery", ui.SignInMethods{Address: anna, RecoveryURL: "/signin/1/recovery", BackURL: "/signin/1/second"}},
	{"signin_methods-none", ui.SignInMethods{Address: anna, BackURL: "/signin/1/second"}},
	{"signin_recovery", ui.SignInRecovery{Action: "/signin/1/recovery", Address: anna, OtherURL: "/signin/1/methods"}},
	{"signin_recovery-missing", ui.SignInRecovery{Action: "/signin/1/recovery", Address: anna, Problem: ui.ProblemRecoveryMissing, OtherURL: "/signin/1/methods"}},
	{"signin_recovery-throttled", ui.SignInRecovery{Action: "/signin/1/recovery", Address: anna, Problem: ui.ProblemRecoveryWrong, Throttled: true, OtherURL: "/signin/1/methods"}},
	{"signin_recovered", ui.SignInRecovered{Action: "/signin/1/recovered", App: "HRM"}},
	{"signin_recovered-required", ui.SignInRecovered{Action: "/signin/1/recovered", App: "HRM", Required: true}},
	{"signin_ready", ui.SignInReady{Action: "/signin/a/continue", App: "HRM"}},
	{"signin_company", ui.SignInCompany{Action: "/signin/a/company", App: "HRM", Companies: []string{"Företaget AB", "Företaget Fastigheter AB"}}},
	{"signin_recovered-guarded", ui.SignInRecovered{Action: "/signin/a/recovered", App: "HRM", Guarded: day}},
	{"signin_continue", ui.SignInContinue{App: "HRM", URL: "http://localhost:8081/callback?code=1&state=2"}},
	{"signin_post", web.FormPost{App: "HRM", Action: "http://localhost:8081/callback", Fields: url.Values{"code": {"1"}, "state": {"2"}}}},
	{"signin_post-failed", web.FormPost{App: "HRM", Action: "http://localhost:8081/callback", Fields: url.Values{"error": {"login_required"}}, Failed: true}},
	{"signin_restart", ui.SignInRestart{App: "HRM", URL: "http://localhost:8081/"}},
	{"recovery_start", ui.RecoveryStart{Action: "/recovery/1", PlainURL: "/recovery/1/plain", ChallengeURL: "/challenge", BackURL: "/signin/1/password", Address: anna}},
	{"recovery_start-problem", ui.RecoveryStart{Action: "/recovery/1", PlainURL: "/recovery/1/plain", ChallengeURL: "/challenge-broken", BackURL: "/signin/1/password", Problem: ui.ProblemAddressMissing}},
	{"recovery_sent", ui.RecoverySent{AgainURL: "/recovery/1", BackURL: "/signin/1", Address: anna}},
	{"recovery_sent", ui.RecoverySent{AgainURL: "/recovery/1", BackURL: "/signin/1", Address: "+46 70 174 06 05", SMS: true}},
	{"recovery_link_password", ui.RecoveryLinkPassword{Action: "/recovery/link/1", Address: anna, FirstName: "Anna", MinLength: 15, MaxLength: 256, Words: []string{"anna", "svensson", "företaget"}}},
	{"recovery_link_password-elsewhere", ui.RecoveryLinkPassword{Action: "/recovery/link/1", PlainURL: "/recovery/link/1/plain", ChallengeURL: "/challenge", Address: anna, FirstName: "Anna", MinLength: 15, MaxLength: 256, Words: []string{"anna"}, Problem: ui.ProblemNewPasswordShort, KeepOthers: true, Elsewhere: true, OtherAccount: "bo.lind@foretaget.example"}},
	{"recovery_link_signin", ui.RecoveryLinkSignIn{Action: "/recovery/link/2", Address: anna, FirstName: "Anna", App: "HRM"}},
	{"recovery_link_signin-elsewhere", ui.RecoveryLinkSignIn{Action: "/recovery/link/2", PlainURL: "/recovery/link/2/plain", ChallengeURL: "/challenge", Address: anna, FirstName: "Anna", App: "HRM", Problem: ui.ProblemRobot, Elsewhere: true}},
	{"recovery_not_me", ui.RecoveryNotMe{Action: "/recovery/not-me/1", Address: anna, What: ui.HappenedReuse, App: "HRM", At: day, Device: "iPhone", Browser: "Safari", Place: "Sverige", IP: "203.0.113.9"}},
	{"recovery_not_me-elsewhere", ui.RecoveryNotMe{Action: "/recovery/not-me/1", PlainURL: "/recovery/not-me/1/plain", ChallengeURL: "/challenge", Address: anna, What: ui.HappenedAppAdded, Undoes: []string{ui.UndoesApp, ui.UndoesAddress}, At: day, IP: "2001:db8:7:1::2a", Elsewhere: true, Problem: ui.ProblemRobot}},
	{"recovery_not_me_done", ui.RecoveryNotMeDone{Address: anna}},
	{"recovery_not_me_done-lost", ui.RecoveryNotMeDone{Address: anna, Lost: true}},
	{"myaccount-pending", ui.MyAccount{Name: "Anna Svensson", Address: anna, Details: ui.MyDetails{AddressURL: "/account/address", Pending: anna, WithdrawAction: "/account/address/withdraw"}}},
	{"myaccount_address", ui.MyAccountAddress{Action: "/account/address", CancelURL: "/account", Current: anna}},
	{"myaccount_address-first", ui.MyAccountAddress{Action: "/account/address", CancelURL: "/account", Current: "+46 70 174 06 05", First: true}},
	{"myaccount-number", ui.MyAccount{Name: "Vera Holm", Address: "+46 70 174 06 05", Number: true, EndAction: "/account/end", EndOthersAction: "/account/end-others", SignOutAction: "/signout", Details: ui.MyDetails{AddressURL: "/account/address"}}},
	{"myaccount_address-problem", ui.MyAccountAddress{Action: "/account/address", CancelURL: "/account", Current: anna, Address: anna, Problem: ui.ProblemAddressSame}},
	{"myaccount_address_sent", ui.MyAccountAddressSent{Address: anna, AgainURL: "/account/address", AccountURL: "/account"}},
	{"myaccount_address_link", ui.MyAccountAddressLink{Action: "/account/address/1", CancelURL: "/account", Address: anna, Current: anna, Mine: true}},
	{"myaccount_address_link-taken", ui.MyAccountAddressLink{CancelURL: "/account", Address: anna, Mine: true, Problem: ui.ProblemAddressTaken}},
	{"myaccount_address_link-signin", ui.MyAccountAddressLink{Address: anna, SignInURL: "/account/address/1/signin", Other: anna}},
	{"recovery_link_gone", ui.RecoveryLinkGone{AgainURL: "/recovery", App: "HRM", URL: "http://localhost:8081/"}},
	{"recovery_link_gone-from_app", ui.RecoveryLinkGone{App: "HRM", URL: "http://localhost:8081/"}},
	{"preparation_confirm", ui.PreparationConfirm{Action: "/preparation/1", PlainURL: "/preparation/1/plain", ChallengeURL: "/challenge", AddressURL: "/preparation/1/address", FirstName: "David", Employer: "Företaget AB", Address: anna, SwitchOn: day, MinLength: 15, MaxLength: 256, Words: []string{"david", "företaget"}}},
	{"preparation_confirm-switched", ui.PreparationConfirm{Action: "/preparation/1", PlainURL: "/preparation/1/plain", ChallengeURL: "/challenge", FirstName: "David", Employer: "Företaget AB", Address: anna, Switched: true, Unfolded: true, MinLength: 15, MaxLength: 256, Problem: ui.ProblemRobot}},
	{"preparation_confirm-problem", ui.PreparationConfirm{Action: "/preparation/1", PlainURL: "/preparation/1/plain", ChallengeURL: "/challenge", AddressURL: "/preparation/1/address", Employer: "Företaget AB", Address: anna, Unfolded: true, Password: true, MinLength: 15, MaxLength: 256, Problem: ui.ProblemNewPasswordShort}},
	{"preparation_confirm-phone", ui.PreparationConfirm{Action: "/preparation/1", PlainURL: "/preparation/1/plain", ChallengeURL: "/challenge", FirstName: "Vera", Employer: "Företaget AB", Address: "+46 70 174 06 05", Phone: true, Unfolded: true, MinLength: 15, MaxLength: 256, Problem: ui.ProblemNewPasswordMissing, Password: true}},
	{"preparation_connect-phone", ui.PreparationConnect{SignInURL: "/preparation/1/signin", Employer: "Företaget AB", Address: "+46 70 174 06 05", Phone: true}},
	{"preparation_done-phone", ui.PreparationDone{FirstName: "Vera", Employer: "Företaget AB", Address: "+46 70 174 06 05", SwitchOn: day, Phone: true}},
	{"preparation_connect", ui.PreparationConnect{SignInURL: "/preparation/1/signin", Employer: "Företaget AB", Address: anna}},
	{"preparation_connect-other", ui.PreparationConnect{SignInURL: "/preparation/1/signin", Employer: "Företaget AB", Address: anna, Other: "bo.lind@foretaget.example"}},
	{"preparation_connect-stale", ui.PreparationConnect{SignInURL: "/preparation/1/signin", Employer: "Företaget AB", Address: anna, Stale: true}},
	{"preparation_connect-mine", ui.PreparationConnect{Action: "/preparation/1/connect", Employer: "Företaget AB", Address: anna, Mine: true}},
	{"preparation_done", ui.PreparationDone{FirstName: "David", Employer: "Företaget AB", Address: anna, SwitchOn: day}},
	{"preparation_done-later", ui.PreparationDone{FirstName: "David", Employer: "Företaget AB", Address: anna}},
	{"preparation_done-switched", ui.PreparationDone{FirstName: "David", Employer: "Företaget AB", Address: anna, Switched: true, Apps: []ui.PreparationApp{{Name: "HRM", URL: "http://localhost:8081/login"}, {Name: "HRM Mobile", URL: "http://localhost:8082/login"}}}},
	{"preparation_address", ui.PreparationAddress{Action: "/preparation/1/address", PlainURL: "/preparation/1/address/plain", ChallengeURL: "/challenge", BackURL: "/preparation/1", Employer: "Företaget AB", Current: anna}},
	{"preparation_address-problem", ui.PreparationAddress{Action: "/preparation/1/address", PlainURL: "/preparation/1/address/plain", ChallengeURL: "/challenge", BackURL: "/preparation/1", Employer: "Företaget AB", Current: anna, Address: "anna", Problem: ui.ProblemAddressInvalid}},
	{"preparation_sent", ui.PreparationSent{}},
	{"preparation_sent-proposed", ui.PreparationSent{Proposed: true}},
	{"preparation_proposed", ui.PreparationProposed{Action: "/preparation/2", PlainURL: "/preparation/2/plain", ChallengeURL: "/challenge", Employer: "Företaget AB", Address: anna, Problem: ui.ProblemRobot}},
	{"preparation_objection", ui.PreparationObjection{Action: "/preparation/3", PlainURL: "/preparation/3/plain", ChallengeURL: "/challenge", Employer: "Företaget AB", Address: anna, Problem: ui.ProblemRobot}},
	{"preparation_answered", ui.PreparationAnswered{Employer: "Företaget AB"}},
	{"preparation_answered-objected", ui.PreparationAnswered{Objected: true}},
	{"preparation_gone", ui.PreparationGone{Action: "/preparation/1/renew", PlainURL: "/preparation/1/renew/plain", ChallengeURL: "/challenge", Problem: ui.ProblemRobot}},
	{"preparation_gone-unknown", ui.PreparationGone{}},
	{"preparation_gone-sheet", ui.PreparationGone{Sheet: true}},
	{"preparation_sheet", ui.PreparationSheet{Action: "/preparation/1", PlainURL: "/preparation/1/plain", ChallengeURL: "/challenge", FirstName: "Wilma", Employer: "Företaget AB", SwitchOn: day, MinLength: 15, MaxLength: 256, Words: []string{"wilma", "företaget"}}},
	{"preparation_sheet-problem", ui.PreparationSheet{Action: "/preparation/1", PlainURL: "/preparation/1/plain", ChallengeURL: "/challenge", Employer: "Företaget AB", Switched: true, MinLength: 15, MaxLength: 256, Problem: ui.ProblemNewPasswordShort, Password: true}},
	{"device_code", ui.DeviceCode{Action: "/device", Code: "WDJB-MJHT"}},
	{"device_code-problem", ui.DeviceCode{Action: "/device", Code: "WDJB", Problem: ui.ProblemDeviceCode}},
	{"device_confirm", ui.DeviceConfirm{Action: "/device/1", App: "Skiftskärmen", Address: anna, Code: "WDJB-MJHT"}},
	{"device_done", ui.DeviceDone{App: "Skiftskärmen", AccountURL: "/account"}},
	{"device_done-denied", ui.DeviceDone{App: "Skiftskärmen", Denied: true, AccountURL: "/account"}},
	{"preparation_code", ui.PreparationCode{Action: "/sheet"}},
	{"preparation_code-problem", ui.PreparationCode{Action: "/sheet", Code: "7K2M", Problem: ui.ProblemSheetCode}},
	{"preparation_connect-number", ui.PreparationConnect{SignInURL: "/preparation/1/signin", Employer: "Företaget AB"}},
	{"preparation_done-sheet", ui.PreparationDone{FirstName: "Wilma", Employer: "Företaget AB", Sheet: true, Number: "1007@foretaget", Switched: true, Apps: []ui.PreparationApp{{Name: "HRM", URL: "http://localhost:8081/login"}}}},
	{"preparation_done-sheet_later", ui.PreparationDone{Employer: "Företaget AB", Sheet: true, SwitchOn: day}},
	{"enrolment_phone", ui.EnrolmentPhone{Action: "/enrolment/1/phone", SkipAction: "/enrolment/1/phone/skip"}},
	{"enrolment_phone-problem", ui.EnrolmentPhone{Action: "/enrolment/1/phone", SkipAction: "/enrolment/1/phone/skip", Number: "0900-100 1234", Problem: ui.ProblemNumberNotMobile}},
	{"enrolment_phone-account", ui.EnrolmentPhone{Action: "/enrolment/1/phone", BackURL: "/account", Problem: ui.ProblemNumberCountry}},
	{"enrolment_phone_check", ui.EnrolmentPhoneCheck{Action: "/enrolment/1/phone/check", ChangeURL: "/enrolment/1/phone", SkipAction: "/enrolment/1/phone/skip", Number: "+46 70 174 06 05"}},
	{"enrolment_phone_check-wait", ui.EnrolmentPhoneCheck{Action: "/enrolment/1/phone/check", ChangeURL: "/enrolment/1/phone", Number: "+46 70 174 06 05", Again: ui.SMSAgain{Wait: 12}}},
	{"enrolment_phone_check-limit", ui.EnrolmentPhoneCheck{Action: "/enrolment/1/phone/check", ChangeURL: "/enrolment/1/phone", SkipAction: "/enrolment/1/phone/skip", Number: "+46 70 174 06 05", Problem: ui.ProblemSMSLimit}},
	{"enrolment_phone_code", ui.EnrolmentPhoneCode{Action: "/enrolment/1/phone/code", ChangeURL: "/enrolment/1/phone", SkipAction: "/enrolment/1/phone/skip", Number: "•••• 05", Again: ui.SMSAgain{Action: "/enrolment/1/phone/again", Wait: 30}}},
	{"enrolment_phone_code-wrong", ui.EnrolmentPhoneCode{Action: "/enrolment/1/phone/code", ChangeURL: "/enrolment/1/phone", Number: "•••• 05", Problem: ui.ProblemTextedWrong, Throttled: true, Again: ui.SMSAgain{Action: "/enrolment/1/phone/again"}}},
	{"signin_sms", ui.SignInSMS{Action: "/signin/1/sms", Address: anna, App: "HRM", Number: "•••• 05", OtherURL: "/signin/1/methods", Again: ui.SMSAgain{Action: "/signin/1/sms/send", Wait: 1}}},
	{"signin_sms-failed", ui.SignInSMS{Action: "/signin/1/sms", Address: anna, App: "HRM", Number: "•••• 05", OtherURL: "/signin/1/methods", Problem: ui.ProblemTextedMissing, Again: ui.SMSAgain{Action: "/signin/1/sms/send", Failed: true}}},
	{"signin_sms-spent", ui.SignInSMS{Action: "/signin/1/sms", Address: anna, App: "HRM", Number: "•••• 05", OtherURL: "/signin/1/methods", Problem: ui.ProblemTextedWrong, Throttled: true, Again: ui.SMSAgain{Action: "/signin/1/sms/send", Spent: true}}},
	{"signin_methods-sms", ui.SignInMethods{Address: anna, CodeURL: "/signin/1/second", SMS: "•••• 05", SMSAction: "/signin/1/sms/send", RecoveryURL: "/signin/1/recovery", BackURL: "/signin/1/second"}},
	{"signin_methods-limit", ui.SignInMethods{Address: anna, CodeURL: "/signin/1/second", Problem: ui.ProblemSMSLimit, RecoveryURL: "/signin/1/recovery", BackURL: "/signin/1/second"}},
	{"myaccount_phone", ui.MyAccountPhone{Action: "/account/phone/remove", CancelURL: "/account", Number: "•••• 05"}},
	{"myaccount-phone", ui.MyAccount{Address: anna, MFA: &ui.MyMFA{Apps: []ui.AppRow{{ID: "a1", Name: "Min telefon", Added: day}}, RecoveryMade: day, Policy: "optional",
		Phone: &ui.PhoneRow{Number: "•••• 05", Added: day, Used: day.Add(50 * time.Hour), Suspended: true}, PhoneAction: "/account/phone", RemovePhoneAction: "/account/phone/remove"}}},
	{"myaccount-nophone", ui.MyAccount{Address: anna, MFA: &ui.MyMFA{Apps: []ui.AppRow{{ID: "a1", Name: "Min telefon", Added: day}}, RecoveryMade: day, Policy: "optional", PhoneAction: "/account/phone"}}},
	{"enrolment_offer", ui.EnrolmentOffer{Action: "/enrolment", App: "HRM", Employer: "Företaget AB"}},
	{"enrolment_offer-until", ui.EnrolmentOffer{Action: "/enrolment", App: "HRM", Employer: "Företaget AB", Until: day, Problem: ui.ProblemOffer}},
	{"enrolment_offer-required", ui.EnrolmentOffer{Action: "/enrolment", App: "HRM", Employer: "Företaget AB", Until: day, Required: true}},
	{"enrolment_offer-administers", ui.EnrolmentOffer{Action: "/enrolment", Employer: "Företaget AB", Required: true, Administers: true}},
	{"enrolment_mail", ui.EnrolmentMail{Action: "/enrolment/mail", Address: anna}},
	{"enrolment_mail-sent", ui.EnrolmentMail{Action: "/enrolment/mail", Address: anna, Sent: true}},
	{"enrolment_mail-guarded", ui.EnrolmentMail{Action: "/enrolment/mail", Address: anna, Guarded: day}},
	{"enrolment_choice", ui.EnrolmentChoice{Action: "/enrolment/choice", BackURL: "/enrolment", AppURL: "https://login.example.com/authenticator/", QR: drawn}},
	{"enrolment_choice-phone", ui.EnrolmentChoice{Action: "/enrolment/choice", BackURL: "/enrolment", AppURL: "https://login.example.com/authenticator/", QR: drawn, Phone: true}},
	{"enrolment_pair", ui.EnrolmentPair{QR: drawn, Link: pairURL, Key: bindingKey, Issuer: "https://login.example.com", Action: "/enrolment/pair", BackURL: "/enrolment/choice", State: "p.shown", EventsURL: "/enrolment/pair/events?at=p.shown"}},
	{"enrolment_pair-phone", ui.EnrolmentPair{QR: drawn, Link: pairURL, Key: bindingKey, Issuer: "https://login.example.com", Action: "/enrolment/pair", BackURL: "/enrolment/choice", State: "p.shown", EventsURL: "/enrolment/pair/events?at=p.shown", Phone: true}},
	{"enrolment_pair-ios", ui.EnrolmentPair{QR: drawn, Link: pairURL, Key: bindingKey, Issuer: "https://login.example.com", Action: "/enrolment/pair", BackURL: "/enrolment/choice", State: "p.shown", EventsURL: "/enrolment/pair/events?at=p.shown", Phone: true, Unfolded: true}},
	{"enrolment_pair-expired", ui.EnrolmentPair{Action: "/enrolment/pair", BackURL: "/enrolment/choice", Problem: ui.ProblemPairExpired}},
	{"enrolment_pair-twice", ui.EnrolmentPair{Action: "/enrolment/pair", BackURL: "/enrolment/choice", Problem: ui.ProblemPairTwice}},
	{"enrolment_pair-refused", ui.EnrolmentPair{Action: "/enrolment/pair", BackURL: "/enrolment/choice", Problem: ui.ProblemPairRefused}},
	{"enrolment_consent", ui.EnrolmentConsent{Action: "/enrolment/consent", Address: anna, Name: "Annas telefon", Comparison: "KXM7", EventsURL: "/enrolment/pair/events?at=p.claimed"}},
	{"enrolment_test", ui.EnrolmentTest{Action: "/enrolment/test", Waiting: true, State: "c.waiting", EventsURL: "/signin/push/events?at=c.waiting"}},
	{"enrolment_test-answered", ui.EnrolmentTest{Action: "/enrolment/test", Answered: true, State: "c.approved", EventsURL: "/signin/push/events?at=c.approved"}},
	{"signin_push", ui.SignInPush{Address: anna, ChangeURL: "/signin", App: "HRM", Number: "42", State: "c.waiting", EventsURL: "/signin/push/events?at=c.waiting", GoAction: "/signin/push", AskAction: "/signin/push/ask", OtherURL: "/signin/methods", CodeURL: "/signin/second", RememberDays: 30}},
	{"signin_push-typed", ui.SignInPush{Address: anna, ChangeURL: "/signin", App: "HRM", Number: "402817", Typed: true, State: "c.waiting", EventsURL: "/signin/push/events?at=c.waiting", GoAction: "/signin/push", AskAction: "/signin/push/ask", OtherURL: "/signin/methods", CodeURL: "/signin/second"}},
	{"signin_push-none", ui.SignInPush{Address: anna, App: "HRM", EventsURL: "/signin/push/events?at=", GoAction: "/signin/push", AskAction: "/signin/push/ask", OtherURL: "/signin/methods", CodeURL: "/signin/second"}},
	{"signin_push-denied", ui.SignInPush{Address: anna, App: "HRM", Problem: ui.ProblemPushDenied, EventsURL: "/signin/push/events?at=c.denied", GoAction: "/signin/push", AskAction: "/signin/push/ask", OtherURL: "/signin/methods", CodeURL: "/signin/second"}},
	{"signin_push-expired", ui.SignInPush{Address: anna, App: "HRM", Problem: ui.ProblemPushExpired, EventsURL: "/signin/push/events?at=c.expired", GoAction: "/signin/push", AskAction: "/signin/push/ask", OtherURL: "/signin/methods", CodeURL: "/signin/second"}},
	{"signin_push-off", ui.SignInPush{Address: anna, App: "HRM", Problem: ui.ProblemPushOff, EventsURL: "/signin/push/events?at=", GoAction: "/signin/push", OtherURL: "/signin/methods", CodeURL: "/signin/second"}},
	{"enrolment_app", ui.EnrolmentApp{QR: drawn, Key: key, KeyURL: keyURL, NextURL: "/enrolment/code", BackURL: "/enrolment/choice"}},
	{"enrolment_app-phone", ui.EnrolmentApp{QR: drawn, Key: key, KeyURL: keyURL, NextURL: "/enrolment/code", BackURL: "/enrolment/choice", Phone: true}},
	{"enrolment_code", ui.EnrolmentCode{Action: "/enrolment/code", BackURL: "/enrolment/app"}},
	{"enrolment_code-missing", ui.EnrolmentCode{Action: "/enrolment/code", BackURL: "/enrolment/app", Problem: ui.ProblemCodeMissing}},
	{"enrolment_code-wrong", ui.EnrolmentCode{Action: "/enrolment/code", BackURL: "/enrolment/app", Problem: ui.ProblemCodeWrong}},
	{"enrolment_recovery", ui.EnrolmentRecovery{Action: "/enrolment/recovery", Code: "7K2M-9QXD-4TVA-W3HN-8PFB", DownloadURL: "/enrolment/recovery.txt"}},
	{"enrolment_recovery-again", ui.EnrolmentRecovery{Action: "/signin/1/renewed", Code: "7K2M-9QXD-4TVA-W3HN-8PFB", DownloadURL: "/signin/1/recovery.txt", Problem: ui.ProblemNotSaved, Again: true}},
	{"myaccount", ui.MyAccount{Name: "Anna Svensson", Address: anna, Notice: ui.NoticeSessionEnded, EndAction: "/account/end", EndOthersAction: "/account/end-others", SignOutAction: "/signout", Sessions: []ui.SessionRow{
		{ID: "s1", Device: "iPhone", Browser: "Safari", Place: "Sverige", Address: "203.0.113.9", First: day, Last: day.Add(50 * time.Hour), Current: true},
		{ID: "s2", Device: "Windows", Browser: "Firefox", Address: "2001:db8:7:1::2a", First: day, Last: day.Add(26 * time.Hour)},
		{ID: "s3", Address: "198.51.100.77", First: day, Last: day.Add(time.Hour)},
	}}},
	{"myaccount-access", ui.MyAccount{Name: "Anna Svensson", Address: anna, Notice: ui.NoticeAccessRevoked, SignOutAction: "/signout", ActivityURL: "/account/activity", ExportAction: "/account/export", EraseURL: "/account/erase", RevokeAction: "/account/access/revoke", Access: []ui.AccessRow{
		{ClientID: "c1", Name: "HRM", Sees: []string{"myaccount.access.profile", "myaccount.access.email", "myaccount.access.person"}, Since: day, Used: day.Add(time.Hour)},
		{ClientID: "c2", Name: "HRM Mobile", Sees: []string{"myaccount.access.profile"}, Since: day, Used: day.Add(time.Hour), Stays: true}}}},
	{"myaccount-back", ui.MyAccount{Name: "Anna Svensson", Address: anna, App: "HRM", EndAction: "/account/end", EndOthersAction: "/account/end-others", SignOutAction: "/signout", Sessions: []ui.SessionRow{{ID: "s1", Device: "Mac", Browser: "Chrome", First: day, Last: day, Current: true}}}},
	{"myaccount-mfa", ui.MyAccount{Name: "Anna Svensson", Address: anna, Notice: ui.NoticeAppAdded, EndAction: "/account/end", EndOthersAction: "/account/end-others", SignOutAction: "/signout", Sessions: []ui.SessionRow{{ID: "s1", Device: "Mac", Browser: "Chrome", First: day, Last: day, Current: true}}, MFA: &ui.MyMFA{
		Apps:      []ui.AppRow{{ID: "a1", Name: "Min telefon", Added: day, Used: day.Add(50 * time.Hour)}, {ID: "a2", Added: day.Add(40 * time.Hour)}},
		AddAction: "/account/apps/add", RenameAction: "/account/apps/rename", RemoveAction: "/account/apps/remove", RenewAction: "/account/recovery/renew", ForgetAction: "/account/browsers/forget",
		RecoveryMade: day, Policy: "required", Remembered: []ui.RememberedRow{{ID: "b1", Device: "Mac", Browser: "Chrome", Place: "Bosnien och Hercegovina", Added: day, Until: day.AddDate(0, 0, 30)}, {ID: "b2", Added: day, Until: day.AddDate(0, 0, 30)}}}}},
	{"myaccount-mfa_off", ui.MyAccount{Name: "Anna Svensson", Address: anna, Notice: ui.NoticeConfirmed, EndAction: "/account/end", EndOthersAction: "/account/end-others", SignOutAction: "/signout", Sessions: []ui.SessionRow{{ID: "s1", Device: "Mac", Browser: "Chrome", First: day, Last: day, Current: true}},
		MFA: &ui.MyMFA{AddAction: "/account/apps/add", Policy: "recommended"}}},
	{"myaccount-mfa_until", ui.MyAccount{Name: "Anna Svensson", Address: anna, EndAction: "/account/end", EndOthersAction: "/account/end-others", SignOutAction: "/signout",
		MFA: &ui.MyMFA{Apps: []ui.AppRow{{ID: "a1", Name: "Min telefon", Added: day}}, AddAction: "/account/apps/add", RenewAction: "/account/recovery/renew", Policy: "required", Until: day}}},
	{"myaccount_erase", ui.MyAccountErase{Action: "/account/erase", CancelURL: "/account", Address: anna}},
	{"myaccount_erase-problem", ui.MyAccountErase{Action: "/account/erase", CancelURL: "/account", Address: anna, Problem: ui.ProblemEraseAgree}},
	{"myaccount_erase-guarded", ui.MyAccountErase{Action: "/account/erase", CancelURL: "/account", Address: anna, Guarded: day}},
	{"myaccount_erased", ui.MyAccountErased{}},
	{"myaccount_activity", ui.MyAccountActivity{BackURL: "/account", OlderURL: "/account/activity?before=1.x", Rows: []ui.ActivityRow{
		{Text: "myaccount.activity.signed_in", At: day, Device: "iPhone", Browser: "Safari", Place: "Sverige", Address: "203.0.113.9", Count: 1, Addresses: 1},
		{Text: "myaccount.activity.code_redeemed", App: "HRM", At: day, Count: 1, Addresses: 1},
		{By: "myaccount.activity.by_anonymous", At: day, Device: "Windows", Count: 12, Addresses: 3},
		{Text: "myaccount.activity.account_created", By: "myaccount.activity.by_operator", At: day}}}},
	{"myaccount-details", ui.MyAccount{Name: "Anna Svensson", Address: anna, Notice: ui.NoticeProfileSaved, Details: ui.MyDetails{ProfileURL: "/account/profile", PasswordURL: "/account/password", Language: "Svenska", PasswordChanged: day}}},
	{"myaccount-no_password", ui.MyAccount{Address: anna, Details: ui.MyDetails{ProfileURL: "/account/profile", PasswordURL: "/account/password"}}},
	{"myaccount_profile", ui.MyAccountProfile{Action: "/account/profile", CancelURL: "/account", GivenName: "Anna", FamilyName: "Svensson", Languages: languages}},
	{"myaccount_profile-problem", ui.MyAccountProfile{Action: "/account/profile", CancelURL: "/account", Languages: languages, GivenProblem: ui.ProblemName, FamilyProblem: ui.ProblemName, LanguageProblem: ui.ProblemLanguage}},
	{"myaccount_password", ui.MyAccountPassword{Action: "/account/password", CancelURL: "/account", ForgotURL: "/recovery/new", Address: anna, HasPassword: true, MinLength: 15, MaxLength: 256, Words: []string{"anna"}}},
	{"myaccount_password-problem", ui.MyAccountPassword{Action: "/account/password", CancelURL: "/account", ForgotURL: "/recovery/new", Address: anna, HasPassword: true, MinLength: 15, MaxLength: 256, CurrentProblem: ui.ProblemCurrentPassword, Throttled: true, KeepOthers: true}},
	{"myaccount_password-first", ui.MyAccountPassword{Action: "/account/password", CancelURL: "/account", Address: anna, MinLength: 15, MaxLength: 256, Problem: ui.ProblemNewPasswordShort}},
	{"myaccount_remove", ui.MyAccountRemove{Action: "/account/apps/remove", CancelURL: "/account", ID: "a1", Name: "Min telefon"}},
	{"myaccount_remove-last", ui.MyAccountRemove{Action: "/account/apps/remove", CancelURL: "/account", ID: "a1", Name: "Min telefon", Last: true}},
	{"myaccount_remove-forbidden", ui.MyAccountRemove{AddAction: "/account/apps/add", CancelURL: "/account", ID: "a1", Name: "Min telefon", Last: true, Forbidden: true}},
	{"myaccount_remove-forbidden_back", ui.MyAccountRemove{Action: "/account/apps/remove", CancelURL: "/account", ID: "a1", Name: "Min telefon", Last: true, Forbidden: true}},
	{"signout_confirm", ui.SignOutConfirm{Action: "/signout", CancelURL: "/account", App: "HRM", Address: anna, Hidden: map[string]string{"state": "x"}}},
	{"signout_done", ui.SignOutDone{App: "HRM", URL: "http://localhost:8081/"}},
	{"signout_continue", ui.SignOutContinue{App: "HRM", URL: "http://localhost:8081/"}},
	{"signout_continue-frames", ui.SignOutContinue{App: "HRM", URL: "http://localhost:8081/", Frames: []ui.SignOutFrame{{App: "Travel", URL: "https://travel.example/gone?a=b&sid=1"}}}},
	{"signout_done-frames", ui.SignOutDone{Frames: []ui.SignOutFrame{{App: "Travel", URL: "https://travel.example/gone"}}}},
}

// zero are the same pages with nothing filled in.
var zero = []sample{
	{"signin_identifier", ui.SignInIdentifier{}}, {"signin_password", ui.SignInPassword{}},
	{"signin_newpassword", ui.SignInNewPassword{}}, {"signin_second", ui.SignInSecond{}}, {"signin_methods", ui.SignInMethods{}},
	{"signin_recovery", ui.SignInRecovery{}}, {"signin_recovered", ui.SignInRecovered{}},
	{"signin_ready", ui.SignInReady{Action: "/signin/a/continue"}}, {"signin_company", ui.SignInCompany{}}, {"signin_continue", ui.SignInContinue{}}, {"signin_post", web.FormPost{}}, {"signin_restart", ui.SignInRestart{}},
	{"recovery_start", ui.RecoveryStart{}}, {"recovery_sent", ui.RecoverySent{}},
	{"recovery_link_password", ui.RecoveryLinkPassword{}}, {"recovery_link_signin", ui.RecoveryLinkSignIn{}},
	{"recovery_link_gone", ui.RecoveryLinkGone{}}, {"recovery_not_me", ui.RecoveryNotMe{}}, {"recovery_not_me_done", ui.RecoveryNotMeDone{}},
	{"enrolment_offer", ui.EnrolmentOffer{}}, {"enrolment_mail", ui.EnrolmentMail{}}, {"enrolment_choice", ui.EnrolmentChoice{}}, {"enrolment_pair", ui.EnrolmentPair{}}, {"enrolment_consent", ui.EnrolmentConsent{}}, {"enrolment_test", ui.EnrolmentTest{}}, {"signin_push", ui.SignInPush{}}, {"enrolment_app", ui.EnrolmentApp{}},
	{"enrolment_code", ui.EnrolmentCode{}}, {"enrolment_recovery", ui.EnrolmentRecovery{}},
	{"enrolment_phone", ui.EnrolmentPhone{}}, {"enrolment_phone_check", ui.EnrolmentPhoneCheck{}}, {"enrolment_phone_code", ui.EnrolmentPhoneCode{}},
	{"signin_sms", ui.SignInSMS{}}, {"myaccount_phone", ui.MyAccountPhone{}},
	{"myaccount", ui.MyAccount{}}, {"myaccount-mfa", ui.MyAccount{MFA: &ui.MyMFA{}}}, {"myaccount_remove", ui.MyAccountRemove{}},
	{"myaccount_activity", ui.MyAccountActivity{}},
	{"myaccount_address", ui.MyAccountAddress{}}, {"myaccount_address_sent", ui.MyAccountAddressSent{}}, {"myaccount_address_link", ui.MyAccountAddressLink{}},
	{"myaccount_profile", ui.MyAccountProfile{}}, {"myaccount_password", ui.MyAccountPassword{}},
	{"myaccount_erase", ui.MyAccountErase{}}, {"myaccount_erased", ui.MyAccountErased{}},
	{"preparation_confirm", ui.PreparationConfirm{}}, {"preparation_connect", ui.PreparationConnect{}}, {"preparation_done", ui.PreparationDone{}},
	{"preparation_address", ui.PreparationAddress{}}, {"preparation_sent", ui.PreparationSent{}}, {"preparation_proposed", ui.PreparationProposed{}},
	{"preparation_objection", ui.PreparationObjection{}}, {"preparation_answered", ui.PreparationAnswered{}}, {"preparation_gone", ui.PreparationGone{}},
	{"preparation_sheet", ui.PreparationSheet{}}, {"preparation_code", ui.PreparationCode{}},
	{"device_code", ui.DeviceCode{}}, {"device_confirm", ui.DeviceConfirm{}}, {"device_done", ui.DeviceDone{}},
	{"signout_confirm", ui.SignOutConfirm{}}, {"signout_done", ui.SignOutDone{}}, {"signout_continue", ui.SignOutContinue{}},
}

// hostile are pages that carry what a stranger typed or an RP sent.
var hostile = []sample{
	{"signin_identifier", ui.SignInIdentifier{Address: evil, App: evil, BackURL: "javascript:alert(1)", PolicyURL: "javascript:alert(1)", TermsURL: "javascript:alert(1)"}},
	{"signin_company", ui.SignInCompany{App: evil, Companies: []string{evil, strings.Repeat("lång", 40)}}},
	{"signin_password", ui.SignInPassword{Address: evil}},
	{"recovery_sent", ui.RecoverySent{Address: evil}},
	{"recovery_link_password", ui.RecoveryLinkPassword{Address: evil, FirstName: evil, Words: []string{evil}, Elsewhere: true, OtherAccount: evil}},
	{"myaccount", ui.MyAccount{Name: evil, Sessions: []ui.SessionRow{{ID: evil, Device: evil, Browser: evil, Place: evil, Address: evil}}}},
	{"signin_newpassword", ui.SignInNewPassword{Address: evil, FirstName: evil, App: evil, Words: []string{evil}}},
	{"signin_second", ui.SignInSecond{Address: evil, App: evil, OtherURL: "javascript:alert(1)"}},
	{"signin_methods", ui.SignInMethods{Address: evil, CodeURL: "javascript:alert(1)", RecoveryURL: "javascript:alert(1)"}},
	{"signin_recovery", ui.SignInRecovery{Address: evil}},
	{"signin_recovered", ui.SignInRecovered{App: evil}},
	{"enrolment_offer", ui.EnrolmentOffer{App: evil, Employer: evil, Until: day}},
	{"enrolment_offer", ui.EnrolmentOffer{Employer: evil, Required: true}},
	{"enrolment_mail", ui.EnrolmentMail{Address: evil, Action: "javascript:alert(1)"}},
	{"enrolment_app", ui.EnrolmentApp{Key: evil}},
	{"enrolment_consent", ui.EnrolmentConsent{Address: evil, Name: evil, Comparison: evil, EventsURL: "/"}},
	{"signin_push", ui.SignInPush{Address: evil, App: evil, Number: evil, EventsURL: "/", OtherURL: "javascript:alert(1)"}},
	{"enrolment_recovery", ui.EnrolmentRecovery{Code: evil, DownloadURL: "javascript:alert(1)"}},
	{"myaccount", ui.MyAccount{MFA: &ui.MyMFA{Apps: []ui.AppRow{{ID: evil, Name: evil}}, RenameAction: "/", RemoveAction: "/", ForgetAction: "/", Policy: evil,
		Remembered: []ui.RememberedRow{{ID: evil, Device: evil, Browser: evil, Place: evil}}}}},
	{"myaccount_erase", ui.MyAccountErase{Address: evil, CancelURL: "javascript:alert(1)"}},
	{"myaccount_activity", ui.MyAccountActivity{OlderURL: "javascript:alert(1)", Rows: []ui.ActivityRow{{Text: "myaccount.activity.code_redeemed", App: evil, Device: evil, Browser: evil, Address: evil}}}},
	{"myaccount", ui.MyAccount{Access: []ui.AccessRow{{ClientID: evil, Name: evil}}, RevokeAction: "/"}},
	{"recovery_not_me", ui.RecoveryNotMe{Address: evil, What: ui.HappenedReuse, App: evil, Device: evil, Browser: evil, IP: evil}},
	{"myaccount_address", ui.MyAccountAddress{Current: evil, Address: evil}},
	{"myaccount_address_sent", ui.MyAccountAddressSent{Address: evil}},
	{"myaccount_address_link", ui.MyAccountAddressLink{Address: evil, Other: evil, SignInURL: "javascript:alert(1)"}},
	{"myaccount_profile", ui.MyAccountProfile{GivenName: evil, FamilyName: evil}},
	{"myaccount_password", ui.MyAccountPassword{Address: evil, Words: []string{evil}, HasPassword: true, ForgotURL: "javascript:alert(1)"}},
	{"myaccount_remove", ui.MyAccountRemove{ID: evil, Name: evil, CancelURL: "javascript:alert(1)"}},
	{"myaccount_remove", ui.MyAccountRemove{Name: evil, Forbidden: true}},
	{"enrolment_phone", ui.EnrolmentPhone{Number: evil, BackURL: "javascript:alert(1)"}},
	{"enrolment_phone_check", ui.EnrolmentPhoneCheck{Number: evil, ChangeURL: "javascript:alert(1)"}},
	{"enrolment_phone_code", ui.EnrolmentPhoneCode{Number: evil}},
	{"signin_sms", ui.SignInSMS{Address: evil, App: evil, Number: evil}},
	{"preparation_confirm", ui.PreparationConfirm{FirstName: evil, Employer: evil, Address: evil, Words: []string{evil}, AddressURL: "javascript:alert(1)"}},
	{"preparation_connect", ui.PreparationConnect{Employer: evil, Address: evil, Other: evil, SignInURL: "javascript:alert(1)"}},
	{"preparation_done", ui.PreparationDone{FirstName: evil, Employer: evil, Address: evil, Switched: true, Apps: []ui.PreparationApp{{Name: evil, URL: "javascript:alert(1)"}}}},
	{"preparation_address", ui.PreparationAddress{Employer: evil, Current: evil, Address: evil, BackURL: "javascript:alert(1)"}},
	{"preparation_proposed", ui.PreparationProposed{Employer: evil, Address: evil}},
	{"preparation_objection", ui.PreparationObjection{Employer: evil, Address: evil}},
	{"preparation_answered", ui.PreparationAnswered{Employer: evil}},
	{"preparation_sheet", ui.PreparationSheet{FirstName: evil, Employer: evil, Words: []string{evil}}},
	{"preparation_code", ui.PreparationCode{Code: evil, Problem: ui.ProblemSheetCode}},
	{"device_code", ui.DeviceCode{Action: evil, Code: evil, Problem: ui.ProblemDeviceGone}}, {"device_confirm", ui.DeviceConfirm{Action: evil, App: evil, Address: evil, Code: evil}},
	{"device_done", ui.DeviceDone{App: evil, AccountURL: evil}},
	{"preparation_done", ui.PreparationDone{Employer: evil, Sheet: true, Number: evil}},
	{"signout_confirm", ui.SignOutConfirm{App: evil, Hidden: map[string]string{evil: evil}}},
	{"signout_done", ui.SignOutDone{App: evil, URL: evil, Frames: []ui.SignOutFrame{{App: evil}}}},
}

var languages = []ui.LanguageChoice{{Code: "sv", Own: "Svenska", Chosen: true}, {Code: "en", Own: "English"}}

// drawn is the code to scan; key and keyURL are what it holds.
var drawn = ui.QR(keyURL)

const (
	key        = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
	keyURL     = "otpauth://totp/Portvakt:anna.svensson%40foretaget.example?secret=" + key + "&issuer=Portvakt"
	pairURL    = web.RegisteredURL("https://login.example.com/authenticator/#code=7K3MQ2ZD8XW5VRTN4HBPJ6YCAE&iss=https%3A%2F%2Flogin.example.com")
	bindingKey = "7K3M Q2ZD 8XW5 VRTN 4HBP J6YC AE"
)

var day = time.Date(2026, 11, 23, 13, 5, 0, 0, time.UTC)

func newKit(t *testing.T) *web.Kit {
	t.Helper()
	texts := locale.New()
	o := web.Options{Issuer: "http://localhost:8080", Catalogue: texts, Templates: ui.Templates(), Static: ui.Static(),
		Logger: slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelError}))}
	if os.Getenv("PORTVAKT_PREVIEW") != "" {
		o.Templates, o.Static, o.Reload = os.DirFS("templates"), os.DirFS("static"), true
	}
	kit, err := web.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return kit
}

// render shows a page through everything that stands around it in the product.
func render(t *testing.T, kit *web.Kit, s sample, lang string) string {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, "/page?x=1", nil)
	r.Header.Set("Accept-Language", lang)
	w := httptest.NewRecorder()
	kit.Wrap(kit.Handle(func(w http.ResponseWriter, r *http.Request) error {
		return kit.Page(w, r, http.StatusOK, s.page(), s.view)
	})).ServeHTTP(w, r)
	if w.Code != http.StatusOK {
		t.Fatalf("%s: status %d", s.name, w.Code)
	}
	return w.Body.String()
}

func TestEveryPageRendersInEveryLanguageWithFullAndZeroViews(t *testing.T) {
	kit := newKit(t)
	for _, lang := range locale.Languages() {
		for kind, samples := range map[string][]sample{"full": full, "zero": zero, "hostile": hostile} {
			for _, s := range samples {
				t.Run(fmt.Sprintf("%s/%s/%s", lang, kind, s.name), func(t *testing.T) {
					body := render(t, kit, s, string(lang))
					webtest.CheckPage(t, body)
					if !strings.Contains(body, `<html lang="`+string(lang)+`">`) {
						t.Error("the page does not name its language")
					}
					if strings.Contains(body, "<script>alert") || strings.Contains(body, `"javascript:`) {
						t.Error("foreign text became markup")
					}
				})
			}
		}
	}
}

func TestEveryTemplateHasASample(t *testing.T) {
	files, err := os.ReadDir("templates")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		name := strings.TrimSuffix(f.Name(), ".html")
		if name == "layout" || name == "error" || strings.HasPrefix(name, "_") {
			continue // error is rendered by the kit's own tests and by the preview below
		}
		has := func(s sample) bool { return s.page() == name }
		if !slices.ContainsFunc(full, has) || !slices.ContainsFunc(zero, has) {
			t.Errorf("%s: no full or no zero view", f.Name())
		}
	}
}

// TestButtonsAreCalledAsTheGuideCallsThem holds the words that the guide's readers look for: a control's accessible name
// is exactly that text, and explanations stand beside it.
func TestButtonsAreCalledAsTheGuideCallsThem(t *testing.T) {
	kit := newKit(t)
	for name, want := range map[string][]string{
		"signin_identifier":                {"Nästa"},
		"signin_password":                  {"Logga in", "Glömt ditt lösenord"},
		"recovery_start":                   {"Återställ lösenord", "Engångslänk för inloggning", "Tillbaka till inloggningen", "Jag är inte en robot"},
		"recovery_link_password":           {"Ange lösenord"},
		"recovery_link_password-elsewhere": {"Ange lösenord"},
		"recovery_link_signin":             {"Logga in"},
		"preparation_confirm":              {"Ja, det stämmer", "Jag vill använda en annan adress"},
		"preparation_gone":                 {"Skicka en ny länk"},
		"preparation_sheet":                {"Spara lösenordet"},
		"preparation_code":                 {"Nästa"},
		"preparation_connect":              {"Logga in"},
		"recovery_link_signin-elsewhere":   {"Logga in"},
		"signin_newpassword":               {"Ange lösenord"},
		"signin_second":                    {"Ange din 6-siffriga kod", "Kom ihåg den här webbläsaren i 30 dagar", "Logga in", "Prova ett annat sätt"},
		"signin_methods":                   {"Återställningskod"},
		"signin_recovery":                  {"Återställningskod", "Logga in", "Prova ett annat sätt"},
		"signin_recovered":                 {"Jag har kvar min app", "Appen är borta"},
		"enrolment_offer":                  {"Aktivera", "Påminn mig senare"},
		"enrolment_offer-required":         {"Aktivera"},
		"enrolment_mail":                   {"Skicka länken"},
		"enrolment_mail-sent":              {"Skicka en länk till"},
		"enrolment_choice":                 {"Nästa", "Jag använder en annan autentiseringsapp"},
		"enrolment_choice-phone":           {"Nästa", "Jag använder en annan autentiseringsapp"},
		"enrolment_pair-phone":             {"Öppna i Portvakt Authenticator"},
		"enrolment_consent":                {"Godkänn", "Neka", "Logga ut nu"},
		"enrolment_test":                   {"Fortsätt"},
		"signin_push":                      {"Skicka igen", "Prova ett annat sätt"},
		"enrolment_app":                    {"Öppna i autentiseringsappen", "Tillbaka", "Nästa"},
		"enrolment_app-phone":              {"Öppna i autentiseringsappen", "Tillbaka", "Nästa"},
		"enrolment_code":                   {"Ange din 6-siffriga kod", "Tillbaka", "Nästa"},
		"enrolment_recovery":               {"Jag har sparat koden på ett säkert ställe", "Klar"},
		"enrolment_phone":                  {"Mobilnummer", "Nästa", "Hoppa över"},
		"enrolment_phone_check":            {"Ändra numret", "Skicka kod"},
		"enrolment_phone_code":             {"Ange din 6-siffriga kod", "Nästa", "Skicka igen", "Hoppa över"},
		"signin_sms":                       {"Ange din 6-siffriga kod", "Logga in", "Skicka igen", "Prova ett annat sätt"},
		"signin_methods-sms":               {"Kod från appen", "SMS till •••• 05", "Återställningskod"},
		"myaccount-phone":                  {"Byt nummer", "Ta bort numret"},
		"myaccount":                        {"Logga ut"},
		"myaccount-mfa":                    {"Byt namn på Min telefon", "Ta bort Min telefon", "Skaffa en ny kod", "Glöm Mac, Chrome"},
		"myaccount-mfa_off":                {"Aktivera"},
		"myaccount-access":                 {"Ta bort åtkomst HRM", "Ta bort åtkomst HRM Mobile"},
		"myaccount_remove":                 {"Ta bort"},
		"myaccount_erase":                  {"Radera mitt konto"},
		"signout_confirm":                  {"Logga ut"},
	} {
		s := full[slices.IndexFunc(full, func(s sample) bool { return s.name == name })]
		names := controls(t, render(t, kit, s, "sv"))
		for _, w := range want {
			if !slices.Contains(names, w) {
				t.Errorf("%s: no control %q among %q", name, w, names)
			}
		}
	}
}

// TestWhatIsNotAllowedHasNoButton holds what a page leaves out.
func TestWhatIsNotAllowedHasNoButton(t *testing.T) {
	kit := newKit(t)
	for name, unwanted := range map[string]string{
		"enrolment_offer-required":        "Påminn mig senare",
		"signin_methods-recovery":         "Kod från appen",
		"signin_methods-none":             "Återställningskod",
		"signin_second-throttled":         "Kom ihåg den här webbläsaren i 0 dagar",
		"signin_sms-spent":                "Skicka igen",
		"signin_methods-limit":            "SMS till",
		"enrolment_phone-account":         "Hoppa över",
		"myaccount-nophone":               "Ta bort numret",
		"myaccount_erase-guarded":         "Radera mitt konto",
		"myaccount_remove-forbidden":      "Ta bort",
		"myaccount_remove-forbidden_back": "Ta bort",
		"myaccount-mfa_until":             "Byt namn på Min telefon",
	} {
		s := full[slices.IndexFunc(full, func(s sample) bool { return s.name == name })]
		if slices.Contains(controls(t, render(t, kit, s, "sv")), unwanted) {
			t.Errorf("%s: has %q", name, unwanted)
		}
	}
}

// TestACodeIsCopiedAsItIsShown: neither the places where a line may break nor the gaps between groups change it.
func TestACodeIsCopiedAsItIsShown(t *testing.T) {
	kit := newKit(t)
	for name, want := range map[string]string{
		"enrolment_recovery": `<code id="recovery-code" translate="no">7K2M-<wbr>9QXD-<wbr>4TVA-<wbr>W3HN-<wbr>8PFB</code>`,
		"enrolment_app":      `<code id="key" translate="no">JBSW Y3DP EHPK 3PXP JBSW Y3DP EHPK 3PXP</code>`,
	} {
		s := full[slices.IndexFunc(full, func(s sample) bool { return s.name == name })]
		if body := render(t, kit, s, "sv"); !strings.Contains(body, want) {
			t.Errorf("%s: no %s", name, want)
		}
	}
	grouped := ui.EnrolmentApp{Key: "JBSW Y3DP EH"}.Grouped()
	if grouped != "JBSW Y3DP EH" {
		t.Errorf("grouped twice: %q", grouped)
	}
}

func TestWithoutScriptTheRobotCheckStandsInNobodysWay(t *testing.T) {
	kit := newKit(t)
	for _, s := range full {
		body := render(t, kit, s, "sv")
		_, plain, has := strings.Cut(body[strings.Index(body, "</head>"):], "<noscript>")
		if strings.Contains(body, " disabled>") != has {
			t.Errorf("%s: a closed button and no way without a script, or the other way round", s.name)
		}
		if has && !strings.Contains(plain, `/plain"`) {
			t.Errorf("%s: the form without a script leads to %q", s.name, plain)
		}
	}
}

// TestThePreviewServes shows every sample over HTTP. With PORTVAKT_PREVIEW=localhost:8090 it stays, reads templates and
// stylesheet anew at each request, and lists the pages at "/": the place to look at a page while changing it.
func TestThePreviewServes(t *testing.T) {
	preview := previewHandler(newKit(t))
	if addr := os.Getenv("PORTVAKT_PREVIEW"); addr != "" {
		t.Fatal(http.ListenAndServe(addr, preview))
	}
	server := httptest.NewServer(preview)
	defer server.Close()
	for path, status := range map[string]int{"/": 200, "/error": 500, "/nothing": 404, "/page/signin_identifier": 200} {
		answer, err := http.Get(server.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(answer.Body)
		answer.Body.Close()
		if answer.StatusCode != status {
			t.Errorf("%s: status %d", path, answer.StatusCode)
		}
		if path != "/" {
			webtest.CheckPage(t, string(body))
		}
		for _, asset := range regexp.MustCompile(`/static/[^"]+`).FindAllString(string(body), -1) {
			got, err := http.Get(server.URL + asset)
			if err != nil || got.StatusCode != http.StatusOK {
				t.Errorf("%s: %v %v", asset, got, err)
			}
		}
	}
}

func previewHandler(kit *web.Kit) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /static/", kit.Static())
	mux.Handle("POST /language", kit.ChangeLanguage())
	mux.Handle("/", kit.NotFound())
	mux.Handle("GET /error", kit.Handle(func(http.ResponseWriter, *http.Request) error { return io.ErrUnexpectedEOF }))
	mux.HandleFunc("POST /challenge", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json") // SHA-256("salt" + "31234")
		fmt.Fprint(w, `{"challenge":"8d7ad1b99f9a6c0e1c3ed1618368da9e578340713c1f05ca5c24a4d26590ef55","salt":"salt","max":40000,"token":"t"}`)
	})
	mux.HandleFunc("GET /brand.css", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/css")
		w.Write(web.BrandCSS("#e4572e"))
	})
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		for _, s := range full {
			fmt.Fprintf(w, "<p><a href=/page/%[1]s>%[1]s</a>", s.name)
		}
	})
	mux.Handle("/page/{name}", kit.Handle(func(w http.ResponseWriter, r *http.Request) error {
		if r.URL.Query().Has("brand") {
			r = web.WithBrand(r, web.Brand{Name: "Företaget AB", StyleURL: "/brand.css"})
		}
		for _, s := range full {
			if s.name == r.PathValue("name") {
				return kit.Page(w, r, http.StatusOK, s.page(), s.view)
			}
		}
		return &web.Fault{Status: http.StatusNotFound, Key: "error.not_found"}
	}))
	return kit.Wrap(kit.SameOrigin(mux))
}

// controls lists the words of a page's buttons, links, labels and what opens further ones.
func controls(t *testing.T, body string) []string {
	t.Helper()
	document, err := html.ParseWithOptions(strings.NewReader(body), html.ParseOptionEnableScripting(false))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for n := range document.Descendants() {
		if n.Type != html.ElementNode || !slices.Contains([]string{"button", "a", "label", "summary"}, n.Data) {
			continue
		}
		var text strings.Builder
		for inner := range n.Descendants() {
			if inner.Type == html.TextNode {
				text.WriteString(inner.Data)
			}
		}
		names = append(names, strings.Join(strings.Fields(text.String()), " "))
	}
	return names
}
