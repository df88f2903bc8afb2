package authn

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/portvakt/portvakt/internal/account"
	"github.com/portvakt/portvakt/internal/audit"
	"github.com/portvakt/portvakt/internal/outbox"
	"github.com/portvakt/portvakt/internal/phone"
	"github.com/portvakt/portvakt/internal/secret"
	"github.com/portvakt/portvakt/internal/smscode"
	"github.com/portvakt/portvakt/internal/throttle"
)

// SMS says which numbers get codes, and how many; Service.SMS is nil where there is no gateway.
type SMS struct {
	Region    string   // of numbers that are typed without a country's prefix
	Countries []string // whose numbers get codes
	Daily     int      // codes in a day at most, to everybody together; 0: DefaultDaily
}

func (r *SMS) daily() int { return cmp.Or(r.Daily, DefaultDaily) }

// DefaultDaily is how many codes are sent in a day where nobody has said how many.
const DefaultDaily = 2000

// Phone is a mobile phone that gets codes when the app is lost. An account has one at most, and it counts beside an app alone.
type Phone struct {
	Account account.ID
	Sealed  []byte // the number; see SealPhone
	Created time.Time
	Used    time.Time // zero: never
	// Suspended is when too many wrong codes in a row have taken it out of use; zero: it counts. The number is given anew then.
	Suspended time.Time
}

const (
	phonePurpose = secret.Purpose("phone number")
	typedPurpose = secret.Purpose("phone number in the making")
)

// SealPhone seals a number to its account, for the row in which it rests.
func SealPhone(k *secret.Keyring, id account.ID, n phone.Number, now time.Time) []byte {
	return k.SealBytes(phonePurpose, string(id), []byte(n.Reveal()), now)
}

// OpenNumber returns the phone's number, or secret.ErrSealed.
func (p Phone) OpenNumber(k *secret.Keyring, now time.Time) (phone.Number, error) {
	plain, err := k.OpenBytes(phonePurpose, string(p.Account), p.Sealed, forAsLong, now)
	return phone.Number(plain), err
}

// Use is what a code is for. A code of one use is worth nothing for another.
type Use string

// The uses.
const (
	ToSignIn Use = "signin" // sent to the account's own number
	ToBind   Use = "bind"   // sent to a number that is to become the account's
)

// Texted is an attempt's row of what it sends by SMS. Before the first code it holds a number alone.
type Texted struct {
	Attempt string
	Account account.ID
	Use     Use
	Sealed  []byte       // the number
	Sent    smscode.Sent // the newest code, which alone counts; no ID: there is none. At stays after it.
	Times   int          // how many codes the attempt has sent
	Message string       // the outbox's id of the newest
	Expires time.Time
}

// OpenNumber returns the number, or secret.ErrSealed.
func (t Texted) OpenNumber(k *secret.Keyring, now time.Time) (phone.Number, error) {
	plain, err := k.OpenBytes(typedPurpose, t.Attempt, t.Sealed, AttemptLife, now)
	return phone.Number(plain), err
}

// bound are the things that a code belongs to.
func (t Texted) bound(n phone.Number) []string {
	return []string{string(t.Account), t.Attempt, string(t.Use), n.Reveal()}
}

// Limits of one attempt.
const (
	maxTimes  = 5
	firstWait = 30 * time.Second
)

// Wait is how long it is until the attempt may send the next code: half a minute, twice as long after each. Short messages may
// take a while, and whoever presses again in the meantime gets two.
func (t Texted) Wait(now time.Time) time.Duration {
	if t.Times == 0 {
		return 0
	}
	return max(t.Sent.At.Add(firstWait<<min(t.Times-1, 4)).Sub(now), 0)
}

// IsSpent says whether the attempt has sent as many codes as it may.
func (t Texted) IsSpent() bool { return t.Times >= maxTimes }

// Delivery is what has become of a message.
type Delivery struct {
	Sent   bool // the gateway has accepted it
	Failed bool // it was refused, or has been tried in vain for a while
}

// The ways in which no code is sent.
var (
	// ErrNoSMS: there is no gateway, or no number.
	ErrNoSMS = errors.New("nothing can be sent by SMS")
	// ErrWait: the last code has just been sent.
	ErrWait = errors.New("a code has just been sent; wait")
	// ErrSMSLimit: the attempt, the number, or somebody further up has had as many codes as there are for now.
	ErrSMSLimit = errors.New("no more codes by SMS for now")
	// ErrCountry: codes are not sent to the number's country.
	ErrCountry = errors.New("no codes are sent to this country")
)

// ParseNumber reads a number as a person types it, if it may get codes. It fails with smscode's errors, ErrCountry or ErrNoSMS.
func (s *Service) ParseNumber(typed string) (phone.Number, error) {
	if s.SMS == nil {
		return "", ErrNoSMS
	}
	n, err := phone.Parse(typed, s.SMS.Region)
	if err == nil && !slices.Contains(s.SMS.Countries, n.Region()) {
		return "", ErrCountry
	}
	return n, err
}

// OwnPhone returns the account's phone with its number; false if it has none.
func (s *Service) OwnPhone(ctx context.Context, id account.ID) (Phone, phone.Number, bool, error) {
	p, ok, err := s.Store.FindPhone(ctx, id)
	if err != nil || !ok {
		return p, "", false, err
	}
	n, err := p.OpenNumber(s.Keys, s.Now())
	if err != nil {
		return p, "", false, fmt.Errorf("open the number of account %s: %w", id, err)
	}
	return p, n, true, nil
}

// Pending is what an attempt's page shows of its SMS.
type Pending struct {
	Number   phone.Number  // "": none was given, or it was for another use
	Sent     bool          // a code has been sent to it, and was not used
	Times    int           // how many codes the attempt has sent
	Wait     time.Duration // until the next one may be sent
	Spent    bool          // none may be sent any more
	Delivery Delivery      // of the newest
}

// Pending says what the attempt has given and sent. A row that cannot be opened is none.
func (s *Service) Pending(ctx context.Context, a Attempt, use Use) (Pending, error) {
	t, err := s.Store.FindTexted(ctx, a.ID)
	if err != nil {
		return Pending{}, fmt.Errorf("find what was sent: %w", err)
	}
	if t.Attempt == "" || t.Use != use {
		return Pending{}, nil
	}
	number, err := t.OpenNumber(s.Keys, s.Now())
	if err != nil {
		return Pending{}, nil
	}
	p := Pending{Number: number, Sent: t.Sent.ID != "", Times: t.Times, Wait: t.Wait(s.Now()), Spent: t.IsSpent()}
	if p.Sent {
		if p.Delivery, err = s.Store.FindDelivery(ctx, t.Message); err != nil {
			return p, fmt.Errorf("find the message: %w", err)
		}
	}
	return p, nil
}

// SealTyped seals a number to an attempt.
func SealTyped(k *secret.Keyring, attempt string, n phone.Number, now time.Time) []byte {
	return k.SealBytes(typedPurpose, attempt, []byte(n.Reveal()), now)
}

// Sending is a code to be sent in an attempt.
type Sending struct {
	Attempt  Attempt
	Progress Progress
	Account  account.Account
	Use      Use
	Number   phone.Number
	Language string
	Browser  Browser
}

// CodeTemplate is the outbox template of a message with a code.
const CodeTemplate = "sms_code"

// SendCode sends a fresh code, which takes the place of the one before. It fails with ErrWait, ErrSMSLimit, ErrCountry or ErrNoSMS.
// What has been guessed at the code before stays counted (NIST SP 800-63B-4 §3.2.2).
func SendCode[T Tx](ctx context.Context, s *Service, inTx func(context.Context, func(T) error) error, v Sending) error {
	if s.SMS == nil {
		return ErrNoSMS
	}
	country := v.Number.Region()
	if !slices.Contains(s.SMS.Countries, country) {
		return ErrCountry // the operator may have taken it from the list
	}
	now := s.Now()
	next := Texted{Attempt: v.Attempt.ID, Account: v.Account.ID, Use: v.Use, Expires: v.Attempt.Begun.Add(AttemptLife),
		Sealed: SealTyped(s.Keys, v.Attempt.ID, v.Number, now)}
	code, sent := smscode.Make(s.Keys, now, next.bound(v.Number)...)
	m := outbox.New(outbox.SMS, CodeTemplate, v.Number.Hidden(), now)
	m.Account, m.Language, m.Lane, m.Expires = v.Account.ID, v.Language, outbox.Urgent, now.Add(smscode.Life)
	m.SealSecret(s.Keys, smscode.Pack(v.Number, code), now)
	next.Sent, next.Message = sent, m.ID
	detail := map[string]string{"use": string(v.Use), "country": country}
	event := audit.Event{Kind: audit.CodeTexted, At: now, Actor: "account", Account: v.Account.ID, Detail: detail,
		Personal: audit.From(v.Browser.Device.Address, v.Browser.Device.UserAgent)}
	limits := s.smsLimits(v, country)
	err := inTx(ctx, func(tx T) error {
		if err := Lock(ctx, tx, v.Progress); err != nil {
			return err
		}
		before, err := tx.FindTexted(ctx, v.Attempt.ID)
		switch {
		case err != nil:
			return fmt.Errorf("find what was sent: %w", err)
		case before.IsSpent():
			return overLimit{"attempt"}
		case before.Wait(now) > 0:
			return ErrWait
		}
		if err := takeSMS(ctx, tx, limits, now); err != nil {
			return err
		}
		row := next
		row.Times = before.Times + 1
		if err := tx.SaveTexted(ctx, row); err != nil {
			return fmt.Errorf("save what is sent: %w", err)
		}
		if err := tx.Enqueue(ctx, m); err != nil {
			return fmt.Errorf("enqueue: %w", err)
		}
		return tx.Append(ctx, event)
	})
	if over, ok := errors.AsType[overLimit](err); ok {
		event.Kind, detail["limit"] = audit.CodeNotTexted, over.limit
		err = errors.Join(err, inTx(ctx, func(tx T) error { return tx.Append(ctx, event) }))
	}
	return err
}

// overLimit is an ErrSMSLimit that knows which one it was.
type overLimit struct{ limit string }

func (o overLimit) Error() string { return ErrSMSLimit.Error() + ": " + o.limit }
func (overLimit) Unwrap() error   { return ErrSMSLimit }

// smsLimit is a budget with its name in the audit log.
type smsLimit struct {
	name string
	slot throttle.Slot
}

const smsPurpose = secret.Purpose("sms budget")

// smsLimits are the budgets that a code draws on, against people who are paid by the message for numbers that they own ("SMS
// pumping"): a number, an account, a network, a country by the hour, and everybody together by the day. The home country may have
// a quarter of a day's codes in an hour, another one a fortieth.
func (s *Service) smsLimits(v Sending, country string) []smsLimit {
	daily := s.SMS.daily()
	hourly := max(daily/40, 10)
	if country == s.SMS.Region {
		hourly = max(daily/4, 20)
	}
	key := func(parts ...string) string { return s.Keys.Pseudonym(smsPurpose, parts...) }
	return []smsLimit{
		{"number", throttle.Slot{Key: key("number", v.Number.Reveal()), Budget: throttle.SMSNumber}},
		{"number a day", throttle.Slot{Key: key("number a day", v.Number.Reveal()), Budget: throttle.SMSNumberDay}},
		{"account a day", throttle.Slot{Key: key("account", string(v.Account.ID)), Budget: throttle.SMSAccountDay}},
		{"network", throttle.Slot{Key: key("network", v.Browser.Network), Budget: throttle.SMSNetwork}},
		{"country", throttle.Slot{Key: key("country", country), Budget: throttle.Budget{Limit: hourly, Window: time.Hour}}},
		{"total", throttle.Slot{Key: key("total"), Budget: throttle.Budget{Limit: daily, Window: 24 * time.Hour}}},
	}
}

// takeSMS takes a slot of each budget; where one is spent the transaction gives all back.
func takeSMS(ctx context.Context, tx Tx, limits []smsLimit, now time.Time) error {
	slots := make([]throttle.Slot, len(limits))
	for i, l := range limits {
		slots[i] = l.slot
	}
	taken, err := tx.TakeSlots(ctx, slots, now)
	if err != nil {
		return fmt.Errorf("take slots: %w", err)
	}
	for i, t := range taken {
		if !t.Granted {
			return overLimit{limits[i].name}
		}
	}
	return nil
}
