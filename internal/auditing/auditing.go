// Package auditing is the flow that seals the audit log: every second it collects the lines that no block holds yet into a block,
// and chains and signs it (RULES §10). It also proves the chain. What a line and a block are is package audit's; transactions
// append lines without it.
package auditing

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/portvakt/portvakt/internal/audit"
	"github.com/portvakt/portvakt/internal/signingkey"
)

// Service seals and proves.
type Service struct {
	Store Store
	InTx  func(context.Context, func(Tx) error) error // of the bulk lane
	Sign  signingkey.Signer
	Now   func() time.Time
	Log   *slog.Logger
	Node  string        // this process, among those that share the database
	Every time.Duration // 0: one second

	said time.Time // when the newest hash was last logged
}

// Store answers questions outside a transaction.
type Store interface {
	// HasUnsealed says whether a line waits to be sealed. It is asked every second.
	HasUnsealed(ctx context.Context) (bool, error)
	// FindHead reads the newest block; the zero Block where there is none.
	FindHead(ctx context.Context) (audit.Block, error)
	// ListBlocks lists up to n blocks after the given number, in order.
	ListBlocks(ctx context.Context, after int64, n int) ([]audit.Block, error)
	// ListRecords lists up to n of a block's lines after the given id, in order, with the personal fields that are still there.
	ListRecords(ctx context.Context, block int64, after string, n int) ([]Kept, error)
	// ListMisplaced lists lines that claim to be in a block before the first or after the given one.
	ListMisplaced(ctx context.Context, head int64) ([]string, error)
}

// Kept is a line with the personal fields that nobody has erased.
type Kept struct {
	audit.Record
	Personal []Personal
}

// Personal is one personal field of a line.
type Personal struct {
	Field string
	Salt  []byte
	Value string
}

// Tx is what sealing changes.
type Tx interface {
	// TakeLease takes or prolongs the lease of that name until the given time; false means that another holder has it.
	TakeLease(ctx context.Context, name, holder string, now, until time.Time) (bool, error)
	// HeadInTx is FindHead inside the transaction.
	HeadInTx(ctx context.Context) (audit.Block, error)
	// TakeUnsealed puts up to n lines that are in no block into the block of that number, and returns them.
	TakeUnsealed(ctx context.Context, number int64, n int) ([]audit.Record, error)
	// InsertBlock stores a block; false if there is one of its number.
	InsertBlock(ctx context.Context, b audit.Block) (bool, error)
}

const (
	lease    = "auditing"
	leaseFor = 10 * time.Second
	// bite is how many lines a block holds at most.
	bite = 500
	// sayEvery is how often the newest hash goes to the log at most: whoever keeps the log elsewhere can prove with it that the
	// end of the chain was not cut off.
	sayEvery = time.Minute
	typ      = "portvakt-audit+jwt"
)

// claims are what a block's signature is over.
type claims struct {
	Number int64  `json:"number"`
	Hash   string `json:"hash"`
}

// Run seals until ctx ends.
func (s *Service) Run(ctx context.Context) error {
	every := s.Every
	if every == 0 {
		every = time.Second
	}
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		if _, err := s.Round(ctx); err != nil && ctx.Err() == nil {
			s.Log.Error("sealing the audit log failed", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

// Round seals all that waits, and says how many lines it sealed. Another node that does so at the moment leaves it nothing.
func (s *Service) Round(ctx context.Context) (sealed int, err error) {
	for {
		waits, err := s.Store.HasUnsealed(ctx)
		if err != nil || !waits {
			return sealed, err
		}
		block, err := s.seal(ctx)
		if err != nil || block.Lines == 0 {
			return sealed, err
		}
		sealed += block.Lines
		s.say(block)
	}
}

// seal makes one block of what is in none: lines are chosen by that and never by their time, because a transaction commits when
// it can, and its lines may be older than a block. One transaction takes the lines and stores the block, so that a kill at any
// moment leaves both or neither.
func (s *Service) seal(ctx context.Context) (made audit.Block, err error) {
	err = s.InTx(ctx, func(tx Tx) error {
		made = audit.Block{}
		now := s.Now()
		mine, err := tx.TakeLease(ctx, lease, s.Node, now, now.Add(leaseFor))
		if err != nil || !mine {
			return err
		}
		head, err := tx.HeadInTx(ctx)
		if err != nil {
			return fmt.Errorf("find head: %w", err)
		}
		b := audit.Block{Number: head.Number + 1, At: now}
		if head.Number > 0 {
			b.Previous = head.Hash()
		}
		records, err := tx.TakeUnsealed(ctx, b.Number, bite)
		if err != nil || len(records) == 0 {
			return err
		}
		b.Lines, b.Root = len(records), audit.Root(records)
		if b.Signature, err = s.Sign.Sign(signingkey.ES256, typ, claims{b.Number, b.Hash().Text()}); err != nil {
			return fmt.Errorf("sign block: %w", err)
		}
		fresh, err := tx.InsertBlock(ctx, b)
		if err == nil && !fresh {
			err = fmt.Errorf("block %d was there already", b.Number) // undoes the taking: the next round begins with the new head
		}
		if err != nil {
			return fmt.Errorf("insert block: %w", err)
		}
		made = b
		return nil
	})
	return made, err
}

func (s *Service) say(b audit.Block) {
	if now := s.Now(); now.Sub(s.said) >= sayEvery {
		s.said = now
		s.Log.Info("audit log sealed", "block", b.Number, "hash", b.Hash().Text())
	}
}

// Head is the newest block; the zero Block where nothing was sealed yet.
func (s *Service) Head(ctx context.Context) (audit.Block, error) { return s.Store.FindHead(ctx) }
