package control

import (
	"context"
	"encoding/hex"
	"errors"
	"net/http"
	"time"

	"github.com/portvakt/portvakt/internal/audit"
	"github.com/portvakt/portvakt/internal/auditing"
)

// AuditHead is the newest block of the audit log. Whoever keeps its number and hash elsewhere can prove later that nothing up to
// it was changed or cut off.
type AuditHead struct {
	Number int64     `json:"number"` // 0: nothing was sealed yet
	Hash   string    `json:"hash,omitempty"`
	Sealed time.Time `json:"sealed_at,omitzero"`
}

// AuditProof is how far a proof of the audit log has come: the command asks again with what it got, until Done.
type AuditProof struct {
	Number   int64    `json:"number"` // of the newest block that was looked at
	Hash     string   `json:"hash,omitempty"`
	Done     bool     `json:"done"`
	Until    int64    `json:"until,omitempty"` // of a request: end the part at this block
	Blocks   int      `json:"blocks"`          // of this part, as the next ones
	Lines    int      `json:"lines"`
	Erased   int      `json:"erased"`
	Problems []string `json:"problems,omitempty"`
}

func (d *Door) auditHead(ctx context.Context) (AuditHead, error) {
	b, err := d.Auditing.Head(ctx)
	if err != nil || b.Number == 0 {
		return AuditHead{}, err
	}
	return AuditHead{Number: b.Number, Hash: b.Hash().Text(), Sealed: b.At.UTC()}, nil
}

// errHash says how a hash is written.
var errHash = errors.New("a hash has 64 hexadecimal digits")

func (d *Door) verifyAudit(ctx context.Context, _ *http.Request, in AuditProof) (AuditProof, error) {
	p := auditing.Progress{Number: in.Number, Until: in.Until}
	if in.Hash != "" {
		b, err := hex.DecodeString(in.Hash)
		hash, ok := audit.HashFrom(b)
		if err != nil || !ok {
			return in, errHash
		}
		p.Hash = hash
	}
	p, err := d.Auditing.Verify(ctx, p)
	out := AuditProof{Number: p.Number, Done: p.Done, Blocks: p.Blocks, Lines: p.Lines, Erased: p.Erased, Problems: p.Problems}
	if p.Number > 0 {
		out.Hash = p.Hash.Text()
	}
	return out, err
}
