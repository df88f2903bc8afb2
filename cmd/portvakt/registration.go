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

type registrationTokenCommand struct {
	Create registrationTokenCreate `cmd:"" help:"Make one; prints it as JSON, once. It counts where the setting client-registration is token or open."`
	List   registrationTokenList   `cmd:"" help:"List those that count."`
	Revoke registrationTokenRevoke `cmd:"" help:"End one. The apps that were registered by it stay."`
}

type registrationTokenCreate struct {
	settingsFlags `embed:""`
	Uses          int    `help:"How many apps can be registered by it." default:"1" placeholder:"N"`
	Expires       int    `help:"How many days it counts." default:"7" placeholder:"DAYS"`
	Org           string `help:"Organisation whose people the apps may know; without one they know nobody's." placeholder:"SHORT-NAME"`
	PKCE          bool   `name:"pkce" help:"Require PKCE of them (RFC 7636). Apps without a secret always have it." default:"true" negatable:""`
}

// Run makes a registration token.
func (c *registrationTokenCreate) Run(ctx context.Context, s streams) error {
	in := control.RegistrationToken{Organisation: c.Org, PKCE: c.PKCE, Uses: c.Uses, Days: c.Expires}
	var out control.RegistrationToken
	if err := operate(ctx, c.settingsFlags, s, http.MethodPost, "/registration-tokens", in, &out); err != nil {
		return err
	}
	return printJSON(s.out, out)
}

type registrationTokenList struct {
	settingsFlags `embed:""`
	JSON          bool `help:"Print JSON."`
}

// Run lists the registration tokens.
func (c *registrationTokenList) Run(ctx context.Context, s streams) error {
	var out []control.RegistrationToken
	if err := operate(ctx, c.settingsFlags, s, http.MethodGet, "/registration-tokens", nil, &out); err != nil {
		return err
	}
	if c.JSON {
		return printJSON(s.out, out)
	}
	t := tabwriter.NewWriter(s.out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(t, "ID\tORGANISATION\tUSES LEFT\tUNTIL")
	for _, one := range out {
		fmt.Fprintf(t, "%s\t%s\t%d\t%s\n", one.ID, one.Organisation, one.Uses, one.Expires.Format(time.DateOnly))
	}
	return t.Flush()
}

type registrationTokenRevoke struct {
	settingsFlags `embed:""`
	ID            string `arg:"" help:"Its id, as the list shows it."`
}

// Run ends a registration token.
func (c *registrationTokenRevoke) Run(ctx context.Context, s streams) error {
	var out map[string]string
	if err := operate(ctx, c.settingsFlags, s, http.MethodDelete, "/registration-tokens/"+url.PathEscape(c.ID), nil, &out); err != nil {
		return err
	}
	fmt.Fprintln(s.out, "Revoked", c.ID)
	return nil
}
