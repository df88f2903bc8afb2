package app_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"github.com/portvakt/portvakt/internal/account"
	"github.com/portvakt/portvakt/internal/administrator"
	"github.com/portvakt/portvakt/internal/control"
	"github.com/portvakt/portvakt/internal/dkim"
	"github.com/portvakt/portvakt/internal/organisation"
	"github.com/portvakt/portvakt/internal/outbox"
	"github.com/portvakt/portvakt/internal/provisioning"
	"github.com/portvakt/portvakt/internal/store"
)

// records is the DNS of a world.
type records map[string]string

func (r records) lookup(_ context.Context, name string) ([]string, error) {
	if text, ok := r[name]; ok {
		return []string{"v=spf1 -all", text}, nil
	}
	return nil, errors.New("no such name")
}

// writeTo enqueues a mail about Bo as a person of the register, in Företaget AB's name.
func (w *world) writeTo(person, to string) outbox.Message {
	w.t.Helper()
	m := outbox.New(outbox.Mail, "account_erased", to, w.clock.Now()) // any that needs no link
	m.Organisation, m.Person, m.Language = "foretaget", person, "sv"
	err := store.InTx[outbox.Enqueuer](w.app.DB)(w.t.Context(), func(tx outbox.Enqueuer) error { return tx.Enqueue(w.t.Context(), m) })
	if err != nil {
		w.t.Fatal(err)
	}
	return m
}

// reached is what the register says about a person's mails.
func (w *world) reached(person string) (accepted, bounced int64) {
	w.t.Helper()
	if err := w.raw().QueryRow(`SELECT accepted_at, bounced_at FROM persons WHERE id = '`+person+`'`).Scan(&accepted, &bounced); err != nil {
		w.t.Fatal(err)
	}
	return accepted, bounced
}

// bosPerson is the id of Bo's row in the register.
func (w *world) bosPerson() (id string) {
	w.t.Helper()
	if err := w.raw().QueryRow(`SELECT person_id FROM connections WHERE account_id = '` + string(w.bo().ID) + `'`).Scan(&id); err != nil {
		w.t.Fatal(err)
	}
	return id
}

func TestTheRegisterKnowsWhetherItsPeoplesMailsArrive(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		bo := w.bosPerson()
		first := w.writeTo(bo, bosAddress)
		w.deliver()
		if accepted, bounced := w.reached(bo); accepted != w.clock.Now().UnixMilli() || bounced != 0 {
			t.Errorf("accepted %d, bounced %d", accepted, bounced)
		}
		bounce := func(m outbox.Message) {
			t.Helper()
			if err := w.app.DB.Bounced(t.Context(), outbox.Bounce{Message: m.ID, Failed: true, Status: "5.1.1", Reason: "no such user"}, w.clock.Now()); err != nil {
				t.Fatal(err)
			}
		}
		w.clock.Advance(time.Minute)
		bounce(first)
		if _, bounced := w.reached(bo); bounced != w.clock.Now().UnixMilli() {
			t.Errorf("bounced %d", bounced)
		}
		w.clock.Advance(time.Hour)
		second := w.writeTo(bo, "bo@foretaget.example")
		w.deliver()
		if _, bounced := w.reached(bo); bounced != 0 {
			t.Error("the new address has the old one's bounce")
		}
		bounce(first) // once more, and late
		w.clock.Advance(time.Second)
		third := w.writeTo(bo, bosAddress)
		w.clock.Advance(time.Second)
		fourth := w.writeTo(bo, bosAddress)
		bounce(third)
		if _, bounced := w.reached(bo); bounced != 0 {
			t.Error("a bounce of an older mail speaks of the newest one")
		}
		bounce(fourth) // before its acceptance is written down
		w.deliver()
		if _, bounced := w.reached(bo); bounced == 0 {
			t.Error("a quick bounce was overwritten by the acceptance")
		}
		all, err := w.app.DB.ListPersonMails(t.Context(), bo, 10)
		if err != nil || len(all) != 4 || all[3].ID != first.ID || all[3].Reason != "no such user" || all[2].ID != second.ID || !all[2].Bounced.IsZero() {
			t.Errorf("%+v %v", all, err)
		}
	})
}

func TestABounceIsToldToTheAccountsOwnerAndGoesWithIt(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		b := w.browser()
		b.signIn(newLogin(w.hrm), bosAddress, bosPass) // a mail tells of it
		w.deliver()
		bo := w.bo()
		mails, err := w.app.DB.ListAccountMails(t.Context(), bo.ID, 10)
		if err != nil || len(mails) == 0 || mails[0].Answer == "" {
			t.Fatalf("%+v %v", mails, err)
		}
		person := w.bosPerson()
		w.writeTo(person, "the.former.bo@foretaget.example")
		w.deliver()
		bounce := outbox.Bounce{Message: mails[0].ID, Failed: true, Status: "5.1.1", Reason: "bo.lind has left us"}
		if err := w.app.DB.Bounced(t.Context(), bounce, w.clock.Now()); err != nil {
			t.Fatal(err)
		}
		b.get("/account/activity").expect(http.StatusOK).shows("Ett mejl till dig kom tillbaka")
		b.get("/account/export")
		b.post("/account/erase", "agree", "on").expect(http.StatusSeeOther)
		w.deliver()
		if places := found(t, w.raw(), "has left us", "the.former.bo"); len(places) > 0 {
			t.Errorf("left: %q", places)
		}
		var turns int
		if err := w.raw().QueryRow(`SELECT COUNT(*) FROM deliveries d LEFT JOIN outbox o ON o.id = d.message_id WHERE o.id IS NULL`).Scan(&turns); err != nil || turns != 0 {
			t.Errorf("%d turns of nobody's mails (%v)", turns, err)
		}
	})
}

func TestTheHistoryOfAMailGoesWithIt(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		m := w.writeTo(w.bosPerson(), bosAddress)
		w.deliver()
		w.clock.Advance(29 * 24 * time.Hour)
		if err := w.app.DB.Bounced(t.Context(), outbox.Bounce{Message: m.ID, Status: "4.0.0"}, w.clock.Now()); err != nil {
			t.Fatal(err)
		}
		w.clock.Advance(2 * 24 * time.Hour)
		if err := w.app.House.Round(t.Context()); err != nil {
			t.Fatal(err)
		}
		var left int
		if err := w.raw().QueryRow(`SELECT (SELECT COUNT(*) FROM deliveries) + (SELECT COUNT(*) FROM outbox)`).Scan(&left); err != nil || left != 0 {
			t.Errorf("%d rows are left (%v)", left, err)
		}
	})
}

func TestAnOrganisationGetsASenderOfItsOwnOnceItsDomainSaysSo(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		dns := records{}
		w.dns(dns)
		var s control.Sender
		if err := w.controlled(http.MethodPut, "/organisations/foretaget/sender", control.Sender{Address: " Login@FORETAGET.example ", Name: "Löner"}, &s); err != nil {
			t.Fatal(err)
		}
		if s.Address != "login@foretaget.example" || s.Own {
			t.Errorf("%+v", s)
		}
		var k control.DKIMKey
		if err := w.controlled(http.MethodPost, "/organisations/foretaget/sender/keys", nil, &k); err != nil {
			t.Fatal(err)
		}
		if !strings.HasSuffix(k.Record, "._domainkey.foretaget.example") || !strings.HasPrefix(k.TXT, "v=DKIM1; k=rsa; p=") {
			t.Errorf("%+v", k)
		}
		activate := "/organisations/foretaget/sender/keys/" + k.ID + "/activate"
		refused := func(why string, want error) {
			t.Helper()
			if err := w.control(http.MethodPost, activate, control.Activation{}); err == nil || !strings.Contains(err.Error(), want.Error()) {
				t.Errorf("%s: %v", why, err)
			}
		}
		refused("nothing is published", dkim.ErrLookup)
		dns[k.Record] = "v=DKIM1; k=rsa; p="
		refused("a revoked key is published", dkim.ErrNotPublished)
		dns[k.Record] = strings.Replace(k.TXT, "p=", "p=AAAA", 1)
		refused("another key is published", dkim.ErrNotPublished)
		if s := w.sender(); s.Own {
			t.Error("it counts all the same")
		}
		dns[k.Record] = strings.Replace(k.TXT, "k=rsa; p=", "t=s; p = ", 1)
		if err := w.control(http.MethodPost, activate, control.Activation{}); err != nil {
			t.Fatal(err)
		}
		if s := w.sender(); !s.Own || len(s.Keys) != 1 || s.Keys[0].Activated.IsZero() {
			t.Errorf("%+v", s)
		}
		w.clock.Advance(2 * time.Minute)
		w.writeTo(w.bosPerson(), bosAddress)
		w.deliver()
		if from := w.post.last(bosAddress).from; !strings.Contains(from, "<login@foretaget.example>") || !strings.Contains(from, "Löner") {
			t.Errorf("it came from %q", from)
		}
		if err := w.control(http.MethodDelete, "/organisations/foretaget/sender/keys/"+k.ID, nil); err != nil {
			t.Fatal(err)
		}
		w.writeTo(w.bosPerson(), bosAddress)
		w.deliver()
		if from := w.post.last(bosAddress).from; !strings.Contains(from, "Företaget AB via Portvakt") {
			t.Errorf("it came from %q", from)
		}
	})
}

// dns gives the world a DNS of its own.
func (w *world) dns(r records) {
	w.t.Helper()
	w.app.Control.Provisioning.DKIM.Lookup = r.lookup
}

func (w *world) sender() (s control.Sender) {
	w.t.Helper()
	if err := w.controlled(http.MethodGet, "/organisations/foretaget/sender", nil, &s); err != nil {
		w.t.Fatal(err)
	}
	return s
}

func TestTheOperatorsKeyIsOfTheSendersDomain(t *testing.T) {
	w := on(t)
	w.dns(records{})
	var k control.DKIMKey
	if err := w.controlled(http.MethodPost, "/keys/dkim", nil, &k); err != nil || k.Domain != "login.example.com" {
		t.Fatal(k, err)
	}
	if err := w.control(http.MethodPost, "/keys/dkim/"+k.ID+"/activate", control.Activation{Unseen: true}); err != nil {
		t.Fatal(err)
	}
	w.clock.Advance(2 * time.Minute)
	w.writeTo(w.bosPerson(), bosAddress)
	w.deliver()
	signature := w.post.last(bosAddress).signature
	if !strings.Contains(strings.Join(strings.Fields(signature), ""), "d=login.example.com;") {
		t.Errorf("signed: %q", signature)
	}
}

func TestASenderIsTheBusinessOfThoseWhoSetThingsThere(t *testing.T) {
	w := on(t)
	w.dns(records{})
	p := w.app.Control.Provisioning
	ctx := t.Context()
	good := organisation.Sender{Address: "login@foretaget.example"}
	owner := administrator.Of(account.Account{ID: "a"}, []administrator.Appointment{{Organisation: "foretaget", Role: administrator.Owner}})
	helper := administrator.Of(account.Account{ID: "b"}, []administrator.Appointment{{Organisation: "foretaget", Role: administrator.Helpdesk}})
	if err := p.SetSender(ctx, owner, "foretaget", good); err != nil {
		t.Fatal(err)
	}
	k, err := p.MakeSenderKey(ctx, owner, "foretaget")
	if err != nil {
		t.Fatal(err)
	}
	for name, try := range map[string]func() error{
		"a helper sets":                     func() error { return p.SetSender(ctx, helper, "foretaget", good) },
		"a helper looks":                    func() error { _, err := p.Sender(ctx, helper, "foretaget"); return err },
		"a helper makes":                    func() error { _, err := p.MakeSenderKey(ctx, helper, "foretaget"); return err },
		"an owner sets the operator's":      func() error { return p.SetSender(ctx, owner, "", good) },
		"an owner makes the operator's key": func() error { _, err := p.MakeSenderKey(ctx, owner, ""); return err },
		"an owner vouches for the DNS": func() error {
			_, err := p.ActivateSenderKey(ctx, owner, "foretaget", k.ID, true)
			return err
		},
		"an owner removes elsewhere": func() error { _, err := p.RemoveSenderKey(ctx, owner, "annat", k.ID); return err },
	} {
		if err := try(); !errors.Is(err, administrator.ErrForbidden) {
			t.Errorf("%s: %v", name, err)
		}
	}
	operator := administrator.CommandLine
	if _, err := p.ActivateSenderKey(ctx, operator, "", k.ID, true); !errors.Is(err, dkim.ErrUnknown) {
		t.Errorf("an organisation's key as the operator's: %v", err)
	}
	if _, err := p.Sender(ctx, operator, "nowhere"); !errors.Is(err, provisioning.ErrUnknownOrganisation) {
		t.Error(err)
	}
	if err := p.SetSender(ctx, operator, "nowhere", good); !errors.Is(err, provisioning.ErrUnknownOrganisation) {
		t.Error(err)
	}
	for _, bad := range []organisation.Sender{{Address: "nobody"}, {Address: "åsa@foretaget.example"}, {Name: "alone"},
		{Address: good.Address, Name: "a\r\nBcc: x"}, {Address: good.Address, Name: strings.Repeat("x", 101)}} {
		if err := p.SetSender(ctx, owner, "foretaget", bad); err == nil {
			t.Errorf("%+v is taken", bad)
		}
	}
	for range 4 {
		if _, err := p.MakeSenderKey(ctx, owner, "foretaget"); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := p.MakeSenderKey(ctx, owner, "foretaget"); !errors.Is(err, provisioning.ErrMostKeys) {
		t.Error(err)
	}
	if err := p.SetSender(ctx, owner, "foretaget", organisation.Sender{}); err != nil {
		t.Error(err)
	}
	if _, err := p.MakeSenderKey(ctx, owner, "foretaget"); !errors.Is(err, provisioning.ErrNoSender) {
		t.Error(err)
	}
}

// TestAServerTakesWhatComesBack: over a real connection, to a real listener.
func TestAServerTakesWhatComesBack(t *testing.T) {
	w := ground(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w.settings.BounceAddress, w.settings.BounceListen, w.bounces = "bounces@login.example.com", l.Addr().String(), l
	w.restart()
	person := w.bosPerson()
	m := w.writeTo(person, bosAddress)
	w.deliver()
	server := w.opens(t)
	path := w.post.last(bosAddress).path
	if !strings.HasPrefix(path, "bounces+"+m.ID+".") {
		t.Fatalf("it comes back to %s", path)
	}
	report := func(to string) error {
		const text = "From: MAILER-DAEMON@foretaget.example\r\nSubject: Undelivered mail\r\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n" +
			"--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; foretaget.example\r\n\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n--b--\r\n"
		c, err := smtp.Dial(l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		return c.SendMail("", []string{to}, strings.NewReader(text))
	}
	if err := report(path); err != nil {
		t.Fatal(err)
	}
	if _, bounced := w.reached(person); bounced == 0 {
		t.Error("nobody has noticed")
	}
	if err := report(strings.Replace(path, m.ID, w.writeTo(person, bosAddress).ID, 1)); err == nil {
		t.Error("a made return address is taken")
	}
	server.end()
	if strings.Contains(w.log.String(), bosAddress) {
		t.Error("an address is in the log")
	}
}
