package mail_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"strings"
	"testing"

	msgauth "github.com/emersion/go-msgauth/dkim"

	"github.com/portvakt/portvakt/internal/dkim"
	"github.com/portvakt/portvakt/internal/mail"
	"github.com/portvakt/portvakt/internal/organisation"
	"github.com/portvakt/portvakt/internal/outbox"
)

// zone is the DNS of a test, and the keys whose records stand in it.
type zone struct {
	records map[string]string
	signers map[string]dkim.Signer // by organisation and domain
}

func newZone() *zone { return &zone{map[string]string{}, map[string]dkim.Signer{}} }

// key publishes a key of a domain and gives it to an organisation, or to the operator.
func (z *zone) key(t *testing.T, org, domain, selector string) {
	t.Helper()
	k, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	public, err := x509.MarshalPKIXPublicKey(k.Public())
	if err != nil {
		t.Fatal(err)
	}
	z.records[selector+"._domainkey."+domain] = "v=DKIM1; k=rsa; p=" + base64.StdEncoding.EncodeToString(public)
	z.signers[org+"|"+domain] = dkim.Signer{Domain: domain, Selector: selector, Private: k}
}

func (z *zone) signer(_ context.Context, o organisation.ID, domain string) (dkim.Signer, bool, error) {
	s, ok := z.signers[string(o)+"|"+domain]
	return s, ok, nil
}

// verify lets another's verifier look at the mail.
func (z *zone) verify(t *testing.T, raw []byte) (domain string, err error) {
	t.Helper()
	all, err := msgauth.VerifyWithOptions(bytes.NewReader(raw), &msgauth.VerifyOptions{LookupTXT: func(name string) ([]string, error) {
		if text, ok := z.records[name]; ok {
			return []string{text}, nil
		}
		return nil, errors.New("no such name: " + name)
	}})
	if err != nil {
		t.Fatal(err)
	}
	if len(all) != 1 {
		return "", errors.New("it has no signature, or several")
	}
	return all[0].Domain, all[0].Err
}

// employer is what the settings know about Företaget AB; empty: no sender of its own.
func employer(s organisation.Sender) func(context.Context, organisation.ID) (string, organisation.Sender, bool, error) {
	return func(_ context.Context, id organisation.ID) (string, organisation.Sender, bool, error) {
		return "Företaget AB", s, id == "foretaget", nil
	}
}

func TestAMailGoesInTheRightNameWithTheRightSignature(t *testing.T) {
	own := organisation.Sender{Address: "login@foretaget.example"}
	for name, c := range map[string]struct {
		org                 organisation.ID
		sender              organisation.Sender
		keys                map[string]string // organisation|domain
		from, domain, greet string
	}{
		"the operator's, unsigned":             {"", own, nil, `Portvakt <login@login.example.com>`, "", "Portvakt"},
		"the operator's, signed":               {"", own, map[string]string{"": "login.example.com"}, `Portvakt <login@login.example.com>`, "login.example.com", "Portvakt"},
		"an organisation's own":                {"foretaget", own, map[string]string{"": "login.example.com", "foretaget": "foretaget.example"}, `Företaget AB <login@foretaget.example>`, "foretaget.example", "Företaget AB"},
		"with a name of its own":               {"foretaget", organisation.Sender{Address: own.Address, Name: "Löner"}, map[string]string{"foretaget": "foretaget.example"}, `Löner <login@foretaget.example>`, "foretaget.example", "Företaget AB"},
		"without a key of its own":             {"foretaget", own, map[string]string{"": "login.example.com"}, `Företaget AB via Portvakt <login@login.example.com>`, "login.example.com", "Företaget AB"},
		"with a key of another domain":         {"foretaget", own, map[string]string{"foretaget": "annat.example"}, `Företaget AB via Portvakt <login@login.example.com>`, "", "Företaget AB"},
		"with another's key of its domain":     {"foretaget", own, map[string]string{"annat": "foretaget.example"}, `Företaget AB via Portvakt <login@login.example.com>`, "", "Företaget AB"},
		"in the operator's domain, no own key": {"foretaget", organisation.Sender{Address: "ceo@login.example.com"}, map[string]string{"": "login.example.com"}, `Företaget AB via Portvakt <login@login.example.com>`, "login.example.com", "Företaget AB"},
		"without a sender of its own":          {"foretaget", organisation.Sender{}, nil, `Företaget AB via Portvakt <login@login.example.com>`, "", "Företaget AB"},
		"of an organisation that is no more":   {"gone", own, nil, `Portvakt <login@login.example.com>`, "", "Portvakt"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			office, z := office{}.open(t), newZone()
			for org, domain := range c.keys {
				z.key(t, org, domain, "pv1")
			}
			s := settings(office.port, "none")
			s.FromName, s.Signer, s.Organisation = "Portvakt", z.signer, employer(c.sender)
			d := newDesk(t, s)
			m := d.message("recovery_reset", "sv")
			delete(m.Params, "employer")
			m.Organisation = c.org
			if err := d.Send(t.Context(), m); err != nil {
				t.Fatal(err)
			}
			p := office.one(t)
			e := read(t, p)
			if got := strings.ReplaceAll(e.GetHeader("From"), `"`, ""); got != c.from {
				t.Errorf("from %s, want %s", got, c.from)
			}
			if !strings.Contains(e.Text, c.greet) {
				t.Errorf("it is not signed %s:\n%s", c.greet, e.Text)
			}
			domain, err := z.verify(t, p.raw)
			if domain != c.domain || c.domain != "" && err != nil {
				t.Errorf("signed by %q (%v), want %q", domain, err, c.domain)
			}
			if p.from != "login@login.example.com" {
				t.Errorf("it would come back to %s", p.from)
			}
		})
	}
}

// signed sends one mail and returns it as it arrived.
func signed(t *testing.T, z *zone) []byte {
	t.Helper()
	office := office{}.open(t)
	z.key(t, "", "login.example.com", "pv1")
	s := settings(office.port, "none")
	s.Signer = z.signer
	d := newDesk(t, s)
	if err := d.Send(t.Context(), d.message("recovery_reset", "sv")); err != nil {
		t.Fatal(err)
	}
	return office.one(t).raw
}

func TestASignatureHoldsForTheMailAsItWasAndForNoOther(t *testing.T) {
	z := newZone()
	raw := string(signed(t, z))
	for name, c := range map[string]struct {
		mail string
		good bool
	}{
		"as it was":                  {raw, true},
		"with a trace line before":   {"Received: from a by b; Tue, 24 Nov 2026 08:05:00 +0000\r\n" + raw, true},
		"folded otherwise":           {strings.Replace(raw, "Content-Language: sv", "Content-Language:\r\n sv", 1), true},
		"with another subject":       {strings.Replace(raw, "Subject: ", "Subject: x", 1), false},
		"with a second subject":      {"Subject: Win\r\n" + raw, false},
		"with a second sender":       {"From: ceo@login.example.com\r\n" + raw, false},
		"with an address to answer":  {"Reply-To: thief@evil.example\r\n" + raw, false},
		"with another link":          {strings.Replace(raw, "recovery/link", "recovery/lint", 1), false},
		"with another content type":  {strings.Replace(raw, "multipart/alternative", "multipart/mixed", 1), false},
		"with something at the end":  {raw + "more\r\n", false},
		"to somebody else":           {strings.Replace(raw, "To: <anna", "To: <hanna", 1), false},
		"with a second content type": {"Content-Type: text/html\r\n" + raw, false},
	} {
		if name != "as it was" && c.mail == raw {
			t.Errorf("%s: nothing was changed", name)
		}
		if _, err := z.verify(t, []byte(c.mail)); (err == nil) != c.good {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestEachMailComesBackToAnAddressOfItsOwn(t *testing.T) {
	office := office{}.open(t)
	s := settings(office.port, "none")
	d := newDesk(t, s)
	s.ReturnPath = outbox.NewReturnPath("bounces@portvakt.example", d.keys)
	d = desk{newDesk(t, s).Sender, d.keys}
	m := d.message("account_erased", "sv")
	if err := d.Send(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	p := office.one(t)
	if id, ok := s.ReturnPath.Parse(p.from, now); !ok || id != m.ID {
		t.Errorf("it comes back to %s", p.from)
	}
	if strings.Contains(string(p.raw), "bounces") {
		t.Error("the address stands in the mail itself")
	}
}

func TestTheServersWordsAtAcceptanceAreHeard(t *testing.T) {
	office := office{}.open(t)
	d := newDesk(t, settings(office.port, "none"))
	words, err := d.SendAndListen(t.Context(), d.message("recovery_reset", "sv"))
	if err != nil || !strings.Contains(words, "queued") {
		t.Errorf("%q %v", words, err)
	}
}

func TestADatabaseThatDoesNotAnswerPostponesAMail(t *testing.T) {
	down := errors.New("down")
	for name, change := range map[string]func(*mail.Settings){
		"keys": func(s *mail.Settings) {
			s.Signer = func(context.Context, organisation.ID, string) (dkim.Signer, bool, error) {
				return dkim.Signer{}, false, down
			}
		},
		"senders": func(s *mail.Settings) {
			s.Organisation = func(context.Context, organisation.ID) (string, organisation.Sender, bool, error) {
				return "", organisation.Sender{}, false, down
			}
		},
	} {
		office := office{}.open(t)
		s := settings(office.port, "none")
		change(&s)
		d := newDesk(t, s)
		m := d.message("recovery_reset", "sv")
		m.Organisation = "foretaget"
		if err := d.Send(t.Context(), m); !errors.Is(err, down) || errors.Is(err, outbox.ErrRefused) || office.count() != 0 {
			t.Errorf("%s: %v, %d mails", name, err, office.count())
		}
	}
}
