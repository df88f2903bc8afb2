package admin

import (
	"net/http"
	"time"

	"github.com/portvakt/portvakt/internal/organisation"
	"github.com/portvakt/portvakt/internal/register"
)

// sheetBite is how many rows of a file are read at a time.
const sheetBite = 500

// newSheet begins a file for a spreadsheet program, written as it is read from the database.
func newSheet(w http.ResponseWriter, o organisation.ID, name string) *register.Writer {
	h := w.Header()
	h.Set("Content-Type", "text/csv; charset=utf-8")
	h.Set("Content-Disposition", `attachment; filename="`+name+"-"+string(o)+`.csv"`)
	h.Set("Cache-Control", "no-store")
	return register.NewWriter(w)
}

// ended ends a file. That the person has gone is nobody's fault, and there is nobody to tell.
func ended(s *register.Writer) error {
	_ = s.Flush()
	return nil
}

// sheetTime is a time as spreadsheets read it, in UTC.
func sheetTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02 15:04")
}
