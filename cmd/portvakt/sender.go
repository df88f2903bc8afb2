package main

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"text/tabwriter"
	"time"

	"github.com/portvakt/portvakt/internal/control"
)

type dkimCommand struct {
	List     dkimList     `cmd:"" help:"List them, the newest first: the newest active one signs the mails."`
	Make     dkimMake     `cmd:"" help:"Make one of mail-from's domain; prints the record to publish. It signs nothing until it is activated."`
	Activate dkimActivate `cmd:"" help:"Let one sign, once its record is found in the DNS."`
	Remove   dkimRemove   `cmd:"" help:"Take one away. Leave its record in the DNS for a week: mails that it has signed are still read."`
}

type senderCommand struct {
	Show      senderShow      `cmd:"" help:"Show an organisation's sender, its keys and their records."`
	Set       senderSet       `cmd:"" help:"Give an organisation's mails a sender of its own. They go in that name once a key of the domain is active."`
	MakeKey   senderMakeKey   `cmd:"" help:"Make a key of the sender's domain; prints the record to publish."`
	Activate  senderActivate  `cmd:"" help:"Let a key sign, once its record is found in the DNS."`
	RemoveKey senderRemoveKey `cmd:"" help:"Take a key away."`
}

// ownKeys is where the operator's own keys are; an organisation's stand under its sender.
const ownKeys = "/keys/dkim"

func senderPath(org string) string { return "/organisations/" + url.PathEscape(org) + "/sender" }

type dkimList struct {
	settingsFlags `embed:""`
	JSON          bool `help:"Print JSON."`
}

// Run lists the keys.
func (c *dkimList) Run(ctx context.Context, s streams) error {
	var out control.Sender
	if err := operate(ctx, c.settingsFlags, s, http.MethodGet, ownKeys, nil, &out); err != nil {
		return err
	}
	if c.JSON {
		return printJSON(s.out, out.Keys)
	}
	t := tabwriter.NewWriter(s.out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(t, "ID\tRECORD\tMADE\tACTIVE SINCE")
	for _, k := range out.Keys {
		since := "-"
		if !k.Activated.IsZero() {
			since = k.Activated.Format(time.DateOnly)
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", k.ID, k.Record, k.Created.Format(time.DateOnly), since)
	}
	return t.Flush()
}

type dkimMake struct {
	settingsFlags `embed:""`
}

// Run makes a key.
func (c *dkimMake) Run(ctx context.Context, s streams) error {
	return makeKey(ctx, c.settingsFlags, s, ownKeys)
}

type dkimActivate struct {
	settingsFlags `embed:""`
	ID            string `arg:"" help:"The key's id."`
	Unseen        bool   `help:"The record is published, although the name servers here do not tell of it."`
}

// Run activates a key.
func (c *dkimActivate) Run(ctx context.Context, s streams) error {
	return changeKey(ctx, c.settingsFlags, s, http.MethodPost, ownKeys+"/"+url.PathEscape(c.ID)+"/activate", control.Activation{Unseen: c.Unseen})
}

type dkimRemove struct {
	settingsFlags `embed:""`
	ID            string `arg:"" help:"The key's id."`
}

// Run removes a key.
func (c *dkimRemove) Run(ctx context.Context, s streams) error {
	return changeKey(ctx, c.settingsFlags, s, http.MethodDelete, ownKeys+"/"+url.PathEscape(c.ID), nil)
}

type senderShow struct {
	settingsFlags `embed:""`
	Org           string `arg:"" help:"The organisation's short name."`
}

// Run shows a sender.
func (c *senderShow) Run(ctx context.Context, s streams) error {
	var out control.Sender
	if err := operate(ctx, c.settingsFlags, s, http.MethodGet, senderPath(c.Org), nil, &out); err != nil {
		return err
	}
	return printJSON(s.out, out)
}

type senderSet struct {
	settingsFlags `embed:""`
	Org           string `arg:"" help:"The organisation's short name."`
	Address       string `arg:"" help:"E-mail address; \"\" takes it away."`
	Name          string `help:"Name that mail programs show. The default is the organisation's."`
}

// Run sets a sender.
func (c *senderSet) Run(ctx context.Context, s streams) error {
	var out control.Sender
	if err := operate(ctx, c.settingsFlags, s, http.MethodPut, senderPath(c.Org), control.Sender{Address: c.Address, Name: c.Name}, &out); err != nil {
		return err
	}
	if out.Address != "" && !out.Own {
		fmt.Fprintln(s.err, "Mails go in the operator's name until a key of this domain is active: portvakt org sender make-key "+c.Org)
	}
	return printJSON(s.out, out)
}

type senderMakeKey struct {
	settingsFlags `embed:""`
	Org           string `arg:"" help:"The organisation's short name."`
}

// Run makes a key.
func (c *senderMakeKey) Run(ctx context.Context, s streams) error {
	return makeKey(ctx, c.settingsFlags, s, senderPath(c.Org)+"/keys")
}

type senderActivate struct {
	settingsFlags `embed:""`
	Org           string `arg:"" help:"The organisation's short name."`
	ID            string `arg:"" help:"The key's id."`
	Unseen        bool   `help:"The record is published, although the name servers here do not tell of it."`
}

// Run activates a key.
func (c *senderActivate) Run(ctx context.Context, s streams) error {
	return changeKey(ctx, c.settingsFlags, s, http.MethodPost, senderPath(c.Org)+"/keys/"+url.PathEscape(c.ID)+"/activate", control.Activation{Unseen: c.Unseen})
}

type senderRemoveKey struct {
	settingsFlags `embed:""`
	Org           string `arg:"" help:"The organisation's short name."`
	ID            string `arg:"" help:"The key's id."`
}

// Run removes a key.
func (c *senderRemoveKey) Run(ctx context.Context, s streams) error {
	return changeKey(ctx, c.settingsFlags, s, http.MethodDelete, senderPath(c.Org)+"/keys/"+url.PathEscape(c.ID), nil)
}

func makeKey(ctx context.Context, flags settingsFlags, s streams, path string) error {
	var out control.DKIMKey
	if err := operate(ctx, flags, s, http.MethodPost, path, nil, &out); err != nil {
		return err
	}
	fmt.Fprintln(s.err, "Publish the TXT record in the DNS, then activate the key.")
	return printJSON(s.out, out)
}

func changeKey(ctx context.Context, flags settingsFlags, s streams, method, path string, in any) error {
	var out control.DKIMKey
	if err := operate(ctx, flags, s, method, path, in, &out); err != nil {
		return err
	}
	return printJSON(s.out, out)
}
