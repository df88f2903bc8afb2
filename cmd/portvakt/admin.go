package main

import (
	"context"
	"fmt"
	"net/http"

	"github.com/portvakt/portvakt/internal/control"
)

type adminCommand struct {
	Add    adminAdd    `cmd:"" help:"Make an account an administrator, or change its role. Its owner needs two-factor authentication to come in."`
	Remove adminRemove `cmd:"" help:"Take the role away."`
	List   adminList   `cmd:"" help:"List the administrators."`
}

// whose says which administrators a command is about.
type whose struct {
	Org      string `help:"Organisation." placeholder:"SHORT-NAME" xor:"whose" required:""`
	Operator bool   `help:"Operators, who may do everything in every organisation." xor:"whose" required:""`
}

type adminAdd struct {
	settingsFlags `embed:""`
	whose         `embed:""`
	Role          string `help:"owner, administrator, helpdesk or auditor." enum:"owner,administrator,helpdesk,auditor" default:"owner"`
	Address       string `arg:"" help:"E-mail address of the account."`
}

// Run appoints.
func (c *adminAdd) Run(ctx context.Context, s streams) error {
	in := control.Administrator{Organisation: c.Org, Address: c.Address, Role: c.Role}
	if c.Operator {
		in.Role = "operator"
	}
	var out control.Administrator
	if err := operate(ctx, c.settingsFlags, s, http.MethodPost, "/administrators", in, &out); err != nil {
		return err
	}
	fmt.Fprintf(s.out, "%s is %s. The console is at /admin.\n", c.Address, in.Role)
	return nil
}

type adminRemove struct {
	settingsFlags `embed:""`
	whose         `embed:""`
	Address       string `arg:"" help:"E-mail address of the account."`
}

// Run dismisses.
func (c *adminRemove) Run(ctx context.Context, s streams) error {
	var out control.Administrator
	in := control.Administrator{Organisation: c.Org, Address: c.Address}
	if err := operate(ctx, c.settingsFlags, s, http.MethodPost, "/administrators/dismiss", in, &out); err != nil {
		return err
	}
	fmt.Fprintln(s.out, c.Address, "is no administrator there any more.")
	return nil
}

type adminList struct {
	settingsFlags `embed:""`
	whose         `embed:""`
}

// Run lists administrators.
func (c *adminList) Run(ctx context.Context, s streams) error {
	var out []control.Administrator
	if err := operate(ctx, c.settingsFlags, s, http.MethodPost, "/administrators/list", control.Administrator{Organisation: c.Org}, &out); err != nil {
		return err
	}
	return printJSON(s.out, out)
}
