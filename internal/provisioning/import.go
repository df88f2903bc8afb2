package provisioning

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/portvakt/portvakt/internal/account"
	"github.com/portvakt/portvakt/internal/administrator"
	"github.com/portvakt/portvakt/internal/audit"
	"github.com/portvakt/portvakt/internal/job"
	"github.com/portvakt/portvakt/internal/organisation"
	"github.com/portvakt/portvakt/internal/person"
	"github.com/portvakt/portvakt/internal/register"
)

// Import is a file of the register on its way into it.
type Import struct {
	ID           string // of its job
	Organisation organisation.ID
	By           account.ID // empty: the operator
	Name         string     // of the file
	Sheet        string     // of a workbook
	Header       []string
	Sample       [][]string // the first rows; keys and old passwords cannot be read in it
	Mapping      register.Mapping
	Remembered   bool // the mapping is that of an earlier file with the same columns
	Fingerprint  string

	State    job.State
	Reason   string // why it failed: the key of a text
	Created  time.Time
	Started  time.Time
	Finished time.Time
	// How far it has come: each row is read, and then taken over.
	Position, Total int64
	// Each row ends as one of three.
	Rows, Imported, Held, Refused int64
	// The persons behind the imported rows.
	New, Changed, Unchanged int64
	// Problems is how many there were; the first MaxProblems are kept.
	Problems int64
}

// Progress is the part that is done, from 0 to 1.
func (i Import) Progress() float64 { return job.Job{Position: i.Position, Total: i.Total}.Progress() }

// MaxProblems is how many problems of a file are kept.
const MaxProblems = 10_000

// The counts of an import's job.
const (
	countRows      = "rows"
	countImported  = "imported"
	countHeld      = "held"
	countRefused   = "refused"
	countNew       = "new"
	countChanged   = "changed"
	countUnchanged = "unchanged"
	countProblems  = "problems"
)

func (i *Import) of(j job.Job) {
	i.ID, i.Organisation, i.By, i.State, i.Reason, i.Created, i.Started, i.Finished = j.ID, j.Organisation, j.By, j.State, j.Reason, j.Created, j.Started, j.Finished
	i.Position, i.Total = j.Position, j.Total
	i.Rows, i.Imported, i.Held, i.Refused = j.Counts[countRows], j.Counts[countImported], j.Counts[countHeld], j.Counts[countRefused]
	i.New, i.Changed, i.Unchanged, i.Problems = j.Counts[countNew], j.Counts[countChanged], j.Counts[countUnchanged], j.Counts[countProblems]
}

// ImportStore is what an import asks outside a transaction.
type ImportStore interface {
	// FindJob looks a job of the organisation up.
	FindJob(ctx context.Context, org organisation.ID, id string) (job.Job, bool, error)
	// ListJobs lists the newest jobs of a kind in the organisation.
	ListJobs(ctx context.Context, org organisation.ID, k job.Kind, limit int) ([]job.Job, error)
	// FindImport reads what is known of the file behind a job.
	FindImport(ctx context.Context, id string) (Import, bool, error)
	// FindMapping looks for the mapping of the organisation's earlier files with these columns.
	FindMapping(ctx context.Context, org organisation.ID, fingerprint string) (register.Mapping, bool, error)
	// FirstChunk returns the first piece of the file that is not read yet.
	FirstChunk(ctx context.Context, id string) (seq int64, data []byte, ok bool, err error)
	// ListProblems lists problems after the given number, at most n.
	ListProblems(ctx context.Context, id string, after int64, n int) ([]NumberedProblem, error)
	// ListHolds lists the holds that wait, the oldest first, beyond the one with the given time and id.
	ListHolds(ctx context.Context, org organisation.ID, after time.Time, id string, n int) ([]Hold, error)
	// CountHolds counts the holds that wait.
	CountHolds(ctx context.Context, org organisation.ID) (int64, error)
	// ListUnindexed lists persons whose search words are not written yet.
	ListUnindexed(ctx context.Context, n int) ([]person.Person, error)
}

// ImportTx is what an import changes.
type ImportTx interface {
	job.Tx
	// InsertJob stores a new job.
	InsertJob(ctx context.Context, j job.Job) error
	// FindJobInTx looks a job of the organisation up, to move it.
	FindJobInTx(ctx context.Context, org organisation.ID, id string) (job.Job, bool, error)
	// MoveJob queues, pauses or cancels a job; false where its state does not allow it.
	MoveJob(ctx context.Context, org organisation.ID, id string, to job.State, now time.Time) (bool, error)
	// InsertImport stores what is known of a file.
	InsertImport(ctx context.Context, i Import) error
	// SaveMapping stores how a file is read, and remembers it for the next ones with its columns.
	SaveMapping(ctx context.Context, i Import, m register.Mapping, now time.Time) error
	// InsertChunk stores a piece of a file.
	InsertChunk(ctx context.Context, id string, seq int64, data []byte, now time.Time) error
	// DeleteChunk removes a piece that has been read.
	DeleteChunk(ctx context.Context, id string, seq int64) error
	// StageEntry puts an entry to the others of its person.
	StageEntry(ctx context.Context, id string, e register.Entry) error
	// ListStaged lists the first n staged entries, those of a person together, with what the register has of her.
	ListStaged(ctx context.Context, org organisation.ID, id string, n int) ([]Staged, error)
	// DeleteStaged removes the staged entries up to those of a person, and says how many there were.
	DeleteStaged(ctx context.Context, id string, last Staged) (int64, error)
	// InsertProblem stores a problem under its number.
	InsertProblem(ctx context.Context, id string, number int64, p register.Problem) error
	// ChangePerson stores what an import has changed of a person. A new address has had no mail yet, whatever the old one had.
	ChangePerson(ctx context.Context, p person.Person, newName, newAddress bool, now time.Time) error
	// LatestHold finds the newest hold of a person.
	LatestHold(ctx context.Context, personID string) (Hold, bool, error)
	// SaveHold inserts a hold, or replaces it.
	SaveHold(ctx context.Context, h Hold) error
	// FindHold finds a hold of the organisation, with its person as the register has her now.
	FindHold(ctx context.Context, org organisation.ID, id string) (Hold, person.Person, bool, error)
	// IndexPerson writes a person's identifier, sort key and search words.
	IndexPerson(ctx context.Context, p person.Person) error
}

// The ways in which an import fails.
var (
	ErrNoImport   = errors.New("there is no such import")
	ErrNotWaiting = errors.New("the import does not wait for this any more")
	ErrNoHold     = errors.New("nothing is held under this id, or it was decided")
)

// File is a file to import.
type File struct {
	Name string
	Body io.Reader
	// Columns says what some columns hold, by their names, where the file's own words are not enough. nil: guess.
	Columns map[register.Field]string
}

// Upload takes a file in and returns it with a mapping: the one given, remembered or guessed. Nothing of the register changes before
// Begin. It fails with the errors of package register, all of which say what is wrong with the file.
func (s *Service) Upload(ctx context.Context, by administrator.Administrator, org organisation.ID, f File) (Import, error) {
	if err := s.mayImport(ctx, by, org); err != nil {
		return Import{}, err
	}
	spool, size, err := register.Receive(f.Body)
	if err != nil {
		return Import{}, err
	}
	defer spool.Close()
	table, err := register.Open(spool, size)
	if err != nil {
		return Import{}, err
	}
	i := Import{Name: baseName(f.Name), Sheet: table.Sheet, Header: table.Header, Fingerprint: register.Fingerprint(table.Header)}
	if i.Mapping, i.Remembered, err = s.mapping(ctx, org, table.Header, f.Columns); err != nil {
		return i, err
	}
	if !i.Mapping.Plausible() {
		return i, NoRegister{sample(table.Header, nil)} // without a header, they are somebody
	}
	j := job.New(job.Import, org, by.Account.ID, s.Now())
	i.of(j)
	rows, err := s.keep(ctx, &i, table)
	if err == nil && rows == 0 {
		err = register.ErrEmpty
	}
	if err != nil {
		return i, err // housekeeping removes what was kept: without its job it is nobody's
	}
	j.Total, j.Counts[countRows] = 2*rows, rows
	i.of(j)
	return i, s.InBulkTx(ctx, func(tx Tx) error {
		if err := tx.InsertJob(ctx, j); err != nil {
			return fmt.Errorf("insert job: %w", err)
		}
		return tx.InsertImport(ctx, i)
	})
}

// NoRegister says that a table holds something else than persons, and what its columns are called.
type NoRegister struct{ Columns []string }

// Error names the columns that were seen.
func (n NoRegister) Error() string {
	return fmt.Sprintf("%v; its columns are %q", register.ErrNoRegister, n.Columns)
}

// Unwrap returns register.ErrNoRegister.
func (NoRegister) Unwrap() error { return register.ErrNoRegister }

// mayImport refuses who may not, before anything is read.
func (s *Service) mayImport(ctx context.Context, by administrator.Administrator, org organisation.ID) error {
	if !by.May(org, administrator.Prepare) {
		return administrator.ErrForbidden
	}
	if ok, err := s.HasOrganisation(ctx, org); err != nil || !ok {
		return orElse(err, ErrUnknownOrganisation)
	}
	return nil
}

func (s *Service) mapping(ctx context.Context, org organisation.ID, header []string, given map[register.Field]string) (m register.Mapping, remembered bool, err error) {
	m, remembered, err = s.Store.FindMapping(ctx, org, register.Fingerprint(header))
	if err != nil {
		return nil, false, fmt.Errorf("find mapping: %w", err)
	}
	if !remembered {
		m = register.Guess(header)
	}
	for _, field := range register.Fields() {
		if column, ok := given[field]; ok {
			if m, err = m.With(field, column, header); err != nil {
				return nil, false, err
			}
		}
	}
	for field := range given {
		if !field.IsField() {
			return nil, false, fmt.Errorf("%w: %q", register.ErrUnknownField, field)
		}
	}
	return m, remembered, nil
}

// Begin queues an import that waits, to be read by the mapping. It fails with the errors of register.Mapping's Check.
func (s *Service) Begin(ctx context.Context, by administrator.Administrator, org organisation.ID, id string, m register.Mapping) error {
	if !by.May(org, administrator.Prepare) {
		return administrator.ErrForbidden
	}
	i, err := s.find(ctx, org, id)
	if err != nil {
		return err
	}
	if err := m.Check(len(i.Header)); err != nil {
		return err
	}
	return s.InTx(ctx, func(tx Tx) error {
		j, ok, err := tx.FindJobInTx(ctx, org, id)
		if err != nil || !ok || j.State != job.Waiting {
			return orElse(err, ErrNotWaiting)
		}
		if ok, err := tx.MoveJob(ctx, org, id, job.Queued, s.Now()); err != nil || !ok {
			return orElse(err, ErrNotWaiting)
		}
		if err := tx.SaveMapping(ctx, i, m, s.Now()); err != nil {
			return fmt.Errorf("save mapping: %w", err)
		}
		return s.appendImport(ctx, tx, by, audit.ImportBegun, i)
	})
}

// Cancel ends an import that is not over. What it has taken over stays.
func (s *Service) Cancel(ctx context.Context, by administrator.Administrator, org organisation.ID, id string) error {
	return s.move(ctx, by, org, id, job.Cancelled, audit.ImportCancelled)
}

// PauseImport lets an import rest.
func (s *Service) PauseImport(ctx context.Context, by administrator.Administrator, org organisation.ID, id string) error {
	return s.move(ctx, by, org, id, job.Paused, audit.ImportPaused)
}

// ResumeImport lets a paused import go on.
func (s *Service) ResumeImport(ctx context.Context, by administrator.Administrator, org organisation.ID, id string) error {
	return s.move(ctx, by, org, id, job.Queued, audit.ImportResumed)
}

func (s *Service) move(ctx context.Context, by administrator.Administrator, org organisation.ID, id string, to job.State, kind audit.Kind) error {
	if !by.May(org, administrator.Prepare) {
		return administrator.ErrForbidden
	}
	i, err := s.find(ctx, org, id)
	if err != nil {
		return err
	}
	return s.InTx(ctx, func(tx Tx) error {
		j, ok, err := tx.FindJobInTx(ctx, org, id)
		if err != nil || !ok || j.State == job.Waiting && to == job.Queued {
			return orElse(err, ErrNotWaiting) // Begin does that
		}
		if ok, err := tx.MoveJob(ctx, org, id, to, s.Now()); err != nil || !ok {
			return orElse(err, ErrNotWaiting)
		}
		return s.appendImport(ctx, tx, by, kind, i)
	})
}

func (s *Service) appendImport(ctx context.Context, tx Tx, by administrator.Administrator, kind audit.Kind, i Import) error {
	e := by.Event(kind, i.Organisation, "", s.Now())
	e.Detail["import"] = i.ID
	e.Detail["rows"] = fmt.Sprint(i.Rows)
	return tx.Append(ctx, e)
}

// FindImport returns an import as far as it has come.
func (s *Service) FindImport(ctx context.Context, by administrator.Administrator, org organisation.ID, id string) (Import, error) {
	if !by.May(org, administrator.See) {
		return Import{}, administrator.ErrForbidden
	}
	return s.find(ctx, org, id)
}

func (s *Service) find(ctx context.Context, org organisation.ID, id string) (Import, error) {
	j, ok, err := s.Store.FindJob(ctx, org, id)
	if err != nil || !ok || j.Kind != job.Import {
		return Import{}, orElse(err, ErrNoImport)
	}
	i, ok, err := s.Store.FindImport(ctx, id)
	if err != nil || !ok {
		return Import{}, orElse(err, ErrNoImport)
	}
	i.of(j)
	return i, nil
}

// maxListed is how many imports a list shows.
const maxListed = 50

// ListImports lists the organisation's newest imports, without header and sample.
func (s *Service) ListImports(ctx context.Context, by administrator.Administrator, org organisation.ID) ([]Import, error) {
	if !by.May(org, administrator.See) {
		return nil, administrator.ErrForbidden
	}
	jobs, err := s.Store.ListJobs(ctx, org, job.Import, maxListed)
	if err != nil {
		return nil, fmt.Errorf("list imports: %w", err)
	}
	all := make([]Import, 0, len(jobs))
	for _, j := range jobs {
		i, ok, err := s.Store.FindImport(ctx, j.ID)
		if err != nil {
			return nil, fmt.Errorf("find import: %w", err)
		}
		if ok {
			i.of(j)
			i.Sample = nil
			all = append(all, i)
		}
	}
	return all, nil
}

// NumberedProblem is a problem with its number, by which a list goes on.
type NumberedProblem struct {
	Number int64
	register.Problem
}

// ListProblems lists what was wrong with the rows of an import, after the given number, at most n.
func (s *Service) ListProblems(ctx context.Context, by administrator.Administrator, org organisation.ID, id string, after int64, n int) ([]NumberedProblem, error) {
	if _, err := s.FindImport(ctx, by, org, id); err != nil {
		return nil, err
	}
	return s.Store.ListProblems(ctx, id, after, n)
}

// WriteProblems writes them all as CSV. Its head is the caller's, as are the words of a reason.
func (s *Service) WriteProblems(ctx context.Context, by administrator.Administrator, org organisation.ID, id string, to io.Writer, head []string,
	words func(reason string) string) error {
	if _, err := s.FindImport(ctx, by, org, id); err != nil {
		return err
	}
	w := register.NewWriter(to)
	w.Write(head...)
	for after := int64(0); ; {
		page, err := s.Store.ListProblems(ctx, id, after, 500)
		if err != nil {
			return fmt.Errorf("list problems: %w", err)
		}
		for _, p := range page {
			w.Write(fmt.Sprint(p.Line), p.Column, words(p.Reason))
			after = p.Number
		}
		if err := w.Flush(); err != nil || len(page) == 0 {
			return err
		}
	}
}
