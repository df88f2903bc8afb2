package mail

import (
	"cmp"
	"fmt"
	"time"

	"github.com/portvakt/portvakt/internal/locale"
	"github.com/portvakt/portvakt/internal/onetime"
	"github.com/portvakt/portvakt/internal/outbox"
	"github.com/portvakt/portvakt/internal/recovery"
)

// letter is what every mail consists of. The HTML part and the text part are made from the same one, so that
// neither says less than the other.
type letter struct {
	Language string
	Subject  string
	Greeting string
	Intro    string
	Action   *action // the one thing to press
	Validity string
	Further  []string // paragraphs
	Guide    *action  // the employer's guide
	Facts    []fact   // where the request came from
	Unknown  string   // heading above what to do when it was somebody else
	NotYou   []string
	NotMe    *action // below NotYou: says that it was somebody else
	Review   *action
	Support  string
	Closing  string
	Sender   string
}

type action struct{ Text, URL string }

type fact struct{ Label, Value string }

// reuseTemplate is grant.ReuseTemplate; an engine imports the flow whose interface it fulfils and no other.
const reuseTemplate = "session_reuse"

// The mails about the second factor. The flow enrolment and authn own their names, as grant owns the one above.
const (
	mfaOnTemplate        = "mfa_on"  // param authenticator: the name of the app that was added, as its owner typed it
	mfaOffTemplate       = "mfa_off" // param authenticator: the app that was removed; off, "yes": it was the last one
	recoveryUsedTemplate = "recovery_code_used"
	failuresTemplate     = "signin_failures"    // params kind, "pwd", "otp", "sms" or "recovery": what was guessed; suspended, "yes": it counts no more
	recoveryMadeTemplate = "recovery_code_made" // never the code itself
	phoneOnTemplate      = "phone_on"           // param number: its last digits
	phoneOffTemplate     = "phone_off"

	recoveryIssuedTemplate   = "recovery_code_issued"   // never the code itself
	recoveryReminderTemplate = "recovery_code_reminder" // nothing has happened: it only asks

	newDeviceTemplate    = "new_device"          // authn's
	listedTemplate       = "old_password_listed" // authn's; recovery makes its link
	pushReportedTemplate = "push_reported"       // signin's; param device: in words, what waited for the phone's answer
)

// The mails about a change of address, whose names are the flow myaccount's.
const (
	addressConfirmTemplate = "address_confirm" // param taken, "yes": the address has an account already
	addressChangedTemplate = "address_changed"
	addressNewTemplate     = "address_new"
)

// compose writes the letter of a message's template.
func (s *Sender) compose(m outbox.Message) (letter, error) {
	p := s.catalogue.Printer(s.catalogue.Match(m.Language))
	l := letter{Language: string(p.Language()), Subject: p.T("mail." + m.Template + ".subject"), Greeting: p.T("mail.greeting"),
		Intro: p.T("mail."+m.Template+".intro", "Address", m.To, "App", m.Params["app"]), Facts: s.facts(p, m),
		Unknown: p.T("mail.unknown"), Review: &action{p.T("mail.review"), s.settings.Issuer + "/account"},
		Support: p.T("mail.support"), Closing: p.T("mail.closing"), Sender: cmp.Or(m.Params["employer"], s.settings.FromName)}
	if name := m.Params["name"]; name != "" {
		l.Greeting = p.T("mail.greeting_named", "Name", name)
	}
	switch m.Template {
	case recovery.ResetTemplate:
		l.Validity = p.T("mail.recovery_reset.validity", "Hours", int(onetime.Reset.Life()/time.Hour))
		l.NotYou = []string{p.T("mail.recovery_reset.ignore")}
		return l, s.addLink(&l, p, m)
	case listedTemplate:
		l.Validity = p.T("mail.old_password_listed.validity", "Hours", int(onetime.Reset.Life()/time.Hour))
		l.Further, l.NotYou = []string{p.T("mail.old_password_listed.next")}, []string{p.T("mail.old_password_listed.ignore")}
		return l, s.addLink(&l, p, m)
	case recovery.SigninTemplate:
		l.Validity = p.T("mail.recovery_login.validity", "Minutes", int(onetime.Signin.Life()/time.Minute))
		l.NotYou = []string{p.T("mail.recovery_login.ignore")}
		return l, s.addLink(&l, p, m)
	case recovery.ChangedTemplate:
		if m.Params["others_ended"] != "" {
			l.Further = []string{p.T("mail.password_changed.others_ended")}
		}
		return l, s.addNotMe(&l, p, m)
	case reuseTemplate:
		l.Further = []string{p.T("mail.session_reuse.next", "App", m.Params["app"])}
		return l, s.addNotMe(&l, p, m)
	case erasedTemplate:
		s.addErased(&l, p)
		return l, nil
	case failuresTemplate:
		s.addFailures(&l, p, m)
		return l, s.addNotMe(&l, p, m, l.NotYou...)
	case recoveryReminderTemplate:
		l.Intro += " " + p.T("mail.recovery_code_reminder.lost") // before the button, which leads there
		l.Action, l.Review, l.Unknown = &action{p.T("mail.recovery_code_reminder.button"), s.settings.Issuer + "/account"}, nil, ""
		return l, nil
	case recoveryIssuedTemplate:
		l.Further = []string{p.T("mail.recovery_code_issued.next")}
		return l, s.addNotMe(&l, p, m, p.T("mail.recovery_code_issued.undo"))
	case newDeviceTemplate:
		l.Further = []string{p.T("mail.new_device.next")}
		return l, s.addNotMe(&l, p, m)
	case pushReportedTemplate:
		l.Further = []string{p.T("mail.push_reported.next")}
		if d := m.Params["device"]; d != "" {
			l.Facts = append([]fact{{p.T("mail.device"), d}}, l.Facts...)
		}
		return l, s.addNotMe(&l, p, m, p.T("mail.push_reported.undo"))
	case preparationConfirmTemplate, preparationReminderTemplate, preparationProposedTemplate, preparationObjectionTemplate,
		preparationApprovedTemplate, preparationDoneTemplate:
		return l, s.addPreparation(&l, p, m)
	case transitionDisconnectedTemplate, transitionCorrectedTemplate, preparationPrintedTemplate:
		addTransition(&l, p, m)
		return l, nil
	case addressConfirmTemplate, addressChangedTemplate, addressNewTemplate:
		return l, s.addAddress(&l, p, m)
	case mfaOnTemplate, mfaOffTemplate, recoveryUsedTemplate, recoveryMadeTemplate:
		s.addSecondFactor(&l, p, m)
		return l, s.addNotMe(&l, p, m, l.NotYou...)
	case phoneOnTemplate, phoneOffTemplate:
		addPhone(&l, p, m)
		return l, s.addNotMe(&l, p, m, l.NotYou...)
	}
	return l, fmt.Errorf("no mail is called %q", m.Template)
}

// addSecondFactor says what has become of the apps and the recovery code. An app's name is quoted: it is a person's word
// and not ours.
func (s *Sender) addSecondFactor(l *letter, p *locale.Printer, m outbox.Message) {
	app := harmless(m.Params["authenticator"])
	switch m.Template {
	case mfaOnTemplate:
		if app != "" {
			l.Further = append(l.Further, p.T("mail.mfa_on.app", "Name", app))
		}
		l.Further = append(l.Further, p.T("mail.mfa_on.next"))
		l.NotYou = []string{p.T("mail.mfa_on.undo")}
	case mfaOffTemplate:
		if app != "" {
			l.Further = append(l.Further, p.T("mail.mfa_off.app", "Name", app))
		}
		if m.Params["off"] != "" {
			l.Subject, l.Intro = p.T("mail.mfa_off.subject_off"), p.T("mail.mfa_off.intro_off", "Address", m.To)
			l.Further = append(l.Further, p.T("mail.mfa_off.next"))
		}
	case recoveryUsedTemplate:
		l.Further = []string{p.T("mail.recovery_code_used.next")}
		l.NotYou = []string{p.T("mail.recovery_code_used.undo")}
	case recoveryMadeTemplate:
		l.Further = []string{p.T("mail.recovery_code_made.next")}
		l.NotYou = []string{p.T("mail.recovery_code_made.undo")}
	}
}

// addFailures says what was guessed, and what is to do where it counts no more.
func (s *Sender) addFailures(l *letter, p *locale.Printer, m outbox.Message) {
	l.Further = []string{p.T("mail.signin_failures.nobody")}
	if m.Params["kind"] == "pwd" {
		if m.Params["suspended"] != "" {
			l.Further = []string{p.T("mail.signin_failures.suspended_password")}
		}
		return
	}
	l.Intro = p.T("mail.signin_failures.intro_code", "Address", m.To)
	l.Further = []string{p.T("mail.signin_failures.nobody_code")}
	l.NotYou = []string{p.T("mail.signin_failures.not_you_code")}
	switch {
	case m.Params["suspended"] == "":
	case m.Params["kind"] == "sms":
		l.Further = []string{p.T("mail.signin_failures.suspended_phone")}
	default:
		l.Further = []string{p.T("mail.signin_failures.suspended_code")}
	}
}

// addPhone says what has become of the phone.
func addPhone(l *letter, p *locale.Printer, m outbox.Message) {
	number := m.Params["number"]
	if m.Template == phoneOnTemplate {
		l.Further = []string{p.T("mail.phone_on.number", "Number", number), p.T("mail.phone_on.next")}
		l.NotYou = []string{p.T("mail.phone_on.not_you")}
		return
	}
	if number != "" {
		l.Further = []string{p.T("mail.phone_off.number", "Number", number)}
	}
	l.Further = append(l.Further, p.T("mail.phone_off.next"))
}

// addLink puts the one-time link in, the mail's own action.
func (s *Sender) addLink(l *letter, p *locale.Printer, m outbox.Message) error {
	token, err := m.OpenSecret(s.keys, s.now())
	if err != nil {
		return err
	}
	page := "/recovery/link/"
	if m.Template == addressConfirmTemplate {
		page = "/account/address/"
	}
	l.Action = &action{p.T("mail." + m.Template + ".button"), s.settings.Issuer + page + token.Reveal()}
	return nil
}

// addAddress says what becomes of an address. Whoever gets the first of these mails may be a stranger: it names nobody.
func (s *Sender) addAddress(l *letter, p *locale.Printer, m outbox.Message) error {
	switch {
	case m.Template == addressChangedTemplate:
		l.Further = []string{p.T("mail.address_changed.next", "Days", int(onetime.NotMe.Life()/(24*time.Hour)))}
		return s.addNotMe(l, p, m, p.T("mail.address_changed.undo"))
	case m.Template == addressNewTemplate:
		l.NotYou = []string{p.T("mail.address_new.ignore")}
		return nil
	}
	l.Facts, l.Review = nil, nil
	if m.Params["taken"] != "" {
		l.Subject, l.Intro = p.T("mail.address_confirm.taken_subject"), p.T("mail.address_confirm.taken_intro", "Address", m.To)
		l.Further, l.NotYou = []string{p.T("mail.address_confirm.taken_next")}, []string{p.T("mail.address_confirm.taken_ignore")}
		return nil
	}
	l.Validity = p.T("mail.address_confirm.validity", "Hours", int(onetime.Address.Life()/time.Hour))
	l.NotYou = []string{p.T("mail.address_confirm.ignore")}
	return s.addLink(l, p, m)
}

// addNotMe puts in the button by which the reader says that it was somebody else, and what it does. more is what it does besides.
func (s *Sender) addNotMe(l *letter, p *locale.Printer, m outbox.Message, more ...string) error {
	token, err := m.OpenSecret(s.keys, s.now())
	if err != nil {
		return err
	}
	l.NotYou = append([]string{p.T("mail.not_me.text")}, more...)
	l.NotYou = append(l.NotYou, p.T("mail.not_me.validity", "Days", int(onetime.NotMe.Life()/(24*time.Hour))))
	l.NotMe = &action{p.T("mail.not_me.button"), s.settings.Issuer + "/recovery/not-me/" + token.Reveal()}
	return nil
}

// facts say where the request came from, as far as anything is known.
func (s *Sender) facts(p *locale.Printer, m outbox.Message) []fact {
	var all []fact
	add := func(key, value string) {
		if value != "" {
			all = append(all, fact{p.T("mail." + key), value})
		}
	}
	if agent := m.Params["user_agent"]; agent != "" && s.settings.Words != nil {
		device, browser := s.settings.Words(agent)
		add("device", device)
		add("browser", browser)
	}
	if s.settings.Country != nil {
		add("country", s.settings.Country(m.Params["ip"], string(p.Language())))
	}
	add("ip", m.Params["ip"])
	if at := outbox.ParseTime(m.Params["at"]); !at.IsZero() {
		add("time", p.DateTime(at))
	}
	return all
}
