// Package register reads the files in which employers hand over their HR register: tables of persons, as .xlsx or as CSV of any
// usual kind. It finds the header, guesses what each column holds, and turns rows into entries, or into problems that are named by
// line and column. It reads in a stream: a file of a million rows needs no more memory than one of a thousand.
//
// It knows no database and decides nothing about persons: what an entry changes is the import's business.
package register

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// The limits of a file. Beyond them it is no register, or somebody means harm.
const (
	MaxFile    = 64 << 20
	MaxRows    = 1_000_000
	MaxColumns = 200
	MaxCell    = 4096      // characters
	maxText    = 512 << 20 // bytes in all cells: many cells of a workbook may name one text
)

// Why a file is refused as a whole.
var (
	ErrTooLarge   = errors.New("the file is larger than 64 MB")
	ErrTooMany    = errors.New("the table has more than 1,000,000 rows or 200 columns")
	ErrEmpty      = errors.New("the file holds no rows")
	ErrOldExcel   = errors.New("this is an old or a locked Excel file; save it as .xlsx without a password, or as CSV")
	ErrNotATable  = errors.New("this is neither .xlsx nor CSV")
	ErrNoRegister = errors.New("no column of the table could be a person's key or name")
)

// Broken says that a file cannot be read further than to a line.
type Broken struct {
	Line int
	Err  error
}

// Error names the line.
func (b Broken) Error() string { return fmt.Sprintf("line %d: %v", b.Line, b.Err) }

// Unwrap returns the cause.
func (b Broken) Unwrap() error { return b.Err }

// Cell is one cell as text. Numbers stand as people write them, and dates as YYYY-MM-DD where the file itself says that they are
// dates.
type Cell struct {
	Text string
	// NoValue says that the file has a formula there without its result, or with an error in place of it.
	NoValue bool
}

// Line is a row of the table with the number under which a person finds it in the file.
type Line struct {
	Number int
	Cells  []Cell
}

// empty says that nothing stands in the row.
func (l Line) empty() bool {
	for _, c := range l.Cells {
		if c.Text != "" || c.NoValue {
			return false
		}
	}
	return true
}

// Table is an open table, past its header.
type Table struct {
	Sheet  string // of a workbook
	Header []string
	lines  lines
	rows   int
	text   int // bytes in the cells so far
}

// lines gives the rows in the order of the file, and io.EOF after the last. A line is the receiver's to keep.
type lines interface {
	next() (Line, error)
}

// Next returns the next row that is not empty, and io.EOF after the last one.
func (t *Table) Next() (Line, error) {
	for {
		l, err := t.lines.next()
		if err != nil {
			return Line{}, err
		}
		if l.empty() {
			continue
		}
		for _, c := range l.Cells {
			t.text += len(c.Text)
		}
		if t.rows++; t.rows > MaxRows || t.text > maxText {
			return Line{}, ErrTooMany
		}
		return l, nil
	}
}

// Open reads as far as the header. What kind of file it is, its content says.
func Open(file io.ReaderAt, size int64) (*Table, error) {
	if size > MaxFile {
		return nil, ErrTooLarge
	}
	start := make([]byte, min(size, 8))
	if _, err := io.ReadFull(io.NewSectionReader(file, 0, size), start); err != nil {
		return nil, fmt.Errorf("read the file: %w", err)
	}
	switch {
	case size == 0:
		return nil, ErrEmpty
	case bytes.HasPrefix(start, []byte("PK\x03\x04")):
		return openWorkbook(file, size)
	case bytes.HasPrefix(start, []byte("\xd0\xcf\x11\xe0")):
		return nil, ErrOldExcel
	}
	return openCSV(file, size)
}

// headerWithin is how many rows may stand above the header: the title of a report, its date, an empty line.
const headerWithin = 20

// header finds the header among the first rows: the one in which most columns are recognised, else the first with two columns. It
// returns the lines that follow it.
func header(l lines) (names []string, rest lines, recognised int, err error) {
	var first []Line
	var failed error // told when it is reached
	for len(first) < headerWithin && failed == nil {
		var line Line
		if line, failed = l.next(); failed == nil {
			first = append(first, line)
		}
	}
	at := -1
	for i, line := range first {
		n, filled := 0, 0
		for _, f := range Guess(texts(line)) {
			if f != Ignore {
				n++
			}
		}
		for _, c := range line.Cells {
			if c.Text != "" {
				filled++
			}
		}
		if n > recognised || at < 0 && filled > 1 {
			at, recognised = i, n
		}
	}
	switch {
	case at < 0 && failed != nil && !errors.Is(failed, io.EOF):
		return nil, nil, 0, failed
	case at < 0:
		return nil, nil, 0, ErrEmpty
	}
	names = texts(first[at])
	for len(names) > 0 && names[len(names)-1] == "" {
		names = names[:len(names)-1]
	}
	return names, &after{first[at+1:], failed, l}, recognised, nil
}

func texts(l Line) []string {
	all := make([]string, len(l.Cells))
	for i, c := range l.Cells {
		if all[i] = c.Text; utf8.RuneCountInString(c.Text) > maxName {
			all[i] = string([]rune(c.Text)[:maxName])
		}
	}
	return all
}

// maxName is the longest name of a column that is kept.
const maxName = 80

// after gives lines that were looked at already, and then the rest.
type after struct {
	seen   []Line
	failed error // then
	rest   lines
}

func (a *after) next() (Line, error) {
	if len(a.seen) == 0 {
		if a.failed != nil {
			return Line{}, a.failed
		}
		return a.rest.next()
	}
	l := a.seen[0]
	a.seen = a.seen[1:]
	return l, nil
}

// tidy is a cell's text as it is kept: on one line, without what nobody sees around it.
func tidy(text string) string {
	return strings.Join(strings.Fields(strings.ToValidUTF8(text, "\uFFFD")), " ")
}

// clipped is a text that is too long for a cell, as far as that can be seen: a workbook says a long one once and names it in
// millions of cells.
func clipped(text string) string {
	if len(text) <= MaxCell {
		return text
	}
	n := 0
	for at := range text {
		if n++; n > MaxCell+1 {
			return text[:at]
		}
	}
	return text
}
