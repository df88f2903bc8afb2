package admin

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"github.com/portvakt/portvakt/internal/job"
	"github.com/portvakt/portvakt/internal/provisioning"
	"github.com/portvakt/portvakt/internal/register"
	"github.com/portvakt/portvakt/internal/web"
)

// getImports handles GET /import: where a register's file is taken in, and what became of the last ones.
func (d *Door) getImports(v visit) error { return d.importsPage(v, http.StatusOK, "", nil) }

func (d *Door) importsPage(v visit, status int, problem string, columns []string) error {
	all, err := d.Provisioning.ListImports(v.r.Context(), v.by, v.org.ID)
	if err != nil {
		return err
	}
	holds, err := d.Provisioning.CountHolds(v.r.Context(), v.by, v.org.ID)
	if err != nil {
		return err
	}
	view := Imports{Frame: d.frame(v, "/import"), Action: v.url("/import"), MaxBytes: register.MaxFile, Problem: problem, Columns: columns, Holds: int(holds), HoldsURL: v.url("/holds")}
	for _, i := range all {
		view.Rows = append(view.Rows, importRow(v, i))
	}
	return d.page(v, status, "import", view)
}

func importRow(v visit, i provisioning.Import) ImportRow {
	return ImportRow{URL: v.url("/import/" + i.ID), Name: i.Name, At: i.Created, State: jobKeys[i.State], Percent: int(i.Progress() * 100), Rows: int(i.Rows), Imported: int(i.Imported),
		Held: int(i.Held), Refused: int(i.Refused)}
}

// fileProblems are the texts for why a file is refused.
var fileProblems = []struct {
	err error
	key string
}{
	{register.ErrTooLarge, "admin.import.problem_large"},
	{register.ErrTooMany, "admin.import.problem_many"},
	{register.ErrEmpty, "admin.import.problem_empty"},
	{register.ErrOldExcel, "admin.import.problem_old"},
	{register.ErrNotATable, "admin.import.problem_table"},
	{register.ErrNoRegister, "admin.import.problem_register"},
}

// postImport handles POST /import: a file comes in, as it is sent. Nothing of the register changes yet.
func (d *Door) postImport(v visit) error {
	if !d.uploading.TryAcquire() {
		return &web.Fault{Status: http.StatusServiceUnavailable, Key: "error.busy", On: &web.Link{URL: v.url("/import"), Key: "admin.section.import"}}
	}
	defer d.uploading.Release()
	web.Roomy(v.w, v.r, register.MaxFile+formOverhead)
	parts, err := v.r.MultipartReader()
	if err != nil {
		return d.importsPage(v, http.StatusBadRequest, "admin.import.problem_none", nil)
	}
	for {
		part, err := parts.NextPart()
		if err != nil {
			return d.refusedFile(v, err, "admin.import.problem_none")
		}
		if part.FormName() != "file" || part.FileName() == "" {
			continue
		}
		i, err := d.Provisioning.Upload(v.r.Context(), v.by, v.org.ID, provisioning.File{Name: part.FileName(), Body: part})
		if err != nil {
			return d.refusedFile(v, err, "")
		}
		return v.back("/import/"+i.ID, "")
	}
}

// refusedFile says what is wrong with a file. What is left of it is read away, so that the browser comes to read the answer.
func (d *Door) refusedFile(v visit, err error, otherwise string) error {
	web.Drain(v.r)
	if errors.As(err, new(*http.MaxBytesError)) {
		err = register.ErrTooLarge
	}
	for _, p := range fileProblems {
		if errors.Is(err, p.err) {
			var columns []string
			if none, ok := errors.AsType[provisioning.NoRegister](err); ok {
				columns = none.Columns
			}
			return d.importsPage(v, http.StatusUnprocessableEntity, p.key, columns)
		}
	}
	if otherwise != "" {
		return d.importsPage(v, http.StatusUnprocessableEntity, otherwise, nil)
	}
	return err
}

// getImport handles GET /import/{import}: which column is what, then how far it has come, then what was wrong.
func (d *Door) getImport(v visit) error { return d.importPage(v, http.StatusOK, "", nil) }

// shownProblems is how many problems the page names; the file names them all.
const shownProblems = 100

func (d *Door) importPage(v visit, status int, problem string, mapping register.Mapping) error {
	id := v.r.PathValue("import")
	i, err := d.Provisioning.FindImport(v.r.Context(), v.by, v.org.ID, id)
	if errors.Is(err, provisioning.ErrNoImport) {
		return errNotFound
	}
	if err != nil {
		return err
	}
	if mapping == nil {
		mapping = i.Mapping
	}
	view := Import{Frame: d.frame(v, "/import"), ImportRow: importRow(v, i), Sheet: i.Sheet, Remembered: i.Remembered, Problem: problem, BackURL: v.url("/import"),
		BeginAction: v.url("/import/" + id + "/begin"), MoveAction: v.url("/import/" + id + "/move"), ProblemsURL: v.url("/import/" + id + "/problems.csv"),
		HoldsURL: v.url("/holds"), PreflightURL: v.url("/preflight"), New: int(i.New), Changed: int(i.Changed), Unchanged: int(i.Unchanged), Problems: int(i.Problems),
		Waits: i.State == job.Waiting, Running: i.State == job.Queued || i.State == job.Running, Paused: i.State == job.Paused, Done: i.State == job.Done}
	if i.State == job.Failed {
		view.Failed = i.Reason
	}
	if view.Waits {
		for _, f := range register.Fields() {
			view.Fields = append(view.Fields, FieldChoice{Field: string(f), Key: fieldKeys[f]})
		}
		for n, name := range i.Header {
			column := ImportColumn{Name: name, Input: fmt.Sprint("column-", n)}
			if n < len(mapping) {
				column.Field = string(mapping[n])
			}
			for _, row := range i.Sample {
				if n < len(row) && row[n] != "" {
					column.Sample = append(column.Sample, row[n])
				}
			}
			view.Columns = append(view.Columns, column)
		}
	}
	if view.Problems > 0 {
		list, err := d.Provisioning.ListProblems(v.r.Context(), v.by, v.org.ID, id, 0, shownProblems)
		if err != nil {
			return err
		}
		for _, p := range list {
			view.List = append(view.List, ProblemRow{Line: p.Line, Column: p.Column, Key: p.Reason, Refused: p.Refused})
		}
	}
	if view.Running {
		v.w.Header().Set("Refresh", "3")
	}
	return d.page(v, status, "import_file", view)
}

// fieldKeys are the names of the fields.
var fieldKeys = map[register.Field]string{
	register.PersonKey: "admin.field.person_key", register.Source: "admin.field.source", register.LegacyID: "admin.field.legacy_id", register.GivenName: "admin.field.given_name",
	register.FamilyName: "admin.field.family_name", register.FullName: "admin.field.full_name", register.Address: "admin.field.address", register.Phone: "admin.field.phone",
	register.Language: "admin.field.language", register.Company: "admin.field.company", register.Unit: "admin.field.unit", register.From: "admin.field.from",
	register.To: "admin.field.to", register.PasswordHash: "admin.field.password_hash",
}

// mappingProblems are the texts for why columns cannot be read so.
var mappingProblems = []struct {
	err error
	key string
}{
	{register.ErrNoKey, "admin.import.problem_key"},
	{register.ErrNoName, "admin.import.problem_name"},
	{register.ErrTwice, "admin.import.problem_twice"},
	{register.ErrUnknownField, "admin.import.problem_twice"},
	{register.ErrNoColumn, "admin.import.problem_twice"},
}

// postBeginImport handles POST /import/{import}/begin.
func (d *Door) postBeginImport(v visit) error {
	id := v.r.PathValue("import")
	i, err := d.Provisioning.FindImport(v.r.Context(), v.by, v.org.ID, id)
	if err != nil {
		return d.importMoved(v, err)
	}
	mapping := make(register.Mapping, len(i.Header))
	for n := range i.Header {
		mapping[n] = register.Field(v.r.PostFormValue("column-" + strconv.Itoa(n)))
	}
	err = d.Provisioning.Begin(v.r.Context(), v.by, v.org.ID, id, mapping)
	for _, p := range mappingProblems {
		if errors.Is(err, p.err) {
			return d.importPage(v, http.StatusUnprocessableEntity, p.key, mapping)
		}
	}
	return d.importMoved(v, err)
}

// importMoved leads back to the import, which says how it stands: also after a second press.
func (d *Door) importMoved(v visit, err error) error {
	switch {
	case errors.Is(err, provisioning.ErrNoImport):
		return errNotFound
	case err != nil && !errors.Is(err, provisioning.ErrNotWaiting):
		return err
	}
	return v.back("/import/"+v.r.PathValue("import"), "")
}

// postMoveImport handles POST /import/{import}/move: pause, go on, cancel.
func (d *Door) postMoveImport(v visit) error {
	ctx, id := v.r.Context(), v.r.PathValue("import")
	switch v.r.PostFormValue("to") {
	case "pause":
		return d.importMoved(v, d.Provisioning.PauseImport(ctx, v.by, v.org.ID, id))
	case "resume":
		return d.importMoved(v, d.Provisioning.ResumeImport(ctx, v.by, v.org.ID, id))
	case "cancel":
		return d.importMoved(v, d.Provisioning.Cancel(ctx, v.by, v.org.ID, id))
	}
	return errNotFound
}

// getProblemsCSV handles GET /import/{import}/problems.csv.
func (d *Door) getProblemsCSV(v visit) error {
	p, id := d.printer(v), v.r.PathValue("import")
	if _, err := d.Provisioning.FindImport(v.r.Context(), v.by, v.org.ID, id); err != nil {
		return d.importMoved(v, err)
	}
	newSheet(v.w, v.org.ID, "fel")
	return d.Provisioning.WriteProblems(v.r.Context(), v.by, v.org.ID, id, v.w, []string{p("admin.import.line"), p("admin.import.column"), p("admin.import.what")},
		func(reason string) string { return p(reason) })
}

// getHolds handles GET /holds: what a file wants to change of people who log in already.
func (d *Door) getHolds(v visit) error {
	holds, err := d.Provisioning.ListHolds(v.r.Context(), v.by, v.org.ID, provisioning.Hold{}, pageOfPersons)
	if err != nil {
		return err
	}
	view := Holds{Frame: d.frame(v, "/import"), Action: v.url("/holds"), BackURL: v.url("/import")}
	for _, h := range holds {
		view.Rows = append(view.Rows, HoldRow{ID: h.ID, PersonURL: v.url("/people/" + h.Person), At: h.Created, NameBefore: name(h.Before), NameAfter: name(h.After),
			AddressBefore: h.Before.Address, AddressAfter: h.After.Address})
	}
	return d.page(v, http.StatusOK, "holds", view)
}

func name(i provisioning.Identity) string {
	if i.GivenName == "" || i.FamilyName == "" {
		return i.GivenName + i.FamilyName
	}
	return i.GivenName + " " + i.FamilyName
}

// postHold handles POST /holds.
func (d *Door) postHold(v visit) error {
	if done, err := d.fresh(v); done {
		return err
	}
	decision := provisioning.Refused
	if v.r.PostFormValue("want") == "accept" {
		decision = provisioning.Accepted
	}
	err := d.Provisioning.Decide(v.r.Context(), v.by, v.org.ID, v.r.PostFormValue("hold"), decision, v.r.PostFormValue("reason"))
	if err != nil && !errors.Is(err, provisioning.ErrNoHold) {
		return err
	}
	return v.back("/holds", "saved")
}
