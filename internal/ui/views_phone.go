package ui

import "time"

// Problem keys of the number field (EnrolmentPhone).
const (
	ProblemNumberMissing   = "enrolment.problem.number_missing"
	ProblemNumberInvalid   = "enrolment.problem.number_invalid"
	ProblemNumberNotMobile = "enrolment.problem.number_not_mobile"
	ProblemNumberCountry   = "enrolment.problem.number_country"
	ProblemNumberOwn       = "sms.problem.own"
)

// Problem keys of codes by SMS (EnrolmentPhoneCheck, EnrolmentPhoneCode, SignInSMS, SignInMethods). A wrong code, one that is too
// old and one that a newer code has replaced share a key.
const (
	ProblemTextedMissing = "sms.problem.missing"
	ProblemTextedWrong   = "sms.problem.wrong"
	ProblemSMSLimit      = "sms.problem.limit"
	ProblemSMSNone       = "sms.problem.none" // the number's country is no longer served
)

// EnrolmentPhone is the page enrolment_phone (S15): the number of a mobile phone, for the day when the app is lost.
// Form fields: number (as typed). None to SkipAction.
type EnrolmentPhone struct {
	Action     string
	SkipAction string // goes on without; "" shows no button
	BackURL    string // "" shows no link
	Number     string // what was typed
	Problem    string
}

// EnrolmentPhoneCheck is the page enrolment_phone_check: the number as it was understood, in full, before anything is sent to it.
// Form fields: none.
type EnrolmentPhoneCheck struct {
	Action     string
	ChangeURL  string // back to EnrolmentPhone
	SkipAction string
	Number     string
	Problem    string
	Again      SMSAgain // only Wait is used: a code to another number has just been sent
}

// EnrolmentPhoneCode is the page enrolment_phone_code: the code that came to the number.
// Form fields: code.
type EnrolmentPhoneCode struct {
	Action     string
	ChangeURL  string // back to EnrolmentPhone
	SkipAction string
	Number     string // its last digits
	Problem    string
	Throttled  bool
	Again      SMSAgain
}

// SignInSMS is the page signin_sms: the code that came to the account's phone.
// Form fields: code.
type SignInSMS struct {
	Action    string
	Address   string
	ChangeURL string // as on SignInSecond
	App       string // name of the app that waits, or ""
	Number    string // its last digits
	Problem   string
	Throttled bool
	OtherURL  string // to SignInMethods
	Again     SMSAgain
}

// SMSAgain is the part of a page that sends the code once more.
// Form fields: none.
type SMSAgain struct {
	Action string // "" shows nothing
	Wait   int    // seconds until it may be pressed
	Spent  bool   // no more codes in this attempt: there is no button
	Failed bool   // the newest code could not be sent so far
}

// PhoneRow is the account's phone on MyAccount.
type PhoneRow struct {
	Number string // its last digits
	Added  time.Time
	Used   time.Time // zero: never
	// Suspended says that it gets no codes until the number is given anew.
	Suspended bool
}

// MyAccountPhone is the page myaccount_phone: it asks before the phone is removed.
// Form fields: none.
type MyAccountPhone struct {
	Action    string
	CancelURL string
	Number    string // its last digits
}
