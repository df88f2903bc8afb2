package mail

import (
	"github.com/portvakt/portvakt/internal/locale"
	"github.com/portvakt/portvakt/internal/outbox"
)

// The mails about what an administrator has done to a row of the register, whose names are the flow transition's. Param employer.
const (
	transitionDisconnectedTemplate = "transition_disconnected" // to the account
	transitionCorrectedTemplate    = "transition_corrected"    // to the register's former address: it names nobody
	preparationPrintedTemplate     = "preparation_printed"     // the flow preparation's, to the register's address: it names nobody
)

// addTransition writes such a mail. Nothing in it leads anywhere: whoever did not expect it asks the employer, on a way of her own.
func addTransition(l *letter, p *locale.Printer, m outbox.Message) {
	employer := m.Params["employer"]
	l.Subject, l.Intro = p.T("mail."+m.Template+".subject", "Employer", employer), p.T("mail."+m.Template+".intro", "Employer", employer, "Address", m.To)
	if m.Template == transitionDisconnectedTemplate {
		l.Further, l.NotYou = []string{p.T("mail.transition_disconnected.stays")}, []string{p.T("mail.transition_disconnected.ask", "Employer", employer)}
		return
	}
	l.Review = nil // its reader may have no account
	if m.Template == preparationPrintedTemplate {
		l.Further, l.NotYou = []string{p.T("mail.preparation_printed.next")}, []string{p.T("mail.preparation_printed.ask", "Employer", employer)}
		return
	}
	l.Further, l.NotYou = []string{p.T("mail.transition_corrected.next", "Employer", employer)}, []string{p.T("mail.transition_corrected.ask", "Employer", employer)}
}
