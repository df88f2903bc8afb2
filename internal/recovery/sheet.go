package recovery

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/portvakt/portvakt/internal/administrator"
	"github.com/portvakt/portvakt/internal/audit"
	"github.com/portvakt/portvakt/internal/authn"
	"github.com/portvakt/portvakt/internal/onetime"
	"github.com/portvakt/portvakt/internal/organisation"
	"github.com/portvakt/portvakt/internal/secret"
)

// ErrAddressed says that the account has an address: the link for a new password is mailed there, and nobody else holds it.
var ErrAddressed = errors.New("the account has an address, to which a link can be sent")

// ErrHelpedLately says that an administrator has had another proof of the account in her hand. With a sheet she would have both.
var ErrHelpedLately = errors.New("a recovery code was handed out, or the second factor removed, in the last days; the operator must print the sheet")

// PrintedTemplate is the text message that tells of a printed sheet. There is no mail of this name: who has an address gets no sheet.
const PrintedTemplate = "reset_printed"

// sheetLife is how long a printed link works: it is handed over when people meet next.
const sheetLife = 7 * 24 * time.Hour

// Printed is the link for a new password as it stands on a sheet, at the one moment at which its secret is known.
type Printed struct {
	Name     string
	Language string // empty: the account has none
	Secret   secret.Token
	Expires  time.Time
}

// PrintFor makes the link by which a person without an address chooses a new password, to be handed to her on a sheet: of an account all of
// whose connections are the organisation's (RULES §6). It is the link that others get by mail: it works once, and asks for the second
// factor where there is one. Former ones end. Whoever has a phone is told of it there. It fails with administrator.ErrForbidden, ErrElsewhere,
// ErrOneself or ErrAbove, ErrNoReason, ErrNoAccount, ErrAddressed or ErrHelpedLately.
func (s *Service) PrintFor(ctx context.Context, by administrator.Administrator, o organisation.ID, person, reason string) (Printed, error) {
	if !by.May(o, administrator.Help) {
		return Printed{}, administrator.ErrForbidden
	}
	if reason = strings.TrimSpace(reason); reason == "" || len(reason) > maxReason {
		return Printed{}, ErrNoReason
	}
	now := s.Now()
	p := Printed{Secret: secret.NewShortToken(), Expires: now.Add(sheetLife)}
	link := onetime.Link{ID: secret.NewID(), Secret: p.Secret.Hash(), Purpose: onetime.Reset, Created: now, Expires: p.Expires}
	return p, s.InTx(ctx, func(tx Tx) error {
		c, ok, err := tx.FindCharge(ctx, o, person)
		switch {
		case err != nil:
			return fmt.Errorf("find the account of a person: %w", err)
		case !ok || !c.Account.IsOpen():
			return ErrNoAccount
		}
		if err := by.MayTouch(c); err != nil {
			return err
		}
		if c.Account.Address != "" {
			return ErrAddressed
		}
		if !by.Operator {
			if helped, err := tx.WasHelped(ctx, c.Account.ID, now.Add(-administrator.ProofsApart)); err != nil || helped {
				return cmp.Or(err, ErrHelpedLately)
			}
		}
		p.Name, p.Language = strings.TrimSpace(c.Account.GivenName+" "+c.Account.FamilyName), c.Account.Language
		l := link
		l.Account, l.Epoch, l.Language = c.Account.ID, c.Account.Epoch, c.Account.Language
		if err := tx.EndLinks(ctx, c.Account.ID, now); err != nil {
			return fmt.Errorf("end former links: %w", err)
		}
		if err := tx.InsertLink(ctx, l, now); err != nil {
			return fmt.Errorf("insert link: %w", err)
		}
		if err := s.Authn.Tell(ctx, tx, PrintedTemplate, c.Account, authn.Browser{}, nil); err != nil {
			return err
		}
		e := by.Event(audit.ResetPrinted, o, reason, now)
		e.Account, e.Personal["person"] = c.Account.ID, person
		return tx.Append(ctx, e)
	})
}
