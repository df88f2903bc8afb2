package preparation

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/portvakt/portvakt/internal/account"
	"github.com/portvakt/portvakt/internal/authn"
	"github.com/portvakt/portvakt/internal/organisation"
	"github.com/portvakt/portvakt/internal/password"
	"github.com/portvakt/portvakt/internal/person"
	"github.com/portvakt/portvakt/internal/secret"
)

// Purpose says what a link is good for. A link of one purpose is nothing to another's press.
type Purpose string

// The purposes of links.
const (
	// Confirm confirms the mailed address, and thereby gives the person an account.
	Confirm Purpose = "confirm"
	// Proposed confirms that somebody reads the proposed address.
	Proposed Purpose = "proposed"
	// Object withdraws a proposal, at the word of the register's address.
	Object Purpose = "object"
	// Sheet gives a person without an address an account: the link was printed and handed over.
	Sheet Purpose = "sheet"
)

// Confirms says whether a link of the purpose gives its person an account, or connects one that she has.
func (p Purpose) Confirms() bool { return p == Confirm || p.IsUnaddressed() }

// IsUnaddressed says whether the account that comes of a link of the purpose has no address. No mail can be fallen back on then, so
// that it has a password from its first minute.
func (p Purpose) IsUnaddressed() bool { return p == Sheet }

// Life is how long a link of the purpose works, counted from the mail server's first acceptance (RULES §4).
func (p Purpose) Life() time.Duration {
	switch p {
	case Proposed:
		return 24 * time.Hour
	case Object:
		return objectionTime
	case Sheet:
		return 30 * 24 * time.Hour // it is handed over when people meet, perhaps after a holiday, and nobody renews it on her own
	}
	return 14 * 24 * time.Hour
}

// objectionTime is how long the register's address may object to another.
const objectionTime = 72 * time.Hour

// MaxLiving is how many links of the purpose are valid together for one person.
func (p Purpose) MaxLiving() int {
	if p == Sheet {
		return 1 // whoever prints another does it because the former is lost
	}
	return 3
}

// Link is a preparation link at rest. It never holds a redirect URI, a state or a nonce (RULES §4).
type Link struct {
	ID         string
	Secret     secret.Hash
	Purpose    Purpose
	Person     string
	Identifier account.Identifier // that it was mailed to
	Proposal   string             // that it is about; empty: none
	ClientID   string             // of the app that waits; may be empty
	Language   string
	Life       time.Duration // counted from the mail server's first acceptance; set where it is stored
	Created    time.Time
	Expires    time.Time
	Consumed   time.Time
}

// Invitation is a link with all that its page depends on, or a person without one.
type Invitation struct {
	Link       Link
	Person     person.Person // without what was imported beside her name and address
	Employer   string
	Transition organisation.Transition
	// MinPassword is what the employer's policy asks of a new password's length; 0: what everybody's has.
	MinPassword int
	Bounced     bool            // the newest mail to the register's address came back
	Connected   account.Account // that the person is connected to; the zero Account: none
	Holder      account.Account // the open account that the link's address belongs to; the zero Account: none
	Proposal    Proposal        // that the link is about
	Shared      bool            // somebody else of the organisation has the register's address too
	// Disconnected says that an administrator has taken the person's connection away, and nobody has invited her anew since.
	Disconnected bool
}

// takesPart says whether the person is still to be connected, in a transition that is not over.
func (i Invitation) takesPart() bool {
	return i.Person.ID != "" && i.Connected.ID == "" && i.Person.Exempt.IsZero() && i.Transition.Phase != organisation.Ended
}

// isConfirmable says whether a link may confirm the register's address, or where there is none the phone (RULES §7).
func (i Invitation) isConfirmable() bool {
	return i.takesPart() && !i.Disconnected && i.Person.Flag == "" && !i.Shared && i.Person.Reached() != ""
}

// stands says whether the link works now.
func (i Invitation) stands(now time.Time) bool {
	l := i.Link
	switch {
	case l.ID == "" || !l.Consumed.IsZero() || !now.Before(l.Expires) || !i.takesPart():
		return false
	case !i.Transition.Ended.IsZero() && !l.Created.After(i.Transition.Ended):
		return false // it died with the transition that has begun anew since
	}
	switch {
	case l.Purpose == Object:
		return i.Proposal.isOpen()
	case l.Purpose == Proposed:
		return i.Proposal.isOpen() && i.Proposal.Confirmed.IsZero()
	case l.Proposal != "":
		return i.Proposal.counts(now)
	case l.Purpose == Sheet:
		return !i.Disconnected // it went from hand to hand: the register's address says nothing of it
	}
	return i.isConfirmable() && l.Identifier == i.Person.Reached()
}

// byPhone says whether the link went to a phone by SMS: then that is what the person will be named by.
func (i Invitation) byPhone() bool { return i.Link.Identifier.Phone() != "" }

// address is what the link's address looks like written out; empty where it gives none.
func (i Invitation) address() string {
	if i.Link.Purpose.IsUnaddressed() || i.byPhone() {
		return ""
	}
	if i.Link.Proposal != "" && i.Link.Purpose != Object {
		return i.Proposal.Address
	}
	return i.Person.Address
}

// login is how the account of the link is named at the first page.
func (i Invitation) login() string { return cmp.Or(i.address(), i.Link.Identifier.Shown()) }

// language is the person's own, or that of the mail.
func (i Invitation) language() string {
	if i.Person.Language != "" {
		return i.Person.Language
	}
	return i.Link.Language
}

// Opened is what the page of a link shows: first name and employer, and the address that the holder has.
type Opened struct {
	Purpose   Purpose
	FirstName string
	Employer  string
	Address   string // that the mail went to; empty: it was none
	// Identifier names the account at the first page. Where it is a number it may be a national identity number, so that a page shows
	// it only in the browser in which it was taken (RULES §7).
	Identifier account.Identifier
	// Phone says that the link went to a phone, which the identifier is.
	Phone    bool
	Language string // of the mail
	ClientID string
	// Organisation is the employer, for the look of the page.
	Organisation organisation.ID
	Transition   organisation.Transition
	Rules        password.Rules
	// Proposed says that the address is one that was proposed and approved.
	Proposed bool
	// HasAccount says that the address belongs to an account already: its owner connects it by logging in.
	HasAccount bool
	// SignedIn is the address of the account that is signed in in this browser; empty: nobody is.
	SignedIn string
	// Mine says that it is the account of the address, at its own level: one press connects it.
	Mine bool
	// Stale says that it is the account of the address, and that it must show more before.
	Stale bool
	// Ready says, beside authn.ErrNoLink, that the person is connected by this address: there is nothing to do any more.
	Ready bool
	// Answered says, beside authn.ErrNoLink, that the link of a proposal has been used.
	Answered bool
	// Renewable says, beside authn.ErrNoLink, that the link was a real one: its page offers another.
	Renewable bool

	person string // whose link works here; empty: it is none to confirm
}

// Look reads a link without consuming it. Links that do not work are authn.ErrNoLink; what is known of them is returned beside it.
func (s *Service) Look(ctx context.Context, token, current secret.Token) (Opened, error) {
	i, err := s.Store.FindInvitation(ctx, token.Hash())
	if err != nil {
		return Opened{}, fmt.Errorf("find link: %w", err)
	}
	if i.Link.ID == "" {
		return Opened{}, authn.ErrNoLink
	}
	o := Opened{Purpose: i.Link.Purpose, FirstName: i.Person.GivenName, Employer: i.Employer, Address: i.address(), Identifier: i.Link.Identifier, Phone: i.byPhone(), Language: i.Link.Language,
		ClientID: i.Link.ClientID, Organisation: i.Person.Organisation, Transition: i.Transition, Rules: rules(i)}
	if !i.stands(s.Now()) {
		o.Renewable = true
		o.Answered = !i.Link.Purpose.Confirms() && !i.Link.Consumed.IsZero()
		o.Ready = i.Link.Purpose.Confirms() && i.Connected.ID != "" && i.Link.Identifier == i.Connected.Identifier
		if !o.Ready {
			// Who holds a dead link may be a stranger by now: the register had a wrong address.
			o.FirstName, o.Address, o.Identifier = "", "", ""
		}
		return o, authn.ErrNoLink
	}
	if !i.Link.Purpose.Confirms() {
		return o, nil
	}
	o.person, o.Proposed = i.Person.ID, i.Link.Proposal != ""
	o.HasAccount = i.Holder.ID != ""
	f, acc, err := s.Authn.Current(ctx, current)
	if err != nil || !f.Live {
		return o, err
	}
	o.SignedIn = acc.Login()
	if o.HasAccount && acc.ID == i.Holder.ID {
		o.Mine, err = s.Authn.AtOwnLevel(ctx, f, acc)
		o.Stale = !o.Mine
	}
	return o, err
}

// rules are what a password must fulfil that is chosen beside confirming.
func rules(i Invitation) password.Rules {
	r := password.RulesFor(i.login(), i.Employer, i.Person.GivenName, i.Person.FamilyName)
	r.Min = max(r.Min, i.MinPassword)
	return r
}

// App is an app of the employer's, and where a person begins at it.
type App struct{ Name, URL string }

// Apps are the employer's apps that say where a person begins, by name. Where the link was asked for on the way to one, it alone.
func (s *Service) Apps(ctx context.Context, o Opened, issuer string) ([]App, error) {
	all, err := s.Store.ListRPs(ctx)
	if err != nil {
		return nil, fmt.Errorf("list relying parties: %w", err)
	}
	var own []App
	for _, rp := range all {
		start := rp.Start(issuer, o.Address)
		if start == "" {
			continue
		}
		if rp.ClientID == o.ClientID {
			return []App{{rp.Name, start}}, nil
		}
		if slices.Contains(rp.Organisations, o.Organisation) {
			own = append(own, App{rp.Name, start})
		}
	}
	return own, nil
}
