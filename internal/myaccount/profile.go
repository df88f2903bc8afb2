package myaccount

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/portvakt/portvakt/internal/account"
	"github.com/portvakt/portvakt/internal/audit"
	"github.com/portvakt/portvakt/internal/authn"
)

// Profile is what an account's owner says of herself: the names by which she is greeted, whatever the registers of her
// employers hold, and the language of pages and mails.
type Profile struct {
	GivenName  string
	FamilyName string
	Language   string // "sv" or "en"
}

// Why a profile is refused.
var (
	ErrGivenName  = errors.New("no given name")
	ErrFamilyName = errors.New("no family name")
	ErrLanguage   = errors.New("no language of ours")
)

// SaveProfile changes the owner's names and language. It asks for no fresh proof: nobody gets in by a name. It returns what was
// saved, and false if nobody is signed in; it fails with ErrGivenName, ErrFamilyName or ErrLanguage.
func (s *Service) SaveProfile(ctx context.Context, o authn.Owner, typed Profile) (Profile, bool, error) {
	f, acc, err := s.Authn.Current(ctx, o.Current)
	if err != nil || !f.Live {
		return typed, false, err
	}
	p, err := typed.clean()
	if err != nil {
		return typed, false, err
	}
	changed := p.changes(acc)
	if len(changed) == 0 {
		return p, true, nil
	}
	err = s.InTx(ctx, func(tx Tx) error {
		if err := tx.SaveProfile(ctx, acc.ID, p); err != nil {
			return fmt.Errorf("save profile: %w", err)
		}
		e := s.event(audit.ProfileChanged, acc.ID, f.Session.ID, o.Browser)
		e.Detail = map[string]string{"fields": strings.Join(changed, " ")}
		return tx.Append(ctx, e)
	})
	return p, err == nil, err
}

func (p Profile) clean() (Profile, error) {
	var err error
	if p.GivenName, err = account.ParseName(p.GivenName); err != nil || p.GivenName == "" {
		return p, errors.Join(ErrGivenName, err)
	}
	if p.FamilyName, err = account.ParseName(p.FamilyName); err != nil {
		return p, errors.Join(ErrFamilyName, err)
	}
	if p.Language != "sv" && p.Language != "en" {
		return p, ErrLanguage
	}
	return p, nil
}

// changes names the fields that are not what they were.
func (p Profile) changes(acc account.Account) (changed []string) {
	for _, field := range []struct{ name, was, is string }{
		{"given_name", acc.GivenName, p.GivenName}, {"family_name", acc.FamilyName, p.FamilyName}, {"language", acc.Language, p.Language},
	} {
		if field.was != field.is {
			changed = append(changed, field.name)
		}
	}
	return changed
}
