package main

import (
	"context"
	"fmt"
	"net/http"
	"text/tabwriter"
	"time"

	"github.com/portvakt/portvakt/internal/control"
)

type keysCommand struct {
	Signing signingCommand `cmd:"" name:"signing" help:"The keys that sign what apps are told: ID tokens, access tokens, logout tokens."`
	VAPID   vapidCommand   `cmd:"" name:"vapid" help:"The keys by which push services know this installation."`
	DKIM    dkimCommand    `cmd:"" name:"dkim" help:"The keys by which mails prove that they are the operator's (DKIM)."`
}

type vapidCommand struct {
	List   vapidList   `cmd:"" help:"List them, the newest first: new subscriptions are made with that one."`
	Rotate vapidRotate `cmd:"" help:"Make a new one; each phone subscribes with it when its app is opened next, and until then goes by the old one."`
}

type vapidList struct {
	settingsFlags `embed:""`
	JSON          bool `help:"Print JSON."`
}

// Run lists the keys.
func (c *vapidList) Run(ctx context.Context, s streams) error {
	var out []control.VAPIDKey
	if err := operate(ctx, c.settingsFlags, s, http.MethodGet, "/keys/vapid", nil, &out); err != nil {
		return err
	}
	if c.JSON {
		return printJSON(s.out, out)
	}
	t := tabwriter.NewWriter(s.out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(t, "ID\tMADE\tPUBLIC KEY")
	for _, k := range out {
		fmt.Fprintf(t, "%s\t%s\t%s\n", k.ID, k.Created.Format(time.DateOnly), k.Public)
	}
	return t.Flush()
}

type vapidRotate struct {
	settingsFlags `embed:""`
}

// Run makes a new key.
func (c *vapidRotate) Run(ctx context.Context, s streams) error {
	var out control.VAPIDKey
	if err := operate(ctx, c.settingsFlags, s, http.MethodPost, "/keys/vapid", nil, &out); err != nil {
		return err
	}
	return printJSON(s.out, out)
}
