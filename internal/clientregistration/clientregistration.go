// Package clientregistration is the flow by which relying parties are registered: by the operator, or by themselves where she lets them
// (RFC 7591).
package clientregistration

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/portvakt/portvakt/internal/audit"
	"github.com/portvakt/portvakt/internal/organisation"
	"github.com/portvakt/portvakt/internal/relyingparty"
	"github.com/portvakt/portvakt/internal/secret"
	"github.com/portvakt/portvakt/internal/signingkey"
	"github.com/portvakt/portvakt/internal/throttle"
	"github.com/portvakt/portvakt/internal/token"
)

// Service registers RPs.
type Service struct {
	Store Store
	// InBulkTx is InTx for what gives way to everybody who waits (RULES §10).
	InTx, InBulkTx func(context.Context, func(Tx) error) error

	Keys *secret.Keyring
	Sign *signingkey.Keys // of which there may be none yet that an RP asks for
	Now  func() time.Time
	// Issuer is where this installation is: no app names it as a server of its own.
	Issuer string
	// Fetch reads the list at a sector identifier's address (OIDC Core §8.1), FetchPublic that of an app that registered itself: it leads
	// nobody into a private network.
	Fetch, FetchPublic func(ctx context.Context, address string) (string, error)
	// Admission is who may register an app without the operator; empty: nobody. WithoutPKCE exempts the confidential apps of those who need no
	// token for it.
	Admission   Admission
	WithoutPKCE bool
}

// Store answers questions outside a transaction.
type Store interface {
	// FindRP looks an RP up by its client id.
	FindRP(ctx context.Context, clientID string) (relyingparty.RP, bool, error)
	// ListRPs lists all RPs by name.
	ListRPs(ctx context.Context) ([]relyingparty.RP, error)
	// ListOrganisations lists all organisations by id.
	ListOrganisations(ctx context.Context) ([]organisation.Organisation, error)
	// IsOwn says whether an app registered itself and has the token; IsVouched whether it did so by an initial token.
	IsOwn(ctx context.Context, clientID string, access secret.Hash) (bool, error)
	IsVouched(ctx context.Context, clientID string) (bool, error)
	// ListOwn lists, up to n each, apps that registered themselves and are used without a note of it, and such from before the time that never were.
	ListOwn(ctx context.Context, before time.Time, n int) (used, unused []string, err error)
	// ListGone lists up to n RPs that were removed, and of whose grants there are rows.
	ListGone(ctx context.Context, n int) ([]string, error)
	// IsInitialToken says whether an initial token still counts.
	IsInitialToken(ctx context.Context, h secret.Hash, now time.Time) (bool, error)
	// ListInitialTokens lists the initial tokens that still count.
	ListInitialTokens(ctx context.Context, now time.Time) ([]InitialToken, error)
}

// Tx is what registration changes.
type Tx interface {
	// FindRP looks an RP up by its client id.
	FindRP(ctx context.Context, clientID string) (relyingparty.RP, bool, error)
	// InsertRP stores a new RP.
	InsertRP(ctx context.Context, rp relyingparty.RP) error
	// ChangeRP replaces an RP's name, addresses, options and organisations; false if there is no such RP.
	ChangeRP(ctx context.Context, rp relyingparty.RP) (bool, error)
	// SetRPSecret replaces an RP's secret; false if there is no such RP.
	SetRPSecret(ctx context.Context, clientID string, h secret.Hash) (bool, error)
	// SetSealedSecret keeps the secret of an RP with client_secret_jwt, perhaps in place of another.
	SetSealedSecret(ctx context.Context, clientID string, sealed []byte) error
	// DeleteRP removes an RP, and so ends its grants; false if there is no such RP.
	DeleteRP(ctx context.Context, clientID string) (bool, error)
	// DeleteGrants removes up to n grants of an RP, and says how many it removed.
	DeleteGrants(ctx context.Context, clientID string, n int) (int, error)
	// InsertOwn notes that an app registered itself.
	InsertOwn(ctx context.Context, o Own) error
	// MarkUsed notes that somebody logs in to an app that registered itself.
	MarkUsed(ctx context.Context, clientID string, now time.Time) error
	// DeleteUnused removes the note that an app registered itself; false if somebody has logged in to it.
	DeleteUnused(ctx context.Context, clientID string) (bool, error)
	// InsertInitialToken stores a new initial token.
	InsertInitialToken(ctx context.Context, t InitialToken, h secret.Hash) error
	// UseInitialToken takes one use of an initial token; false if it is unknown, expired or used up.
	UseInitialToken(ctx context.Context, h secret.Hash, now time.Time) (InitialToken, bool, error)
	// EndInitialToken ends an initial token; false if it is unknown or has ended.
	EndInitialToken(ctx context.Context, id string, now time.Time) (bool, error)
	// TakeSlots takes one slot from each budget.
	TakeSlots(ctx context.Context, slots []throttle.Slot, now time.Time) ([]throttle.Taken, error)
	audit.Appender
}

// The ways in which registration fails.
var (
	ErrUnknown             = errors.New("there is no relying party with this client id")
	ErrPublic              = errors.New("a public client, or one that signs, has no secret")
	ErrUnknownOrganisation = errors.New("there is no organisation with this short name")
	ErrReserved            = errors.New("this client id is built in")
	ErrControlCharacter    = errors.New("a name has no control characters")
	ErrKeys                = errors.New("the app's keys must be a JWK Set with at least one public key that signs, on P-256 or with RSA, and no private one")
	ErrEncryptionKey       = errors.New("the app's keys have none to which tokens could be encrypted, for use enc or for any use")
	ErrSecretKind          = errors.New("an app does not change what it proves itself by: a secret, a secret that makes MACs, a key, or nothing; register it anew")
	ErrOwnResource         = errors.New("a resource is another server: addresses of this one are no app's to name")
	ErrTwice               = errors.New("an address is there twice")
	ErrMeanwhile           = errors.New("others are changing this app at the same time: ask again")
	ErrWildcard            = errors.New("wildcards are not allowed in a redirect URI, because a code would go wherever somebody else can put a page " +
		"(RFC 9700 §2.1): register each address")
)

// Create registers an RP and returns it with its secret, which nobody sees again; a public client has none.
// An RP without organisations gets the only one there is, if there is just one.
func (s *Service) Create(ctx context.Context, rp relyingparty.RP, public bool) (relyingparty.RP, secret.Token, error) {
	rp, plain := s.begin(rp, public)
	if err := s.judge(ctx, rp); err != nil {
		return rp, "", err
	}
	if err := s.checkSector(ctx, rp); err != nil {
		return rp, "", err
	}
	var err error
	if len(rp.Organisations) == 0 {
		rp.Organisations, err = s.onlyOne(ctx)
	} else {
		rp.Organisations, err = s.organisations(ctx, rp.Organisations)
	}
	if err != nil {
		return rp, "", err
	}
	err = s.InTx(ctx, func(tx Tx) error {
		if err := s.insert(ctx, tx, rp, plain); err != nil {
			return err
		}
		return tx.Append(ctx, s.event(audit.RPCreated, rp.ClientID))
	})
	return rp, plain, err
}

// begin gives a new RP its id and the secret that its way to prove itself needs.
func (s *Service) begin(rp relyingparty.RP, public bool) (relyingparty.RP, secret.Token) {
	rp.ClientID, rp.Created = secret.NewID(), s.Now()
	rp = withDefaults(rp)
	switch {
	case public || rp.Options.AuthMethod == relyingparty.PrivateKeyJWT:
		return rp, ""
	case rp.Options.AuthMethod == relyingparty.SecretJWT:
		return rp, secret.NewLongToken()
	}
	plain := secret.NewToken()
	rp.Secret = plain.Hash()
	return rp, plain
}

func (s *Service) insert(ctx context.Context, tx Tx, rp relyingparty.RP, plain secret.Token) error {
	if err := tx.InsertRP(ctx, rp); err != nil {
		return fmt.Errorf("insert relying party: %w", err)
	}
	return s.seal(ctx, tx, rp, plain)
}

// seal keeps the secret of an RP whose MACs it checks.
func (s *Service) seal(ctx context.Context, tx Tx, rp relyingparty.RP, plain secret.Token) error {
	if rp.Options.AuthMethod != relyingparty.SecretJWT {
		return nil
	}
	return tx.SetSealedSecret(ctx, rp.ClientID, relyingparty.SealSecret(s.Keys, rp.ClientID, plain, s.Now()))
}

// judge is check at the operator's word, and that there is a key for each algorithm that the RP asks for.
func (s *Service) judge(ctx context.Context, rp relyingparty.RP) error {
	if err := check(rp); err != nil {
		return err
	}
	for _, resource := range rp.Options.Resources {
		if relyingparty.IsAt(resource, s.Issuer) {
			return fmt.Errorf("%w: %q", ErrOwnResource, resource)
		}
	}
	return s.needKeys(ctx, rp, "operator")
}

func (s *Service) needKeys(ctx context.Context, rp relyingparty.RP, actor string) error {
	for _, alg := range rp.AskedAlgs() {
		if err := s.Sign.Need(ctx, signingkey.Alg(alg), actor); err != nil {
			return err
		}
	}
	return nil
}

// check is what an RP must be to be used, and before that what an operator mistypes.
func check(rp relyingparty.RP) error {
	if rp.ClientID == token.AuthenticatorClient {
		return ErrReserved
	}
	if strings.ContainsFunc(rp.Name, unicode.IsControl) {
		return fmt.Errorf("%w: %q", ErrControlCharacter, rp.Name)
	}
	for _, uri := range rp.RedirectURIs {
		if strings.Contains(uri, "*") {
			return fmt.Errorf("%w: %q", ErrWildcard, uri)
		}
	}
	for _, list := range [][]string{rp.RedirectURIs, rp.PostLogoutRedirectURIs} {
		for i, uri := range list {
			if slices.Contains(list[:i], uri) {
				return fmt.Errorf("%w: %q", ErrTwice, uri)
			}
		}
	}
	if len(rp.Options.JWKS) > 0 {
		set, err := signingkey.ReadKeySet(rp.Options.JWKS)
		if err != nil || (rp.Options.AuthMethod == relyingparty.PrivateKeyJWT || rp.Options.RequireSigned || rp.Options.AskAlg != "") && !set.Signs() {
			return ErrKeys
		}
		for _, e := range rp.Options.Encryptions() {
			if e.IsOn() && !set.Encrypts(e.Alg) {
				return fmt.Errorf("%w: %s", ErrEncryptionKey, e.Alg)
			}
		}
	}
	return rp.Check()
}

func withDefaults(rp relyingparty.RP) relyingparty.RP {
	if rp.IDTokenAlg == "" {
		rp.IDTokenAlg = "ES256"
	}
	if rp.RequestMaxAge == 0 {
		rp.RequestMaxAge = relyingparty.DefaultRequestMaxAge
	}
	if rp.RefreshLife == 0 {
		rp.RefreshLife = relyingparty.DefaultRefreshLife
	}
	return rp.WithFAPI()
}

// onlyOne is the only organisation there is; none, where there are several.
func (s *Service) onlyOne(ctx context.Context) ([]organisation.ID, error) {
	all, err := s.Store.ListOrganisations(ctx)
	if err != nil {
		return nil, fmt.Errorf("list organisations: %w", err)
	}
	if len(all) != 1 {
		return nil, nil
	}
	return []organisation.ID{all[0].ID}, nil
}

// organisations are those that are wanted, if there are such. None stay none: an app that registered itself gets an organisation by the
// operator's word, not by whatever else she sets.
func (s *Service) organisations(ctx context.Context, wanted []organisation.ID) ([]organisation.ID, error) {
	all, err := s.Store.ListOrganisations(ctx)
	if err != nil {
		return nil, fmt.Errorf("list organisations: %w", err)
	}
	known := map[organisation.ID]bool{}
	for _, o := range all {
		known[o.ID] = true
	}
	for _, id := range wanted {
		if !known[id] {
			return nil, fmt.Errorf("%w: %q", ErrUnknownOrganisation, id)
		}
	}
	return slices.Compact(slices.Sorted(slices.Values(wanted))), nil
}

// Change changes what an RP is called, where it is and whose people it may know. Its secret and its people's grants stay. change may run
// again; it puts lists in the place of those that it is given, and writes into none.
func (s *Service) Change(ctx context.Context, clientID string, change func(*relyingparty.RP) error) (relyingparty.RP, error) {
	return again(func() (relyingparty.RP, error) { return s.change(ctx, clientID, change) })
}

func (s *Service) change(ctx context.Context, clientID string, change func(*relyingparty.RP) error) (relyingparty.RP, error) {
	rp, ok, err := s.Store.FindRP(ctx, clientID)
	if err == nil && !ok {
		err = ErrUnknown
	}
	if err != nil {
		return rp, err
	}
	before := rp
	if err := change(&rp); err != nil {
		return rp, err
	}
	if rp.Itself && rp.Name == before.Name && rp.Name == Host(before.RedirectURIs) {
		rp.Name = Host(rp.RedirectURIs) // that is no name, but the place that people are sent to
	}
	rp = rp.WithFAPI()
	if !sameSecret(before, rp) {
		return rp, ErrSecretKind
	}
	if err := s.judge(ctx, rp); err != nil {
		return rp, err
	}
	if err := s.checkSubjects(ctx, before, rp); err != nil {
		return rp, err
	}
	if rp.Organisations, err = s.organisations(ctx, rp.Organisations); err != nil {
		return rp, err
	}
	return rp, s.put(ctx, before, rp, s.event(audit.RPChanged, clientID))
}

// put stores an RP in the place of what was read before. It fails with ErrMeanwhile if that is no longer what is there: an address was
// fetched in between perhaps, by which an app could hold its change back until it undoes the operator's.
func (s *Service) put(ctx context.Context, before, rp relyingparty.RP, line audit.Event) error {
	return s.InTx(ctx, func(tx Tx) error {
		now, ok, err := tx.FindRP(ctx, rp.ClientID)
		switch {
		case err != nil:
			return err
		case !ok:
			return ErrUnknown
		case !reflect.DeepEqual(now, before):
			return ErrMeanwhile
		}
		if _, err := tx.ChangeRP(ctx, rp); err != nil {
			return err
		}
		return tx.Append(ctx, line)
	})
}

// again makes a change anew, from what is there now, where it came too late.
func again(change func() (relyingparty.RP, error)) (rp relyingparty.RP, err error) {
	for range 3 {
		if rp, err = change(); !errors.Is(err, ErrMeanwhile) {
			break
		}
	}
	return rp, err
}

// sameSecret says whether an RP proves itself by the same as before: its secret rests in another form, or there is none.
func sameSecret(before, after relyingparty.RP) bool {
	kind := func(rp relyingparty.RP) relyingparty.AuthMethod {
		if rp.Options.AuthMethod.Signs() {
			return rp.Options.AuthMethod
		}
		return ""
	}
	return kind(before) == kind(after) && !(before.IsPublic() && after.Options.AuthMethod != "")
}

// List lists all RPs.
func (s *Service) List(ctx context.Context) ([]relyingparty.RP, error) { return s.Store.ListRPs(ctx) }

// RotateSecret gives an RP a new secret and returns it. The old one is worthless at once.
func (s *Service) RotateSecret(ctx context.Context, clientID string) (secret.Token, error) {
	rp, ok, err := s.Store.FindRP(ctx, clientID)
	switch {
	case err != nil:
		return "", err
	case !ok:
		return "", ErrUnknown
	case !rp.HasSecret() && rp.Options.AuthMethod != relyingparty.SecretJWT:
		return "", ErrPublic
	}
	plain := secret.NewToken()
	if !rp.HasSecret() {
		plain = secret.NewLongToken()
	}
	err = s.InTx(ctx, func(tx Tx) error {
		ok, err := true, s.seal(ctx, tx, rp, plain)
		if rp.HasSecret() {
			ok, err = tx.SetRPSecret(ctx, clientID, plain.Hash())
		}
		if err == nil && !ok {
			err = ErrUnknown
		}
		if err != nil {
			return err
		}
		return tx.Append(ctx, s.event(audit.RPSecretRotated, clientID))
	})
	return plain, err
}

// Delete removes an RP; its people's grants end with it. Tend clears them away.
func (s *Service) Delete(ctx context.Context, clientID string) error {
	return s.InTx(ctx, func(tx Tx) error {
		ok, err := tx.DeleteRP(ctx, clientID)
		if err == nil && !ok {
			err = ErrUnknown
		}
		if err != nil {
			return err
		}
		return tx.Append(ctx, s.event(audit.RPDeleted, clientID))
	})
}

func (s *Service) event(kind audit.Kind, clientID string) audit.Event {
	return audit.Event{Kind: kind, At: s.Now(), Actor: "operator", Client: clientID}
}
