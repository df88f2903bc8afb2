package authn

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/portvakt/portvakt/internal/account"
	"github.com/portvakt/portvakt/internal/audit"
	"github.com/portvakt/portvakt/internal/outbox"
	"github.com/portvakt/portvakt/internal/phone"
	"github.com/portvakt/portvakt/internal/secret"
	"github.com/portvakt/portvakt/internal/throttle"
)

const identifierParam = "identifier"

// Direct says to whom a message goes that names its recipient by what was typed. Mail names its address in the row. A phone number, and
// a number of an employer's, which may be a national identity number, rest sealed (RULES §7); to a phone it goes by SMS, where there
// is a gateway. Whether anybody has the identifier makes no difference.
func (s *Service) Direct(m *outbox.Message, shown string, id account.Identifier) {
	if id.IsAddress() {
		m.To, m.Params[identifierParam] = shown, string(id)
		return
	}
	m.To = ""
	if n := id.Phone(); n != "" {
		m.To = n.Hidden()
		if s.SMS != nil {
			m.Channel = outbox.SMS
		}
	}
	m.SealTo(s.Keys, string(id), "", s.Now())
}

// Recipient reads what Direct has written.
func (s *Service) Recipient(m outbox.Message) (account.Identifier, error) {
	if id := m.Params[identifierParam]; id != "" {
		return account.Identifier(id), nil
	}
	id, _, err := m.OpenTo(s.Keys, s.Now())
	return account.Identifier(id), err
}

// ByPhone says whether a message to whoever has the identifier goes by SMS. It is answered by the identifier's form alone.
func (s *Service) ByPhone(id account.Identifier) bool { return id.Phone() != "" && s.SMS != nil }

// ToPhone lets a message go to a number by SMS, with the secret of its link, which may be empty. The number rests sealed.
func (s *Service) ToPhone(m *outbox.Message, n phone.Number, token secret.Token) {
	m.Channel, m.To = outbox.SMS, n.Hidden()
	delete(m.Params, identifierParam)
	m.SealTo(s.Keys, n.Reveal(), token, s.Now())
}

// MayText says whether messages go to the number at all. It fails with ErrNoSMS or ErrCountry.
func (s *Service) MayText(n phone.Number) error {
	switch {
	case s.SMS == nil:
		return ErrNoSMS
	case !slices.Contains(s.SMS.Countries, n.Region()):
		return ErrCountry
	}
	return nil
}

// TakeLink draws on the budgets of a link that somebody has asked for by SMS: those of codes, for it costs as much and anybody can cause
// it. known is who asks, where that is not just anybody: such a one has budgets of its own, so that a stranger's requests keep nobody from
// hers (RULES §4); what a country and a day may cost is everybody's. It fails with ErrSMSLimit, ErrNoSMS or ErrCountry, and the caller's transaction
// with it: else what was taken until then stays taken.
func (s *Service) TakeLink(ctx context.Context, tx Tx, n phone.Number, id account.ID, known string) error {
	if err := s.MayText(n); err != nil {
		return err
	}
	var limits []smsLimit
	for _, l := range s.smsLimits(Sending{Number: n, Account: account.Account{ID: id}}, n.Region()) {
		if l.name != "network" && (l.name != "account a day" || id != "") { // it was counted when the person asked
			if known != "" && l.name != "country" && l.name != "total" {
				l.slot.Key = s.Keys.Pseudonym(smsPurpose, l.name, n.Reveal(), known)
			}
			limits = append(limits, l)
		}
	}
	return takeSMS(ctx, tx, limits, s.Now())
}

// TakeInvitation draws on the budget of a mailing's messages by SMS: as many in a day as there are codes, but apart from them, so that
// a mailing keeps nobody from logging in. It fails with ErrSMSLimit.
func (s *Service) TakeInvitation(ctx context.Context, tx Tx) error {
	key := s.Keys.Pseudonym(smsPurpose, "invitations")
	return takeSMS(ctx, tx, []smsLimit{{"invitations", throttle.Slot{Key: key, Budget: throttle.Budget{Limit: s.SMS.daily(), Window: 24 * time.Hour}}}}, s.Now())
}

// takeNotice draws on the budgets of a message that tells a person of something: first on her own, because one that is withheld for it
// must take nothing of what everybody shares. The caller goes on, and its transaction keeps what was taken.
func (s *Service) takeNotice(ctx context.Context, tx Tx, n phone.Number) error {
	own := []smsLimit{{"notices", throttle.Slot{Key: s.Keys.Pseudonym(smsPurpose, "notice", n.Reveal()), Budget: throttle.SMSNotice}}}
	if err := takeSMS(ctx, tx, own, s.Now()); err != nil {
		return err
	}
	return takeSMS(ctx, tx, []smsLimit{
		{"total", throttle.Slot{Key: s.Keys.Pseudonym(smsPurpose, "total"), Budget: throttle.Budget{Limit: s.SMS.daily(), Window: 24 * time.Hour}}},
	}, s.Now())
}

// tellByPhone is Tell for somebody without an address. A text message has no room for where it was: it says what happened, and whom to turn
// to. Who has no phone either reads it on the account page.
func (s *Service) tellByPhone(ctx context.Context, tx Tx, template string, acc account.Account, b Browser, more map[string]string) error {
	n := acc.Identifier.Phone()
	if s.MayText(n) != nil {
		return nil
	}
	if more[RestoreParam] == "" { // the one message that can take the account back is never withheld: asking for a new address has limits of its own
		switch err := s.takeNotice(ctx, tx, n); {
		case errors.Is(err, ErrSMSLimit):
			return tx.Append(ctx, s.withheld(acc.ID, err, n))
		case err != nil:
			return err
		}
	}
	employer, err := tx.FindEmployer(ctx, acc.ID)
	if err != nil {
		return fmt.Errorf("find employer: %w", err)
	}
	m := outbox.New(outbox.SMS, template, "", s.Now())
	m.Account, m.Language = acc.ID, acc.Language
	m.Params = map[string]string{"employer": employer, "user_agent": b.Device.UserAgent, "ip": b.Device.Address, "at": outbox.FormatTime(s.Now())}
	maps.Copy(m.Params, more)
	var token secret.Token
	if m.Params[RestoreParam] != "" {
		token = secret.NewShortToken()
		if err := s.insertNotMe(ctx, tx, &m, acc, token); err != nil {
			return err
		}
	}
	delete(m.Params, RestoreParam)
	delete(m.Params, BoundParam)
	s.ToPhone(&m, n, token)
	if err := tx.Enqueue(ctx, m); err != nil {
		return fmt.Errorf("tell the person: %w", err)
	}
	return nil
}

// withheld is the line of a message that a limit has kept back.
func (s *Service) withheld(id account.ID, err error, n phone.Number) audit.Event {
	e := audit.Event{Kind: audit.CodeNotTexted, At: s.Now(), Actor: "system", Account: id, Detail: map[string]string{"country": n.Region()}}
	if over, ok := errors.AsType[overLimit](err); ok {
		e.Detail["limit"] = over.limit
	}
	return e
}
