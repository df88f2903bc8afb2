package clientregistration

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/portvakt/portvakt/internal/audit"
	"github.com/portvakt/portvakt/internal/organisation"
	"github.com/portvakt/portvakt/internal/relyingparty"
	"github.com/portvakt/portvakt/internal/secret"
	"github.com/portvakt/portvakt/internal/throttle"
)

// Apps that register themselves (RFC 7591), and look after what they have registered (RFC 7592).

// Admission is who may register an app without the operator.
type Admission string

// Who may. Where anybody may, anybody may afterwards ask who is logged in: that is for tests.
const (
	Nobody  Admission = "off"
	ByToken Admission = "token"
	Anybody Admission = "open"
)

// Itself is an app that registers itself, and what it gets: its secret, where it has one, and the token by which it changes what it has
// registered. Nobody sees either again.
type Itself struct {
	RP     relyingparty.RP
	Secret secret.Token
	Access secret.Token
}

// Own is what the database knows of an app that registered itself.
type Own struct {
	ClientID string
	Access   secret.Hash
	Token    string // id of the initial access token; empty: none was asked for
	Created  time.Time
}

// The ways in which an app is refused that registers itself.
var (
	// ErrToken is one answer for a token that is missing, unknown, expired or used up, and for an app that is not there.
	ErrToken = errors.New("the token does not let you register, or does not belong to this app")
	// ErrRedirectURI and ErrMetadata say what must be another (RFC 7591 §3.2.2).
	ErrRedirectURI = errors.New("redirect_uris")
	ErrMetadata    = errors.New("client metadata")
	// ErrThrottled says that too many apps were registered from this network, or at all, without a token; or that too much was tried by one token.
	ErrThrottled = errors.New("too many registrations")
)

const (
	networkPurpose = secret.Purpose("registrations of a network")
	tokenPurpose   = secret.Purpose("registrations by a token")
	changePurpose  = secret.Purpose("changes of a registration")
	allPurpose     = secret.Purpose("registrations")
)

// Register registers an app at its own word. It becomes no service, belongs to the organisation that its token names and to no other, and
// has PKCE unless the operator has said otherwise, by the token or by the setting.
func (s *Service) Register(ctx context.Context, rp relyingparty.RP, public bool, initial secret.Token, network string) (Itself, error) {
	if s.Admission != Anybody && (s.Admission != ByToken || initial == "") {
		return Itself{}, ErrToken
	}
	now, access := s.Now(), secret.NewToken()
	rp.Organisations, rp.Scopes, rp.RequirePKCE, rp.Itself = nil, nil, true, true
	rp, plain := s.begin(rp, public)
	if initial == "" {
		rp.Name = Host(rp.RedirectURIs) // what it says of itself nobody has vouched for
	}
	if err := checkItself(relyingparty.RP{}, rp, initial != ""); err != nil {
		return Itself{}, err
	}
	if err := s.admit(ctx, initial, network, now); err != nil { // before anything is fetched at its word
		return Itself{}, err
	}
	if err := s.checkSector(ctx, rp); err != nil {
		return Itself{}, fmt.Errorf("%w: %w", ErrMetadata, err)
	}
	if err := s.needKeys(ctx, rp, "anonymous"); err != nil {
		return Itself{}, err
	}
	err := s.InTx(ctx, func(tx Tx) error {
		allowed, err := s.allow(ctx, tx, initial, now)
		if err != nil {
			return err
		}
		rp.RequirePKCE = allowed.RequirePKCE || public
		rp.Organisations = nil
		if allowed.Organisation != "" {
			rp.Organisations = []organisation.ID{allowed.Organisation}
		}
		if err := s.insert(ctx, tx, rp, plain); err != nil {
			return err
		}
		if err := tx.InsertOwn(ctx, Own{ClientID: rp.ClientID, Access: access.Hash(), Token: allowed.ID, Created: now}); err != nil {
			return fmt.Errorf("insert registration: %w", err)
		}
		return tx.Append(ctx, audit.Event{Kind: audit.RPCreated, At: now, Actor: "anonymous", Client: rp.ClientID, Detail: map[string]string{"token": allowed.ID}})
	})
	return Itself{RP: rp, Secret: plain, Access: access}, err
}

// admit turns away whoever has no good token, or tries too much by one: a registration that fails takes no use of it. Where anybody may register, it turns
// away who is over what a network may do, or all together in a day.
func (s *Service) admit(ctx context.Context, initial secret.Token, network string, now time.Time) error {
	if initial == "" {
		return s.takeSlots(ctx, now, throttle.Slot{Key: s.Keys.Pseudonym(networkPurpose, network), Budget: throttle.Requests},
			throttle.Slot{Key: s.Keys.Pseudonym(allPurpose), Budget: throttle.RegistrationsDay})
	}
	good, err := s.Store.IsInitialToken(ctx, initial.Hash(), now)
	switch {
	case err != nil:
		return err
	case !good:
		return ErrToken
	}
	return s.takeSlots(ctx, now, throttle.Slot{Key: s.Keys.Pseudonym(tokenPurpose, initial.Hash().Text()), Budget: throttle.Requests})
}

func (s *Service) takeSlots(ctx context.Context, now time.Time, slots ...throttle.Slot) error {
	return s.InTx(ctx, func(tx Tx) error {
		taken, err := tx.TakeSlots(ctx, slots, now)
		if err == nil && slices.ContainsFunc(taken, func(t throttle.Taken) bool { return !t.Granted }) {
			err = ErrThrottled
		}
		return err
	})
}

// allow takes one use of the token, and says what it allows.
func (s *Service) allow(ctx context.Context, tx Tx, initial secret.Token, now time.Time) (InitialToken, error) {
	if initial == "" {
		return InitialToken{RequirePKCE: !s.WithoutPKCE}, nil
	}
	t, ok, err := tx.UseInitialToken(ctx, initial.Hash(), now)
	if err == nil && !ok {
		err = ErrToken
	}
	return t, err
}

// maxListed is how many addresses of a kind an app may name: more than anybody needs, and too few to fill a table with.
const maxListed = 20

// checkItself is check, with the two kinds of fault that an app is told apart, and without what the operator has given to it before. Tokens
// by way of the browser need somebody who has vouched for the app.
func checkItself(before, rp relyingparty.RP, vouched bool) error {
	adds := func(grantType string) bool { return rp.Options.MayUse(grantType) && !before.Options.MayUse(grantType) }
	byBrowser := func(text string) bool {
		t := relyingparty.ResponseType(text)
		return t != relyingparty.CodeType && !before.Options.Names(t)
	}
	if err := rp.CheckRedirects(); err != nil {
		return fmt.Errorf("%w: %w", ErrRedirectURI, err)
	}
	elsewhere := func(uri string) bool { return Host([]string{uri}) != Host(rp.RedirectURIs) }
	if !vouched && slices.ContainsFunc(rp.RedirectURIs, elsewhere) {
		return fmt.Errorf("%w: without a registration token they are of one host, or of one scheme of the app's own", ErrRedirectURI)
	}
	if len(rp.RedirectURIs) > maxListed {
		return fmt.Errorf("%w: at most %d", ErrRedirectURI, maxListed)
	}
	if len(rp.PostLogoutRedirectURIs) > maxListed || len(rp.Options.ResponseTypes) > maxListed {
		return fmt.Errorf("%w: post_logout_redirect_uris and response_types have at most %d", ErrMetadata, maxListed)
	}
	switch err := check(rp); {
	case errors.Is(err, ErrWildcard), errors.Is(err, ErrTwice):
		return fmt.Errorf("%w: %w", ErrRedirectURI, err)
	case err != nil:
		return fmt.Errorf("%w: %w", ErrMetadata, err)
	case rp.InitiateLoginURI != "" && !strings.HasPrefix(rp.InitiateLoginURI, "https://"): // OpenID Connect Registration §2
		return fmt.Errorf("%w: initiate_login_uri has https", ErrMetadata)
	case adds(relyingparty.DeviceCode), adds(relyingparty.TokenExchange), adds(relyingparty.CIBA), !slices.Equal(before.Options.Resources, rp.Options.Resources):
		// A code on a page that anybody can make is how people are talked into letting a stranger in; whose servers an app calls, the operator says.
		return fmt.Errorf("%w: device codes, token exchange, questions on phones and resources are the operator's to give", ErrMetadata)
	case !vouched && slices.ContainsFunc(rp.Options.ResponseTypes, byBrowser):
		return fmt.Errorf("%w: without a registration token the response type is code", ErrMetadata)
	}
	return nil
}

// Host is what people see of an app that nobody has vouched for: the place that they will be sent to. Of an app's own scheme, nothing that
// stands after it is a place.
func Host(redirects []string) string {
	for _, raw := range redirects {
		if u, err := url.Parse(raw); err == nil && u.Scheme != "" {
			if u.Scheme != "https" && u.Scheme != "http" {
				return u.Scheme
			}
			return u.Host
		}
	}
	return ""
}

// Find returns an app that registered itself, by its token.
func (s *Service) Find(ctx context.Context, clientID string, access secret.Token) (relyingparty.RP, error) {
	ok, err := s.Store.IsOwn(ctx, clientID, access.HashOrZero())
	if err != nil {
		return relyingparty.RP{}, fmt.Errorf("find registration: %w", err)
	}
	if !ok || access == "" {
		return relyingparty.RP{}, ErrToken
	}
	rp, ok, err := s.Store.FindRP(ctx, clientID)
	if err == nil && !ok {
		err = ErrToken
	}
	return rp, err
}

// Replace puts what an app says of itself in the place of all that it has said before (RFC 7592 §2.2). change is given the app as it is.
// Its secret, its organisation and what the operator has decided stay. had is the secret that it names; empty: none.
func (s *Service) Replace(ctx context.Context, clientID string, access, had secret.Token, change func(*relyingparty.RP) error) (relyingparty.RP, error) {
	return again(func() (relyingparty.RP, error) { return s.replace(ctx, clientID, access, had, change) })
}

func (s *Service) replace(ctx context.Context, clientID string, access, had secret.Token, change func(*relyingparty.RP) error) (relyingparty.RP, error) {
	before, err := s.Find(ctx, clientID, access)
	if err != nil {
		return before, err
	}
	if had != "" && before.HasSecret() && !had.Hash().Equal(before.Secret) {
		return before, fmt.Errorf("%w: client_secret is another one", ErrMetadata)
	}
	vouched, err := s.Store.IsVouched(ctx, clientID)
	if err != nil {
		return before, fmt.Errorf("find registration: %w", err)
	}
	rp := before
	if err := change(&rp); err != nil {
		return before, err
	}
	// What an app must do it must go on doing: nobody knows any more whether it was the operator who said so.
	rp.RequireDPoP = rp.RequireDPoP || before.RequireDPoP
	rp.Options.RequirePAR = rp.Options.RequirePAR || before.Options.RequirePAR
	rp.Options.RequireSigned = rp.Options.RequireSigned || before.Options.RequireSigned
	if rp = withDefaults(rp); !vouched {
		rp.Name = nameOf(before, rp)
	}
	if !sameSecret(before, rp) {
		return before, fmt.Errorf("%w: %w", ErrMetadata, ErrSecretKind)
	}
	if err := checkItself(before, rp, vouched); err != nil {
		return before, err
	}
	if err := s.takeSlots(ctx, s.Now(), throttle.Slot{Key: s.Keys.Pseudonym(changePurpose, clientID), Budget: throttle.Requests}); err != nil {
		return before, err
	}
	if err := s.checkSubjects(ctx, before, rp); err != nil {
		return before, fmt.Errorf("%w: %w", ErrMetadata, err)
	}
	if err := s.needKeys(ctx, rp, "service"); err != nil {
		return before, err
	}
	if err = s.put(ctx, before, rp, s.itself(audit.RPChanged, clientID)); errors.Is(err, ErrUnknown) {
		err = ErrToken
	}
	return rp, err
}

// nameOf is what people see afterwards of an app that nobody has vouched for: its host, or the name that the operator has given it.
func nameOf(before, after relyingparty.RP) string {
	if before.Name != Host(before.RedirectURIs) {
		return before.Name
	}
	return Host(after.RedirectURIs)
}

// Withdraw removes an app at its own word (RFC 7592 §2.3); its people's grants end with it.
func (s *Service) Withdraw(ctx context.Context, clientID string, access secret.Token) error {
	if _, err := s.Find(ctx, clientID, access); err != nil {
		return err
	}
	return s.InTx(ctx, func(tx Tx) error {
		ok, err := tx.DeleteRP(ctx, clientID)
		if err == nil && !ok {
			err = ErrToken
		}
		if err != nil {
			return err
		}
		return tx.Append(ctx, s.itself(audit.RPDeleted, clientID))
	})
}

func (s *Service) itself(kind audit.Kind, clientID string) audit.Event {
	return audit.Event{Kind: kind, At: s.Now(), Actor: "service", Client: clientID, Detail: map[string]string{"by": clientID}}
}

// keepUnused is how long an app that registered itself may wait for the first person who logs in to it; bite is how many apps are looked at at once,
// grantBite how many grants go in one transaction.
const (
	keepUnused = 30 * 24 * time.Hour
	bite       = 50
	grantBite  = 500
)

// Tend notes which apps that registered themselves are used, removes those that never were, and clears away what is left of those that are gone.
func (s *Service) Tend(ctx context.Context) error {
	return errors.Join(s.tendOwn(ctx), s.clear(ctx))
}

// clear removes the grants of apps that are gone, in bites: an app may have had very many. Nothing works by them since the app went, and what a node
// leaves that dies in between, the next round finds.
func (s *Service) clear(ctx context.Context) error {
	gone, err := s.Store.ListGone(ctx, bite)
	for _, id := range gone {
		for n := grantBite; n == grantBite && err == nil; {
			err = s.InBulkTx(ctx, func(tx Tx) (err error) {
				n, err = tx.DeleteGrants(ctx, id, grantBite)
				return err
			})
		}
	}
	return err
}

func (s *Service) tendOwn(ctx context.Context) error {
	now := s.Now()
	used, unused, err := s.Store.ListOwn(ctx, now.Add(-keepUnused), bite)
	if err != nil || len(used)+len(unused) == 0 {
		return err
	}
	return s.InTx(ctx, func(tx Tx) error {
		for _, id := range used {
			if err := tx.MarkUsed(ctx, id, now); err != nil {
				return err
			}
		}
		for _, id := range unused {
			gone, err := tx.DeleteUnused(ctx, id) // somebody may have logged in to it since it was listed
			if err == nil && gone {
				gone, err = tx.DeleteRP(ctx, id)
			}
			if err != nil {
				return err
			}
			if !gone {
				continue
			}
			if err := tx.Append(ctx, audit.Event{Kind: audit.RPDeleted, At: now, Actor: "system", Client: id}); err != nil {
				return err
			}
		}
		return nil
	})
}
