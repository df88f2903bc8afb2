package grant

import (
	"context"
	"fmt"
	"time"

	"github.com/portvakt/portvakt/internal/relyingparty"
	"github.com/portvakt/portvakt/internal/signingkey"
)

// What FAPI 2.0 asks beyond what an RP can be held to one by one (relyingparty.WithFAPI).

// errAlg is for a signature by an algorithm that FAPI 2.0 does not allow (Security Profile §5.4.1).
const errAlg = "FAPI 2.0 allows signatures by PS256, ES256 and EdDSA"

// forbidsAlg says whether an RP that FAPI 2.0 holds has signed by an algorithm that it does not allow.
func forbidsAlg(o relyingparty.Options, signed string) bool {
	return o.IsFAPI() && signingkey.AlgOf(signed) == "RS256"
}

// checkProofs is forbidsAlg for the DPoP proofs of a request.
func checkProofs(o relyingparty.Options, u Use) error {
	for _, p := range u.Proofs {
		if forbidsAlg(o, p) {
			return errProof(errAlg)
		}
	}
	return nil
}

// maxObjectLife is how long ago a request object may have begun to count, and how long it may count (Message Signing §5.3.1).
const maxObjectLife = time.Hour

// renew is a refresh without rotation: FAPI 2.0 forbids it (Security Profile §5.3.2.1), because its clients prove themselves by a key, and a
// refresh token alone opens nothing.
func (s *Service) renew(ctx context.Context, tx Tx, rp relyingparty.RP, id, jkt string, generation int, now time.Time) (Grant, bool, error) {
	sub, err := tx.FindGrant(ctx, id, now)
	if err != nil {
		return Grant{}, false, fmt.Errorf("find grant: %w", err)
	}
	g := sub.Grant
	return g, sub.stands(now) && g.ClientID == rp.ClientID && g.JKT == jkt && g.Generation == generation, nil
}
