// Package preparation is the flow by which the people of a register come to have a login (step S1 of the design): a mail with a
// link, a page where the person confirms the address or proposes another, and an account at the end. A link proves the address
// that it was mailed to and nothing else, and never signs anybody in (RULES §7). It knows neither HTTP nor SQL.
package preparation

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/portvakt/portvakt/internal/account"
	"github.com/portvakt/portvakt/internal/audit"
	"github.com/portvakt/portvakt/internal/authn"
	"github.com/portvakt/portvakt/internal/job"
	"github.com/portvakt/portvakt/internal/organisation"
	"github.com/portvakt/portvakt/internal/outbox"
	"github.com/portvakt/portvakt/internal/password"
	"github.com/portvakt/portvakt/internal/relyingparty"
	"github.com/portvakt/portvakt/internal/secret"
	"github.com/portvakt/portvakt/internal/throttle"
)

// Service runs the preparation.
type Service struct {
	Store  Store
	InTx   func(context.Context, func(Tx) error) error
	InBulk func(context.Context, func(Tx) error) error // for mailings: it gives way to everybody who waits for an answer
	Authn  *authn.Service
	Hasher *password.Hasher
	Keys   *secret.Keyring
	Robot  Robot
	Now    func() time.Time
	// PlainDelay is how long a request without JavaScript waits before its mail goes out (RULES §4).
	PlainDelay time.Duration
	// LinkLife is how long a link lives that confirms an address or a number, counted from the first acceptance; 0: 14 days.
	LinkLife time.Duration

	opens opens
}

// Robot checks the answer to a puzzle, and returns the puzzle's id and end of life: the caller spends the id once. The puzzle is
// that of every mailed link which is opened elsewhere, and is made where those are.
type Robot interface {
	Check(purpose, bound, answer string, now time.Time) (id string, expires time.Time, err error)
}

// Store answers questions outside a transaction.
type Store interface {
	// FindInvitation reads a link, with all that its page depends on, without consuming it; the zero Invitation where there is none.
	FindInvitation(ctx context.Context, h secret.Hash) (Invitation, error)
	// FindTransition returns the organisation's transition; one that has switched where it has none.
	FindTransition(ctx context.Context, org organisation.ID) (organisation.Transition, error)
	// ListGuideLinks are what stands in the public addresses of the organisation's guides for its people, by language.
	ListGuideLinks(ctx context.Context, org organisation.ID) (map[string]string, error)
	// ListRPs lists all RPs by name.
	ListRPs(ctx context.Context) ([]relyingparty.RP, error)
	// ListProposals lists the organisation's proposals that wait for a word, oldest first.
	ListProposals(ctx context.Context, org organisation.ID, n int) ([]ProposedBy, error)
	// CountRegister counts the organisation's people.
	CountRegister(ctx context.Context, org organisation.ID) (int64, error)
	// CountUnchecked counts the persons whom the pre-flight has not seen as they are now.
	CountUnchecked(ctx context.Context, org organisation.ID) (int, error)
	// ListCandidates lists up to n of the organisation's people, by id, after the given one; of those that the job has chosen where
	// chosen is set.
	ListCandidates(ctx context.Context, org organisation.ID, jobID string, chosen bool, after string, n int) ([]Candidate, error)
	// FindJob looks a job of the organisation up.
	FindJob(ctx context.Context, org organisation.ID, id string) (job.Job, bool, error)
	// ListJobs lists the newest jobs of a kind in the organisation.
	ListJobs(ctx context.Context, org organisation.ID, k job.Kind, limit int) ([]job.Job, error)
	// ListUnaddressed lists up to n of the organisation's people whose register address no mail could reach, by id, after the given
	// one: those who take part and have no login yet.
	ListUnaddressed(ctx context.Context, org organisation.ID, after string, n int, now time.Time) ([]Unaddressed, error)
	// FindUnaddressed reads any person of the organisation in the same way, whatever address she has; false where there is none.
	FindUnaddressed(ctx context.Context, org organisation.ID, person string, now time.Time) (Unaddressed, bool, error)
}

// Tx is what the preparation changes.
type Tx interface {
	authn.Tx
	job.Tx
	// FindInvitationInTx is FindInvitation inside a transaction that may consume the link.
	FindInvitationInTx(ctx context.Context, h secret.Hash) (Invitation, error)
	// ConsumePreparationLink marks the link used by the operation; false if it was used before.
	ConsumePreparationLink(ctx context.Context, id, op string, now time.Time) (bool, error)
	// InsertPreparationLink stores a link and ends the person's oldest of its kind beyond MaxLiving.
	InsertPreparationLink(ctx context.Context, l Link, now time.Time) error
	// EndPreparation ends the person's living links and proposals.
	EndPreparation(ctx context.Context, personID, why string, now time.Time) error
	// FindAccount looks an account up by its identifier.
	FindAccount(ctx context.Context, id account.Identifier) (account.Account, bool, error)
	// FindPersonInTx returns a person with her employer and transition; false where there is none.
	FindPersonInTx(ctx context.Context, id string) (Invitation, bool, error)
	// FindStragglers lists the people without a connection who have the address, in organisations that have switched, oldest first.
	FindStragglers(ctx context.Context, id account.Identifier) ([]Invitation, error)
	// MarkAttention notes that a person tried to log in and could not be helped.
	MarkAttention(ctx context.Context, personID string, now time.Time) error
	// MarkOpened notes when people opened their links last: a hint.
	MarkOpened(ctx context.Context, personIDs []string, now time.Time) error
	// InviteAnew lets a person whose connection was taken away be mailed and confirm again.
	InviteAnew(ctx context.Context, org organisation.ID, personID string) error
	// MarkMailed notes that a preparation mail to the person was enqueued.
	MarkMailed(ctx context.Context, personID string, now time.Time) error

	// InsertAccount stores a new account; false if its address is taken.
	InsertAccount(ctx context.Context, a account.Account) (bool, error)
	// InsertVerifier stores the account's first password.
	InsertVerifier(ctx context.Context, id account.ID, v password.Verifier, alone bool, now time.Time) error
	// ConnectOnce connects a person to an account; false if she is connected already.
	ConnectOnce(ctx context.Context, personID string, id account.ID, now time.Time) (bool, error)
	// AdoptImported lets the password of the old login open the account, and takes it from the register.
	AdoptImported(ctx context.Context, personID string, id account.ID, now time.Time) error
	// DropImported takes the old login's password from the register: it opens nothing any more.
	DropImported(ctx context.Context, personID string) error

	// InsertProposal stores a proposal in place of one that stands.
	InsertProposal(ctx context.Context, p Proposal) error
	// FindProposal returns a proposal; the zero Proposal where there is none.
	FindProposal(ctx context.Context, id string) (Proposal, error)
	// SaveProposal stores how far a proposal has come.
	SaveProposal(ctx context.Context, p Proposal) error

	// SaveTransition stores an organisation's transition.
	SaveTransition(ctx context.Context, t organisation.Transition) error
	// FindTransitionInTx is FindTransition inside a transaction that may change it.
	FindTransitionInTx(ctx context.Context, org organisation.ID) (organisation.Transition, error)
	// FindOrganisationInTx looks an organisation's name up; false where there is none.
	FindOrganisationInTx(ctx context.Context, org organisation.ID) (string, bool, error)

	// WasDisconnected says whether a connection was taken away from the person after the given time.
	WasDisconnected(ctx context.Context, o organisation.ID, id string, after time.Time) (bool, error)
	// NoteUnaddressed notes that people of the organisation log in without an address, so that its first page tells them how.
	NoteUnaddressed(ctx context.Context, org organisation.ID) error

	// InsertJob stores a new job.
	InsertJob(ctx context.Context, j job.Job) error
	// MoveJob queues, pauses or cancels a job of the organisation; false where it cannot go there.
	MoveJob(ctx context.Context, org organisation.ID, id string, to job.State, now time.Time) (bool, error)
	// ChooseRecipient notes that the job shall look at the person.
	ChooseRecipient(ctx context.Context, jobID, personID string) error
	// TakeRecipient notes that the job mails the person at the address; false if it has, or if it must not any more: she has confirmed
	// meanwhile, the register says something else, or another mail has gone out since the one before.
	TakeRecipient(ctx context.Context, jobID, personID string, at account.Identifier, before, now time.Time) (bool, error)

	// SpendChallenge records a solved puzzle until its end of life; false if it was spent before.
	SpendChallenge(ctx context.Context, id string, expires time.Time) (bool, error)
	// SavePrepared stores what Prepare made of a message.
	SavePrepared(ctx context.Context, m outbox.Message, linkID string) error
}

// The templates of the mails.
const (
	ConfirmTemplate   = "preparation_confirm"   // to the register's address; where that has an account, it says so instead
	ReminderTemplate  = "preparation_reminder"  // the same, once more
	ProposedTemplate  = "preparation_proposed"  // to the address that was proposed
	ObjectionTemplate = "preparation_objection" // to the register's, at once
	ApprovedTemplate  = "preparation_approved"  // to the proposed address, once it counts
	DoneTemplate      = "preparation_done"      // once the person is connected
	PrintedTemplate   = "preparation_printed"   // to the register's, where a sheet was printed although a mail could have reached her
)

// The ways in which a press fails, beside authn.ErrNoLink, authn.ErrThrottled and what a password is refused for.
var (
	// ErrRobot says that the robot check's answer is wrong, old or spent.
	ErrRobot = errors.New("the robot check did not pass")
	// ErrTaken says that the address has an account: its owner connects it by logging in.
	ErrTaken = errors.New("the address has an account already")
	// ErrNotSignedIn says that nobody is signed in to the account that the address belongs to, or not at the account's own level.
	ErrNotSignedIn = errors.New("nobody is signed in to the account at its own level")
	// ErrSameAddress says that the proposed address is the register's.
	ErrSameAddress = errors.New("that is the address already")
	// ErrNoProposal says that there is no such proposal to decide on.
	ErrNoProposal = errors.New("there is no such proposal")
	// ErrNoMailing says that there is no such mailing.
	ErrNoMailing = errors.New("there is no such mailing")
	// ErrNotSo says that a mailing cannot be moved so: it has ended, or rests already.
	ErrNotSo = errors.New("the mailing does not stand where this leads on from")
	// ErrUnchecked says that the pre-flight has not seen the register as it is now. No mail leaves before it has.
	ErrUnchecked = errors.New("the register has changed since it was checked")
	// ErrEnded says that the organisation's transition is over.
	ErrEnded = errors.New("the transition is over")
	// ErrUnknownOrganisation says that there is no such organisation.
	ErrUnknownOrganisation = errors.New("there is no organisation with this short name")
)

// Press is one press on a link's page.
type Press struct {
	Token  secret.Token
	Answer string // of the robot check
	Plain  bool   // from the form without JavaScript: no answer, and budgets instead
	// NewPassword is what the person has chosen beside confirming; empty: she skipped it.
	NewPassword string
}

const (
	robotLink     = "link"
	budgetPurpose = secret.Purpose("preparation budget")
)

// checked is a press that has passed the robot check, as far as that can be seen outside of a transaction.
type checked struct {
	puzzle  string
	expires time.Time
	plain   bool
	network string
}

func (s *Service) check(u Press, b authn.Browser) (checked, error) {
	c := checked{plain: u.Plain, network: b.Network}
	if u.Plain {
		return c, nil
	}
	var err error
	if c.puzzle, c.expires, err = s.Robot.Check(robotLink, u.Token.Hash().Text(), u.Answer, s.Now()); err != nil {
		return c, fmt.Errorf("%w: %w", ErrRobot, err)
	}
	return c, nil
}

// spend spends the puzzle, or what a press without one costs. A press that sends a mail costs its network something besides.
func (s *Service) spend(ctx context.Context, tx Tx, c checked, mails bool) error {
	if c.plain {
		return s.takeSlots(ctx, tx,
			throttle.Slot{Key: s.Keys.Pseudonym(budgetPurpose, "plain network", c.network), Budget: throttle.Plain},
			throttle.Slot{Key: s.Keys.Pseudonym(budgetPurpose, "plain"), Budget: throttle.PlainGlobal})
	}
	first, err := tx.SpendChallenge(ctx, c.puzzle, c.expires)
	if err == nil && !first {
		err = ErrRobot
	}
	if err != nil || !mails {
		return err
	}
	return s.takeSlots(ctx, tx, throttle.Slot{Key: s.Keys.Pseudonym(budgetPurpose, "network", c.network), Budget: throttle.Requests})
}

func (s *Service) takeSlots(ctx context.Context, tx Tx, slots ...throttle.Slot) error {
	taken, err := tx.TakeSlots(ctx, slots, s.Now())
	for _, t := range taken {
		if err == nil && !t.Granted {
			err = authn.ErrThrottled
		}
	}
	return err
}

// recipientHasRoom draws on the budget of mails that anybody can cause to one address (RULES §4).
func (s *Service) recipientHasRoom(ctx context.Context, tx Tx, id account.Identifier) (bool, error) {
	err := s.takeSlots(ctx, tx,
		throttle.Slot{Key: s.Keys.Pseudonym(budgetPurpose, "recipient", string(id)), Budget: throttle.Recipient},
		throttle.Slot{Key: s.Keys.Pseudonym(budgetPurpose, "recipient day", string(id)), Budget: throttle.RecipientDay})
	if errors.Is(err, authn.ErrThrottled) {
		return false, nil
	}
	return err == nil, err
}

// event is a line about a person, whose id may go with her.
func (s *Service) event(kind audit.Kind, i Invitation, b authn.Browser) audit.Event {
	e := audit.Event{Kind: kind, At: s.Now(), Actor: "anonymous", Client: i.Link.ClientID,
		Detail: map[string]string{"organisation": string(i.Person.Organisation)}, Personal: audit.From(b.Device.Address, b.Device.UserAgent)}
	e.Personal["person"] = i.Person.ID
	return e
}
