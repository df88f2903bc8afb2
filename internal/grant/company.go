package grant

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/portvakt/portvakt/internal/authn"
	"github.com/portvakt/portvakt/internal/person"
)

// ErrCompany says that the person works for several companies and has not said for which she comes.
var ErrCompany = errors.New("a company must be chosen")

var errInteraction = Error{"interaction_required", "the person works for several companies and must choose one"}

// Answers says whether a standing session answers a request without a question about who it is. What is voluntary is not looked at.
func (s *Service) Answers(r authn.Request, f authn.Facts) bool {
	return authn.SSO(r, f, s.Now()) && r.IsFor(f.Session.Account) && r.IsAnsweredBy(f.Session.ACR)
}

// Companies lists the companies for which the person of the session works in the RP's organisations, where the request asks for one.
func (s *Service) Companies(ctx context.Context, r authn.Request, f authn.Facts) ([]string, error) {
	if !hasScope(r.Scope, "company") {
		return nil, nil
	}
	all, err := s.Store.ListEmployments(ctx, r.ClientID, f.Session.Account)
	if err != nil {
		return nil, fmt.Errorf("list employments: %w", err)
	}
	return person.Companies(all, s.Now()), nil
}

// company is the one that the code tells: the only one, the one that was chosen, or the one that was chosen before in this session at
// this RP, unless the RP wants the person to choose anew.
func (s *Service) company(ctx context.Context, r authn.Request, f authn.Facts, chosen string) (string, error) {
	all, err := s.Companies(ctx, r, f)
	switch {
	case err != nil || len(all) == 0:
		return "", err
	case len(all) == 1:
		return all[0], nil
	}
	if chosen == "" && !r.HasPrompt("select_account") {
		if chosen, err = s.Store.FindCompany(ctx, r.ClientID, f.Session.ID); err != nil {
			return "", fmt.Errorf("find company: %w", err)
		}
	}
	if !slices.Contains(all, chosen) {
		return "", ErrCompany
	}
	return chosen, nil
}

// company is what a token of the scope tells of the grant's company.
func (g Grant) company(scope string) string {
	if !hasScope(scope, "company") {
		return ""
	}
	return g.Company
}
