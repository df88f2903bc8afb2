package grant

import (
	"context"
	"fmt"

	"github.com/portvakt/portvakt/internal/account"
	"github.com/portvakt/portvakt/internal/relyingparty"
	"github.com/portvakt/portvakt/internal/secret"
)

// By which name an RP knows a person (OIDC Core §8): the account's own, or one of the RP's sector, which is made with the first grant and
// stands in every grant since. Whatever an RP is told, it reads this name, and no RP learns of another sector's.

// nobody is a subject that no account has.
const nobody = "nobody"

// subject is the name by which the grant's RP knows the person.
func (g Grant) subject() string {
	if g.Subject != "" {
		return g.Subject
	}
	return string(g.Account)
}

// pairwise is the account's name for the RP's sector, made where there is none yet; empty for an RP that knows people by their own names,
// and for an account that is closed.
func (s *Service) pairwise(ctx context.Context, tx Tx, rp relyingparty.RP, id account.ID) (string, error) {
	if !rp.Options.IsPairwise() {
		return "", nil
	}
	sector, err := rp.Sector()
	if err != nil {
		return "", err
	}
	subject, err := tx.NameForSector(ctx, id, sector, secret.NewUUID(), s.Now())
	if err != nil {
		return "", fmt.Errorf("name for sector: %w", err)
	}
	return subject, nil
}

// pairwiseInFront is pairwise for an ID token that no grant stands behind: that of a code that was not redeemed yet.
func (s *Service) pairwiseInFront(ctx context.Context, rp relyingparty.RP, id account.ID) (subject string, err error) {
	if !rp.Options.IsPairwise() {
		return "", nil
	}
	err = s.InTx(ctx, func(tx Tx) error {
		subject, err = s.pairwise(ctx, tx, rp, id)
		return err
	})
	if err == nil && subject == "" {
		err = errGone
	}
	return subject, err
}

// accountOf is whom an RP means by a subject that it names: an account's id, or nobody's. An RP of a sector cannot find out by another name
// whom it has before it.
func (s *Service) accountOf(ctx context.Context, rp relyingparty.RP, subject string) (string, error) {
	if subject == "" || !rp.Options.IsPairwise() {
		return subject, nil
	}
	sector, err := rp.Sector()
	if err != nil {
		return "", err
	}
	id, found, err := s.Store.FindBySector(ctx, sector, subject)
	if err != nil {
		return "", fmt.Errorf("find account of a sector's subject: %w", err)
	}
	if !found {
		return nobody, nil
	}
	return string(id), nil
}
