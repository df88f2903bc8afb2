package clientregistration

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/portvakt/portvakt/internal/relyingparty"
)

// ErrSector says that a sector identifier does not name the app's redirect URIs.
var ErrSector = errors.New("sector_identifier_uri must answer with a JSON list of texts that has every redirect URI of the app (OIDC Core 8.1)")

// ErrSubjects says that an app would know its people by other names than before.
var ErrSubjects = errors.New("an app keeps its subject type and, with pairwise subjects, its sector: its people would be strangers to it; register it anew")

// checkSector asks the host of a sector identifier whether the app belongs to it: otherwise an app could take itself into any sector.
func (s *Service) checkSector(ctx context.Context, rp relyingparty.RP) error {
	at := rp.Options.SectorIdentifierURI
	if at == "" {
		return nil
	}
	fetch := s.Fetch
	if rp.Itself {
		fetch = s.FetchPublic
	}
	document, err := fetch(ctx, at)
	if err != nil {
		return fmt.Errorf("%w: it was not fetched", ErrSector)
	}
	var listed []string
	if json.Unmarshal([]byte(document), &listed) != nil {
		return ErrSector
	}
	for _, uri := range rp.RedirectURIs {
		if !slices.Contains(listed, uri) {
			return fmt.Errorf("%w: %q is not there", ErrSector, uri)
		}
	}
	return nil
}

// checkSubjects is checkSector for an app that changes, where the list matters, and that it knows its people by the same names afterwards.
func (s *Service) checkSubjects(ctx context.Context, before, after relyingparty.RP) error {
	if before.Options.IsPairwise() != after.Options.IsPairwise() {
		return ErrSubjects
	}
	if after.Options.IsPairwise() {
		had, err := before.Sector()
		has, errNow := after.Sector()
		if err != nil || errNow != nil || had != has {
			return ErrSubjects
		}
	}
	if before.Options.SectorIdentifierURI == after.Options.SectorIdentifierURI && slices.Equal(before.RedirectURIs, after.RedirectURIs) {
		return nil
	}
	return s.checkSector(ctx, after)
}
