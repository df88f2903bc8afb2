// Package provisioning is the flow by which organisations, persons and accounts come to be: at the operator's word, or
// by the import of an employer's register. The preparation by mail is not its business.
package provisioning

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/portvakt/portvakt/internal/account"
	"github.com/portvakt/portvakt/internal/administrator"
	"github.com/portvakt/portvakt/internal/audit"
	"github.com/portvakt/portvakt/internal/authn"
	"github.com/portvakt/portvakt/internal/dkim"
	"github.com/portvakt/portvakt/internal/organisation"
	"github.com/portvakt/portvakt/internal/password"
	"github.com/portvakt/portvakt/internal/person"
	"github.com/portvakt/portvakt/internal/recoverycode"
	"github.com/portvakt/portvakt/internal/secret"
	"github.com/portvakt/portvakt/internal/totp"
)

// Service provisions.
type Service struct {
	Store  Store
	InTx   func(context.Context, func(Tx) error) error
	Hasher *password.Hasher
	Keys   *secret.Keyring
	Now    func() time.Time
	Region string // country of telephone numbers without a prefix, an ISO 3166 code

	DKIM     *dkim.Keys
	Operator organisation.Sender // of mails that go in nobody else's name

	// Of the import of registers.
	InBulkTx  func(context.Context, func(Tx) error) error
	CheckHash func(hash string) error // says whether an old password's hash will verify; nil: not asked
	// Imported looks in bites at what an import has left behind: at the next persons after the one with the given id. It returns the last
	// of them; empty: there are no more. nil: nobody looks.
	Imported func(ctx context.Context, org organisation.ID, after string) (last string, err error)
}

// Store answers questions outside a transaction.
type Store interface {
	ImportStore
	// FindOrganisation looks an organisation up.
	FindOrganisation(ctx context.Context, id organisation.ID) (organisation.Organisation, bool, error)
	// ListOrganisations lists all organisations by id.
	ListOrganisations(ctx context.Context) ([]organisation.Organisation, error)
	// FindSender returns an organisation's name and the sender of its mails; false if there is no such organisation.
	FindSender(ctx context.Context, id organisation.ID) (name string, s organisation.Sender, ok bool, err error)
	// CountSecond counts the accounts that are connected with an organisation, and those of them that have a second factor.
	CountSecond(ctx context.Context, id organisation.ID) (accounts, second int, err error)
}

// Tx is what provisioning changes.
type Tx interface {
	ImportTx
	// SaveOrganisation inserts or replaces an organisation.
	SaveOrganisation(ctx context.Context, o organisation.Organisation, now time.Time) error
	// InsertAccount stores a new account; false if its address is taken.
	InsertAccount(ctx context.Context, a account.Account) (bool, error)
	// InsertVerifier stores the account's first password.
	InsertVerifier(ctx context.Context, id account.ID, v password.Verifier, alone bool, now time.Time) error
	// InsertApp binds an authenticator app; false if the account has the most that it may have.
	InsertApp(ctx context.Context, app authn.App, most int) (bool, error)
	// SaveRecovery stores what the account's recovery code is checked against, in place of an older one.
	SaveRecovery(ctx context.Context, id account.ID, v password.Verifier, now time.Time) error
	// InsertPerson stores a row of the register; false if its key is taken.
	InsertPerson(ctx context.Context, p person.Person, now time.Time) (bool, error)
	// Connect connects a person to an account.
	Connect(ctx context.Context, personID string, id account.ID, now time.Time) error
	// SaveSender stores the sender of an organisation's mails; false if there is no such organisation.
	SaveSender(ctx context.Context, id organisation.ID, s organisation.Sender, now time.Time) (bool, error)
	audit.Appender
}

// The ways in which provisioning fails.
var (
	ErrAddressTaken        = errors.New("an account with this address exists")
	ErrKeyTaken            = errors.New("a person with this key exists in the organisation")
	ErrUnknownOrganisation = errors.New("there is no organisation with this short name")
)

// ListOrganisations lists all organisations by id.
func (s *Service) ListOrganisations(ctx context.Context) ([]organisation.Organisation, error) {
	return s.Store.ListOrganisations(ctx)
}

// HasOrganisation says whether there is such an organisation.
func (s *Service) HasOrganisation(ctx context.Context, id organisation.ID) (bool, error) {
	_, ok, err := s.Store.FindOrganisation(ctx, id)
	return ok, err
}

// Part is a part of an organisation. An empty field keeps it; to take it away it must be named.
type Part string

// The parts that an organisation can do without.
const (
	Logo     Part = "logo"
	Colour   Part = "colour"
	Remember Part = "remembered browsers"
	Typed    Part = "typed digits"
)

// SetOrganisation inserts or changes an organisation. Empty fields of change keep what is stored; a new one
// recommends two factors unless told otherwise.
func (s *Service) SetOrganisation(ctx context.Context, change organisation.Organisation, without ...Part) (organisation.Organisation, error) {
	o, ok, err := s.Store.FindOrganisation(ctx, change.ID)
	if err != nil {
		return o, fmt.Errorf("find organisation: %w", err)
	}
	if !ok {
		o = organisation.Organisation{ID: change.ID, Name: string(change.ID),
			Policy: organisation.Policy{MFA: organisation.Recommended, RememberDays: organisation.DefaultRememberDays}}
	}
	return s.ReplaceOrganisation(ctx, administrator.CommandLine, merge(o, change, without), "")
}

// ReplaceOrganisation stores an organisation as it is given, in place of what was stored. It fails with administrator.ErrForbidden
// or one of organisation's refusals.
func (s *Service) ReplaceOrganisation(ctx context.Context, by administrator.Administrator, o organisation.Organisation, reason string) (organisation.Organisation, error) {
	if !by.May(o.ID, administrator.Set) {
		return o, administrator.ErrForbidden
	}
	if err := o.Check(); err != nil {
		return o, err
	}
	return o, s.InTx(ctx, func(tx Tx) error {
		if err := tx.SaveOrganisation(ctx, o, s.Now()); err != nil {
			return fmt.Errorf("save organisation: %w", err)
		}
		e := by.Event(audit.OrganisationSet, o.ID, reason, s.Now())
		e.Detail["mfa"] = string(o.Policy.MFA)
		return tx.Append(ctx, e)
	})
}

func merge(o, change organisation.Organisation, without []Part) organisation.Organisation {
	if slices.Contains(without, Logo) {
		o.Logo = organisation.Logo{}
	}
	if slices.Contains(without, Colour) {
		o.Colour = ""
	}
	if change.Name != "" {
		o.Name = change.Name
	}
	if change.Colour != "" {
		o.Colour = change.Colour
	}
	if change.Logo.MediaType != "" {
		o.Logo = change.Logo
	}
	if change.Policy.MFA != "" {
		o.Policy.MFA, o.Policy.From, o.Policy.SignIns = change.Policy.MFA, change.Policy.From, change.Policy.SignIns
	}
	if change.Policy.MinPassword != 0 {
		o.Policy.MinPassword = change.Policy.MinPassword
	}
	if change.Policy.RememberDays != 0 {
		o.Policy.RememberDays = change.Policy.RememberDays
	}
	o.Policy.TypedPush = (o.Policy.TypedPush || change.Policy.TypedPush) && !slices.Contains(without, Typed)
	if slices.Contains(without, Remember) {
		o.Policy.RememberDays = 0
	}
	return o
}

// Newcomer is an account to make, with the person behind it.
type Newcomer struct {
	Address    string // empty, for somebody with a Person: none, she is known by her number there
	Verified   bool   // the address has been proven elsewhere, by the operator's word
	GivenName  string
	FamilyName string
	Language   string
	Password   string            // empty: none yet; the first sign-in makes one
	App        totp.Key          // of an authenticator app that the person has already; nil: none
	Recovery   recoverycode.Code // beside App: what she has written down
	Person     *person.Person    // empty ID; nil: an account without a person
}

// CreateAccount makes an account, and the person connected to it where one is given. It fails with
// account.ErrNotAnAddress, a password.Err…, ErrAddressTaken or ErrKeyTaken.
func (s *Service) CreateAccount(ctx context.Context, n Newcomer) (account.Account, error) {
	address, id, err := account.ParseAddress(n.Address)
	if n.Address == "" && n.Person != nil {
		id, err = account.NumberAt(n.Person.Key.Reveal(), string(n.Person.Organisation))
	}
	if err != nil {
		return account.Account{}, err
	}
	now := s.Now()
	a := account.Account{ID: account.ID(secret.NewUUID()), Identifier: id, Address: address, GivenName: n.GivenName, FamilyName: n.FamilyName,
		Language: n.Language, Epoch: 1, Created: now}
	if n.Verified && address != "" {
		a.Verified = now
	}
	verifier, err := s.verifier(ctx, n)
	if err != nil {
		return a, err
	}
	var recovery password.Verifier
	if n.App != nil {
		if recovery, err = s.Hasher.Hash(ctx, n.Recovery.Reveal()); err != nil {
			return a, err
		}
	}
	return a, s.InTx(ctx, func(tx Tx) error {
		if err := s.insert(ctx, tx, a, n, verifier, recovery, now); err != nil {
			return err
		}
		return tx.Append(ctx, audit.Event{Kind: audit.AccountCreated, At: now, Actor: "operator", Account: a.ID})
	})
}

// verifier judges by the stricter length: which policy will hold for the account is not known yet.
func (s *Service) verifier(ctx context.Context, n Newcomer) (password.Verifier, error) {
	if n.Password == "" {
		return "", nil
	}
	rules := password.Rules{Min: password.MinAlone, Words: []string{n.GivenName, n.FamilyName, n.Address}}
	if err := rules.Judge(n.Password); err != nil {
		return "", err
	}
	return s.Hasher.Hash(ctx, n.Password)
}

func (s *Service) insert(ctx context.Context, tx Tx, a account.Account, n Newcomer, verifier, recovery password.Verifier, now time.Time) error {
	if ok, err := tx.InsertAccount(ctx, a); err != nil || !ok {
		return orElse(err, ErrAddressTaken)
	}
	if verifier != "" {
		if err := tx.InsertVerifier(ctx, a.ID, verifier, true, now); err != nil {
			return fmt.Errorf("insert password: %w", err)
		}
	}
	if n.App != nil {
		if err := s.insertApp(ctx, tx, a.ID, n, recovery, now); err != nil {
			return err
		}
	}
	if n.Person == nil {
		return nil
	}
	p := *n.Person
	p.ID, p.GivenName, p.FamilyName, p.Address = secret.NewID(), n.GivenName, n.FamilyName, n.Address
	if p.Source == "" {
		p.Source = "hr"
	}
	p.Mobile = person.MobileOf(p.Phone, s.Region)
	if ok, err := tx.InsertPerson(ctx, p, now); err != nil || !ok {
		return orElse(err, ErrKeyTaken)
	}
	if err := tx.Connect(ctx, p.ID, a.ID, now); err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	return tx.Append(ctx, audit.Event{Kind: audit.PersonConnected, At: now, Actor: "operator", Account: a.ID,
		Detail: map[string]string{"organisation": string(p.Organisation)}, Personal: map[string]string{"person": p.ID}})
}

// insertApp binds what the person has already, as an installation that is moved brings it.
func (s *Service) insertApp(ctx context.Context, tx Tx, id account.ID, n Newcomer, recovery password.Verifier, now time.Time) error {
	app := authn.App{ID: secret.NewID(), Account: id, Created: now}
	app.Sealed = authn.SealApp(s.Keys, app.ID, n.App, now)
	if _, err := tx.InsertApp(ctx, app, 1); err != nil {
		return fmt.Errorf("insert app: %w", err)
	}
	if err := tx.SaveRecovery(ctx, id, recovery, now); err != nil {
		return fmt.Errorf("save recovery code: %w", err)
	}
	return nil
}

func orElse(err, otherwise error) error {
	if err != nil {
		return err
	}
	return otherwise
}

// chunk is how many rows of a register one transaction takes (RULES §10).
const chunk = 500

// AddPersons adds rows of a register that have no account yet. A row whose key is known is left alone.
func (s *Service) AddPersons(ctx context.Context, all []person.Person) error {
	for len(all) > 0 {
		n := min(len(all), chunk)
		if err := s.addChunk(ctx, all[:n]); err != nil {
			return err
		}
		all = all[n:]
	}
	return nil
}

func (s *Service) addChunk(ctx context.Context, rows []person.Person) error {
	ids := make([]string, len(rows))
	for i := range ids {
		ids[i] = secret.NewID()
	}
	return s.InTx(ctx, func(tx Tx) error {
		for i, p := range rows {
			p.ID = ids[i]
			if p.Source == "" {
				p.Source = "hr"
			}
			p.Mobile = person.MobileOf(p.Phone, s.Region)
			if _, err := tx.InsertPerson(ctx, p, s.Now()); err != nil {
				return fmt.Errorf("insert person: %w", err)
			}
		}
		return nil
	})
}
