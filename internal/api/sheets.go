package api

import (
	"context"
	"time"

	"github.com/portvakt/portvakt/internal/administrator"
	"github.com/portvakt/portvakt/internal/preparation"
	"github.com/portvakt/portvakt/internal/relyingparty"
)

// Unaddressed is a person whom no mail reaches, and who can have a sheet. Her number is not told here.
type Unaddressed struct {
	Person  string     `json:"person"`
	Name    string     `json:"name"`
	Unit    string     `json:"unit,omitempty"`
	Printed *time.Time `json:"printed_at,omitempty" doc:"When her sheet that works was printed."`
}

// SheetChoice says for whom sheets are made: the people who are named, or those of a unit, or everybody whom no mail reaches.
type SheetChoice struct {
	People []string `json:"people,omitempty" nullable:"false" maxItems:"500" doc:"Ids."`
	Unit   string   `json:"unit,omitempty" maxLength:"200"`
	Again  bool     `json:"again,omitempty" doc:"Also those who have a sheet that works: it ends. Those who are named get one in any case."`
	Reason string   `json:"reason,omitempty" maxLength:"400" doc:"Why somebody who has an address gets a sheet; she is named alone."`
}

// Sheet is a sheet as it is to be printed. Its link and its code are the same key.
type Sheet struct {
	Person   string    `json:"person"`
	Name     string    `json:"name"`
	Unit     string    `json:"unit,omitempty"`
	Language string    `json:"language,omitempty"`
	Link     string    `json:"link" format:"uri" doc:"For a QR code."`
	Page     string    `json:"page" format:"uri" doc:"The short address of the page where the code is typed."`
	Code     string    `json:"code" doc:"In groups of four, as it is typed."`
	Expires  time.Time `json:"expires_at"`
}

// Sheets are the sheets that were made, by unit and name.
type Sheets struct {
	Items []Sheet `json:"items" nullable:"false"`
	Left  int     `json:"left" doc:"How many more there are to make; at most 500 are made at once."`
}

type inUnaddressed struct {
	About
	Paged
}

// sheets are the operations about people whom no mail reaches. A print is no operation with an idempotency key: its answer would have to be
// kept, and a sheet's secret is kept nowhere. Whoever has not heard the answer prints again.
func (d *Door) sheets(b *builder) {
	const path = "/organisations/{organisation}/sheets"
	add(b, operation{id: "list-unaddressed", method: "GET", path: path, summary: "List the people without an address who have no login yet, by unit and name",
		rule: rule{scope: relyingparty.TransitionRead, rights: rights(administrator.See)}}, d.listUnaddressed)
	add(b, operation{id: "print-sheets", method: "POST", path: path, summary: "Make sheets for people without an address; their secrets are in this answer alone",
		rule: rule{scope: relyingparty.SheetsWrite, rights: rights(administrator.Prepare)}, more: conflict}, d.printSheets)
}

func (d *Door) listUnaddressed(ctx context.Context, c call, in *inUnaddressed) (Page[Unaddressed], error) {
	at, err := in.place(1)
	if err != nil {
		return Page[Unaddressed]{}, err
	}
	all, err := d.Preparation.ListUnaddressed(ctx, c.org.ID)
	if at != nil {
		for i, u := range all {
			if u.Person.ID == at[0] {
				all = all[i+1:]
				break
			}
		}
	}
	now := d.Now()
	return page(in.Paged, all, func(u preparation.Unaddressed) Unaddressed {
		return Unaddressed{u.Person.ID, u.Person.Name(), u.Unit(now), when(u.Printed)}
	}, func(u preparation.Unaddressed) []string { return []string{u.Person.ID} }), err
}

func (d *Door) printSheets(ctx context.Context, c call, in *with[SheetChoice]) (Sheets, error) {
	made, left, err := d.Preparation.MakeSheets(ctx, c.by, c.org.ID, preparation.SheetChoice{Persons: in.Body.People, Unit: in.Body.Unit, Again: in.Body.Again, Reason: in.Body.Reason})
	out := Sheets{Items: []Sheet{}, Left: left}
	for _, p := range made {
		out.Items = append(out.Items, Sheet{Person: p.Person, Name: p.Name, Unit: p.Unit, Language: p.Language, Link: d.Issuer + "/preparation/" + p.Secret.Reveal(), Page: d.Issuer + "/sheet",
			Code: p.Code(), Expires: p.Expires.UTC()})
	}
	return out, err
}
