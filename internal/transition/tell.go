package transition

import (
	"cmp"
	"context"
	"fmt"

	"github.com/portvakt/portvakt/internal/account"
	"github.com/portvakt/portvakt/internal/organisation"
	"github.com/portvakt/portvakt/internal/outbox"
	"github.com/portvakt/portvakt/internal/person"
)

// The templates of the mails that tell people what an administrator has done to their row of the register. Neither has a link: there is
// nothing to undo by one, and its reader asks her employer.
const (
	// DisconnectedTemplate tells an account that it is no longer connected with an employer.
	DisconnectedTemplate = "transition_disconnected"
	// CorrectedTemplate tells the address that the register had before that it has another one. Whoever reads it may be a stranger: it
	// names neither the person nor the new address.
	CorrectedTemplate = "transition_corrected"
)

// tellDisconnected enqueues the mail to an account whose connection was taken away.
func (s *Service) tellDisconnected(ctx context.Context, tx Tx, o organisation.ID, acc account.Account) error {
	if acc.Address == "" || !acc.IsOpen() {
		return nil
	}
	m, err := s.inTheNameOf(ctx, tx, o, DisconnectedTemplate, acc.Address)
	if err != nil {
		return err
	}
	m.Account, m.Language, m.Params["name"] = acc.ID, acc.Language, acc.GivenName
	return tx.Enqueue(ctx, m)
}

// tellCorrected enqueues the mail to the address that the register had before. Otherwise a helpdesk could give somebody's first login to
// another mailbox, and its owner would wait for a mail that never comes.
func (s *Service) tellCorrected(ctx context.Context, tx Tx, o organisation.ID, p person.Person) error {
	if p.Identifier() == "" {
		return nil
	}
	m, err := s.inTheNameOf(ctx, tx, o, CorrectedTemplate, p.Address)
	if err != nil {
		return err
	}
	m.Language = p.Language
	return tx.Enqueue(ctx, m)
}

// inTheNameOf begins a mail in an employer's name.
func (s *Service) inTheNameOf(ctx context.Context, tx Tx, o organisation.ID, template, to string) (outbox.Message, error) {
	employer, ok, err := tx.FindOrganisationInTx(ctx, o)
	if err != nil || !ok {
		return outbox.Message{}, cmp.Or(err, fmt.Errorf("no organisation %s", o))
	}
	m := outbox.New(outbox.Mail, template, to, s.Now())
	m.Organisation = o
	m.Params["employer"], m.Params["at"] = employer, outbox.FormatTime(s.Now())
	return m, nil
}
