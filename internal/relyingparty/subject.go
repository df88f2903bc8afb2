package relyingparty

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// Subjects say by which name an RP knows a person (OIDC Core §8).
type Subjects struct {
	// SubjectType is public, the account's own name, or pairwise, one that only the RPs of a sector have; empty: public.
	SubjectType string `json:"subject_type,omitempty"`
	// SectorIdentifierURI is where a list of redirect URIs stands that belong to one sector; empty: the RP's redirect URIs have one host.
	SectorIdentifierURI string `json:"sector_identifier_uri,omitempty"`
}

// IsPairwise says whether the RP gets names of its sector's own.
func (s Subjects) IsPairwise() bool { return s.SubjectType == "pairwise" }

// Why a registration has no sector.
var (
	ErrSubjectType = errors.New("a subject type is public or pairwise")
	ErrSector      = errors.New("pairwise subjects need redirect URIs over https at one host, or sector_identifier_uri")
)

// Sector is what the RPs have in common that know a person by one name (§8.1): the host of the sector identifier, or of all redirect URIs.
func (rp RP) Sector() (string, error) {
	if at := rp.Options.SectorIdentifierURI; at != "" {
		u, err := url.Parse(at)
		if err != nil {
			return "", fmt.Errorf("%w: %q", ErrBadURI, at)
		}
		return strings.ToLower(u.Hostname()), nil
	}
	sector := ""
	for _, raw := range rp.RedirectURIs {
		u, err := url.Parse(raw)
		// This machine is everybody's, and an app's own scheme nobody's.
		if err != nil || u.Scheme != "https" || isLoopback(u.Hostname()) || sector != "" && !strings.EqualFold(sector, u.Hostname()) {
			return "", ErrSector
		}
		sector = strings.ToLower(u.Hostname())
	}
	if sector == "" {
		return "", ErrSector
	}
	return sector, nil
}

func (rp RP) checkSubjects() error {
	s := rp.Options.Subjects
	switch {
	case s.SubjectType != "" && s.SubjectType != "public" && s.SubjectType != "pairwise":
		return fmt.Errorf("%w: %q", ErrSubjectType, s.SubjectType)
	case s.SectorIdentifierURI != "":
		return checkWeb(s.SectorIdentifierURI)
	case s.IsPairwise():
		_, err := rp.Sector()
		return err
	}
	return nil
}
