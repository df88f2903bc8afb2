// Package signin is the flow from an RP's request to a session: the address, the password, and on to the
// app (steps S3 and S4 of the design). It knows neither HTTP nor SQL; recovery joins it at the attempt.
package signin

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/portvakt/portvakt/internal/account"
	"github.com/portvakt/portvakt/internal/audit"
	"github.com/portvakt/portvakt/internal/authn"
	"github.com/portvakt/portvakt/internal/organisation"
	"github.com/portvakt/portvakt/internal/outbox"
	"github.com/portvakt/portvakt/internal/password"
	"github.com/portvakt/portvakt/internal/push"
	"github.com/portvakt/portvakt/internal/relyingparty"
	"github.com/portvakt/portvakt/internal/secret"
	"github.com/portvakt/portvakt/internal/session"
	"github.com/portvakt/portvakt/internal/throttle"
)

// Service runs the sign-in flow.
type Service struct {
	Store    Store
	InTx     func(context.Context, func(Tx) error) error
	Authn    *authn.Service
	Hasher   *password.Hasher
	Keys     *secret.Keyring
	Attempts *authn.AttemptCookies
	Now      func() time.Time
	Issuer   string
	Region   string // country of telephone numbers without a prefix, an ISO 3166 code
}

// Store answers questions outside a transaction.
type Store interface {
	// FindRP looks an RP up by its client id.
	FindRP(ctx context.Context, clientID string) (relyingparty.RP, bool, error)
	// FindRequest reads a large request's row; false if it is unknown or expired.
	FindRequest(ctx context.Context, id string, now time.Time) ([]byte, bool, error)
	// FindChallenge reads a push challenge; the zero Challenge where there is none.
	FindChallenge(ctx context.Context, id string) (push.Challenge, error)
	// FindAttemptChallenge reads the newest push challenge of an attempt; the zero Challenge where there is none.
	FindAttemptChallenge(ctx context.Context, attempt string) (push.Challenge, error)
	// ListChallenges lists the account's push challenges that can be answered, newest first.
	ListChallenges(ctx context.Context, id account.ID, now time.Time) ([]push.Challenge, error)
	// FindOrganisation looks an organisation up.
	FindOrganisation(ctx context.Context, id organisation.ID) (organisation.Organisation, bool, error)
	// ListEmployers lists the names of the account's organisations.
	ListEmployers(ctx context.Context, id account.ID) ([]string, error)
}

// Tx is what a sign-in changes.
type Tx interface {
	authn.Tx
	// FindAccount looks an account up by its identifier.
	FindAccount(ctx context.Context, id account.Identifier) (account.Account, bool, error)
	// SavePrepared stores what Prepare made of a message.
	SavePrepared(ctx context.Context, m outbox.Message, linkID string) error
	// SetPassword stores a verifier, lifts a suspension, ends all links, and moves the epoch.
	SetPassword(ctx context.Context, id account.ID, v password.Verifier, alone bool, now time.Time) (epoch int64, err error)
	// CarrySessions moves the account's standing sessions to the epoch, so that they go on.
	CarrySessions(ctx context.Context, id account.ID, epoch int64) error
	// KeepRequest stores a large request under an id until the given time.
	KeepRequest(ctx context.Context, id string, body []byte, expires time.Time) error
}

// ErrTooLarge says that a request is over 8 KB.
var ErrTooLarge = errors.New("the request is too large")

// Begin makes an attempt for a request that came from a browser and returns it with its cookie. It fails with
// ErrTooLarge, and with authn.ErrThrottled for a network that fills the table of large requests.
func (s *Service) Begin(ctx context.Context, r authn.Request, language string, b authn.Browser) (authn.Attempt, string, error) {
	now := s.Now()
	a := authn.NewAttempt(r, language, now)
	if address, id, err := account.ParseIdentifier(r.LoginHint, s.Region); err == nil {
		a.Address, a.Identifier = address, id
		a.Remember = address == b.Memory.Address // the page with the tick may be left out
	}
	return s.seal(ctx, a, b.Network)
}

// seal returns the attempt with its cookie; what the cookie cannot hold becomes a row.
func (s *Service) seal(ctx context.Context, a authn.Attempt, network string) (authn.Attempt, string, error) {
	cookie, err := s.Attempts.Seal(a, s.Now())
	if !errors.Is(err, authn.ErrLarge) || a.Stored != "" {
		return a, cookie, err
	}
	return s.keepLarge(ctx, a, network)
}

// Visit makes an attempt without a request to answer: for Portvakt's own pages (no client id), or one that will
// end at an RP which then asks anew. It writes nothing.
func (s *Service) Visit(clientID, language string) (authn.Attempt, string, error) {
	now := s.Now()
	a := authn.NewAttempt(authn.Request{ClientID: clientID, Received: now}, language, now)
	cookie, err := s.Attempts.Seal(a, now)
	return a, cookie, err
}

// VisitTo is Visit for one of Portvakt's own pages, to which the sign-in leads. back is its path.
func (s *Service) VisitTo(back, language string) (authn.Attempt, string, error) {
	return s.VisitFor(back, "", language)
}

// VisitFor is VisitTo with a class that the sign-in must reach; empty: any.
func (s *Service) VisitFor(back string, floor session.ACR, language string) (authn.Attempt, string, error) {
	now := s.Now()
	a := authn.NewAttempt(authn.Request{Floor: floor, Received: now}, language, now)
	a.Back = back
	cookie, err := s.Attempts.Seal(a, now)
	return a, cookie, err
}

// Administer makes an attempt that leads to the console, to the path back. address is that of an administrator who shall prove
// anew who she is; else empty. It writes nothing.
func (s *Service) Administer(back, address, language string) (authn.Attempt, string, error) {
	now := s.Now()
	a := authn.NewAttempt(authn.Request{Received: now}, language, now)
	a.Goal, a.Back = authn.Administer, back
	if address, id, err := account.ParseAddress(address); err == nil {
		a.Address, a.Identifier = address, id
	}
	cookie, err := s.Attempts.Seal(a, now)
	return a, cookie, err
}

// Own makes an attempt that begins on the account's page, of somebody whose address is known. It writes nothing.
func (s *Service) Own(goal authn.Goal, acc account.Account, language string) (authn.Attempt, string, error) {
	now := s.Now()
	a := authn.NewAttempt(authn.Request{Received: now}, language, now)
	a.Goal, a.Address, a.Identifier = goal, acc.Login(), acc.Identifier
	cookie, err := s.Attempts.Seal(a, now)
	return a, cookie, err
}

// ProveTo makes an attempt in which the owner of an address shows all that her account has, and which leads to one of Portvakt's own
// pages: back is its path. It writes nothing.
func (s *Service) ProveTo(back, typed, language string) (authn.Attempt, string, error) {
	now := s.Now()
	a := authn.NewAttempt(authn.Request{Received: now}, language, now)
	if a.Goal, a.Back = authn.Confirm, back; typed != "" {
		var err error
		if a.Address, a.Identifier, err = account.ParseIdentifier(typed, s.Region); err != nil {
			return a, "", err
		}
	}
	cookie, err := s.Attempts.Seal(a, now)
	return a, cookie, err
}

const budgetPurpose = secret.Purpose("request budget")

// keepLarge keeps the request as a row: one of the two writes that a GET may cause (RULES §4). A network has a
// budget for it, so that nobody fills the table.
func (s *Service) keepLarge(ctx context.Context, a authn.Attempt, network string) (authn.Attempt, string, error) {
	body := authn.EncodeRequest(a.Request)
	if len(body) > authn.MaxRequest {
		return authn.Attempt{}, "", ErrTooLarge
	}
	a.Stored = secret.NewID()
	slot := throttle.Slot{Key: s.Keys.Pseudonym(budgetPurpose, network), Budget: throttle.Requests}
	err := s.InTx(ctx, func(tx Tx) error {
		taken, err := tx.TakeSlots(ctx, []throttle.Slot{slot}, s.Now())
		if err != nil {
			return err
		}
		if !taken[0].Granted {
			return authn.ErrThrottled
		}
		return tx.KeepRequest(ctx, a.Stored, body, a.Begun.Add(authn.AttemptLife))
	})
	if err != nil {
		return authn.Attempt{}, "", fmt.Errorf("keep request: %w", err)
	}
	cookie, err := s.Attempts.Seal(a, s.Now())
	return a, cookie, err
}

// Open reads the attempt named id from its cookie. On authn.ErrAttempt the attempt may still tell which
// request has expired.
func (s *Service) Open(ctx context.Context, id, cookie string) (authn.Attempt, error) {
	a, err := s.Attempts.Open(id, cookie, s.Now())
	if err != nil || a.Stored == "" {
		return a, err
	}
	body, ok, err := s.Store.FindRequest(ctx, a.Stored, s.Now())
	if err != nil {
		return a, fmt.Errorf("find request: %w", err)
	}
	if !ok {
		return a, authn.ErrAttempt
	}
	a.Request, err = authn.DecodeRequest(body, a.Request.Received)
	return a, err
}

// Identify records what was typed in the attempt and returns its new cookie. It asks the database
// nothing about it: the page that follows is the same for every one. It returns
// account.ErrNotAnIdentifier for what names nobody.
func (s *Service) Identify(ctx context.Context, a authn.Attempt, typed string, remember bool, b authn.Browser) (authn.Attempt, string, error) {
	shown, id, err := account.ParseIdentifier(typed, s.Region)
	if err != nil {
		return a, "", err
	}
	a.Address, a.Identifier, a.Remember = shown, id, remember
	return s.seal(ctx, a, b.Network)
}

// Password signs in with a password and returns the session and what the browser shall remember. It
// fails with authn.ErrWrong, authn.ErrThrottled, authn.ErrAttemptUsed or authn.ErrBusy.
func (s *Service) Password(ctx context.Context, a authn.Attempt, typed string, b authn.Browser,
	current secret.Token) (authn.NewSession, authn.Memory, error) {
	if a.Identifier == "" {
		return authn.NewSession{}, b.Memory, authn.ErrAttempt
	}
	fresh := authn.Prepare(a.ID, b.Device, s.Now())
	proof := authn.Password{Identifier: a.Identifier, Password: typed}
	_, err := authn.Prove(ctx, s.Authn, s.InTx, b, proof, func(tx Tx, p authn.Proven) error {
		return s.Authn.Advance(ctx, tx, a, &fresh, p, b, current.HashOrZero())
	})
	if err != nil {
		return authn.NewSession{}, b.Memory, err
	}
	return fresh, s.Remember(a, fresh.Whose, b.Memory), nil
}

func (s *Service) event(kind audit.Kind, id account.ID, b authn.Browser) audit.Event {
	return audit.Event{Kind: kind, At: s.Now(), Actor: "account", Account: id, Personal: audit.From(b.Device.Address, b.Device.UserAgent)}
}

// Remember returns the browser's memory after the attempt was completed: the account that was proven is known here, and
// the address is kept or forgotten as its owner ticked.
func (s *Service) Remember(a authn.Attempt, whose account.Identifier, m authn.Memory) authn.Memory {
	if whose != "" {
		m = m.Learn(s.Keys, whose)
	}
	m.Address = ""
	if a.Remember {
		m.Address = a.Address
	}
	return m
}

// Position is where an attempt stands.
type Position struct {
	Step    authn.Step
	RP      relyingparty.RP // zero for Portvakt's own pages, or when the RP is gone
	Facts   authn.Facts
	Account account.Account // of the session, if there is one
	Whose   account.Account // the account that has been proven in the attempt, if one has
	Restart string          // where a person begins anew at the app; empty: nowhere
}

// Locate says where the attempt stands, given the browser's session cookie.
func (s *Service) Locate(ctx context.Context, a authn.Attempt, current secret.Token) (Position, error) {
	p := Position{}
	var err error
	if p.Facts, p.Account, err = s.Authn.Current(ctx, current); err != nil {
		return p, err
	}
	if !p.Facts.Live || p.Facts.Session.Attempt != a.ID {
		progress, whose, second, err := s.Authn.Progress(ctx, a, current)
		switch {
		case err == nil:
			p.Facts.Progress, p.Facts.Second, p.Whose = progress, second, whose
		case !errors.Is(err, authn.ErrAttempt):
			return p, err
		}
	}
	if p.RP, p.Restart, err = s.App(ctx, a.Request.ClientID, a.Address); err != nil {
		return p, err
	}
	p.Step = authn.Next(a, p.Facts, authn.Waiting{RequestMaxAge: p.RP.RequestMaxAge}, s.Now())
	return p, nil
}

// App returns the RP and where a person begins anew at it. An unknown client id is no error: the page then
// names no app.
func (s *Service) App(ctx context.Context, clientID, loginHint string) (relyingparty.RP, string, error) {
	if clientID == "" {
		return relyingparty.RP{}, "", nil
	}
	rp, ok, err := s.Store.FindRP(ctx, clientID)
	if err != nil {
		return rp, "", fmt.Errorf("find relying party: %w", err)
	}
	if !ok {
		return relyingparty.RP{}, "", nil
	}
	if _, _, err := account.ParseAddress(loginHint); err != nil {
		loginHint = "" // a phone number or an employer's number of a person stands in no URL (RULES §7)
	}
	return rp, rp.Start(s.Issuer, loginHint), nil
}

// Look returns the organisation in whose look the RP's pages appear: the RP's own, if it has exactly one.
// The look never depends on the account (RULES §2).
func (s *Service) Look(ctx context.Context, rp relyingparty.RP) (organisation.Organisation, bool, error) {
	if len(rp.Organisations) != 1 {
		return organisation.Organisation{}, false, nil
	}
	return s.Store.FindOrganisation(ctx, rp.Organisations[0])
}
