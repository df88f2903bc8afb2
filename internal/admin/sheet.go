package admin

import (
	"bufio"
	"encoding/csv"
	"net/http"
	"strings"
	"time"

	"github.com/portvakt/portvakt/internal/organisation"
)

// sheet is a file for a spreadsheet program, written as it is read from the database: UTF-8 with a byte order mark, semicolons
// between the columns, so that a Swedish Excel opens it by a double click.
type sheet struct {
	buffer *bufio.Writer
	csv    *csv.Writer
	failed error
}

// sheetBite is how many rows are read at a time.
const sheetBite = 500

func newSheet(w http.ResponseWriter, o organisation.ID, name string) *sheet {
	h := w.Header()
	h.Set("Content-Type", "text/csv; charset=utf-8")
	h.Set("Content-Disposition", `attachment; filename="`+name+"-"+string(o)+`.csv"`)
	h.Set("Cache-Control", "no-store")
	s := &sheet{buffer: bufio.NewWriter(w)}
	s.buffer.WriteString("\ufeff") //nolint:errcheck // end tells
	s.csv = csv.NewWriter(s.buffer)
	s.csv.Comma, s.csv.UseCRLF = ';', true
	return s
}

func (s *sheet) row(cells ...string) {
	for i, c := range cells {
		cells[i] = Harmless(c)
	}
	if err := s.csv.Write(cells); err != nil && s.failed == nil {
		s.failed = err
	}
}

func (s *sheet) end() error {
	s.csv.Flush()
	s.buffer.Flush() //nolint:errcheck // the person has gone: nobody to tell
	return nil
}

// Harmless is a cell that no spreadsheet program takes for a formula: an apostrophe stands before what begins like one
// (OWASP, CSV injection).
func Harmless(cell string) string {
	if trimmed := strings.TrimLeft(cell, " \t\r\n"); trimmed != "" && strings.ContainsRune("=+-@|%", rune(trimmed[0])) || strings.HasPrefix(cell, "\t") || strings.HasPrefix(cell, "\r") {
		return "'" + cell
	}
	return cell
}

// sheetTime is a time as spreadsheets read it, in UTC.
func sheetTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02 15:04")
}
