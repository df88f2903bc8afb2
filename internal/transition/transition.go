// Package transition is the flow of the people who look after a move to the new login: what is wrong with the register before a
// mail leaves, who would get in today, how far everybody has come, and one person's whole history with what can be done about it
// (RULES §6). The mails themselves and the page that they lead to are package preparation's; the register is provisioning's.
package transition

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/portvakt/portvakt/internal/account"
	"github.com/portvakt/portvakt/internal/administrator"
	"github.com/portvakt/portvakt/internal/audit"
	"github.com/portvakt/portvakt/internal/authn"
	"github.com/portvakt/portvakt/internal/job"
	"github.com/portvakt/portvakt/internal/organisation"
	"github.com/portvakt/portvakt/internal/outbox"
	"github.com/portvakt/portvakt/internal/person"
	"github.com/portvakt/portvakt/internal/relyingparty"
)

// Service looks after transitions.
type Service struct {
	Store Store
	InTx  func(context.Context, func(Tx) error) error
	// InBulkTx gives way to everybody who waits (RULES §10).
	InBulkTx func(context.Context, func(Tx) error) error
	Now      func() time.Time
	// MayText says whether messages by SMS go to a number. It fails with authn.ErrNoSMS where there is no gateway, and with
	// authn.ErrCountry. nil: there is none.
	MayText func(account.Identifier) error
	Region  string // country of telephone numbers without a prefix, an ISO 3166 code
	// AtOnce is how large a register the pre-flight looks through while somebody waits; 0: 5,000 people.
	AtOnce int
	// Illustrator draws guides; nil: there is no browser to draw with.
	Illustrator Illustrator
	Release     string // which Portvakt this is: another one's pages may look different

	refusals refusals
	easel    easel
}

// Store answers questions outside a transaction.
type Store interface {
	// CountPersons counts an organisation's persons by status.
	CountPersons(ctx context.Context, o organisation.ID, now time.Time) (Counts, error)
	// ListPersons lists up to n persons in the order of their names, after the given place.
	ListPersons(ctx context.Context, o organisation.ID, f Filter, after Place, n int, now time.Time) ([]Row, error)
	// FindPerson reads one person of the organisation; false for another's.
	FindPerson(ctx context.Context, o organisation.ID, id string, now time.Time) (Row, bool, error)
	// FindPersonByKey looks a person up by her key, in all sources.
	FindPersonByKey(ctx context.Context, o organisation.ID, key person.Key) (id string, found bool, err error)
	// FindPersonByIdentifier looks for a person of the organisation by the register's address, or by the one that she logs in with.
	FindPersonByIdentifier(ctx context.Context, o organisation.ID, id account.Identifier) (person string, found bool, err error)
	// ListPersonsByPhone lists the people who have the phone in the register, or log in with it.
	ListPersonsByPhone(ctx context.Context, o organisation.ID, number account.Identifier) ([]string, error)
	// FindRefusal looks a refusal up by its number.
	FindRefusal(ctx context.Context, number string) (Refusal, bool, error)
	// CountFindings counts what the pre-flight has found, by kind.
	CountFindings(ctx context.Context, o organisation.ID) (map[Kind]int, error)
	// ListFindings lists up to n findings of a kind ('' all) after a person's id.
	ListFindings(ctx context.Context, o organisation.ID, kind Kind, after string, n int) ([]Found, error)
	// CountUnchecked counts the persons whom the pre-flight has not seen as they are now.
	CountUnchecked(ctx context.Context, o organisation.ID) (int, error)
	// ListUnchecked reads up to n persons after an id, for the pre-flight; all says whether also those whom it has seen as they are.
	ListUnchecked(ctx context.Context, o organisation.ID, after string, n int, all bool) ([]Checked, error)
	// CountRegister counts the organisation's people.
	CountRegister(ctx context.Context, o organisation.ID) (int64, error)
	// ListJobs lists the newest jobs of a kind in the organisation.
	ListJobs(ctx context.Context, o organisation.ID, k job.Kind, limit int) ([]job.Job, error)
	// ListPersonMails lists the newest mails about a person, with what became of each.
	ListPersonMails(ctx context.Context, person string, n int) ([]outbox.Record, error)
	// ListTwins reads the persons of the organisation with the same address or the same name, but for one, as far as they are compared.
	ListTwins(ctx context.Context, o organisation.ID, c Checked) ([]Checked, error)
	// FindOrganisation looks an organisation up.
	FindOrganisation(ctx context.Context, o organisation.ID) (organisation.Organisation, bool, error)
	// ListRPs lists all RPs by name.
	ListRPs(ctx context.Context) ([]relyingparty.RP, error)
	// ListGuides lists an organisation's guides.
	ListGuides(ctx context.Context, o organisation.ID) ([]Guide, error)
	// FindGuide looks for a guide of the organisation.
	FindGuide(ctx context.Context, o organisation.ID, e Edition) (Guide, bool, error)
	// FindSharedGuide looks for a guide by its public address.
	FindSharedGuide(ctx context.Context, link string) (Guide, bool, error)
	// FindGuideFile reads a file of a drawing.
	FindGuideFile(ctx context.Context, drawing, name string) (body []byte, found bool, err error)
	// ListGuideFiles reads all files of a drawing, by name.
	ListGuideFiles(ctx context.Context, drawing string) (map[string][]byte, error)
}

// Tx is what a transition changes.
type Tx interface {
	authn.Tx
	job.Tx
	// InsertJob stores a new job.
	InsertJob(ctx context.Context, j job.Job) error
	// SaveChecked stores what the pre-flight says of a person: her flag, and her findings in place of the former ones.
	SaveChecked(ctx context.Context, c Checked, flag person.Flag, findings []Finding, now time.Time) error
	// ReadPerson reads a person of the organisation inside the transaction; false for another's.
	ReadPerson(ctx context.Context, o organisation.ID, id string) (person.Person, account.ID, bool, error)
	// CorrectPhone gives a person without a connection another phone in the register, in place of her address, and ends her living links;
	// false where she is connected.
	CorrectPhone(ctx context.Context, p person.Person, now time.Time) (bool, error)
	// CorrectAddress changes the register's address of a person without a connection; false if she has one by now.
	CorrectAddress(ctx context.Context, id, address string, identifier account.Identifier, now time.Time) (bool, error)
	// Vouch notes that an identifier is the person's own, and lets the pre-flight look again.
	Vouch(ctx context.Context, id string, identifier account.Identifier, now time.Time) error
	// SetExempt takes a person out of the transition, or back in with the zero time.
	SetExempt(ctx context.Context, id string, at time.Time, reason string, now time.Time) error
	// Disconnect takes the connection from a person away, and notes that she is to be invited anew.
	Disconnect(ctx context.Context, id string, now time.Time) (account.ID, bool, error)
	// SettleAttention takes the mark from a person; false if there is none.
	SettleAttention(ctx context.Context, id string) (bool, error)
	// FindOrganisationInTx looks an organisation's name up; false where there is none.
	FindOrganisationInTx(ctx context.Context, o organisation.ID) (string, bool, error)
	// WasDisconnected says whether a connection was taken away from the person after the given time.
	WasDisconnected(ctx context.Context, o organisation.ID, id string, after time.Time) (bool, error)
	// FindCharge finds the account behind a person of the organisation; false for another's, and where there is none.
	FindCharge(ctx context.Context, o organisation.ID, person string) (administrator.Charge, bool, error)
	// DeleteAppointment takes an account's role away and returns it; false if it had none.
	DeleteAppointment(ctx context.Context, o organisation.ID, id account.ID) (administrator.Role, bool, error)
	// CountRefusals counts those since the given time, up to so many: of programs, or of persons.
	CountRefusals(ctx context.Context, since time.Time, most int, programs bool) (int, error)
	// KnowsClient says whether there is an app of this client id.
	KnowsClient(ctx context.Context, clientID string) (bool, error)
	// InsertRefusal stores a refusal.
	InsertRefusal(ctx context.Context, r Refusal) error
	// UncheckTwins lets the pre-flight look again at those who have, or had, an identifier.
	UncheckTwins(ctx context.Context, o organisation.ID, identifier account.Identifier) error
	// ListUnendedJobs lists the jobs of the kind in the organisation that have not ended.
	ListUnendedJobs(ctx context.Context, o organisation.ID, k job.Kind) ([]job.Job, error)
	// FindJobInTx looks a job of the organisation up.
	FindJobInTx(ctx context.Context, o organisation.ID, id string) (job.Job, bool, error)
	// MoveJob cancels a job of the organisation; false where it has ended.
	MoveJob(ctx context.Context, o organisation.ID, id string, to job.State, now time.Time) (bool, error)
	// FindGuideInTx looks for a guide of the organisation.
	FindGuideInTx(ctx context.Context, o organisation.ID, e Edition) (Guide, bool, error)
	// ShareGuide gives a guide its public address, and says whether it leads to it.
	ShareGuide(ctx context.Context, o organisation.ID, e Edition, link string, shared bool) error
	// SaveGuide stores a guide and its files in place of the one before. Its public address stays what it is.
	SaveGuide(ctx context.Context, g Guide, files map[string][]byte) error
	audit.Appender
}

// ErrNoPerson is one answer for a person who is not there and one who is somebody else's.
var ErrNoPerson = errors.New("there is no such person in this organisation")

// Filter chooses persons.
type Filter struct {
	Status    Status // empty: all
	Attention bool   // only those who need attention
	Words     string // beginning of a name, an address, an old user id; empty: all
}

// Place is where a page of a list ends; zero: before the first.
type Place struct {
	SortKey []byte
	ID      string
}

// Counts counts an organisation's persons by status.
func (s *Service) Counts(ctx context.Context, o organisation.ID) (Counts, error) {
	return s.Store.CountPersons(ctx, o, s.Now())
}

// List lists up to n persons after a place, in the order of their names.
func (s *Service) List(ctx context.Context, o organisation.ID, f Filter, after Place, n int) ([]Row, error) {
	f.Words = person.Fold(f.Words)
	return s.Store.ListPersons(ctx, o, f, after, n, s.Now())
}

// Find reads one person; ErrNoPerson for another organisation's.
func (s *Service) Find(ctx context.Context, o organisation.ID, id string) (Row, error) {
	r, ok, err := s.Store.FindPerson(ctx, o, id, s.Now())
	if err == nil && !ok {
		err = ErrNoPerson
	}
	return r, err
}

// Search finds persons as a helpdesk asks: by the whole person key first, by a mobile phone, else by words. A key is never part of a word.
func (s *Service) Search(ctx context.Context, o organisation.ID, text string, n int) ([]Row, error) {
	if id, ok, err := s.Store.FindPersonByKey(ctx, o, person.Key(text)); err != nil {
		return nil, err
	} else if ok {
		r, err := s.Find(ctx, o, id)
		return []Row{r}, err
	}
	if person.Fold(text) == "" {
		return nil, nil
	}
	if number := person.MobileOf(text, s.Region); number != "" {
		ids, err := s.Store.ListPersonsByPhone(ctx, o, number)
		if err != nil {
			return nil, fmt.Errorf("list people by phone: %w", err)
		}
		if len(ids) > 0 {
			return s.findAll(ctx, o, ids)
		}
	}
	return s.List(ctx, o, Filter{Words: text}, Place{}, n)
}

func (s *Service) findAll(ctx context.Context, o organisation.ID, ids []string) (rows []Row, err error) {
	for _, id := range ids {
		r, err := s.Find(ctx, o, id)
		if err != nil {
			return nil, err
		}
		rows = append(rows, r)
	}
	return rows, nil
}

// mostMails is how many mails a person's page tells of.
const mostMails = 50

// Mails lists the newest mails about a person of the organisation, with what became of each; ErrNoPerson for another's.
func (s *Service) Mails(ctx context.Context, o organisation.ID, id string) ([]outbox.Record, error) {
	if _, err := s.Find(ctx, o, id); err != nil {
		return nil, err
	}
	return s.Store.ListPersonMails(ctx, id, mostMails)
}

// Recheck looks at those whom the pre-flight has not seen as they are now.
func (s *Service) Recheck(ctx context.Context, o organisation.ID) error {
	_, err := s.check(ctx, o, false)
	return err
}

// ErrReason says that an act needs a reason.
var ErrReason = errors.New("say why, in a few words")

// maxReason is the longest reason in bytes.
const maxReason = 400

func reasonOf(text string) (string, error) {
	if text = person.Line(text); text == "" || len(text) > maxReason {
		return "", ErrReason
	}
	return text, nil
}

// event begins a line about a person.
func (s *Service) event(by administrator.Administrator, kind audit.Kind, o organisation.ID, personID string, id account.ID, reason string) audit.Event {
	e := by.Event(kind, o, reason, s.Now())
	e.Account = id
	e.Personal["person"] = personID
	return e
}
