package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/portvakt/portvakt/internal/control"
)

type auditCommand struct {
	Verify auditVerify `cmd:"" help:"Prove that no line of the audit log was changed, inserted, deleted or moved; prints the newest hash."`
	Head   auditHead   `cmd:"" help:"Print the newest block's number and hash, to keep elsewhere."`
}

type auditHead struct {
	settingsFlags `embed:""`
	JSON          bool `help:"Print JSON."`
}

// Run prints the newest block.
func (c *auditHead) Run(ctx context.Context, s streams) error {
	var out control.AuditHead
	if err := operate(ctx, c.settingsFlags, s, http.MethodGet, "/audit/head", nil, &out); err != nil {
		return err
	}
	if c.JSON {
		return printJSON(s.out, out)
	}
	if out.Number == 0 {
		return errors.New("nothing was sealed yet: a running server seals the log every second")
	}
	fmt.Fprintf(s.out, "%d:%s\n", out.Number, out.Hash)
	return nil
}

type auditVerify struct {
	settingsFlags `embed:""`
	Head          keptHead `help:"What audit head has printed before and was kept elsewhere: proves also that the end of the log was not cut off." placeholder:"NUMBER:HASH"`
}

// keptHead is a block's number and hash, as audit head prints them.
type keptHead string

// Validate implements kong.Validatable.
func (h keptHead) Validate() error {
	if _, _, ok := h.parts(); !ok && h != "" {
		return fmt.Errorf("%q is not what portvakt audit head prints", string(h))
	}
	return nil
}

func (h keptHead) parts() (number int64, hash string, ok bool) {
	before, after, _ := strings.Cut(string(h), ":")
	n, err := strconv.ParseInt(before, 10, 64)
	return n, strings.ToLower(after), err == nil && n > 0 && len(after) == 64
}

// errBroken ends the command with a status that a script can see.
var errBroken = errors.New("the audit log is not as it was written")

// Run proves the log.
func (c *auditVerify) Run(ctx context.Context, s streams) error {
	want, hash, kept := c.Head.parts()
	var whole control.AuditProof
	problems := 0
	err := atDesk(ctx, c.settingsFlags, s, func(desk *control.Client) error {
		for !whole.Done {
			ask := control.AuditProof{Number: whole.Number, Hash: whole.Hash, Until: want}
			var part control.AuditProof
			if err := desk.Do(ctx, http.MethodPost, "/audit/verify", ask, &part); err != nil {
				return err
			}
			for _, problem := range part.Problems {
				fmt.Fprintln(s.out, problem)
			}
			problems += len(part.Problems)
			if kept && part.Number == want && part.Hash != hash {
				fmt.Fprintf(s.out, "block %d is another one than the one whose hash was kept\n", want)
				problems++
			}
			part.Blocks, part.Lines, part.Erased = whole.Blocks+part.Blocks, whole.Lines+part.Lines, whole.Erased+part.Erased
			whole = part
		}
		return nil
	})
	if err != nil {
		return err
	}
	if kept && whole.Number < want {
		fmt.Fprintf(s.out, "the log ends at block %d: block %d, whose hash was kept, was cut off\n", whole.Number, want)
		problems++
	}
	fmt.Fprintf(s.out, "%d blocks, %d lines, %d personal fields erased\n", whole.Blocks, whole.Lines, whole.Erased)
	if whole.Number > 0 {
		fmt.Fprintf(s.out, "newest: %d:%s\n", whole.Number, whole.Hash)
	}
	if problems > 0 {
		return errBroken
	}
	return nil
}
