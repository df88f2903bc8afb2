package preparation

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/portvakt/portvakt/internal/account"
	"github.com/portvakt/portvakt/internal/administrator"
	"github.com/portvakt/portvakt/internal/audit"
	"github.com/portvakt/portvakt/internal/authn"
	"github.com/portvakt/portvakt/internal/organisation"
	"github.com/portvakt/portvakt/internal/outbox"
	"github.com/portvakt/portvakt/internal/person"
	"github.com/portvakt/portvakt/internal/secret"
	"github.com/portvakt/portvakt/internal/throttle"
)

// The ways in which sheets are refused, beside administrator.ErrForbidden and ErrEnded.
var (
	// ErrNoSheet says that there is nobody to print a sheet for: she has a login, is taken out, has left, or has a number that nobody
	// could type.
	ErrNoSheet = errors.New("there is nobody here who can have a sheet")
	// ErrAddressed says that somebody whom a mail can reach gets a sheet alone, and with a reason.
	ErrAddressed = errors.New("the person has an address: say why she gets a sheet")
	// ErrDisconnectedLately says that the connection was taken away a moment ago. Whoever may do that and print a sheet, alone and at once,
	// may be her: somebody who runs the transition prints it.
	ErrDisconnectedLately = errors.New("the connection was taken away in the last days; somebody who runs the transition must print the sheet")
	// ErrManySheets says that more people were named than can be printed at once.
	ErrManySheets = errors.New("so many sheets are not printed at once")
	// ErrNoCode says that what was typed is no sheet's code.
	ErrNoCode = errors.New("that is no sheet's code")
)

// MostSheets is how many sheets are printed at once: a pile that one person can hand out, and a page that a browser can hold.
const MostSheets = 500

// sheetBite is how many sheets one transaction makes (RULES §10).
const sheetBite = 100

// Unaddressed is a person whom no mail reaches, as printing looks at her.
type Unaddressed struct {
	Invitation
	Printed time.Time // her sheet that works; zero: there is none
}

// Unit is where she works: the unit of her first employment that has not ended, or its company.
func (u Unaddressed) Unit(now time.Time) string {
	for _, e := range u.Person.Employments {
		if !hasLeft(person.Person{Employments: []person.Employment{e}}, now) {
			return cmp.Or(e.Unit, e.Company)
		}
	}
	return ""
}

// identifier is how she will log in; false where her number is one that nobody could type.
func (u Unaddressed) identifier() (account.Identifier, bool) {
	id, err := account.NumberAt(u.Person.Key.Reveal(), string(u.Person.Organisation))
	return id, err == nil
}

// canHave says whether a sheet would open anything for her.
func (u Unaddressed) canHave(now time.Time) bool {
	_, typable := u.identifier()
	return typable && u.takesPart() && !hasLeft(u.Person, now)
}

// SheetChoice says for whom sheets are printed.
type SheetChoice struct {
	Persons []string // ids; empty: those of the unit
	Unit    string   // empty: everybody whom no mail reaches
	Again   bool     // also those who have a sheet that works: it ends
	Reason  string   // why somebody gets one whom a mail could reach
}

// Printed is a sheet at the one moment at which its secret is known.
type Printed struct {
	Person    string
	Name      string
	FirstName string
	Unit      string
	Language  string // empty: the register does not say
	Secret    secret.Token
	Expires   time.Time
}

// sheetCode is how many characters a sheet's secret has: 128 bits in Crockford's base32, so that it can be typed.
const sheetCode = 26

// Code is the secret as a person types it: in groups of four.
func (p Printed) Code() string { return p.Secret.Groups() }

// ListUnaddressed lists the people of the organisation who can have a sheet, by unit and name.
func (s *Service) ListUnaddressed(ctx context.Context, org organisation.ID) ([]Unaddressed, error) {
	var all []Unaddressed
	now := s.Now()
	for after := ""; ; {
		bite, err := s.Store.ListUnaddressed(ctx, org, after, chunk, now)
		if err != nil {
			return nil, fmt.Errorf("list people without an address: %w", err)
		}
		for _, u := range bite {
			if u.canHave(now) && !u.Disconnected { // one who was is given a sheet by name
				all = append(all, u)
			}
		}
		if len(bite) < chunk {
			break
		}
		after = bite[len(bite)-1].Person.ID
	}
	sortByUnit(all, now)
	return all, nil
}

func sortByUnit(all []Unaddressed, now time.Time) {
	type place struct {
		unit string
		name []byte
	}
	places := map[string]place{}
	for _, u := range all {
		places[u.Person.ID] = place{u.Unit(now), u.Person.SortKey()}
	}
	slices.SortStableFunc(all, func(a, b Unaddressed) int {
		x, y := places[a.Person.ID], places[b.Person.ID]
		return cmp.Or(strings.Compare(x.unit, y.unit), bytes.Compare(x.name, y.name), strings.Compare(a.Person.ID, b.Person.ID))
	})
}

// MakeSheets makes sheets by unit and name, at most MostSheets; left is how many more there are to make. A person's former sheet ends.
// Their secrets are in the answer and nowhere else. Whoever helps one person at a time may print one. It fails with
// administrator.ErrForbidden, ErrEnded, ErrNoSheet, ErrAddressed, ErrDisconnectedLately or ErrManySheets.
func (s *Service) MakeSheets(ctx context.Context, by administrator.Administrator, org organisation.ID, c SheetChoice) (made []Printed, left int, err error) {
	if !by.May(org, administrator.Prepare) && (len(c.Persons) != 1 || !by.May(org, administrator.Help)) {
		return nil, 0, administrator.ErrForbidden
	}
	t, err := s.Store.FindTransition(ctx, org)
	if err != nil {
		return nil, 0, fmt.Errorf("find transition: %w", err)
	}
	if t.Phase == organisation.Ended {
		return nil, 0, ErrEnded
	}
	c.Reason = person.Line(c.Reason)
	all, err := s.chosen(ctx, org, c)
	if err != nil {
		return nil, 0, err
	}
	if len(all) == 0 {
		return nil, 0, ErrNoSheet
	}
	now := s.Now()
	if left = max(0, len(all)-MostSheets); left > 0 {
		// Those who have none come first, then the oldest: pressing again goes on.
		slices.SortStableFunc(all, func(a, b Unaddressed) int { return a.Printed.Compare(b.Printed) })
		all = all[:MostSheets]
		sortByUnit(all, now)
	}
	for bite := range slices.Chunk(all, sheetBite) {
		var printed []Printed
		err := s.InBulk(ctx, func(tx Tx) error {
			printed = printed[:0]
			if err := tx.NoteUnaddressed(ctx, org); err != nil {
				return fmt.Errorf("note people without an address: %w", err)
			}
			for _, u := range bite {
				p, err := s.makeSheet(ctx, tx, by, u, c.Reason)
				if err != nil {
					return err
				}
				printed = append(printed, p)
			}
			return nil
		})
		if err != nil {
			return nil, 0, err
		}
		made = append(made, printed...)
	}
	return made, left, nil
}

// maxReason is the longest reason in bytes.
const maxReason = 400

// chosen are the people of a choice who can have a sheet.
func (s *Service) chosen(ctx context.Context, org organisation.ID, c SheetChoice) ([]Unaddressed, error) {
	now := s.Now()
	if len(c.Persons) > MostSheets {
		return nil, ErrManySheets
	}
	if len(c.Persons) == 0 {
		all, err := s.ListUnaddressed(ctx, org)
		return slices.DeleteFunc(all, func(u Unaddressed) bool {
			return c.Unit != "" && u.Unit(now) != c.Unit || !c.Again && !u.Printed.IsZero()
		}), err
	}
	var all []Unaddressed
	for _, id := range c.Persons {
		u, ok, err := s.Store.FindUnaddressed(ctx, org, id, now)
		if err != nil {
			return nil, fmt.Errorf("find a person: %w", err)
		}
		if !ok || !u.canHave(now) || u.Disconnected && len(c.Persons) > 1 || slices.ContainsFunc(all, func(other Unaddressed) bool { return other.Person.ID == id }) {
			continue
		}
		if u.Person.Identifier() != "" && (len(c.Persons) > 1 || c.Reason == "" || len(c.Reason) > maxReason) {
			return nil, ErrAddressed
		}
		all = append(all, u)
	}
	sortByUnit(all, now)
	return all, nil
}

// lately is how long a helpdesk prints no sheet for a person whose connection was taken away.
const lately = 7 * 24 * time.Hour

// makeSheet makes one person's sheet and says who has printed it.
func (s *Service) makeSheet(ctx context.Context, tx Tx, by administrator.Administrator, u Unaddressed, reason string) (Printed, error) {
	now := s.Now()
	if !by.May(u.Person.Organisation, administrator.Prepare) {
		if lost, err := tx.WasDisconnected(ctx, u.Person.Organisation, u.Person.ID, now.Add(-lately)); err != nil || lost {
			return Printed{}, cmp.Or(err, ErrDisconnectedLately)
		}
	}
	id, _ := u.identifier()
	p := Printed{Person: u.Person.ID, Name: u.Person.Name(), FirstName: u.Person.GivenName, Unit: u.Unit(now), Language: u.Person.Language, Secret: secret.NewShortToken(),
		Expires: now.Add(Sheet.Life())}
	l := Link{ID: secret.NewID(), Secret: p.Secret.Hash(), Purpose: Sheet, Person: p.Person, Identifier: id, Language: p.Language, Life: Sheet.Life(), Created: now, Expires: p.Expires}
	if u.Disconnected {
		if err := tx.InviteAnew(ctx, u.Person.Organisation, p.Person); err != nil {
			return p, fmt.Errorf("invite anew: %w", err)
		}
	}
	if err := tx.InsertPreparationLink(ctx, l, now); err != nil {
		return p, fmt.Errorf("insert link: %w", err)
	}
	if err := s.tellPrinted(ctx, tx, u); err != nil {
		return p, err
	}
	e := by.Event(audit.SheetPrinted, u.Person.Organisation, reason, now)
	e.Personal["person"] = p.Person
	return p, tx.Append(ctx, e)
}

// tellPrinted tells the register's address of a sheet. Otherwise a helpdesk could take somebody's first login with it, and she would wait for
// a mail that never comes. It names nobody: its reader may be another one.
func (s *Service) tellPrinted(ctx context.Context, tx Tx, u Unaddressed) error {
	if u.Person.Identifier() == "" {
		return nil
	}
	m := outbox.New(outbox.Mail, PrintedTemplate, u.Person.Address, s.Now())
	m.Organisation, m.Language = u.Person.Organisation, u.Person.Language
	m.Params = map[string]string{"employer": u.Employer, "at": outbox.FormatTime(s.Now())}
	if err := tx.Enqueue(ctx, m); err != nil {
		return fmt.Errorf("tell the register's address: %w", err)
	}
	return nil
}

// ReadCode reads the code of a printed sheet as it was typed. It fails with ErrNoCode or authn.ErrThrottled. The code cannot be guessed;
// the budget keeps a network from asking without end.
func (s *Service) ReadCode(ctx context.Context, typed string, b authn.Browser) (secret.Token, error) {
	read := secret.ReadCrockford(typed, sheetCode)
	if read == "" {
		return "", ErrNoCode
	}
	return secret.Token(strings.ToLower(read)), s.InTx(ctx, func(tx Tx) error {
		return s.takeSlots(ctx, tx, throttle.Slot{Key: s.Keys.Pseudonym(budgetPurpose, "code network", b.Network), Budget: throttle.Requests})
	})
}
