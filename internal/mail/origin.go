package mail

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"strings"

	msgauth "github.com/emersion/go-msgauth/dkim"

	"github.com/portvakt/portvakt/internal/dkim"
	"github.com/portvakt/portvakt/internal/locale"
	"github.com/portvakt/portvakt/internal/outbox"
)

// origin is in whose name a mail goes.
type origin struct {
	address      string
	name         string
	organisation string // its name; "": the mail is the operator's
	signer       dkim.Signer
	signs        bool
}

// origin chooses the sender. A mail goes in an organisation's own name only while a key of its domain proves it: without
// one, servers farther on would take it for a forgery, and rightly so.
func (s *Sender) origin(ctx context.Context, m outbox.Message) (origin, error) {
	o := origin{address: s.from, name: s.settings.FromName}
	if m.Organisation != "" && s.settings.Organisation != nil {
		name, own, known, err := s.settings.Organisation(ctx, m.Organisation)
		if err != nil {
			return o, fmt.Errorf("find sender: %w", err)
		}
		if known {
			o.organisation = name
		}
		if known && own.Address != "" && s.settings.Signer != nil {
			signer, signs, err := s.settings.Signer(ctx, m.Organisation, own.Domain())
			if err != nil {
				return o, fmt.Errorf("find signer: %w", err)
			}
			if signs {
				return origin{own.Address, cmp.Or(own.Name, name), name, signer, true}, nil
			}
		}
	}
	if o.organisation != "" {
		p := s.catalogue.Printer(s.catalogue.Match(m.Language))
		o.name = via(p, o.organisation, s.settings.FromName)
	}
	if s.settings.Signer == nil {
		return o, nil
	}
	var err error
	o.signer, o.signs, err = s.settings.Signer(ctx, "", s.from[strings.LastIndexByte(s.from, '@')+1:])
	if err != nil {
		return o, fmt.Errorf("find signer: %w", err)
	}
	return o, nil
}

func via(p *locale.Printer, organisation, operator string) string {
	if organisation == operator {
		return operator
	}
	return p.T("mail.sender_via", "Organisation", organisation, "Sender", operator)
}

// signedHeaders are what a signature vouches for: what a reader sees, and what decides how it is shown. Those that there is one
// of are named twice, so that the signature does not hold for a mail to which somebody has added another (RFC 6376 §8.15).
var signedHeaders = []string{"From", "From", "To", "To", "Subject", "Subject", "Date", "Date", "Message-ID", "Message-ID", "MIME-Version",
	"Content-Type", "Content-Type", "Content-Language", "Auto-Submitted", "Reply-To", "Cc"}

// sign puts a signature before the bytes that were rendered. Relaxed: servers on the way may fold a line anew.
func (o origin) sign(raw []byte) ([]byte, error) {
	if !o.signs {
		return raw, nil
	}
	var signed bytes.Buffer
	err := msgauth.Sign(&signed, bytes.NewReader(raw), &msgauth.SignOptions{Domain: o.signer.Domain, Selector: o.signer.Selector, Signer: o.signer.Private,
		HeaderCanonicalization: msgauth.CanonicalizationRelaxed, BodyCanonicalization: msgauth.CanonicalizationRelaxed, HeaderKeys: signedHeaders})
	if err != nil {
		return nil, fmt.Errorf("sign: %w", err)
	}
	return signed.Bytes(), nil
}
