package provisioning

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/portvakt/portvakt/internal/account"
	"github.com/portvakt/portvakt/internal/audit"
	"github.com/portvakt/portvakt/internal/job"
	"github.com/portvakt/portvakt/internal/person"
	"github.com/portvakt/portvakt/internal/register"
	"github.com/portvakt/portvakt/internal/secret"
)

// An import has two halves. First its pieces are read row by row, and the entries put where those of one person stand together; then
// person by person is taken over into the register. Every bite removes what it has done in the transaction that does it, so that
// the next one, wherever it runs, finds what is left.

// takeoverRows is how many entries one bite takes over at most: with its search words a person is about ten rows. A bite that has taken
// takeoverTime is over before that, since nobody else writes meanwhile (RULES §10).
const (
	takeoverRows = 150
	takeoverTime = 25 * time.Millisecond
)

// maxEmployments is how many rows one person may have. More are a column taken for the key that is none.
const maxEmployments = 40

// ReasonUnreadable says that the file of a job is damaged.
const ReasonUnreadable = "import.unreadable"

// paramSeen is the last person whom Imported has looked at.
const paramSeen = "seen"

// Staged is an entry on its way, and what the register has of its person.
type Staged struct {
	KeyHash []byte
	Entry   register.Entry
	Person  person.Person // empty ID: she is new
	// Connected: an account stands behind her.
	Connected bool
	// Invited: a link has been on its way to her.
	Invited bool
}

// ImportStep does one bite of an import. It is a job.Step.
func (s *Service) ImportStep(ctx context.Context, j job.Job, holder string) (job.Job, error) {
	seq, data, ok, err := s.Store.FirstChunk(ctx, j.ID)
	if err != nil {
		return j, fmt.Errorf("read chunk: %w", err)
	}
	if ok {
		return s.readChunk(ctx, j, holder, seq, data)
	}
	return s.takeOver(ctx, j, holder)
}

// readChunk reads the rows of a piece.
func (s *Service) readChunk(ctx context.Context, j job.Job, holder string, seq int64, data []byte) (job.Job, error) {
	i, ok, err := s.Store.FindImport(ctx, j.ID)
	if err != nil {
		return j, fmt.Errorf("find import: %w", err)
	}
	lines, damaged := unpacked(data)
	if !ok || damaged != nil {
		return s.fail(ctx, j, holder, ReasonUnreadable)
	}
	reader := register.NewReader(i.Header, i.Mapping)
	var entries []register.Entry
	var problems []register.Problem
	refused := int64(0)
	for _, l := range lines {
		e, wrong, ok := reader.Entry(l)
		if ok && e.PasswordHash != "" && s.CheckHash != nil && s.CheckHash(e.PasswordHash) != nil {
			e.PasswordHash = register.NoHash
			wrong = append(wrong, register.Problem{Line: l.Number, Column: reader.Column(register.PasswordHash), Reason: register.ProblemHash})
		}
		problems = append(problems, wrong...)
		if !ok {
			refused++
			continue
		}
		entries = append(entries, e)
	}
	next := counted(j)
	next.Position += int64(len(lines)) + refused // a refused row needs no second half
	next.Counts[countRefused] += refused
	next.Counts[countProblems] += int64(len(problems))
	return next, s.InBulkTx(ctx, func(tx Tx) error {
		for _, e := range entries {
			if err := tx.StageEntry(ctx, j.ID, e); err != nil {
				return fmt.Errorf("stage entry: %w", err)
			}
		}
		if err := s.insertProblems(ctx, tx, j, problems); err != nil {
			return err
		}
		if err := tx.DeleteChunk(ctx, j.ID, seq); err != nil {
			return fmt.Errorf("delete chunk: %w", err)
		}
		return tx.SaveJob(ctx, next, holder, s.Now())
	})
}

// counted is the job with counts of its own, which a bite that fails does not change.
func counted(j job.Job) job.Job {
	counts := map[string]int64{}
	for name, n := range j.Counts {
		counts[name] = n
	}
	j.Counts = counts
	return j
}

func (s *Service) insertProblems(ctx context.Context, tx Tx, before job.Job, problems []register.Problem) error {
	for n, p := range problems {
		number := before.Counts[countProblems] + int64(n) + 1
		if number > MaxProblems {
			return nil
		}
		if err := tx.InsertProblem(ctx, before.ID, number, p); err != nil {
			return fmt.Errorf("insert problem: %w", err)
		}
	}
	return nil
}

func (s *Service) fail(ctx context.Context, j job.Job, holder, reason string) (job.Job, error) {
	j.State, j.Reason = job.Failed, reason
	return j, s.InBulkTx(ctx, func(tx Tx) error { return s.end(ctx, tx, j, holder, audit.ImportFailed) })
}

// end saves the job's last state and writes the event.
func (s *Service) end(ctx context.Context, tx Tx, j job.Job, holder string, kind audit.Kind) error {
	if err := tx.SaveJob(ctx, j, holder, s.Now()); err != nil {
		return err
	}
	e := audit.Event{Kind: kind, At: s.Now(), Actor: "system", Detail: map[string]string{"organisation": string(j.Organisation), "import": j.ID}}
	for _, name := range []string{countRows, countImported, countHeld, countRefused} {
		e.Detail[name] = fmt.Sprint(j.Counts[name])
	}
	return tx.Append(ctx, e)
}

// takeOver takes the next persons over.
func (s *Service) takeOver(ctx context.Context, j job.Job, holder string) (next job.Job, err error) {
	i, ok, err := s.Store.FindImport(ctx, j.ID)
	if err != nil || !ok {
		return j, orElse(err, ErrNoImport)
	}
	i.of(j)
	over := false
	err = s.InBulkTx(ctx, func(tx Tx) error {
		staged, err := tx.ListStaged(ctx, j.Organisation, j.ID, takeoverRows+1)
		if err != nil {
			return fmt.Errorf("list staged: %w", err)
		}
		if over = len(staged) == 0; over {
			return nil
		}
		bite := counted(j)
		var problems []register.Problem
		begun, done := s.Now(), int64(0)
		var last Staged
		for _, g := range together(staged, takeoverRows) {
			wrong, err := s.takeOverPerson(ctx, tx, bite, i, g)
			if err != nil {
				return err
			}
			problems = append(problems, wrong...)
			last, done = g[0], done+int64(len(g))
			if s.Now().Sub(begun) >= takeoverTime {
				break
			}
		}
		gone, err := tx.DeleteStaged(ctx, j.ID, last)
		if err != nil {
			return fmt.Errorf("delete staged: %w", err)
		}
		bite.Counts[countRefused] += gone - done // beyond what one person may have
		bite.Counts[countProblems] += int64(len(problems))
		bite.Position += gone
		if err := s.insertProblems(ctx, tx, j, problems); err != nil {
			return err
		}
		if err := tx.SaveJob(ctx, bite, holder, s.Now()); err != nil {
			return err
		}
		next = bite
		return nil
	})
	if err != nil || !over {
		return next, err
	}
	next = counted(j)
	if s.Imported != nil {
		last, err := s.Imported(ctx, j.Organisation, j.Params[paramSeen])
		if err != nil {
			return j, fmt.Errorf("after the import: %w", err)
		}
		if last != "" {
			next.Params = map[string]string{paramSeen: last}
			return next, s.InBulkTx(ctx, func(tx Tx) error { return tx.SaveJob(ctx, next, holder, s.Now()) })
		}
	}
	next.State, next.Position = job.Done, next.Total
	return next, s.InBulkTx(ctx, func(tx Tx) error { return s.end(ctx, tx, next, holder, audit.ImportFinished) })
}

// together parts entries into persons. Where the list was cut, its last person is left for the next bite, unless she is the only one.
func together(staged []Staged, n int) (groups [][]Staged) {
	for _, e := range staged {
		if last := len(groups) - 1; last >= 0 && bytes.Equal(groups[last][0].KeyHash, e.KeyHash) {
			groups[last] = append(groups[last], e)
			continue
		}
		groups = append(groups, []Staged{e})
	}
	if len(staged) > n && len(groups) > 1 {
		groups = groups[:len(groups)-1]
	}
	return groups
}

// takeOverPerson takes over one person: her rows, in the order of the file.
func (s *Service) takeOverPerson(ctx context.Context, tx Tx, j job.Job, i Import, rows []Staged) (problems []register.Problem, err error) {
	before, first := rows[0].Person, rows[0].Entry
	after := merged(before, first, i)
	var employments []person.Employment
	used := int64(0)
	for n, row := range rows {
		e := row.Entry
		switch {
		case n >= maxEmployments:
			problems = append(problems, register.Problem{Line: e.Line, Reason: register.ProblemTooMany, Refused: true})
			continue
		case person.Fold(e.GivenName+" "+e.FamilyName) != person.Fold(first.GivenName+" "+first.FamilyName):
			problems = append(problems, register.Problem{Line: e.Line, Column: nameColumn(i), Reason: register.ProblemConflict, Refused: true})
			continue
		case e.Address != "" && after.Address != "" && person.Fold(e.Address) != person.Fold(after.Address):
			problems = append(problems, register.Problem{Line: e.Line, Column: i.column(register.Address), Reason: register.ProblemOther})
		}
		used++
		after.Address, after.Phone = cmp.Or(after.Address, e.Address), cmp.Or(after.Phone, e.Phone)
		if e.Employment != (person.Employment{}) && !slices.Contains(employments, e.Employment) {
			employments = append(employments, e.Employment)
		}
	}
	if i.has(register.Company) || i.has(register.Unit) || i.has(register.From) || i.has(register.To) {
		after.Employments = employments
	}
	j.Counts[countRefused] += int64(len(rows)) - used
	if rows[0].Invited && !rows[0].Connected && before.ImportedHash != after.ImportedHash {
		after.ImportedHash = dropped(before.ImportedHash)
		problems = append(problems, register.Problem{Line: first.Line, Column: i.column(register.PasswordHash), Reason: register.ProblemLateHash})
	}
	outcome, err := s.settle(ctx, tx, j, rows[0], before, after)
	if err != nil {
		return nil, err
	}
	if outcome == countHeld {
		j.Counts[countHeld] += used
		return problems, nil
	}
	j.Counts[countImported] += used
	j.Counts[outcome]++
	return problems, nil
}

// merged is the person with what an entry says, in the columns that the file has: what it does not speak of stays.
func merged(p person.Person, e register.Entry, i Import) person.Person {
	if p.ID == "" {
		p = person.Person{Organisation: i.Organisation, Source: e.Source, Key: e.Key}
	}
	p.GivenName, p.FamilyName = e.GivenName, e.FamilyName
	for field, to := range map[register.Field]*string{register.Address: &p.Address, register.Phone: &p.Phone, register.Language: &p.Language, register.LegacyID: &p.LegacyID} {
		if i.has(field) {
			*to = map[register.Field]string{register.Address: e.Address, register.Phone: e.Phone, register.Language: e.Language, register.LegacyID: e.LegacyID}[field]
		}
	}
	if e.PasswordHash != register.NoHash || p.ImportedHash == "" {
		p.ImportedHash = cmp.Or(e.PasswordHash, p.ImportedHash)
	}
	return p
}

// dropped is what is left of an old password that another file knows differently, once its owner has been invited: she chooses a new one. Nobody
// can tell by looking at two hashes which of them is hers, and whoever could exchange it unseen would log in as her when she has confirmed her
// address. What comes for the first time is nothing either.
func dropped(before string) string {
	if before == "" {
		return ""
	}
	return register.NoHash
}

func (i Import) has(f register.Field) bool { return slices.Contains(i.Mapping, f) }

// column is what the file calls a field's column.
func (i Import) column(f register.Field) string {
	if at := slices.Index(i.Mapping, f); at >= 0 && at < len(i.Header) {
		return i.Header[at]
	}
	return ""
}

func nameColumn(i Import) string {
	return cmp.Or(i.column(register.GivenName), i.column(register.FamilyName), i.column(register.FullName))
}

// settle writes what has changed of a person, or holds it, and says what has become of her.
func (s *Service) settle(ctx context.Context, tx Tx, j job.Job, row Staged, before, after person.Person) (outcome string, err error) {
	now := s.Now()
	before.Mobile, after.Mobile = person.MobileOf(before.Phone, s.Region), person.MobileOf(after.Phone, s.Region)
	if before.ID == "" {
		after.ID = secret.NewID()
		if ok, err := tx.InsertPerson(ctx, after, now); err != nil || !ok {
			return "", orElse(err, errors.New("a person came to be meanwhile"))
		}
		return countNew, nil
	}
	held := false
	if row.Connected {
		// An old password must not open an account to whoever may import (RULES §7).
		after.ImportedHash = before.ImportedHash
		if held, err = s.hold(ctx, tx, j, before, after); err != nil {
			return "", err
		}
		if !sameIdentity(before, after) {
			after.GivenName, after.FamilyName, after.Address = before.GivenName, before.FamilyName, before.Address
		}
	}
	newName := before.GivenName != after.GivenName || before.FamilyName != after.FamilyName || before.LegacyID != after.LegacyID
	newAddress := before.Address != after.Address || before.Reached() != after.Reached()
	switch {
	case newName, newAddress, before.Phone != after.Phone, before.Language != after.Language, before.ImportedHash != after.ImportedHash,
		!sameEmployments(before.Employments, after.Employments):
		if err := tx.ChangePerson(ctx, after, newName, newAddress, now); err != nil {
			return "", fmt.Errorf("change person: %w", err)
		}
		outcome = countChanged
	default:
		outcome = countUnchanged
	}
	if held {
		outcome = countHeld
	}
	return outcome, nil
}

// sameIdentity says whether two states of a register's row name the same person at the same address, whatever the case of letters.
func sameIdentity(a, b person.Person) bool {
	return person.Fold(a.Name()) == person.Fold(b.Name()) && sameAddress(a.Address, b.Address)
}

func sameAddress(a, b string) bool {
	if _, one, err := account.ParseAddress(a); err == nil {
		_, other, err := account.ParseAddress(b)
		return err == nil && one == other
	}
	return person.Fold(a) == person.Fold(b)
}

// sameEmployments compares without regard to the order.
func sameEmployments(a, b []person.Employment) bool {
	order := func(x, y person.Employment) int {
		return cmp.Or(cmp.Compare(x.Company, y.Company), cmp.Compare(x.Unit, y.Unit), cmp.Compare(x.From, y.From), cmp.Compare(x.To, y.To))
	}
	return slices.Equal(slices.SortedFunc(slices.Values(a), order), slices.SortedFunc(slices.Values(b), order))
}
