package grant

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/portvakt/portvakt/internal/account"
	"github.com/portvakt/portvakt/internal/audit"
	"github.com/portvakt/portvakt/internal/authn"
	"github.com/portvakt/portvakt/internal/outbox"
	"github.com/portvakt/portvakt/internal/relyingparty"
	"github.com/portvakt/portvakt/internal/secret"
	"github.com/portvakt/portvakt/internal/session"
	"github.com/portvakt/portvakt/internal/token"
)

// Askable is how an account stands to an app that wants to ask it.
type Askable struct {
	Phones  int // that can answer
	Waiting int // questions of apps that wait for an answer
	Persons int // of the app's organisations whose account it is
}

// The reasons, beside those of authn.Ask, why nobody is asked. The app does not hear them: the log does.
var (
	errNobody   = errors.New("there is no open account")
	errStranger = errors.New("nobody of the app's organisations")
	errBusy     = errors.New("another question waits for an answer")
	errOver     = errors.New("it was asked before, or is over")
)

// Asker delivers questions to phones: the Sender of their channel. Place says where an address is, in a language; empty where nobody knows.
type Asker struct {
	*Service
	Place func(address, lang string) string
}

var _ outbox.Sender = Asker{}

// Send asks the person that an app has named, if there is one who can be asked. If not, nothing happens: the app's request waits until its end.
func (a Asker) Send(ctx context.Context, m outbox.Message) error {
	now := a.Now()
	plain, err := m.OpenSecret(a.Keys, now)
	var q ask
	if err == nil {
		err = json.Unmarshal([]byte(plain.Reveal()), &q)
	}
	if err != nil {
		return fmt.Errorf("%w: %w", outbox.ErrRefused, err)
	}
	rp, _, err := a.Store.FindRP(ctx, m.Params["client_id"])
	if err != nil {
		return fmt.Errorf("find relying party: %w", err)
	}
	var named account.Account // by an ID token
	if q.Account != "" {
		if named, err = a.Store.FindAccountByID(ctx, q.Account); err != nil {
			return fmt.Errorf("find account: %w", err)
		}
	}
	var acc account.Account
	var unasked error
	err = a.InTx(ctx, func(tx Tx) (err error) {
		acc = named
		if q.Account == "" {
			if acc, _, err = tx.FindAccount(ctx, q.Identifier); err != nil {
				return fmt.Errorf("find account: %w", err)
			}
		}
		if acc, unasked, err = a.deliver(ctx, tx, rp, acc, m, q); err != nil {
			return err
		}
		e := audit.Event{Kind: audit.PersonAsked, At: now, Actor: "system", Account: acc.ID, Client: rp.ClientID, Message: m.ID, Personal: audit.From(q.Address, "")}
		if unasked != nil {
			e.Kind, e.Detail = audit.PersonNotAsked, map[string]string{"why": unasked.Error()}
		}
		return tx.Append(ctx, e)
	})
	if err == nil && unasked == nil {
		a.Authn.Rang(acc.ID, m.Params["question"])
	}
	return err
}

// deliver asks, or says why it does not. It returns the account, if the app's organisations have to do with it.
func (a Asker) deliver(ctx context.Context, tx Tx, rp relyingparty.RP, acc account.Account, m outbox.Message, q ask) (_ account.Account, unasked, err error) {
	nobody := account.Account{}
	if acc.ID == "" || !acc.IsOpen() || !rp.Options.MayUse(relyingparty.CIBA) {
		return nobody, errNobody, nil
	}
	now := a.Now()
	at, err := tx.FindAskable(ctx, acc.ID, rp.ClientID, "", now)
	switch {
	case err != nil:
		return acc, nil, fmt.Errorf("find phones: %w", err)
	case at.Persons == 0:
		return nobody, errStranger, nil
	case at.Phones == 0:
		return acc, authn.ErrNoPush, nil
	case at.Waiting > 0:
		return acc, errBusy, nil
	}
	question := authn.Question{ID: m.Params["question"], Account: acc, ClientID: rp.ClientID, Ends: m.Expires,
		Shown: authn.Shown{App: rp.Name, Message: q.Message, Address: q.Address, Place: a.Place(q.Address, acc.Language), Time: m.Created.UnixMilli()}}
	switch named, err := tx.NameAsked(ctx, question.ID, acc, now); {
	case err != nil:
		return acc, nil, fmt.Errorf("name who is asked: %w", err)
	case !named:
		return acc, errOver, nil
	}
	err = a.Authn.Ask(ctx, tx, question)
	if errors.Is(err, authn.ErrNoPush) || errors.Is(err, authn.ErrOneProof) || errors.Is(err, authn.ErrPushOff) {
		return acc, err, nil
	}
	return acc, nil, err
}

// AnswerAsk takes a phone's signed answer to an app's question, once. It fails as authn.PushAnswer does.
func (s *Service) AnswerAsk(ctx context.Context, k authn.PushKey, challenge, signed string, b authn.Browser) (string, error) {
	proof := authn.PushAnswer{Key: k, Challenge: challenge, Issuer: s.Issuer, Signed: signed, Asked: true}
	proven, err := authn.Prove(ctx, s.Authn, s.InTx, b, proof, func(tx Tx, p authn.Proven) error { return s.answerAsk(ctx, tx, k, p, b) })
	if err != nil {
		return "", err
	}
	s.Authn.Rang(proven.Answer.Challenge.Account, proven.Answer.Challenge.Attempt)
	return proven.Answer.Result(), nil
}

// answerAsk is what an answer does, in its transaction: the app's request is decided, and the app that wants it is told that it is.
func (s *Service) answerAsk(ctx context.Context, tx Tx, k authn.PushKey, p authn.Proven, b authn.Browser) error {
	now, c := s.Now(), p.Answer.Challenge
	d, ok, err := tx.FindAsked(ctx, c.Attempt)
	switch {
	case err != nil:
		return fmt.Errorf("find question: %w", err)
	case !ok || d.Account != c.Account:
		return authn.ErrGone
	}
	if p.Answer.IsApproved() {
		ok, err = s.approveAsk(ctx, tx, k, d, now)
		if err == nil && !ok {
			err = authn.ErrGone
		}
	} else {
		ok, err = tx.DenyDevice(ctx, d.ID, d.Account, now)
	}
	if err != nil {
		return err
	}
	if ok && d.Notify != "" {
		if err := s.ping(ctx, tx, d, now); err != nil {
			return err
		}
	}
	return s.Authn.AnsweredAsk(ctx, tx, k, p, b)
}

// approveAsk lets the app's request be redeemed, if the account, its policy and the phone allow it as they did when it was asked.
func (s *Service) approveAsk(ctx context.Context, tx Tx, k authn.PushKey, d token.Device, now time.Time) (bool, error) {
	acc, err := tx.ReadAccount(ctx, d.Account)
	if err != nil {
		return false, fmt.Errorf("read account: %w", err)
	}
	at, err := tx.FindAskable(ctx, d.Account, d.ClientID, k.ID, now)
	if err != nil {
		return false, fmt.Errorf("find phones: %w", err)
	}
	second, err := tx.FindSecond(ctx, d.Account)
	if err != nil {
		return false, fmt.Errorf("find policy: %w", err)
	}
	if !second.IsOneEnough(now) || !acc.IsOpen() || acc.Epoch != d.Approval.Epoch || at.Phones == 0 || at.Persons == 0 {
		return false, nil
	}
	// An answer on a phone is one proof, and no more than a password (ADR 32).
	return tx.ApproveDevice(ctx, d.ID, acc.ID, secret.NewID(),
		token.Approval{ACR: session.Pwd, AMR: []string{authn.MethodPush}, AuthTime: now, Epoch: acc.Epoch}, now)
}

// ping lets the app hear that there is an answer (CIBA Core §10.2).
func (s *Service) ping(ctx context.Context, tx Tx, d token.Device, now time.Time) error {
	plain, err := s.Keys.Open(pingPurpose, d.ID, d.Notify, time.Hour, now)
	said := strings.SplitN(string(plain), " ", 3)
	if err != nil || len(said) < 3 {
		return nil // sealed by a root that is gone: the app may ask by itself
	}
	m := outbox.New(outbox.Ping, PingTemplate, said[2], now)
	m.Lane, m.Expires, m.Params = outbox.Urgent, d.Expires, map[string]string{"client_id": d.ClientID}
	m.SealSecret(s.Keys, secret.Token(said[0]+" "+said[1]), now)
	return tx.Enqueue(ctx, m)
}

// PingOf is what a ping says: which request has an answer, and the app's own token. to is where the app hears it now; itself says that it
// registered itself. It fails with outbox.ErrRefused where the app was removed meanwhile, may not ask any more, or looks by itself.
func (s *Service) PingOf(ctx context.Context, m outbox.Message) (id string, bearer secret.Token, to string, itself bool, err error) {
	rp, _, err := s.Store.FindRP(ctx, m.Params["client_id"])
	if err != nil {
		return "", "", "", false, fmt.Errorf("find relying party: %w", err)
	}
	if !rp.Options.MayUse(relyingparty.CIBA) || rp.Options.Delivery != relyingparty.Ping {
		return "", "", "", false, fmt.Errorf("%w: the app may not ask any more, or hears nothing of answers", outbox.ErrRefused)
	}
	plain, err := m.OpenSecret(s.Keys, s.Now())
	if err != nil {
		return "", "", "", false, fmt.Errorf("%w: %w", outbox.ErrRefused, err)
	}
	id, token, _ := strings.Cut(plain.Reveal(), " ")
	return id, secret.Token(token), rp.Options.NotifyURI, rp.Itself, err
}
