package enrolment

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/portvakt/portvakt/internal/account"
	"github.com/portvakt/portvakt/internal/administrator"
	"github.com/portvakt/portvakt/internal/audit"
	"github.com/portvakt/portvakt/internal/authn"
	"github.com/portvakt/portvakt/internal/organisation"
	"github.com/portvakt/portvakt/internal/push"
	"github.com/portvakt/portvakt/internal/secret"
	"github.com/portvakt/portvakt/internal/signingkey"
)

// Store answers questions outside a transaction.
type Store interface {
	PairingStore
	ApprovalStore
	// FindPushKey finds the paired authenticator behind a grant; the zero Key where there is none.
	FindPushKey(ctx context.Context, grantID string) (push.Key, error)
	// FindAccountByID returns an account; the zero Account where there is none.
	FindAccountByID(ctx context.Context, id account.ID) (account.Account, error)
}

// AuthenticatorTx is what a paired authenticator changes.
type AuthenticatorTx interface {
	// SaveSubscription stores where push messages reach an authenticator, with the hash of its endpoint.
	SaveSubscription(ctx context.Context, k push.Key, endpoint secret.Hash) error
	// DropSubscription takes a subscription away if it still has this endpoint.
	DropSubscription(ctx context.Context, key string, endpoint secret.Hash) error
	// LosePushKey notes that an authenticator has lost its keys; false where that is known, or there is none.
	LosePushKey(ctx context.Context, key string, now time.Time) (account.ID, bool, error)
}

// Authenticator is the paired authenticator behind a grant; false where it has been removed.
func (s *Service) Authenticator(ctx context.Context, grantID string) (push.Key, bool, error) {
	k, err := s.Store.FindPushKey(ctx, grantID)
	return k, k.ID != "", err
}

// PairedAccount is what an authenticator shows of its account.
type PairedAccount struct {
	Account  account.Account
	Employer string
	Codes    string // compact JWE: the key for codes, encrypted to the authenticator (RFC 7516)
	VAPID    string // id of the key that a subscription should be made with
	VAPIDKey []byte // that key, 65 bytes
	Lost     string // what the authenticator says once its keys are gone
}

// codes is the key for codes as an authenticator decrypts it (RFC 6238).
type codes struct {
	Secret    string `json:"secret"`
	Algorithm string `json:"algorithm"`
	Digits    int    `json:"digits"`
	Period    int    `json:"period"`
}

// Paired is what the authenticator may know of its account.
func (s *Service) Paired(ctx context.Context, k push.Key) (PairedAccount, error) {
	p := PairedAccount{Lost: push.LostToken(s.Keys, k.ID)}
	var err error
	if p.Account, err = s.Store.FindAccountByID(ctx, k.Account); err != nil {
		return p, fmt.Errorf("find account: %w", err)
	}
	second, err := s.Authn.Store.FindSecond(ctx, k.Account)
	if err != nil {
		return p, fmt.Errorf("find second proofs: %w", err)
	}
	p.Employer = second.Employer
	apps, err := s.Authn.Store.ListApps(ctx, k.Account)
	if err != nil {
		return p, fmt.Errorf("list apps: %w", err)
	}
	for _, app := range apps {
		if app.ID != k.ID {
			continue
		}
		key, err := app.OpenKey(s.Keys, s.Now())
		if err != nil {
			return p, fmt.Errorf("open the key for codes: %w", err)
		}
		plain, err := json.Marshal(codes{key.Text(), "SHA1", 6, 30})
		if err == nil {
			p.Codes, err = signingkey.EncryptTo(k.Wrapping, plain)
		}
		if err != nil {
			return p, fmt.Errorf("encrypt the key for codes: %w", err)
		}
	}
	p.VAPID, p.VAPIDKey, err = s.VAPID(ctx)
	return p, err
}

// ErrSubscription says that a subscription cannot be used.
var ErrSubscription = push.ErrSubscription

// Subscription is where push messages reach an authenticator, as it says itself.
type Subscription struct {
	Endpoint, P256DH, Auth string
	VAPID                  string // id of the key that it was made with
	Language               string // of what is sent; empty: as it was
}

// Subscribe stores where push messages reach the authenticator. It fails with ErrSubscription.
func (s *Service) Subscribe(ctx context.Context, k push.Key, in Subscription) error {
	sub, err := push.ParseSubscription(in.Endpoint, in.P256DH, in.Auth, s.Insecure)
	if err != nil {
		return err
	}
	if err := s.MayCall(ctx, sub.Endpoint); err != nil {
		return ErrSubscription
	}
	now, language := s.Now(), in.Language
	sub.VAPID = in.VAPID
	k.Subscription, k.VAPID, k.Seen = push.SealSubscription(s.Keys, k.ID, sub, now), sub.VAPID, now
	if language != "" {
		k.Language = language
	}
	return s.InTx(ctx, func(tx Tx) error {
		if err := tx.SaveSubscription(ctx, k, secret.HashOf(sub.Endpoint)); err != nil {
			return fmt.Errorf("save subscription: %w", err)
		}
		return tx.Append(ctx, audit.Event{Kind: audit.PushSubscribed, At: now, Actor: "account", Account: k.Account, Detail: map[string]string{"key": k.ID}})
	})
}

// Unsubscribe takes the authenticator's subscription away.
func (s *Service) Unsubscribe(ctx context.Context, k push.Key) error {
	k.Subscription, k.VAPID, k.Seen = nil, "", s.Now()
	return s.InTx(ctx, func(tx Tx) error { return tx.SaveSubscription(ctx, k, secret.Hash{}) })
}

// Gone takes a subscription away that its push service does not know any more (RFC 8030 §7.3).
func (s *Service) Gone(ctx context.Context, key, endpoint string) error {
	return s.InTx(ctx, func(tx Tx) error { return tx.DropSubscription(ctx, key, secret.HashOf(endpoint)) })
}

// Lost notes that an authenticator has lost its keys, by the token that it was given for this. It says whether the token is one
// of ours.
func (s *Service) Lost(ctx context.Context, token string) (bool, error) {
	id, ok := push.ReadLostToken(s.Keys, token)
	if !ok {
		return false, nil
	}
	return true, s.InTx(ctx, func(tx Tx) error {
		acc, first, err := tx.LosePushKey(ctx, id, s.Now())
		if err != nil || !first {
			return err
		}
		return tx.Append(ctx, audit.Event{Kind: audit.PhoneLost, At: s.Now(), Actor: "account", Account: acc, Detail: map[string]string{"key": id}})
	})
}

// Leave unbinds an authenticator at its own wish. It fails with ErrLast where policy requires two-factor authentication.
func (s *Service) Leave(ctx context.Context, k push.Key, b authn.Browser) error {
	acc, err := s.Store.FindAccountByID(ctx, k.Account)
	if err != nil {
		return fmt.Errorf("find account: %w", err)
	}
	err = s.InTx(ctx, func(tx Tx) error {
		_, err := s.unbind(ctx, tx, acc, k.ID, unbinding{browser: b, actor: "account"})
		return err
	})
	if err == nil {
		s.Authn.Rang(acc.ID, "")
	}
	return err
}

// ErrWhich says that an account has no such authenticator, or that its name fits several.
var ErrWhich = errors.New("name one of the account's authenticators by its name or id, as the list shows them")

// Authenticators lists the authenticators of the account with the address, for the operator: apps, and the keys of those that
// are paired.
func (s *Service) Authenticators(ctx context.Context, address string) (account.Account, []authn.App, []push.Key, error) {
	_, id, err := account.ParseIdentifier(address, s.Region)
	if err != nil {
		return account.Account{}, nil, nil, err
	}
	c, err := s.Authn.Store.FindCredentials(ctx, id)
	if err == nil && (c.Account.ID == "" || !c.Account.IsOpen()) {
		err = ErrNoAccount
	}
	if err != nil {
		return account.Account{}, nil, nil, err
	}
	apps, err := s.Authn.Store.ListApps(ctx, c.Account.ID)
	if err != nil {
		return c.Account, nil, nil, fmt.Errorf("list apps: %w", err)
	}
	keys, err := s.Authn.Store.ListPushKeys(ctx, c.Account.ID)
	return c.Account, apps, keys, err
}

// RemoveFor unbinds one of a person's authenticators at the operator's word; which is its id or its name. The person is told, and
// the reason stands in the audit log. It returns the id.
func (s *Service) RemoveFor(ctx context.Context, address, which, reason string) (string, error) {
	acc, apps, _, err := s.Authenticators(ctx, address)
	if err != nil {
		return "", err
	}
	if reason, err = reasonOf(reason); err != nil {
		return "", err
	}
	found := ""
	for _, app := range apps {
		if app.ID == which || which != "" && strings.EqualFold(app.Name, which) {
			if found != "" {
				return "", ErrWhich
			}
			found = app.ID
		}
	}
	if found == "" {
		return "", ErrWhich
	}
	err = s.InTx(ctx, func(tx Tx) error {
		ok, err := s.unbind(ctx, tx, acc, found, unbinding{actor: "operator", reason: reason})
		if err == nil && !ok {
			err = ErrWhich
		}
		return err
	})
	if err == nil {
		s.Authn.Rang(acc.ID, "")
	}
	return found, err
}

// RemoveAllFor unbinds all authenticators of a person of the administrator's organisation, who has lost them. The person is told, and
// may say that it was not she. It waits for others, and fails, as IssueTo does.
func (s *Service) RemoveAllFor(ctx context.Context, by administrator.Administrator, o organisation.ID, person, reason string) error {
	reason, err := reasonOf(reason)
	if err != nil {
		return err
	}
	var whose account.ID
	waits := false
	err = s.InTx(ctx, func(tx Tx) error {
		var c administrator.Charge
		if c, waits, err = s.charge(ctx, tx, by, o, person, administrator.Unpair, reason); err != nil || waits {
			return err
		}
		whose = c.Account.ID
		apps, err := s.Authn.Store.ListApps(ctx, c.Account.ID)
		if err != nil {
			return fmt.Errorf("list apps: %w", err)
		}
		if len(apps) == 0 {
			return ErrNothingToRecover
		}
		for _, app := range apps {
			acc := c.Account
			if _, err := s.unbind(ctx, tx, acc, app.ID, unbinding{actor: "administrator", by: &by, organisation: o, person: person, reason: reason}); err != nil {
				return err
			}
		}
		return nil
	})
	switch {
	case err != nil:
		return err
	case waits:
		return ErrAsked
	}
	s.Authn.Rang(whose, "")
	return nil
}

// unbinding is who unbinds an authenticator, from where, and why.
type unbinding struct {
	browser authn.Browser
	actor   string
	reason  string // the operator's, or the administrator's
	// by, for a person of an organisation; nil: not an administrator.
	by           *administrator.Administrator
	organisation organisation.ID
	person       string
	fresh        bool // the account must be as it was when its owner proved herself
}

// removedFor is how long a phone is told that it was removed.
const removedFor = 24 * time.Hour

// unbind takes one of the account's apps away. The last one takes the recovery code and the phone for SMS with it; where policy
// requires two-factor authentication it stays (ErrLast), but for the operator. It returns false if there is no such app.
func (s *Service) unbind(ctx context.Context, tx Tx, acc account.Account, app string, by unbinding) (bool, error) {
	keys, err := tx.ListPushKeys(ctx, acc.ID)
	if err != nil {
		return false, fmt.Errorf("list paired authenticators: %w", err)
	}
	name, ok, err := tx.DeleteApp(ctx, acc.ID, app)
	if err != nil || !ok {
		return false, err
	}
	left, err := tx.FindSecond(ctx, acc.ID)
	if err != nil {
		return false, fmt.Errorf("find second proofs: %w", err)
	}
	more := map[string]string{"authenticator": name}
	if left.Apps == 0 {
		if by.actor != "operator" && by.by == nil && left.IsRequired(s.Now()) {
			return false, ErrLast
		}
		more["off"] = "yes"
		if err := tx.DeleteBesideApps(ctx, acc.ID); err != nil {
			return false, fmt.Errorf("delete what exists beside an app: %w", err)
		}
	}
	epoch, err := s.moveEpoch(ctx, tx, acc.ID)
	if err == nil && by.fresh && epoch != acc.Epoch+1 {
		err = authn.ErrStale // something has changed since the proof: the session may have been ended for it
	}
	if err != nil {
		return false, err
	}
	for _, k := range keys {
		if k.ID == app {
			removed := func(push.Key) []byte { return k.Removed() }
			if err := s.Authn.CallPhones(ctx, tx, []push.Key{k}, authn.PushRemovedTemplate, removed, k.ID, s.Now().Add(removedFor)); err != nil {
				return false, err
			}
		}
	}
	if err := s.Authn.Tell(ctx, tx, OffTemplate, acc, by.browser, more); err != nil {
		return false, err
	}
	e := s.event(audit.AppRemoved, acc.ID, by.browser)
	e.Actor, e.Detail = by.actor, map[string]string{"key": app}
	if by.reason != "" {
		e.Personal = map[string]string{"reason": by.reason}
	}
	if by.by != nil {
		e = by.by.Event(audit.AppRemoved, by.organisation, by.reason, s.Now())
		e.Account, e.Detail["key"], e.Personal["person"] = acc.ID, app, by.person
	}
	return true, tx.Append(ctx, e)
}
