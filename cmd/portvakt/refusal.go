package main

import (
	"context"
	"net/http"
	"net/url"

	"github.com/portvakt/portvakt/internal/control"
)

type rpRefusal struct {
	settingsFlags `embed:""`
	Number        string `arg:"" help:"The reference number, as 7K2M9QXT: beside \"error\" in the JSON, in the error_description, at the end of an instance of the API, or at the foot of a page."`
}

// Run prints it as JSON.
func (c *rpRefusal) Run(ctx context.Context, s streams) error {
	var out control.Refusal
	if err := operate(ctx, c.settingsFlags, s, http.MethodGet, "/refusals/"+url.PathEscape(c.Number), nil, &out); err != nil {
		return err
	}
	return printJSON(s.out, out)
}
