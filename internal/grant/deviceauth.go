package grant

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/portvakt/portvakt/internal/account"
	"github.com/portvakt/portvakt/internal/audit"
	"github.com/portvakt/portvakt/internal/authn"
	"github.com/portvakt/portvakt/internal/relyingparty"
	"github.com/portvakt/portvakt/internal/secret"
	"github.com/portvakt/portvakt/internal/session"
	"github.com/portvakt/portvakt/internal/throttle"
	"github.com/portvakt/portvakt/internal/token"
)

// DevicePath is where a person types the code that a device shows (RFC 8628 §3.3).
const DevicePath = "/device"

// DeviceLife is how long a code waits for a person.
const DeviceLife = token.DeviceLife

// DeviceCodes is the answer to a device authorization request (RFC 8628 §3.2). Times are in seconds.
type DeviceCodes struct {
	DeviceCode  string `json:"device_code"`
	UserCode    string `json:"user_code"`
	Page        string `json:"verification_uri"`
	PageForCode string `json:"verification_uri_complete"`
	ExpiresIn   int    `json:"expires_in"`
	Interval    int    `json:"interval"`
}

const (
	userCodePurpose = secret.Purpose("user code")
	deviceBudget    = secret.Purpose("device budget")
)

// BeginDevice gives a device without a browser two codes: one that it polls with, and one that a person types elsewhere (RFC 8628 §3.1).
// network is where the request comes from; it has a budget at each client. It fails with an Error and authn.ErrThrottled.
func (s *Service) BeginDevice(ctx context.Context, c Client, network, scope string) (DeviceCodes, error) {
	rp, err := s.authenticate(ctx, c)
	switch {
	case err != nil:
		return DeviceCodes{}, err
	case !rp.Options.MayUse(relyingparty.DeviceCode):
		return DeviceCodes{}, Error{"unauthorized_client", "this client is not registered for device codes"}
	}
	if scope == "" {
		scope = "openid"
	}
	// There is nobody yet of whom to ask for which company she comes.
	means := slices.DeleteFunc(Scopes(), func(one string) bool { return one == "company" })
	if scope = known(scope, means); !hasScope(scope, "openid") {
		return DeviceCodes{}, Error{"invalid_scope", "the scope openid is missing"}
	}
	now, code, typed := s.Now(), secret.NewToken(), newUserCode()
	d := token.Device{ID: secret.NewID(), Code: code.Hash(), ClientID: rp.ClientID, Scope: scope, UserCode: s.Keys.Pseudonym(userCodePurpose, typed),
		Created: now, Expires: now.Add(token.DeviceLife), Interval: token.DevicePoll}
	slot := throttle.Slot{Key: s.Keys.Pseudonym(deviceBudget, "begin", rp.ClientID, network), Budget: throttle.Requests}
	err = s.InTx(ctx, func(tx Tx) error {
		if err := takeSlot(ctx, tx, now, slot); err != nil {
			return err
		}
		return tx.InsertDevice(ctx, d)
	})
	if err != nil {
		return DeviceCodes{}, err
	}
	shown, page := showUserCode(typed), s.Issuer+DevicePath
	return DeviceCodes{DeviceCode: code.Reveal(), UserCode: shown, Page: page, PageForCode: page + "?" + url.Values{"user_code": {shown}}.Encode(),
		ExpiresIn: int(token.DeviceLife / time.Second), Interval: int(token.DevicePoll / time.Second)}, nil
}

func takeSlot(ctx context.Context, tx Tx, now time.Time, slots ...throttle.Slot) error {
	taken, err := tx.TakeSlots(ctx, slots, now)
	switch {
	case err != nil:
		return fmt.Errorf("take slot: %w", err)
	case slices.ContainsFunc(taken, func(t throttle.Taken) bool { return !t.Granted }):
		return authn.ErrThrottled
	}
	return nil
}

// newUserCode draws each letter alike: a byte beyond the last whole round of letters is passed over.
func newUserCode() string {
	const letters = token.UserCodeLetters
	code := make([]byte, 0, token.UserCodeLength)
	for len(code) < token.UserCodeLength {
		if b := int(secret.Random(1)[0]); b < 256/len(letters)*len(letters) {
			code = append(code, letters[b%len(letters)])
		}
	}
	return string(code)
}

func showUserCode(code string) string {
	return code[:token.UserCodeLength/2] + "-" + code[token.UserCodeLength/2:]
}

// readUserCode takes a code as people type it: in small letters, with spaces and dashes (RFC 8628 §6.1).
func readUserCode(typed string) string {
	if len(typed) > 10*token.UserCodeLength {
		return ""
	}
	return strings.Map(func(c rune) rune {
		if strings.ContainsRune(token.UserCodeLetters, c) {
			return c
		}
		return -1
	}, strings.ToUpper(typed))
}

// The ways in which a device code cannot be answered.
var (
	ErrNoDevice = errors.New("no device waits with this code")
	// ErrNotProven says that the browser's session is none, or worth less than the app asks for.
	ErrNotProven = errors.New("the person must show who she is first")
)

// FindDevice returns the id of the device that waits with the code that a person has typed, and the code as the device shows it. It fails with ErrNoDevice and
// authn.ErrThrottled: the budget of a network keeps it from trying all codes.
func (s *Service) FindDevice(ctx context.Context, typed, network string) (id, shown string, err error) {
	read := readUserCode(typed)
	if len(read) != token.UserCodeLength {
		return "", "", ErrNoDevice
	}
	now := s.Now()
	slot := throttle.Slot{Key: s.Keys.Pseudonym(deviceBudget, "type", network), Budget: throttle.Requests}
	if err := s.InTx(ctx, func(tx Tx) error { return takeSlot(ctx, tx, now, slot) }); err != nil {
		return "", "", err
	}
	id, ok, err := s.Store.FindDeviceCode(ctx, s.Keys.Pseudonym(userCodePurpose, read), now)
	switch {
	case err != nil:
		return "", "", fmt.Errorf("find device code: %w", err)
	case !ok:
		return "", "", ErrNoDevice
	}
	return id, showUserCode(read), nil
}

// Asked is a device that asks a person for an answer.
type Asked struct {
	Device  token.Device
	RP      relyingparty.RP
	Account account.Account // of the browser's session
	// Floor is the class that the app asks for, where the session is worth less, or there is none that counts.
	Floor session.ACR
	facts authn.Facts
}

// IsLetIn and IsRefused say what the person has answered; neither: nothing yet.
func (a Asked) IsLetIn() bool {
	return a.Device.State == token.DeviceApproved || a.Device.State == token.DeviceUsed
}

// IsRefused is the other of the two.
func (a Asked) IsRefused() bool { return a.Device.State == token.DeviceDenied }

// LookAtDevice reads a device that asks, and who would answer. With ErrNotProven it returns what the sign-in must be worth.
// It fails with ErrNoDevice for one that does not wait any more, unless it was this account that answered.
func (s *Service) LookAtDevice(ctx context.Context, id string, current secret.Token) (Asked, error) {
	d, ok, err := s.Store.FindDevice(ctx, id)
	switch {
	case err != nil:
		return Asked{}, fmt.Errorf("find device: %w", err)
	case !ok:
		return Asked{}, ErrNoDevice
	}
	sso, err := s.Store.FindSSO(ctx, d.ClientID, current.HashOrZero())
	if err != nil {
		return Asked{}, fmt.Errorf("find session and relying party: %w", err)
	}
	now := s.Now()
	a := Asked{Device: d, RP: sso.RP, Account: sso.Account,
		facts: authn.Facts{Session: sso.Session, Live: sso.Account.IsOpen() && sso.Session.IsLive(sso.Account.Epoch, now)}}
	mine := a.facts.Live && d.Account == sso.Account.ID
	switch {
	case !sso.RP.Options.MayUse(relyingparty.DeviceCode), !d.Waits(now) && !mine:
		return Asked{}, ErrNoDevice
	case mine:
		return a, nil
	}
	r := authn.Request{Floor: session.ACR(sso.RP.RequireACR), MaxAge: sso.RP.Options.DefaultMaxAge, ACRValues: strings.Join(sso.RP.Options.DefaultACRs, " ")}
	if !s.Answers(r, a.facts) {
		a.Floor = r.Floor
		return a, ErrNotProven
	}
	return a, nil
}

// AnswerDevice lets the device in, or refuses it: once. It fails as LookAtDevice does. A second press of the same answer changes nothing.
func (s *Service) AnswerDevice(ctx context.Context, id string, current secret.Token, b authn.Browser, approve bool) error {
	a, err := s.LookAtDevice(ctx, id, current)
	if err != nil {
		return err
	}
	now, me := s.Now(), a.facts.Session
	kind := audit.DeviceApproved
	if !approve {
		kind = audit.DeviceDenied
	}
	return s.InTx(ctx, func(tx Tx) error {
		var done bool
		var err error
		if approve {
			done, err = tx.ApproveDevice(ctx, id, me.Account, secret.NewID(),
				token.Approval{Session: me.ID, ACR: me.ACR, AMR: me.AMR, AuthTime: me.AuthTime, Epoch: a.Account.Epoch}, now)
		} else {
			done, err = tx.DenyDevice(ctx, id, me.Account, now)
		}
		if err != nil || !done {
			return err
		}
		return tx.Append(ctx, audit.Event{Kind: kind, At: now, Actor: "account", Account: me.Account, Client: a.Device.ClientID, Session: string(me.ID),
			Personal: audit.From(b.Device.Address, b.Device.UserAgent)})
	})
}
