package api

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/portvakt/portvakt/internal/administrator"
	"github.com/portvakt/portvakt/internal/organisation"
	"github.com/portvakt/portvakt/internal/provisioning"
	"github.com/portvakt/portvakt/internal/register"
	"github.com/portvakt/portvakt/internal/relyingparty"
	"github.com/portvakt/portvakt/internal/web"
)

// Import is a register file on its way into the register.
type Import struct {
	ID         string    `json:"id"`
	Name       string    `json:"name" doc:"Of the file."`
	Sheet      string    `json:"sheet,omitempty" doc:"Of a workbook."`
	Header     []string  `json:"header,omitempty" nullable:"false"`
	Mapping    []string  `json:"mapping,omitempty" nullable:"false" doc:"What each column holds; empty: nothing that is read."`
	Remembered bool      `json:"remembered" doc:"The mapping is that of an earlier file with the same columns."`
	State      string    `json:"state" enum:"waiting,queued,running,paused,done,failed,cancelled"`
	Reason     string    `json:"reason,omitempty" doc:"Why it failed: import.unreadable, where the file is damaged."`
	Created    time.Time `json:"created_at"`
	Position   int64     `json:"position" doc:"How far it has come, of total."`
	Total      int64     `json:"total"`
	Rows       int64     `json:"rows" doc:"Each row ends as one of the next three."`
	Imported   int64     `json:"imported"`
	Held       int64     `json:"held"`
	Refused    int64     `json:"refused"`
	New        int64     `json:"new" doc:"Of the people behind the imported rows."`
	Changed    int64     `json:"changed"`
	Unchanged  int64     `json:"unchanged"`
	Problems   int64     `json:"problems"`
}

// Begin says how a file is to be read.
type Begin struct {
	Mapping []string `json:"mapping" nullable:"false" maxItems:"1000" doc:"For each column the field that it holds: person_key, given_name, family_name, full_name, address, phone, language, legacy_id, company, unit, from, to, source, password_hash, or nothing."`
}

// Problem is what was wrong with a row of a file.
type Problem struct {
	Line    int    `json:"line"`
	Column  string `json:"column,omitempty"`
	Reason  string `json:"reason" doc:"A word; docs/api.md says what each means."`
	Refused bool   `json:"refused" doc:"The whole row was."`
}

// Hold is a change of a connected person's name or address that waits for a decision.
type Hold struct {
	ID      string    `json:"id"`
	Person  string    `json:"person"`
	Created time.Time `json:"created_at"`
	Before  Identity  `json:"before"`
	After   Identity  `json:"after"`
}

// Identity is a name and an address.
type Identity struct {
	GivenName  string `json:"given_name"`
	FamilyName string `json:"family_name"`
	Address    string `json:"address"`
}

// Verdict is a decision.
type Verdict struct {
	Decision string `json:"decision" enum:"accept,refuse"`
	Reason   string `json:"reason,omitempty" maxLength:"400"`
}

type inUpload struct {
	About
	Name string `query:"name" maxLength:"200" doc:"The file's name."`
}

// OfImport is the import that an operation is about.
type OfImport struct {
	About
	Import string `path:"import"`
}

type inBegin struct {
	OfImport
	Body Begin
}

type inProblems struct {
	OfImport
	Paged
}

type inHolds struct {
	About
	Paged
}

type inHold struct {
	About
	Hold string `path:"hold"`
	Body Verdict
}

// imports are the operations about register files.
func (d *Door) imports(b *builder) {
	const path = "/organisations/{organisation}/imports"
	read := rule{scope: relyingparty.RegisterRead, rights: rights(administrator.See)}
	write := rule{scope: relyingparty.RegisterWrite, rights: rights(administrator.Prepare, administrator.See)} // see: what was moved is answered as it stands
	file := write
	file.once, file.large = true, register.MaxFile+1
	add(b, operation{id: "upload-import", method: "POST", path: path, summary: "Take a register file in; nothing changes before it is begun", rule: file, status: http.StatusCreated,
		accepts: []string{"application/octet-stream", "text/csv", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"}}, d.upload)
	add(b, operation{id: "list-imports", method: "GET", path: path, summary: "List the 50 newest imports", rule: read}, d.listImports)
	add(b, operation{id: "get-import", method: "GET", path: path + "/{import}", summary: "Read how far an import has come", rule: read}, d.getImport)
	add(b, operation{id: "begin-import", method: "POST", path: path + "/{import}/begin", summary: "Let an import begin", rule: write, more: conflict}, d.begin)
	for _, move := range []struct {
		id, summary string
		act         func(context.Context, administrator.Administrator, organisation.ID, string) error
	}{
		{"pause", "Let an import rest", d.Provisioning.PauseImport},
		{"resume", "Let an import go on", d.Provisioning.ResumeImport},
		{"cancel", "End an import; what it has taken over stays", d.Provisioning.Cancel},
	} {
		add(b, operation{id: move.id + "-import", method: "POST", path: path + "/{import}/" + move.id, summary: move.summary, rule: write, more: conflict},
			func(ctx context.Context, c call, in *OfImport) (Import, error) {
				if err := move.act(ctx, c.by, c.org.ID, in.Import); err != nil {
					return Import{}, err
				}
				return d.getImport(ctx, c, in)
			})
	}
	add(b, operation{id: "list-import-problems", method: "GET", path: path + "/{import}/problems", summary: "List what was wrong with the rows", rule: read}, d.listProblems)
	add(b, operation{id: "list-holds", method: "GET", path: "/organisations/{organisation}/holds", summary: "List what is held for a decision", rule: read}, d.listHolds)
	do(b, operation{id: "decide-hold", method: "POST", path: "/organisations/{organisation}/holds/{hold}", summary: "Decide on what is held", rule: write},
		func(ctx context.Context, c call, in *inHold) error {
			decision := provisioning.Refused
			if in.Body.Decision == "accept" {
				decision = provisioning.Accepted
			}
			return d.Provisioning.Decide(ctx, c.by, c.org.ID, in.Hold, decision, in.Body.Reason)
		})
}

func (d *Door) upload(ctx context.Context, c call, in *inUpload) (Import, error) {
	i, err := d.Provisioning.Upload(ctx, c.by, c.org.ID, provisioning.File{Name: in.Name, Body: c.r.Body})
	if err != nil {
		web.Drain(c.r)
		return Import{}, err
	}
	return shownImport(i), nil
}

func shownImport(i provisioning.Import) Import {
	out := Import{ID: i.ID, Name: i.Name, Sheet: i.Sheet, Header: i.Header, Remembered: i.Remembered, State: string(i.State), Reason: i.Reason, Created: instant(i.Created),
		Position: i.Position, Total: i.Total, Rows: i.Rows, Imported: i.Imported, Held: i.Held, Refused: i.Refused, New: i.New, Changed: i.Changed,
		Unchanged: i.Unchanged, Problems: i.Problems}
	for _, f := range i.Mapping {
		out.Mapping = append(out.Mapping, string(f))
	}
	return out
}

func (d *Door) listImports(ctx context.Context, c call, _ *About) (Page[Import], error) {
	out := Page[Import]{Items: []Import{}}
	all, err := d.Provisioning.ListImports(ctx, c.by, c.org.ID)
	for _, i := range all {
		out.Items = append(out.Items, shownImport(i))
	}
	return out, err
}

func (d *Door) getImport(ctx context.Context, c call, in *OfImport) (Import, error) {
	i, err := d.Provisioning.FindImport(ctx, c.by, c.org.ID, in.Import)
	return shownImport(i), err
}

func (d *Door) begin(ctx context.Context, c call, in *inBegin) (Import, error) {
	i, err := d.Provisioning.FindImport(ctx, c.by, c.org.ID, in.Import)
	if err != nil {
		return Import{}, err
	}
	if len(in.Body.Mapping) != len(i.Header) {
		return Import{}, errMapping
	}
	mapping := make(register.Mapping, len(i.Header))
	for n, field := range in.Body.Mapping {
		mapping[n] = register.Field(field)
	}
	if err := d.Provisioning.Begin(ctx, c.by, c.org.ID, in.Import, mapping); err != nil {
		return Import{}, err
	}
	return d.getImport(ctx, c, &in.OfImport)
}

func (d *Door) listProblems(ctx context.Context, c call, in *inProblems) (Page[Problem], error) {
	after := int64(0)
	at, err := in.place(1)
	if err == nil && at != nil {
		if after, err = strconv.ParseInt(at[0], 10, 64); err != nil {
			err = errCursor
		}
	}
	if err != nil {
		return Page[Problem]{}, err
	}
	all, err := d.Provisioning.ListProblems(ctx, c.by, c.org.ID, in.Import, after, in.Limit+1)
	return page(in.Paged, all, func(p provisioning.NumberedProblem) Problem {
		return Problem{Line: p.Line, Column: p.Column, Reason: p.Reason, Refused: p.Refused}
	}, func(p provisioning.NumberedProblem) []string { return []string{strconv.FormatInt(p.Number, 10)} }), err
}

func (d *Door) listHolds(ctx context.Context, c call, in *inHolds) (Page[Hold], error) {
	var after provisioning.Hold
	at, err := in.place(2)
	if err == nil && at != nil {
		ms, wrong := strconv.ParseInt(at[0], 10, 64)
		if wrong != nil {
			err = errCursor
		}
		after.Created, after.ID = time.UnixMilli(ms), at[1]
	}
	if err != nil {
		return Page[Hold]{}, err
	}
	all, err := d.Provisioning.ListHolds(ctx, c.by, c.org.ID, after, in.Limit+1)
	return page(in.Paged, all, func(h provisioning.Hold) Hold {
		return Hold{ID: h.ID, Person: h.Person, Created: instant(h.Created), Before: Identity(h.Before), After: Identity(h.After)}
	}, func(h provisioning.Hold) []string {
		return []string{strconv.FormatInt(h.Created.UnixMilli(), 10), h.ID}
	}), err
}
