package mail

import "github.com/portvakt/portvakt/internal/locale"

// erasedTemplate is myaccount.ErasedTemplate.
const erasedTemplate = "account_erased"

// addErased says good-bye. There is nothing to review any more, and nothing that its reader could do alone.
func (s *Sender) addErased(l *letter, p *locale.Printer) {
	l.Review = nil
	l.Further = []string{p.T("mail.account_erased.next"), p.T("mail.account_erased.forget")}
	l.NotYou = []string{p.T("mail.account_erased.not_you")}
}
