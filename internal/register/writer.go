package register

import (
	"encoding/csv"
	"io"
	"strings"
)

// Writer writes a CSV as Excel in Sweden opens it: with a BOM, and semicolons between the columns. What would be a formula there is
// made text.
type Writer struct {
	csv   *csv.Writer
	to    io.Writer
	begun bool
	err   error
}

// NewWriter begins a table.
func NewWriter(to io.Writer) *Writer {
	w := &Writer{csv: csv.NewWriter(to), to: to}
	w.csv.Comma, w.csv.UseCRLF = ';', true
	return w
}

// Write adds a row. An error is told by Flush.
func (w *Writer) Write(cells ...string) {
	if !w.begun {
		w.begun = true
		_, w.err = io.WriteString(w.to, "\ufeff")
	}
	row := make([]string, len(cells))
	for i, c := range cells {
		row[i] = harmless(c)
	}
	if w.err == nil {
		w.err = w.csv.Write(row)
	}
}

// Flush sends what was written, and says whether it went well.
func (w *Writer) Flush() error {
	w.csv.Flush()
	if w.err == nil {
		w.err = w.csv.Error()
	}
	return w.err
}

// harmless puts an apostrophe before what a spreadsheet would run.
func harmless(cell string) string {
	if begin := strings.TrimSpace(cell); begin != "" && strings.ContainsRune("=+-@", rune(begin[0])) {
		return "'" + cell
	}
	return cell
}
