package mail

import (
	"net/url"

	"github.com/portvakt/portvakt/internal/locale"
	"github.com/portvakt/portvakt/internal/outbox"
)

// The mails of a transition, whose names are the flow preparation's. Params employer; phase, "preparation" until people log in here;
// switch_on, the day of the switch; days and hours, how long the link works; existing, "yes": the address has an account already;
// asked, "yes": the reader has asked for a mailed link; guide_sv, guide_en: what stands in the public address of the employer's guide.
const (
	preparationConfirmTemplate   = "preparation_confirm"
	preparationReminderTemplate  = "preparation_reminder"
	preparationProposedTemplate  = "preparation_proposed"
	preparationObjectionTemplate = "preparation_objection"
	preparationApprovedTemplate  = "preparation_approved"
	preparationDoneTemplate      = "preparation_done"
)

// addPreparation writes a mail of a transition. Its reader has no account yet, or hears of one that has just come to be.
func (s *Sender) addPreparation(l *letter, p *locale.Printer, m outbox.Message) error {
	say := func(key string) string {
		return p.T(key, "Employer", m.Params["employer"], "Address", m.To, "Days", m.Params["days"], "Hours", m.Params["hours"])
	}
	existing, soon := m.Params["existing"] != "", m.Params["phase"] == "preparation"
	l.Subject, l.Intro, l.Review = say("mail."+m.Template+".subject"), say("mail."+m.Template+".intro"), nil
	switch m.Template {
	case preparationDoneTemplate:
		if existing {
			l.Intro = say("mail.preparation_done.intro_existing")
		}
		if soon {
			l.Further = append(l.Further, s.switchOn(p, m, "mail.preparation_done.from", say("mail.preparation_done.later")))
		} else {
			l.Further = append(l.Further, say("mail.preparation_done.now"))
		}
		return s.addNotMe(l, p, m)
	case preparationObjectionTemplate:
		l.Further = []string{say("mail.preparation_objection.was_me")}
		l.NotYou = []string{say("mail.preparation_objection.stop")}
		var err error
		l.NotMe, err = s.preparationLink(m, say("mail.preparation_objection.button"))
		return err
	case preparationProposedTemplate:
		l.Validity, l.NotYou = say("mail.preparation_proposed.validity"), []string{say("mail.preparation_proposed.ignore")}
	default:
		s.invite(l, p, m, say, existing, soon)
	}
	button := "mail." + m.Template + ".button"
	if existing {
		button = "mail.preparation_confirm.button_existing"
	}
	var err error
	l.Action, err = s.preparationLink(m, say(button))
	return err
}

// invite writes the mails that lead to a first login.
func (s *Sender) invite(l *letter, p *locale.Printer, m outbox.Message, say func(string) string, existing, soon bool) {
	approved := m.Template == preparationApprovedTemplate
	switch {
	case existing:
		l.Subject, l.Intro = say("mail.preparation_confirm.subject_existing"), say("mail.preparation_confirm.intro_existing")
	case m.Params["asked"] != "":
		l.Intro = say("mail.preparation_confirm.intro_asked")
	case !soon && m.Template == preparationReminderTemplate:
		l.Intro = say("mail.preparation_reminder.intro_switched")
	case !soon && !approved:
		l.Intro = say("mail.preparation_confirm.intro_switched")
	}
	if when := s.switchOn(p, m, "mail.preparation_confirm.until", ""); soon && when != "" {
		l.Intro += " " + when
	}
	l.Validity = say("mail.preparation_confirm.validity")
	if !existing && !approved {
		l.Further = append(l.Further, say("mail.preparation_confirm.another"))
	}
	l.Further = append(l.Further, say("mail.preparation_confirm.safe"))
	l.NotYou = []string{say("mail.preparation_confirm.ignore")}
	if guide := m.Params["guide_"+string(p.Language())]; guide != "" && !existing {
		l.Guide = &action{say("mail.preparation_confirm.guide"), s.settings.Issuer + "/guide/" + url.PathEscape(guide) + "/"}
	}
}

// switchOn says something about the day of the switch; otherwise where no day is told.
func (s *Sender) switchOn(p *locale.Printer, m outbox.Message, key, otherwise string) string {
	day := outbox.ParseTime(m.Params["switch_on"])
	if day.IsZero() {
		return otherwise
	}
	return p.T(key, "Date", p.Date(day), "Employer", m.Params["employer"])
}

// preparationLink is the button of a preparation link.
func (s *Sender) preparationLink(m outbox.Message, text string) (*action, error) {
	token, err := m.OpenSecret(s.keys, s.now())
	if err != nil {
		return nil, err
	}
	return &action{text, s.settings.Issuer + "/preparation/" + token.Reveal()}, nil
}
