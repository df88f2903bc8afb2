package authn_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/portvakt/portvakt/internal/account"
	"github.com/portvakt/portvakt/internal/authn"
	"github.com/portvakt/portvakt/internal/phone"
	"github.com/portvakt/portvakt/internal/secret"
	"github.com/portvakt/portvakt/internal/store"
	"github.com/portvakt/portvakt/internal/store/storetest"
)

// pump is somebody who is paid by the message: as many attempts, accounts, numbers and networks as he likes.
type pump struct {
	t   *testing.T
	s   *authn.Service
	db  *store.DB
	now time.Time
}

func newPump(t *testing.T, db *store.DB, daily int) *pump {
	p := &pump{t: t, db: db, now: now}
	p.s = &authn.Service{Store: db, Keys: ring(t), Now: func() time.Time { return p.now },
		SMS: &authn.SMS{Region: "SE", Countries: []string{"SE", "NO"}, Daily: daily}}
	return p
}

// send asks for a code in a fresh attempt.
func (p *pump) send(who, number, network string) error {
	p.t.Helper()
	a := authn.NewAttempt(authn.Request{}, "sv", p.now)
	progress := authn.Progress{Attempt: a.ID, Binding: a.Binding.Hash(), Account: account.ID(who), Epoch: 1, Methods: []string{authn.MethodPassword},
		ProvenAt: p.now, Expires: p.now.Add(time.Hour)}
	inTx := store.InTx[authn.Tx](p.db)
	err := store.InTx[*store.Tx](p.db)(p.t.Context(), func(tx *store.Tx) error {
		// The second time it is there.
		if _, err := tx.InsertAccount(p.t.Context(), account.Account{ID: account.ID(who), Identifier: account.Identifier(who), Epoch: 1}); err != nil {
			return err
		}
		return tx.SaveProgress(p.t.Context(), progress)
	})
	if err != nil {
		p.t.Fatal(err)
	}
	return authn.SendCode(p.t.Context(), p.s, inTx, authn.Sending{Attempt: a, Progress: progress, Account: account.Account{ID: account.ID(who)},
		Use: authn.ToSignIn, Number: phone.Number(number), Browser: authn.Browser{Network: network}})
}

// until counts how many codes are sent before none is, of at most n.
func (p *pump) until(n int, send func(i int) error) int {
	p.t.Helper()
	for i := range n {
		switch err := send(i); {
		case errors.Is(err, authn.ErrSMSLimit):
			return i
		case err != nil:
			p.t.Fatal(err)
		}
	}
	return n
}

func swede(i int) string     { return fmt.Sprintf("+4670174%04d", i) }
func norwegian(i int) string { return fmt.Sprintf("+474061%04d", i) }

func TestEveryLimitOfTextMessagesHolds(t *testing.T) {
	for name, c := range map[string]struct {
		daily, want int
		send        func(p *pump, i int) error
	}{
		"a number, from many accounts and networks": {2000, 5, func(p *pump, i int) error { return p.send(fmt.Sprint(i), swede(1), fmt.Sprint(i)) }},
		"a number, all day long": {2000, 10, func(p *pump, i int) error {
			p.now = p.now.Add(20 * time.Minute)
			return p.send(fmt.Sprint(i), swede(1), fmt.Sprint(i))
		}},
		"an account, with many numbers": {2000, 10, func(p *pump, i int) error { return p.send("mallory", swede(i), fmt.Sprint(i)) }},
		"a network, with many accounts": {4000, 300, func(p *pump, i int) error { return p.send(fmt.Sprint(i), swede(i), "198.51.100.0/24") }},
		"a country that is not home":    {800, 20, func(p *pump, i int) error { return p.send(fmt.Sprint(i), norwegian(i), fmt.Sprint(i)) }},
		"the home country, in an hour":  {400, 100, func(p *pump, i int) error { return p.send(fmt.Sprint(i), swede(i), fmt.Sprint(i)) }},
		"everybody together, in a long day": {30, 30, func(p *pump, i int) error {
			p.now = p.now.Add(20 * time.Minute)
			return p.send(fmt.Sprint(i), swede(i), fmt.Sprint(i))
		}},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPump(t, storetest.SQLite(t), c.daily)
			if got := p.until(c.want+10, func(i int) error { return c.send(p, i) }); got != c.want {
				t.Errorf("%d codes, want %d", got, c.want)
			}
		})
	}
}

// What is refused takes from no other budget: an attacker does not spend everybody's codes by asking for too many himself.
func TestARefusedCodeSpendsNothing(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		p := newPump(t, db, 20)
		for i := range 40 {
			err := p.send("mallory", swede(1), "198.51.100.0/24")
			if i < 5 != (err == nil) {
				t.Fatalf("code %d: %v", i, err)
			}
		}
		for i := range 15 {
			if err := p.send(fmt.Sprint(i), swede(i+2), fmt.Sprint(i)); err != nil {
				t.Errorf("%d of the 15 that are left: %v", i, err)
			}
		}
		if err := p.send("last", swede(99), "n"); !errors.Is(err, authn.ErrSMSLimit) {
			t.Errorf("the 21st: %v", err)
		}
	})
}

func TestACodeGoesToNoCountryThatIsNotListed(t *testing.T) {
	p := newPump(t, storetest.SQLite(t), 0)
	if err := p.send("a", "+37121234567", "n"); !errors.Is(err, authn.ErrCountry) {
		t.Errorf("Latvia: %v", err)
	}
	p.s.SMS = nil
	if err := p.send("a", swede(1), "n"); !errors.Is(err, authn.ErrNoSMS) {
		t.Errorf("without a gateway: %v", err)
	}
	if _, err := p.s.ParseNumber("0701740605"); !errors.Is(err, authn.ErrNoSMS) {
		t.Errorf("without a gateway: %v", err)
	}
}

func TestAnAttemptThatIsOverSendsNothing(t *testing.T) {
	p := newPump(t, storetest.SQLite(t), 0)
	err := authn.SendCode(t.Context(), p.s, store.InTx[authn.Tx](p.db), authn.Sending{Attempt: authn.Attempt{ID: secret.NewID()},
		Progress: authn.Progress{Attempt: "gone"}, Number: phone.Number(swede(1)), Use: authn.ToSignIn})
	if !errors.Is(err, authn.ErrAttemptUsed) {
		t.Errorf("%v", err)
	}
	if batch, err := p.db.Lease(context.Background(), "w", "sms", 5, p.now, p.now.Add(time.Minute)); err != nil || len(batch) != 0 {
		t.Errorf("%v %v", batch, err)
	}
}

// A hundred wrong codes in a row take the phone out of use, and no other way in (NIST SP 800-63B-4 §3.2.2).
func TestAHundredWrongCodesSuspendThePhoneAlone(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		p := newPump(t, db, 0)
		p.s.Sleep = func(context.Context, time.Duration) {}
		inTx := store.InTx[*store.Tx](db)
		err := inTx(t.Context(), func(tx *store.Tx) error {
			return tx.SavePhone(t.Context(), authn.Phone{Account: "bo", Sealed: authn.SealPhone(p.s.Keys, "bo", phone.Number(swede(1)), now), Created: now})
		})
		if err != nil {
			t.Fatal(err)
		}
		guesses := 0
		for range 13 {
			for range 8 {
				proof := authn.TextedCode{Identifier: bo, Progress: authn.Progress{Account: "bo"}, Code: "123456"}
				if _, err := authn.Prove(t.Context(), p.s, inTx, authn.Browser{Network: fmt.Sprint(guesses)}, proof, nil); !errors.Is(err, authn.ErrWrong) {
					t.Fatalf("guess %d: %v", guesses, err)
				}
				guesses++
				phone, number, _, err := p.s.OwnPhone(t.Context(), "bo")
				if err != nil || number.Reveal() != swede(1) {
					t.Fatal(err)
				}
				if suspended := !phone.Suspended.IsZero(); suspended != (guesses >= 100) {
					t.Fatalf("after %d guesses: suspended %t", guesses, suspended)
				}
			}
			p.now = p.now.Add(40 * time.Minute)
		}
	})
}
