package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/portvakt/portvakt/internal/app"
	"github.com/portvakt/portvakt/internal/demo"
)

type demoCommand struct {
	Port   int    `help:"First of the four ports." default:"8080"`
	Data   string `help:"Folder to keep; the default is a temporary one." placeholder:"DIR"`
	Lang   string `help:"sv or en, where the browser asks for neither." enum:"sv,en" default:"sv"`
	Phase  string `help:"preparation: nobody has moved yet, and Eva begins with the register; switched: everybody has." enum:"preparation,switched" default:"switched"`
	People int    `help:"Size of the register." default:"200"`
	Log    bool   `help:"Print the log."`
	Pages  string `help:"Folder internal/ui, whose templates and stylesheet are read anew for each page." type:"existingdir" placeholder:"DIR" hidden:""`
}

const lastPort = 65535

// Run shows everything until the context ends.
func (c *demoCommand) Run(ctx context.Context, s streams) error {
	if c.Port < 0 || c.Port > lastPort-3 {
		return fmt.Errorf("--port %d: the demo needs four ports in a row, the first of them at most %d", c.Port, lastPort-3)
	}
	logs := io.Discard
	if c.Log {
		logs = s.err
	}
	log := settingsFlags{}.logger(logs)
	w, err := demo.Start(ctx, demo.Options{Port: c.Port, Data: c.Data, Lang: c.Lang, People: c.People, Phase: c.Phase, PlainDelay: time.Minute,
		App: drawing("", app.Options{Log: log, Pages: c.Pages})})
	if err != nil {
		return err
	}
	announce(s.out, w)
	return w.Wait()
}

func announce(out io.Writer, w *demo.World) {
	fmt.Fprintf(out, "\n  HRM         %s   start here: Logga in\n  HRM Mobile  %s\n  Inbox       %s   every mail and SMS of the demo\n  Portvakt    %s   /account, /authenticator/ for the phone, /admin for administrators\n\n",
		w.HRM, w.HRMMobile, w.Inbox, w.Portvakt)
	if w.Register != "" {
		fmt.Fprintf(out, "  Nobody has moved yet. Eva (eva.admin@foretaget.example, password: %s) begins at %s/admin\n  with the register from the payroll system: %s\n  Bo's password in the old system: %s\n  Ctrl+C ends it.\n\n",
			demo.Password, w.Portvakt, w.Register, demo.OldPassword)
		return
	}
	for _, p := range demo.People() {
		fmt.Fprintf(out, "  %-32s %s\n", p.Address, p.Suggestion)
	}
	fmt.Fprintf(out, "\n  Password of Bo, Cilla and Eva: %s\n  Key of Cilla's authenticator app: %s, her recovery code: %s\n  Ctrl+C ends it.\n\n",
		demo.Password, demo.CillasKey, demo.CillasRecovery)
}
