package enrolment

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/portvakt/portvakt/internal/account"
	"github.com/portvakt/portvakt/internal/authn"
	"github.com/portvakt/portvakt/internal/push"
	"github.com/portvakt/portvakt/internal/secret"
	"github.com/portvakt/portvakt/internal/token"
)

// The ways in which a phone is not paired.
var (
	// ErrNoCode: the binding code is unknown, expired or withdrawn.
	ErrNoCode = errors.New("the binding code is not valid")
	// ErrUsedCode: another phone was quicker, or has already been paired by it.
	ErrUsedCode = errors.New("the binding code was used already")
)

// fetchFor is how long a phone may fetch its tokens after the last moment in which its owner can approve it: otherwise an approval in
// that moment would leave her with a phone that cannot answer.
const fetchFor = 2 * time.Minute

// pollEvery is how often a phone asks whether its owner has approved.
const pollEvery = 2 * time.Second

// PairingStore is what pairing reads outside a transaction.
type PairingStore interface {
	// FindPairing reads a pairing by its code; the zero Pairing where there is none.
	FindPairing(ctx context.Context, code secret.Hash) (push.Pairing, error)
	// FindAttemptPairing reads the newest pairing of an attempt; the zero Pairing where there is none.
	FindAttemptPairing(ctx context.Context, attempt string) (push.Pairing, error)
}

// PairingTx is what pairing changes.
type PairingTx interface {
	// InsertPairing stores a binding code.
	InsertPairing(ctx context.Context, p push.Pairing) error
	// FindPairing reads a pairing by its code; the zero Pairing where there is none.
	FindPairing(ctx context.Context, code secret.Hash) (push.Pairing, error)
	// ClaimPairing gives a pairing that shows its code to a phone; of two callers one wins.
	ClaimPairing(ctx context.Context, p push.Pairing, now time.Time) (bool, error)
	// ReclaimPairing gives a claimed pairing another device code of the same phone.
	ReclaimPairing(ctx context.Context, p push.Pairing, now time.Time) (bool, error)
	// WithdrawPairings takes the codes of an attempt back that nobody has approved, and returns the device codes behind them.
	WithdrawPairings(ctx context.Context, attempt string, now time.Time) ([]string, error)
	// InsertPushKey makes an app a paired authenticator.
	InsertPushKey(ctx context.Context, k push.Key) error
	// InsertDevice stores a device code.
	InsertDevice(ctx context.Context, d token.Device) error
	// ApproveDevice lets a device code that waits be used, for an account.
	ApproveDevice(ctx context.Context, id string, acc account.ID, grantID string, a token.Approval, now time.Time) (bool, error)
	// DenyDevice refuses a device code that was not used yet.
	DenyDevice(ctx context.Context, id string, acc account.ID, now time.Time) (bool, error)
}

// StartPairing makes a binding code for the attempt, in place of one that nobody has approved (S12).
func (s *Service) StartPairing(ctx context.Context, v Visit) error {
	u, err := s.Look(ctx, v, authn.Enrol)
	if err != nil {
		return err
	}
	p := push.NewPairing(s.Keys, u.Account.ID, v.Attempt.ID, s.Now())
	return s.InTx(ctx, func(tx Tx) error {
		if err := authn.Lock(ctx, tx, u.Progress); err != nil {
			return err
		}
		former, err := tx.WithdrawPairings(ctx, v.Attempt.ID, s.Now())
		if err != nil {
			return fmt.Errorf("withdraw former codes: %w", err)
		}
		for _, device := range former {
			if _, err := tx.DenyDevice(ctx, device, "", s.Now()); err != nil {
				return fmt.Errorf("deny a former phone: %w", err)
			}
		}
		return tx.InsertPairing(ctx, p)
	})
}

// PairingState is what has become of a binding code; see package push.
type PairingState = push.PairingState

// The states that a page speaks of.
const (
	CodeShown    = push.CodeShown
	CodeClaimed  = push.CodeClaimed
	Refused      = push.Refused
	ScannedTwice = push.ScannedTwice
)

// Offered is a binding code as a person gets it.
type Offered struct {
	ID         string
	State      PairingState
	Expires    time.Time
	Name       string // of the phone that has claimed it, as it calls itself
	Comparison string // what that phone shows
	Link       string // for the picture, and for a phone that shows this very page
	Groups     string // to be typed
	Issuer     string // to which it belongs
}

// IsOver says whether the code is too old for what it waits for.
func (o Offered) IsOver(now time.Time) bool {
	return (o.State == CodeShown || o.State == CodeClaimed) && !now.Before(o.Expires)
}

// Pairing is the attempt's newest binding code; the zero Offered where there is none. Link and Groups are set while it can be
// claimed.
func (s *Service) Pairing(ctx context.Context, a authn.Attempt) (Offered, error) {
	p, err := s.Store.FindAttemptPairing(ctx, a.ID)
	if err != nil {
		return Offered{}, fmt.Errorf("find pairing: %w", err)
	}
	o := Offered{ID: p.ID, State: p.State, Expires: p.Expires, Name: p.Name, Comparison: p.Comparison, Issuer: s.Issuer}
	if !p.IsOpen(push.CodeShown, s.Now()) {
		return o, nil
	}
	code, err := p.OpenCode(s.Keys, s.Now())
	if err != nil {
		return Offered{}, nil // sealed by a root that is gone: as good as none
	}
	o.Link, o.Groups = push.Link(s.App, code, s.Issuer), push.Groups(code)
	return o, nil
}

// Claim is a phone that comes with a binding code.
type Claim struct {
	Code     string // as typed or scanned
	JKT      string // thumbprint of the key that it has proven to hold
	Signing  []byte // that key's public JWK
	Wrapping []byte // public JWK to which the key for codes is encrypted
	Name     string
	Language string
}

// Claimed is what the phone goes on with.
type Claimed struct {
	DeviceCode secret.Token
	Comparison string
	Expires    time.Duration
	Interval   time.Duration
}

// Claim gives the binding code to a phone, once (RULES §8). A second phone gets ErrUsedCode, and so does the first from then on,
// unless its owner has approved it already. The same phone may ask again: its first answer may have been lost.
func (s *Service) Claim(ctx context.Context, c Claim) (Claimed, error) {
	code, ok := push.ParseCode(c.Code)
	if !ok {
		return Claimed{}, ErrNoCode
	}
	known, err := s.Store.FindPairing(ctx, code.Hash())
	if err != nil || known.ID == "" {
		return Claimed{}, errors.Join(err, ErrNoCode)
	}
	now, poll := s.Now(), secret.NewToken()
	device := token.Device{ID: secret.NewID(), Code: poll.Hash(), ClientID: token.AuthenticatorClient, Scope: strings.Join(token.AuthenticatorScopes(), " "),
		JKT: c.JKT, State: token.DeviceWaiting, Created: now, Expires: known.Expires.Add(fetchFor), Interval: pollEvery}
	comparison := push.NewComparison()
	refused := false
	p := known
	err = s.InTx(ctx, func(tx Tx) error {
		refused = false
		if p, err = tx.FindPairing(ctx, code.Hash()); err != nil {
			return fmt.Errorf("find pairing: %w", err)
		}
		claim := tx.ClaimPairing
		former := p.Device
		switch {
		case p.IsOpen(push.CodeShown, now):
			p.Comparison = comparison
		case p.IsOpen(push.CodeClaimed, now) && string(p.Signing) == string(c.Signing):
			claim = tx.ReclaimPairing
		case p.IsOpen(push.CodeClaimed, now):
			refused = true
			return s.refuse(ctx, tx, p, push.ScannedTwice)
		case p.State == push.Paired || p.State == push.ScannedTwice:
			return ErrUsedCode
		default:
			return ErrNoCode
		}
		p.Device, p.Signing, p.Wrapping, p.Name, p.Language = device.ID, c.Signing, c.Wrapping, cleanName(c.Name), c.Language
		won, err := claim(ctx, p, now)
		switch {
		case err != nil:
			return fmt.Errorf("claim pairing: %w", err)
		case !won:
			return ErrUsedCode
		}
		if former != "" {
			if _, err := tx.DenyDevice(ctx, former, "", now); err != nil {
				return fmt.Errorf("deny the lost device code: %w", err)
			}
		}
		return tx.InsertDevice(ctx, device)
	})
	s.Authn.Rang(known.Account, known.Attempt)
	switch {
	case err != nil:
		return Claimed{}, err
	case refused:
		return Claimed{}, ErrUsedCode
	}
	return Claimed{DeviceCode: poll, Comparison: p.Comparison, Expires: device.Expires.Sub(now), Interval: pollEvery}, nil
}
