package auditing

import (
	"context"
	"fmt"
	"maps"
	"time"

	"github.com/portvakt/portvakt/internal/audit"
)

// Progress is how far a proof of the chain has come. A chain may be long: it is proven in parts, and each part begins where the
// one before has ended.
type Progress struct {
	Number int64      // of the newest block that was looked at; 0: none yet
	Hash   audit.Hash // of that block
	Done   bool
	// Until ends the part at the block of that number, so that its hash can be compared with one that was kept elsewhere; 0:
	// nothing does.
	Until int64
	// Counts of what was looked at in this part.
	Blocks, Lines, Erased int
	// Problems are what this part found, in words for the operator; at most maxProblems.
	Problems []string
}

const (
	maxProblems = 50
	blocksAPart = 200
)

// Verify proves the part of the chain after p, and at its end that no line stands outside of it. It reads; nothing waits for it.
func (s *Service) Verify(ctx context.Context, p Progress) (Progress, error) {
	next := Progress{Number: p.Number, Hash: p.Hash}
	blocks, err := s.Store.ListBlocks(ctx, p.Number, blocksAPart)
	if err != nil {
		return next, fmt.Errorf("list blocks: %w", err)
	}
	for _, b := range blocks {
		if err := s.verifyBlock(ctx, &next, b); err != nil {
			return next, err
		}
		if b.Number == p.Until {
			return next, nil
		}
	}
	if len(blocks) == blocksAPart {
		return next, nil
	}
	misplaced, err := s.Store.ListMisplaced(ctx, next.Number)
	if err != nil {
		return next, fmt.Errorf("list misplaced lines: %w", err)
	}
	// The head is asked afterwards: lines that were sealed meanwhile have brought a block with them.
	head, err := s.Store.FindHead(ctx)
	if err != nil {
		return next, fmt.Errorf("find head: %w", err)
	}
	if head.Number > next.Number {
		return next, nil
	}
	next.Done = true
	for _, id := range misplaced {
		next.problem("line %s claims to be in a block that does not exist", id)
	}
	return next, nil
}

func (p *Progress) problem(format string, args ...any) {
	if len(p.Problems) < maxProblems {
		p.Problems = append(p.Problems, fmt.Sprintf(format, args...))
	}
}

// verifyBlock proves one block and its lines. It goes on after a problem, from what the block itself says, so that one change is
// one problem and not one for every block after it.
func (s *Service) verifyBlock(ctx context.Context, p *Progress, b audit.Block) error {
	switch missing := b.Number - p.Number - 1; {
	case missing == 1:
		p.problem("block %d is missing", p.Number+1)
	case missing > 1:
		p.problem("blocks %d to %d are missing", p.Number+1, b.Number-1)
	case b.Previous != p.Hash:
		p.problem("block %d does not continue the one before it", b.Number)
	}
	var signed claims
	if s.Sign.Verify(b.Signature, typ, &signed) != nil || signed.Number != b.Number || signed.Hash != b.Hash().Text() {
		p.problem("block %d is not as it was signed", b.Number)
	}
	var records []audit.Record
	for after := ""; ; {
		lines, err := s.Store.ListRecords(ctx, b.Number, after, bite)
		if err != nil {
			return fmt.Errorf("list lines of block %d: %w", b.Number, err)
		}
		for _, line := range lines {
			after = line.ID
			records = append(records, line.Record)
			p.verifyFields(line)
		}
		if len(lines) < bite {
			break
		}
	}
	switch {
	case len(records) < b.Lines:
		p.problem("block %d has lost %d of its %d lines", b.Number, b.Lines-len(records), b.Lines)
	case len(records) > b.Lines:
		p.problem("block %d has %d lines that it was not sealed with", b.Number, len(records)-b.Lines)
	case audit.Root(records) != b.Root:
		p.problem("a line of block %d is not as it was sealed (%d lines, %s)", b.Number, b.Lines, period(records))
	}
	p.Blocks, p.Lines, p.Number, p.Hash = p.Blocks+1, p.Lines+len(records), b.Number, b.Hash()
	return nil
}

// period is from when to when the lines are: it helps to find the one that was changed.
func period(records []audit.Record) string {
	if len(records) == 0 {
		return "none left"
	}
	from, to := records[0].At, records[0].At
	for _, r := range records {
		from, to = min(from, r.At), max(to, r.At)
	}
	return utc(from) + " to " + utc(to)
}

func utc(ms int64) string { return time.UnixMilli(ms).UTC().Format(time.RFC3339) }

// verifyFields holds the personal fields that are still there against their commitments. One that is gone was erased.
func (p *Progress) verifyFields(line Kept) {
	if !line.Chained {
		return
	}
	left, ok := audit.ParseFields(line.Fields)
	if !ok {
		p.problem("line %s: the commitments of its personal fields cannot be read", line.ID)
		return
	}
	left = maps.Clone(left)
	for _, f := range line.Personal {
		want, ok := left[f.Field]
		switch {
		case !ok:
			p.problem("line %s has a personal field %q that it was not written with", line.ID, f.Field)
		case audit.CommitField(f.Field, f.Salt, f.Value) != want:
			p.problem("line %s: its personal field %q is not as it was written", line.ID, f.Field)
		}
		delete(left, f.Field)
	}
	p.Erased += len(left)
}
