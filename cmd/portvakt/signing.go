package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"text/tabwriter"
	"time"

	"github.com/portvakt/portvakt/internal/control"
)

type signingCommand struct {
	List    signingList    `cmd:"" help:"List them, the newest first."`
	Rotate  signingRotate  `cmd:"" help:"Make successors; they are published at once and sign after seven minutes, when every node and every app can know them."`
	Replace signingReplace `cmd:"" help:"Replace keys that somebody else may have: nothing that the old ones have signed is believed any more, and apps may refuse sign-ins for five minutes."`
}

type signingList struct {
	settingsFlags `embed:""`
	JSON          bool `help:"Print JSON."`
}

// Run lists the keys.
func (c *signingList) Run(ctx context.Context, s streams) error {
	return keysSigned(ctx, c.settingsFlags, s, http.MethodGet, "/keys/signing", c.JSON)
}

type signingRotate struct {
	settingsFlags `embed:""`
	JSON          bool `help:"Print JSON."`
}

// Run makes successors.
func (c *signingRotate) Run(ctx context.Context, s streams) error {
	return keysSigned(ctx, c.settingsFlags, s, http.MethodPost, "/keys/signing", c.JSON)
}

type signingReplace struct {
	settingsFlags `embed:""`
	JSON          bool `help:"Print JSON."`
}

// Run replaces the keys at once.
func (c *signingReplace) Run(ctx context.Context, s streams) error {
	return keysSigned(ctx, c.settingsFlags, s, http.MethodPost, "/keys/signing/replace", c.JSON)
}

// keysSigned calls an operation that answers with all keys, and prints them.
func keysSigned(ctx context.Context, settings settingsFlags, s streams, method, path string, asJSON bool) error {
	var out []control.SigningKey
	if err := operate(ctx, settings, s, method, path, nil, &out); err != nil {
		return err
	}
	if asJSON {
		return printJSON(s.out, out)
	}
	return printSigningKeys(s.out, out, time.Now())
}

func printSigningKeys(w io.Writer, all []control.SigningKey, now time.Time) error {
	t := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	fmt.Fprintln(t, "KID\tALGORITHM\tMADE\tSTATE")
	signs := map[string]bool{} // the newest that has begun is the one
	for _, k := range all {
		state := "published, verifies"
		switch {
		case k.Distrusted:
			state = "distrusted since " + k.Retired.Format(time.DateOnly)
		case !k.Retired.IsZero():
			state = "retired " + k.Retired.Format(time.DateOnly)
		case k.From.After(now):
			state = "published, signs from " + k.From.Format(time.RFC3339)
		case !signs[k.Alg]:
			state, signs[k.Alg] = "signs", true
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", k.ID, k.Alg, k.Created.Format(time.DateOnly), state)
	}
	return t.Flush()
}
