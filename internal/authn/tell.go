package authn

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"time"

	"github.com/portvakt/portvakt/internal/account"
	"github.com/portvakt/portvakt/internal/onetime"
	"github.com/portvakt/portvakt/internal/outbox"
	"github.com/portvakt/portvakt/internal/secret"
	"github.com/portvakt/portvakt/internal/session"
)

// BoundParam is the parameter of Tell that names what was bound to the account (an app's id), so that "this was not me" takes
// exactly that away. It stands in no mail.
const BoundParam = "bound"

// RestoreParam is the parameter of Tell that says, by any value, that what it tells of has taken the account's name away from its reader. A
// text message then carries the link that gives it back; every mail has one.
const RestoreParam = "restore"

// Tell enqueues a mail that tells a person what has happened to her account, when, and from where. more are the template's own
// parameters. Who has no address is told by SMS, if she has a phone. The mail carries a link by which she says that it was not she: it lives in the same transaction as what it tells of.
func (s *Service) Tell(ctx context.Context, tx Tx, template string, acc account.Account, b Browser, more map[string]string) error {
	if acc.Address == "" {
		return s.tellByPhone(ctx, tx, template, acc, b, more)
	}
	employer, err := tx.FindEmployer(ctx, acc.ID)
	if err != nil {
		return fmt.Errorf("find employer: %w", err)
	}
	return s.tellByMail(ctx, tx, template, acc, employer, b, more)
}

func (s *Service) tellByMail(ctx context.Context, tx Tx, template string, acc account.Account, employer string, b Browser, more map[string]string) error {
	m := outbox.New(outbox.Mail, template, acc.Address, s.Now())
	m.Account, m.Language = acc.ID, cmp.Or(acc.Language, b.Language)
	m.Params = map[string]string{"name": acc.GivenName, "employer": employer,
		"user_agent": b.Device.UserAgent, "ip": b.Device.Address, "at": outbox.FormatTime(s.Now())}
	maps.Copy(m.Params, more)
	delete(m.Params, RestoreParam)
	if err := s.AddNotMe(ctx, tx, &m, acc); err != nil {
		return err
	}
	if err := tx.Enqueue(ctx, m); err != nil {
		return fmt.Errorf("tell the person: %w", err)
	}
	return nil
}

// AddNotMe puts the link into a mail by which its reader says that it was not her.
func (s *Service) AddNotMe(ctx context.Context, tx Tx, m *outbox.Message, acc account.Account) error {
	token := secret.NewToken()
	if err := s.insertNotMe(ctx, tx, m, acc, token); err != nil {
		return err
	}
	m.SealSecret(s.Keys, token, s.Now())
	return nil
}

// insertNotMe stores such a link, and names it in the message.
func (s *Service) insertNotMe(ctx context.Context, tx Tx, m *outbox.Message, acc account.Account, token secret.Token) error {
	now := s.Now()
	link := onetime.Link{ID: secret.NewID(), Secret: token.Hash(), Purpose: onetime.NotMe, Account: acc.ID, Epoch: acc.Epoch,
		Language: m.Language, Created: now, Expires: m.Expires.Add(onetime.NotMe.Life())}
	link.About = map[string]string{"what": m.Template, "to": cmp.Or(acc.Address, string(acc.Identifier.Phone())), "bound": m.Params[BoundParam], "app": m.Params["app"],
		"user_agent": m.Params["user_agent"], "ip": m.Params["ip"], "at": m.Params["at"]}
	delete(m.Params, BoundParam)
	m.Link = link.ID
	if err := tx.InsertLink(ctx, link, now); err != nil {
		return fmt.Errorf("insert link: %w", err)
	}
	return nil
}

// Told is what a mail has told, read back from its link.
type Told struct {
	Template string
	To       string // the address that was told
	Bound    string // see BoundParam
	App      string // an RP's name, where one is concerned
	Device   session.Device
	At       time.Time
}

// ReadTold reads what the mail around a link of purpose onetime.NotMe has told.
func ReadTold(l onetime.Link) Told {
	return Told{Template: l.About["what"], To: l.About["to"], Bound: l.About["bound"], App: l.About["app"],
		Device: session.Device{UserAgent: l.About["user_agent"], Address: l.About["ip"]}, At: outbox.ParseTime(l.About["at"])}
}
