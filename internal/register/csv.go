package register

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
)

// maxRecord bounds one row in bytes, and maxHeight in lines of the file. What is longer is a quotation mark that nobody closed.
const (
	maxRecord = 1 << 20
	maxHeight = 40
)

var errQuote = errors.New("a quotation mark is opened there and not closed")

// openCSV opens a text file in which a row is a line.
func openCSV(file io.ReaderAt, size int64) (*Table, error) {
	enc, err := encodingOf(io.NewSectionReader(file, 0, size))
	if err != nil {
		return nil, err
	}
	text := func() *bufio.Reader {
		return bufio.NewReader(enc.NewDecoder().Reader(io.NewSectionReader(file, 0, size)))
	}
	comma, skip, err := delimiter(text())
	if err != nil {
		return nil, err
	}
	r := text()
	if skip {
		if _, err := r.ReadString('\n'); err != nil {
			return nil, ErrEmpty
		}
	}
	l := newRecords(r, comma)
	if skip {
		l.above = 1
	}
	t := &Table{}
	t.Header, t.lines, _, err = header(l)
	return t, err
}

// encodingOf looks through the whole file: a Windows-1252 file may have its first å on its last line.
func encodingOf(file io.Reader) (encoding.Encoding, error) {
	r := bufio.NewReaderSize(file, 1<<16)
	start, err := r.Peek(4)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	switch {
	case bytes.HasPrefix(start, []byte("\xff\xfe")), bytes.HasPrefix(start, []byte("\xfe\xff")):
		return unicode.UTF16(unicode.LittleEndian, unicode.UseBOM), nil
	case bytes.HasPrefix(start, []byte("\xef\xbb\xbf")):
		return unicode.UTF8BOM, nil
	case bytes.HasPrefix(start, []byte("%PDF")):
		return nil, ErrNotATable
	}
	utf8Text := true
	for {
		c, size, err := r.ReadRune()
		switch {
		case errors.Is(err, io.EOF) && utf8Text:
			return unicode.UTF8, nil
		case errors.Is(err, io.EOF):
			return charmap.Windows1252, nil
		case err != nil:
			return nil, err
		case c == utf8.RuneError && size == 1:
			utf8Text = false
		case c < ' ' && !strings.ContainsRune("\t\n\r\f\v\x1a", c):
			return nil, ErrNotATable // a picture, a program
		}
	}
}

// delimiters are those in use. Where two do equally well the first wins.
const delimiters = ";,\t|"

// delimiter finds what parts the columns: with it most of the first rows have equally many. skip says that the first line is
// Excel's own word about it.
func delimiter(text *bufio.Reader) (comma rune, skip bool, err error) {
	start := make([]byte, 1<<16)
	n, err := io.ReadFull(text, start)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return 0, false, err
	}
	start = start[:n]
	if line, _, _ := bytes.Cut(start, []byte("\n")); len(line) < 8 && bytes.HasPrefix(line, []byte("sep=")) {
		if c := bytes.TrimRight(line[4:], "\r"); len(c) == 1 && strings.ContainsRune(delimiters, rune(c[0])) {
			return rune(c[0]), true, nil
		}
	}
	best := 0
	comma = ','
	for _, c := range delimiters {
		if score := score(start, c); score > best {
			best, comma = score, c
		}
	}
	return comma, false, nil
}

// score is how many cells the first rows have, as long as there are equally many in each: those that differ from the usual count
// against it.
func score(start []byte, comma rune) int {
	l := newRecords(bufio.NewReader(bytes.NewReader(start)), comma)
	count := map[int]int{}
	for range headerWithin + 10 {
		line, err := l.next()
		if errors.Is(err, ErrTooMany) {
			count[MaxColumns+1]++
			continue
		}
		if err != nil {
			break
		}
		if !line.empty() {
			count[len(line.Cells)]++
		}
	}
	best := 0
	for cells, rows := range count {
		if cells > 1 {
			best = max(best, (cells-1)*rows*rows)
		}
	}
	return best
}

// records are the rows of a CSV.
type records struct {
	csv    *csv.Reader
	from   *measured
	comma  string
	above  int // lines that were skipped
	line   int // of the last row
	widest int // row so far
}

func newRecords(r io.Reader, comma rune) *records {
	from := &measured{r: r}
	c := csv.NewReader(from)
	c.Comma, c.LazyQuotes, c.FieldsPerRecord, c.ReuseRecord = comma, true, -1, true
	return &records{csv: c, from: from, comma: string(comma)}
}

func (r *records) next() (Line, error) {
	r.from.left = maxRecord
	fields, err := r.csv.Read()
	if errors.Is(err, io.EOF) {
		return Line{}, io.EOF
	}
	if err != nil {
		return Line{}, Broken{r.line + 1, err}
	}
	if len(fields) > MaxColumns {
		return Line{}, ErrTooMany
	}
	at, _ := r.csv.FieldPos(0)
	r.line = at + r.above
	l := Line{Number: r.line, Cells: make([]Cell, len(fields))}
	for i, f := range fields {
		// Other rows inside of a cell: its quotation mark was meant as one of text.
		if height := strings.Count(f, "\n"); height > maxHeight || height > 0 && r.widest > 1 && strings.Count(f, r.comma) >= r.widest-1 {
			return Line{}, Broken{r.line, errQuote}
		}
		l.Cells[i].Text = tidy(unwrapped(f))
	}
	r.widest = max(r.widest, len(fields))
	return l, nil
}

// unwrapped takes off what some programs write around digits so that Excel leaves their zeros alone: ="0701".
func unwrapped(field string) string {
	if inner, ok := strings.CutPrefix(field, `="`); ok {
		if inner, ok := strings.CutSuffix(inner, `"`); ok && !strings.Contains(inner, `"`) {
			return inner
		}
	}
	return field
}

// measured reads at most so many bytes for one row.
type measured struct {
	r    io.Reader
	left int
}

// Read implements io.Reader.
func (m *measured) Read(b []byte) (int, error) {
	if m.left <= 0 {
		return 0, errQuote
	}
	n, err := m.r.Read(b)
	m.left -= n
	return n, err
}
