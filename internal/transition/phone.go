package transition

import (
	"context"
	"errors"

	"github.com/portvakt/portvakt/internal/account"
	"github.com/portvakt/portvakt/internal/administrator"
	"github.com/portvakt/portvakt/internal/audit"
	"github.com/portvakt/portvakt/internal/authn"
	"github.com/portvakt/portvakt/internal/organisation"
	"github.com/portvakt/portvakt/internal/person"
)

// ErrNotAPhone says that what was typed is no mobile phone's number.
var ErrNotAPhone = errors.New("not the number of a mobile phone")

// HasSMS says whether people can be reached by SMS.
func (s *Service) HasSMS() bool { return !errors.Is(s.mayText(""), authn.ErrNoSMS) }

func (s *Service) mayText(number account.Identifier) error {
	if s.MayText == nil {
		return authn.ErrNoSMS
	}
	return s.MayText(number)
}

// byPhone says whether a person without an address is reached by SMS, or why not. Without a gateway only a phone that is none is worth a word.
func byPhone(c Checked, mayText func(account.Identifier) error) Kind {
	err := mayText(c.Mobile)
	switch {
	case c.Mobile == "":
		return Phone
	case errors.Is(err, authn.ErrCountry):
		return PhoneCountry
	case err != nil:
		return ""
	case c.SameMobile > 0:
		return PhoneShared
	}
	return ByPhone
}

// CorrectPhone lets a person without a connection be reached by SMS: it gives her a phone in the register, and takes the address away,
// which would be written to in its place. What was sent before dies. It fails with ErrNoPerson, ErrConnected, ErrLately, ErrReason,
// ErrNotAPhone, authn.ErrNoSMS or authn.ErrCountry.
func (s *Service) CorrectPhone(ctx context.Context, by administrator.Administrator, o organisation.ID, id, typed, reason string) error {
	err := s.help(ctx, by, o, id, reason, func(tx Tx, p person.Person, acc account.ID, reason string) error {
		mobile := person.MobileOf(typed, s.Region)
		if err := s.mayText(mobile); err != nil && (mobile != "" || errors.Is(err, authn.ErrNoSMS)) {
			return err
		}
		if mobile == "" {
			return ErrNotAPhone
		}
		if acc != "" {
			return ErrConnected
		}
		if !by.May(o, administrator.Prepare) {
			if lost, err := tx.WasDisconnected(ctx, o, id, s.Now().Add(-lately)); err != nil || lost {
				return orElse(err, ErrLately)
			}
		}
		if err := s.tellCorrected(ctx, tx, o, p); err != nil {
			return err
		}
		e := s.event(by, audit.PhoneCorrected, o, id, "", reason)
		e.Personal["from"], e.Personal["to"] = p.Phone, mobile.Shown()
		if p.Address != "" {
			e.Personal["address"] = p.Address
		}
		p.Phone, p.Mobile = mobile.Shown(), mobile
		if ok, err := tx.CorrectPhone(ctx, p, s.Now()); err != nil || !ok {
			return orElse(err, ErrConnected)
		}
		return tx.Append(ctx, e)
	})
	if err != nil {
		return err
	}
	_, err = s.check(ctx, o, false)
	return err
}
