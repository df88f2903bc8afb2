package control

import (
	"context"
	"net/http"
	"strconv"

	"github.com/portvakt/portvakt/internal/administrator"
	"github.com/portvakt/portvakt/internal/organisation"
	"github.com/portvakt/portvakt/internal/provisioning"
	"github.com/portvakt/portvakt/internal/register"
)

// MaxRegister is the largest register file in bytes.
const MaxRegister = register.MaxFile

// Import is the import of a register file as the command line follows it.
type Import struct {
	ID           string   `json:"id"`
	Organisation string   `json:"organisation"`
	Sheet        string   `json:"sheet,omitempty"`
	Header       []string `json:"header,omitempty"`
	// Mapping is what each column holds; empty: nothing that is read.
	Mapping    []string `json:"mapping,omitempty"`
	Remembered bool     `json:"remembered,omitempty"`
	State      string   `json:"state"`
	Ended      bool     `json:"ended"`
	Reason     string   `json:"reason,omitempty"`
	Position   int64    `json:"position"`
	Total      int64    `json:"total"`
	Rows       int64    `json:"rows"`
	Imported   int64    `json:"imported"`
	Held       int64    `json:"held"`
	Refused    int64    `json:"refused"`
	New        int64    `json:"new"`
	Changed    int64    `json:"changed"`
	Unchanged  int64    `json:"unchanged"`
	Problems   int64    `json:"problems"`
}

// Problem is what was wrong with a row.
type Problem struct {
	Number int64  `json:"number"`
	Line   int    `json:"line"`
	Column string `json:"column,omitempty"`
	Reason string `json:"reason"` // in words
}

// ImportFields are the names of what a column can hold.
func ImportFields() []string {
	var all []string
	for _, f := range register.Fields() {
		all = append(all, string(f))
	}
	return all
}

func (d *Door) importRoutes(mux *http.ServeMux) {
	mux.Handle("POST /organisations/{org}/imports", http.HandlerFunc(d.upload))
	mux.Handle("POST /organisations/{org}/imports/{id}/begin", answer(d, d.beginImport))
	mux.Handle("POST /organisations/{org}/imports/{id}/cancel", answer(d, func(ctx context.Context, r *http.Request, _ struct{}) (Import, error) {
		if err := d.Provisioning.Cancel(ctx, operator, org(r), r.PathValue("id")); err != nil {
			return Import{}, err
		}
		return d.findImport(ctx, r)
	}))
	mux.Handle("GET /organisations/{org}/imports/{id}", answer(d, func(ctx context.Context, r *http.Request, _ struct{}) (Import, error) {
		return d.findImport(ctx, r)
	}))
	mux.Handle("GET /organisations/{org}/imports/{id}/problems", answer(d, func(ctx context.Context, r *http.Request, _ struct{}) ([]Problem, error) {
		return d.listProblems(ctx, r)
	}))
}

// operator is whoever reaches this door.
var operator = administrator.CommandLine

func org(r *http.Request) organisation.ID { return organisation.ID(r.PathValue("org")) }

// upload takes a file as it is, in the body. What its columns hold may stand in the address, as field=column. What is wrong with the file
// may be in its own words, and goes to the operator and into no log.
func (d *Door) upload(w http.ResponseWriter, r *http.Request) {
	if r.ContentLength > MaxRegister {
		write(w, http.StatusUnprocessableEntity, failure{register.ErrTooLarge.Error()})
		return
	}
	f := provisioning.File{Name: r.URL.Query().Get("name"), Body: r.Body, Columns: map[register.Field]string{}}
	for _, field := range register.Fields() {
		if column := r.URL.Query().Get(string(field)); column != "" {
			f.Columns[field] = column
		}
	}
	i, err := d.Provisioning.Upload(r.Context(), operator, org(r), f)
	if err != nil {
		d.Log.Warn("control: refused", "operation", r.Pattern)
		write(w, http.StatusUnprocessableEntity, failure{err.Error()})
		return
	}
	write(w, http.StatusOK, shownImport(i))
}

func (d *Door) beginImport(ctx context.Context, r *http.Request, in Import) (Import, error) {
	m := make(register.Mapping, len(in.Mapping))
	for n, field := range in.Mapping {
		m[n] = register.Field(field)
	}
	if err := d.Provisioning.Begin(ctx, operator, org(r), r.PathValue("id"), m); err != nil {
		return in, err
	}
	return d.findImport(ctx, r)
}

func (d *Door) findImport(ctx context.Context, r *http.Request) (Import, error) {
	i, err := d.Provisioning.FindImport(ctx, operator, org(r), r.PathValue("id"))
	return shownImport(i), err
}

// problemPage is how many problems one answer has.
const problemPage = 500

func (d *Door) listProblems(ctx context.Context, r *http.Request) ([]Problem, error) {
	after, _ := strconv.ParseInt(r.URL.Query().Get("after"), 10, 64) // nothing: from the first one
	page, err := d.Provisioning.ListProblems(ctx, operator, org(r), r.PathValue("id"), after, problemPage)
	all := make([]Problem, 0, len(page))
	for _, p := range page {
		all = append(all, Problem{Number: p.Number, Line: p.Line, Column: p.Column, Reason: d.Words(p.Reason)})
	}
	return all, err
}

func shownImport(i provisioning.Import) Import {
	out := Import{ID: i.ID, Organisation: string(i.Organisation), Sheet: i.Sheet, Header: i.Header, Remembered: i.Remembered, State: string(i.State),
		Ended: i.State.Ended(), Reason: i.Reason, Position: i.Position, Total: i.Total, Rows: i.Rows, Imported: i.Imported, Held: i.Held, Refused: i.Refused,
		New: i.New, Changed: i.Changed, Unchanged: i.Unchanged, Problems: i.Problems}
	for _, f := range i.Mapping {
		out.Mapping = append(out.Mapping, string(f))
	}
	return out
}
