// Package enrolment is the flow by which a person turns two-factor authentication on and looks after it: the offer, an
// authenticator app, the recovery code (steps S11 to S16 of the design). It knows neither HTTP nor SQL. A sign-in under way
// carries it: what is bound is bound in an attempt whose person has been proven.
package enrolment

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/portvakt/portvakt/internal/account"
	"github.com/portvakt/portvakt/internal/administrator"
	"github.com/portvakt/portvakt/internal/audit"
	"github.com/portvakt/portvakt/internal/authn"
	"github.com/portvakt/portvakt/internal/organisation"
	"github.com/portvakt/portvakt/internal/outbox"
	"github.com/portvakt/portvakt/internal/password"
	"github.com/portvakt/portvakt/internal/secret"
	"github.com/portvakt/portvakt/internal/totp"
)

// Service runs the enrolment flow.
type Service struct {
	Store  Store
	InTx   func(context.Context, func(Tx) error) error
	Authn  *authn.Service
	Hasher *password.Hasher
	Keys   *secret.Keyring
	Now    func() time.Time
	// Name is what an app calls this installation beside its codes, where the account has no employer alone by whose name its
	// owner knows it.
	Name string
	// Region is the country of telephone numbers without a prefix, an ISO 3166 code.
	Region string
	// Issuer is this installation, and App where its web app for approving sign-ins stands.
	Issuer, App string
	// VAPID is the key that push subscriptions are made with: its id, and 65 bytes.
	VAPID func(context.Context) (string, []byte, error)
	// MayCall says whether a push service may be called at an address, as far as its name tells today.
	MayCall  func(ctx context.Context, address string) error
	Insecure bool // the demo's push service has no certificate
}

// Tx is what enrolment changes.
type Tx interface {
	authn.Tx
	PairingTx
	AuthenticatorTx
	ApprovalTx
	// InsertApp binds an authenticator app; false if the account has the most that it may have.
	InsertApp(ctx context.Context, app authn.App, most int) (bool, error)
	// RenameApp renames one of the account's apps; false if it has none with this id.
	RenameApp(ctx context.Context, id account.ID, app, name string) (bool, error)
	// DeleteApp unbinds one of the account's apps and returns its name; false if it has none with this id.
	DeleteApp(ctx context.Context, id account.ID, app string) (string, bool, error)
	// FindCharge finds the account behind a person of the organisation; false for another's, and where there is none.
	FindCharge(ctx context.Context, o organisation.ID, person string) (administrator.Charge, bool, error)
	// WasPrintedFor says whether a sheet for a new password of the account was printed after the given time.
	WasPrintedFor(ctx context.Context, id account.ID, after time.Time) (bool, error)
	// DeleteApps unbinds all of the account's apps.
	DeleteApps(ctx context.Context, id account.ID) error
	// RestoreApps lets the account's suspended apps count again.
	RestoreApps(ctx context.Context, id account.ID) error
	// SaveIssued stores what a recovery code is checked against that was handed out, in place of an older one.
	SaveIssued(ctx context.Context, id account.ID, v password.Verifier, by string, now, expires time.Time) error
	// DeleteIssued takes a handed-out recovery code away.
	DeleteIssued(ctx context.Context, id account.ID) error
	// FindAccount looks an account up by its identifier.
	FindAccount(ctx context.Context, id account.Identifier) (account.Account, bool, error)
	// FindRecoveryMade says when the account's recovery code was made; zero: it has none.
	FindRecoveryMade(ctx context.Context, id account.ID) (time.Time, error)
	// SavePrepared stores what Prepare made of a message.
	SavePrepared(ctx context.Context, m outbox.Message, linkID string) error
	// SavePhone binds a phone to its account, in place of an older one.
	SavePhone(ctx context.Context, p authn.Phone) error
	// DeletePhone unbinds the account's phone; false if it has none.
	DeletePhone(ctx context.Context, id account.ID) (bool, error)
	// SaveRecovery stores what the account's recovery code is checked against, in place of an older one.
	SaveRecovery(ctx context.Context, id account.ID, v password.Verifier, now time.Time) error
	// DeleteBesideApps takes away what exists beside an app alone: recovery codes and the phone.
	DeleteBesideApps(ctx context.Context, id account.ID) error
	// ForgetBrowser ends the remembering of one of the account's browsers; false if there is none with this id.
	ForgetBrowser(ctx context.Context, id account.ID, browser string) (bool, error)
	// CarrySessions lets the account's standing sessions go on under a new epoch.
	CarrySessions(ctx context.Context, id account.ID, epoch int64) error
}

// The ways in which a step is refused. What concerns the proof itself is authn's.
var (
	// ErrNotNow: the attempt is at another step.
	ErrNotNow = errors.New("the attempt is at another step")
	// ErrTooMany: the account has as many apps as it may have.
	ErrTooMany = errors.New("no more authenticator apps")
	// ErrRequired: policy requires two-factor authentication now, and "later" has passed.
	ErrRequired = errors.New("two-factor authentication is required")
	// ErrGuarded: the address has changed lately, and a mail to it takes no app away (RULES §5).
	ErrGuarded = errors.New("a new address cannot remove the second proof yet")
	// ErrLast: policy requires two-factor authentication, and this is the last app.
	ErrLast = errors.New("the last authenticator app cannot go")
)

// The templates of the mails (package mail renders them).
const (
	OnTemplate           = "mfa_on"
	OffTemplate          = "mfa_off"
	RecoveryMadeTemplate = "recovery_code_made"
	// RecoveryReminderTemplate asks after 30 days whether the code is still there. It is dropped where that code is gone.
	RecoveryReminderTemplate = "recovery_code_reminder"
	// RecoveryIssuedTemplate tells of a code that was handed out, by whom and how to object. It never holds one.
	RecoveryIssuedTemplate = "recovery_code_issued"
)

const (
	maxApps = 10
	maxName = 40 // characters
)

// Visit is one request in an attempt.
type Visit struct {
	Attempt authn.Attempt
	Browser authn.Browser
	Current secret.Token // the browser's session cookie, if it has one
}

// Under is an attempt's state, for its pages.
type Under struct {
	Progress authn.Progress
	Account  account.Account
	Second   authn.Second
}

// Look returns the state of the attempt if it is at one of the steps, else ErrNotNow or authn.ErrAttempt. Looking changes
// nothing.
func (s *Service) Look(ctx context.Context, v Visit, at ...authn.Step) (Under, error) {
	p, acc, second, err := s.Authn.Progress(ctx, v.Attempt, v.Current)
	if err != nil {
		return Under{}, err
	}
	u := Under{p, acc, second}
	if !slices.Contains(at, authn.Needs(v.Attempt, p, second, false, s.Now())) {
		return u, ErrNotNow
	}
	return u, nil
}

// Start takes the person from the page that says why to the choice of an app (S11).
func (s *Service) Start(ctx context.Context, v Visit) (authn.NewSession, error) {
	return s.answer(ctx, v, authn.Enrolling)
}

// Later takes the person on without two-factor authentication: **Påminn mig senare**. It fails with ErrRequired where there is no
// later.
func (s *Service) Later(ctx context.Context, v Visit) (authn.NewSession, error) {
	return s.answer(ctx, v, authn.Later)
}

// answer is what the person says to the offer.
func (s *Service) answer(ctx context.Context, v Visit, stage authn.Stage) (authn.NewSession, error) {
	press := s.Authn.Press("offer", string(stage))
	u, err := s.Look(ctx, v, authn.Offer, authn.Enrol)
	if err != nil {
		return s.again(ctx, v, press, err)
	}
	return s.advance(ctx, v, u, press, func(tx Tx, p *authn.Proven) error {
		// Read again: two tabs must not both have the last sign-in without it.
		now, err := tx.FindSecond(ctx, u.Account.ID)
		if err == nil && stage == authn.Later && (now.IsRequired(s.Now()) || v.Attempt.Goal == authn.Administer) {
			err = ErrRequired
		}
		p.Progress.Stage = stage
		return err
	})
}

// MakeKey puts a fresh key into the attempt, in place of one that was not confirmed: two tabs show the same one, the newest.
func (s *Service) MakeKey(ctx context.Context, v Visit) error {
	u, err := s.Look(ctx, v, authn.Enrol)
	if err != nil {
		return err
	}
	key := totp.NewKey()
	_, err = s.advance(ctx, v, u, "", func(_ Tx, p *authn.Proven) error {
		p.Progress.SealKey(s.Keys, key, s.Now())
		return nil
	})
	return err
}

// Key is the key in the making as the person gets it: for the picture and the button, and to type.
func (s *Service) Key(u Under) (uri, groups string, err error) {
	key, err := u.Progress.OpenKey(s.Keys, s.Now())
	if err != nil {
		return "", "", ErrNotNow // nothing was made yet, or it belongs to a step that is over
	}
	return key.URI(cmp.Or(u.Second.Employer, s.Name), u.Account.Login()), key.Groups(), nil
}

// Confirm binds the app whose first code was typed (S14). It fails with authn.ErrWrong, authn.ErrThrottled or ErrTooMany.
func (s *Service) Confirm(ctx context.Context, v Visit, code, name string) (authn.NewSession, error) {
	press := s.Authn.Press("confirm", code)
	u, err := s.Look(ctx, v, authn.Enrol)
	if err != nil {
		return s.again(ctx, v, press, err)
	}
	fresh := authn.Prepare(v.Attempt.ID, v.Browser.Device, s.Now())
	app := authn.App{ID: secret.NewID(), Account: u.Account.ID, Name: cleanName(name), Created: s.Now()}
	proof := authn.NewCode{Identifier: u.Account.Identifier, Progress: u.Progress, Code: code}
	_, err = authn.Prove(ctx, s.Authn, s.InTx, v.Browser, proof, func(tx Tx, p authn.Proven) error {
		if err := s.replace(ctx, tx, u, v.Browser); err != nil {
			return err
		}
		app.Sealed, app.LastStep, app.Used = authn.SealApp(s.Keys, app.ID, p.Key, s.Now()), p.Step, s.Now()
		ok, err := tx.InsertApp(ctx, app, maxApps)
		switch {
		case err != nil:
			return fmt.Errorf("insert app: %w", err)
		case !ok:
			return ErrTooMany
		}
		p.Progress.Stage, p.Progress.Sealed = s.afterApp(u), nil
		if p.Account.Epoch, err = s.moveEpoch(ctx, tx, u.Account.ID); err != nil {
			return err
		}
		if err := s.Authn.Tell(ctx, tx, OnTemplate, u.Account, v.Browser, map[string]string{"authenticator": app.Name, authn.BoundParam: app.ID}); err != nil {
			return err
		}
		if err := tx.Append(ctx, s.event(audit.AppAdded, u.Account.ID, v.Browser)); err != nil {
			return err
		}
		p.Operation = press
		return s.Authn.Advance(ctx, tx, v.Attempt, &fresh, p, v.Browser, v.Current.HashOrZero())
	})
	if err != nil {
		return s.again(ctx, v, press, err)
	}
	return fresh, nil
}

// replace takes the apps away that the person has lost, in the moment in which the next one takes their place: an attempt
// that ends before leaves two-factor authentication on.
func (s *Service) replace(ctx context.Context, tx Tx, u Under, b authn.Browser) error {
	if u.Progress.Stage != authn.Replacing {
		return nil
	}
	if err := tx.DeleteApps(ctx, u.Account.ID); err != nil {
		return fmt.Errorf("delete apps: %w", err)
	}
	if _, err := tx.DeletePhone(ctx, u.Account.ID); err != nil { // the number may be on the lost phone; she is asked for one next
		return fmt.Errorf("delete phone: %w", err)
	}
	if err := s.Authn.Tell(ctx, tx, OffTemplate, u.Account, b, map[string]string{"authenticator": ""}); err != nil {
		return err
	}
	return tx.Append(ctx, s.event(audit.AppRemoved, u.Account.ID, b))
}

// again answers the second of two presses; see authn.Again.
func (s *Service) again(ctx context.Context, v Visit, press string, cause error) (authn.NewSession, error) {
	return authn.Again(ctx, s.Authn, s.InTx, v.Attempt, press, v.Browser, v.Current.HashOrZero(), cause)
}

// advance runs an effect in the attempt and records what it needs next. press names the button, where it may be the last one.
func (s *Service) advance(ctx context.Context, v Visit, u Under, press string, effect func(Tx, *authn.Proven) error) (authn.NewSession, error) {
	fresh := authn.Prepare(v.Attempt.ID, v.Browser.Device, s.Now())
	err := s.InTx(ctx, func(tx Tx) error {
		p := authn.Proven{Account: u.Account, Progress: u.Progress, Operation: press}
		if err := authn.Lock(ctx, tx, u.Progress); err != nil {
			return err
		}
		if err := effect(tx, &p); err != nil {
			return err
		}
		return s.Authn.Advance(ctx, tx, v.Attempt, &fresh, p, v.Browser, v.Current.HashOrZero())
	})
	if err != nil {
		return s.again(ctx, v, press, err)
	}
	return fresh, nil
}

// moveEpoch ends what was begun before a change of the account's authenticators; sessions that stand go on.
func (s *Service) moveEpoch(ctx context.Context, tx Tx, id account.ID) (int64, error) {
	epoch, err := tx.MoveEpoch(ctx, id)
	if err == nil {
		err = tx.CarrySessions(ctx, id, epoch)
	}
	if err != nil {
		return 0, fmt.Errorf("move epoch: %w", err)
	}
	return epoch, nil
}

func (s *Service) event(kind audit.Kind, id account.ID, b authn.Browser) audit.Event {
	return audit.Event{Kind: kind, At: s.Now(), Actor: "account", Account: id, Personal: audit.From(b.Device.Address, b.Device.UserAgent)}
}

// cleanName is an app's name as it is kept: short, on one line. An empty one is named by the pages.
func cleanName(typed string) string {
	name := strings.Map(func(c rune) rune {
		if unicode.IsControl(c) || !unicode.IsPrint(c) && c != ' ' {
			return -1
		}
		return c
	}, strings.TrimSpace(typed))
	if r := []rune(name); len(r) > maxName {
		name = string(r[:maxName])
	}
	return name
}
