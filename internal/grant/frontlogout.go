package grant

import (
	"context"
	"fmt"
	"net/url"
	"time"

	"github.com/portvakt/portvakt/internal/authn"
	"github.com/portvakt/portvakt/internal/relyingparty"
	"github.com/portvakt/portvakt/internal/secret"
	"github.com/portvakt/portvakt/internal/session"
)

// FrontLogout is an address at an RP that the browser opens in a frame after the sign-out (Front-Channel Logout §2).
type FrontLogout struct {
	App     string
	Address string
	Origin  string // the one that may be framed
}

const (
	farewellPurpose = secret.Purpose("farewell")
	// farewellLife is how long after a sign-out its page may be loaded again.
	farewellLife = 2 * time.Minute
)

// farewell names an ended session to the page that tells its apps; empty where none of them listens in the browser.
func (s *Service) farewell(ctx context.Context, id session.ID) (string, error) {
	all, err := s.frontLogouts(ctx, id)
	if err != nil || len(all) == 0 {
		return "", err
	}
	return s.Keys.Seal(farewellPurpose, "", []byte(id), s.Now()), nil
}

// FrontLogouts lists the apps that are told in frames of a sign-out, by what SignOut returned; none where that is foreign or too old.
func (s *Service) FrontLogouts(ctx context.Context, farewell string) ([]FrontLogout, error) {
	if farewell == "" {
		return nil, nil
	}
	id, err := s.Keys.Open(farewellPurpose, "", farewell, farewellLife, s.Now())
	if err != nil {
		return nil, nil //nolint:nilerr // as if there was none
	}
	return s.frontLogouts(ctx, session.ID(id))
}

func (s *Service) frontLogouts(ctx context.Context, id session.ID) (all []FrontLogout, err error) {
	rps, err := s.Store.ListSessionRPs(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("list the session's relying parties: %w", err)
	}
	for _, rp := range rps {
		u, err := url.Parse(rp.Options.FrontURI)
		if err != nil || rp.Options.FrontURI == "" {
			continue
		}
		if rp.Options.FrontSession {
			q := u.Query()
			q.Set("iss", s.Issuer)
			q.Set("sid", authn.SID(s.Keys, id, rp.ClientID))
			u.RawQuery = q.Encode()
		}
		all = append(all, FrontLogout{App: rp.Name, Address: u.String(), Origin: relyingparty.Origin(rp.Options.FrontURI)})
	}
	return all, nil
}
