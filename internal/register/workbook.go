package register

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math"
	"path"
	"regexp"
	"strings"
	"time"
)

// A workbook is a zip of XML parts (ECMA-376). We read the four that a table needs ourselves, and keep nothing of them in memory
// but the texts that cells share: ADR 22 says why not by a library.

// The limits of a workbook. A part of a hundred megabytes fits into a zip of hundred kilobytes.
const (
	maxPart    = 1 << 30  // bytes of a sheet, unpacked
	maxSmall   = 16 << 20 // bytes of the other parts, but for the shared texts
	maxShared  = 96 << 20 // bytes of the shared texts' part
	maxToken   = 1 << 20  // bytes between two tags
	maxParts   = 10_000
	maxSheets  = 50
	maxStrings = 4_000_000
)

var errBomb = fmt.Errorf("%w: the workbook unpacks to more than a register can be", ErrTooMany)

// workbook is what the sheets of a file share.
type workbook struct {
	parts   map[string]*zip.File
	strings sharedStrings
	dates   []bool // by style: the number is a date
	base    time.Time
}

// maxDirectory is how many bytes the directory of a zip may have: the library reads it whole, some hundred bytes in memory for each
// forty of it, before it can be asked how much there is.
const maxDirectory = 2 << 20

// hasSmallDirectory looks where the directory begins and ends, as the library will: the record at the end says it twice.
func hasSmallDirectory(file io.ReaderAt, size int64) bool {
	const record = 22
	end := make([]byte, min(size, record+math.MaxUint16))
	if _, err := file.ReadAt(end, size-int64(len(end))); err != nil && !errors.Is(err, io.EOF) {
		return false
	}
	at := bytes.LastIndex(end, []byte("PK\x05\x06"))
	if at < 0 || at+record > len(end) {
		return true // no zip at all, which the library says
	}
	length, begin := int64(binary.LittleEndian.Uint32(end[at+12:])), int64(binary.LittleEndian.Uint32(end[at+16:]))
	ends := size - int64(len(end)-at)
	return length <= maxDirectory && ends-begin <= maxDirectory // also what asks for the larger form of a zip: no register needs it
}

func openWorkbook(file io.ReaderAt, size int64) (*Table, error) {
	if !hasSmallDirectory(file, size) {
		return nil, errBomb
	}
	z, err := zip.NewReader(file, size)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotATable, err)
	}
	if len(z.File) > maxParts {
		return nil, errBomb
	}
	w := &workbook{parts: map[string]*zip.File{}}
	for _, f := range z.File {
		w.parts[strings.ToLower(path.Clean("/"+f.Name))] = f
	}
	sheets, err := w.sheets()
	if err != nil {
		return nil, err
	}
	if err := w.readStyles(); err != nil {
		return nil, err
	}
	if err := w.readStrings(); err != nil {
		return nil, err
	}
	// The first sheet whose header says most: beside a register there often is a sheet of notes.
	var best *Table
	var failed error
	score := -1
	for _, s := range sheets {
		t, recognised, err := w.open(s)
		if err != nil {
			failed = err
			continue
		}
		if recognised > score {
			if best != nil {
				best.lines.(*after).rest.(*sheet).close()
			}
			best, score = t, recognised
		} else {
			t.lines.(*after).rest.(*sheet).close()
		}
	}
	if best == nil {
		return nil, orEmpty(failed)
	}
	return best, nil
}

func orEmpty(err error) error {
	if err == nil {
		return ErrEmpty
	}
	return err
}

func (w *workbook) open(s sheetName) (*Table, int, error) {
	lines, err := w.openSheet(s.part)
	if err != nil {
		return nil, 0, err
	}
	t := &Table{Sheet: s.name}
	var recognised int
	t.Header, t.lines, recognised, err = header(lines)
	if err != nil {
		lines.close()
		return nil, 0, err
	}
	return t, recognised, nil
}

// sheetName is a sheet with the part that holds it.
type sheetName struct{ name, part string }

// sheets lists the visible sheets in their order.
func (w *workbook) sheets() ([]sheetName, error) {
	// Where the workbook's own part is, the package's relationships say; all programs write it here.
	const book = "/xl/workbook.xml"
	if w.parts[book] == nil {
		return nil, ErrNotATable
	}
	var content struct {
		Properties struct {
			Date1904 string `xml:"date1904,attr"`
		} `xml:"workbookPr"`
		Sheets []struct {
			Name  string `xml:"name,attr"`
			State string `xml:"state,attr"`
			ID    string `xml:"http://schemas.openxmlformats.org/officeDocument/2006/relationships id,attr"`
			Also  string `xml:"http://purl.oclc.org/ooxml/officeDocument/relationships id,attr"`
		} `xml:"sheets>sheet"`
	}
	var links struct {
		Links []struct {
			ID     string `xml:"Id,attr"`
			Target string `xml:"Target,attr"`
		} `xml:"Relationship"`
	}
	if err := errors.Join(w.decode(book, &content), w.decode("/xl/_rels/workbook.xml.rels", &links)); err != nil {
		return nil, err
	}
	w.base = time.Date(1899, 12, 30, 0, 0, 0, 0, time.UTC)
	if p := content.Properties.Date1904; p == "1" || p == "true" {
		w.base = time.Date(1904, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	target := map[string]string{}
	for _, l := range links.Links {
		if !strings.HasPrefix(l.Target, "/") {
			l.Target = "/xl/" + l.Target
		}
		target[l.ID] = strings.ToLower(path.Clean(l.Target))
	}
	var all []sheetName
	for _, s := range content.Sheets {
		part := target[s.ID+s.Also]
		if (s.State == "" || s.State == "visible") && w.parts[part] != nil && len(all) < maxSheets {
			all = append(all, sheetName{s.Name, part})
		}
	}
	return all, nil
}

// decode reads a small part as a whole.
func (w *workbook) decode(part string, into any) error {
	f := w.parts[part]
	if f == nil {
		return nil
	}
	r, err := f.Open()
	if err != nil {
		return fmt.Errorf("%w: %w", ErrNotATable, err)
	}
	defer r.Close()
	if err := xml.NewDecoder(&measured{r: r, left: maxSmall}).Decode(into); err != nil {
		return fmt.Errorf("%w: %s: %w", ErrNotATable, path.Base(part), err)
	}
	return nil
}

// readStyles finds which of the cells' styles show a number as a date.
func (w *workbook) readStyles() error {
	var styles struct {
		Formats []struct {
			ID   int    `xml:"numFmtId,attr"`
			Code string `xml:"formatCode,attr"`
		} `xml:"numFmts>numFmt"`
		Cells []struct {
			Format int `xml:"numFmtId,attr"`
		} `xml:"cellXfs>xf"`
	}
	if err := w.decode("/xl/styles.xml", &styles); err != nil {
		return err
	}
	codes := map[int]string{}
	for _, f := range styles.Formats {
		codes[f.ID] = f.Code
	}
	for _, c := range styles.Cells {
		code, own := codes[c.Format]
		w.dates = append(w.dates, own && isDateCode(code) || !own && isDateFormat(c.Format))
	}
	return nil
}

// isDateFormat knows the formats that have numbers and no code in the file (ECMA-376 part 1, §18.8.30).
func isDateFormat(id int) bool {
	return id >= 14 && id <= 17 || id == 22 || id >= 27 && id <= 31 || id == 36 || id >= 50 && id <= 58
}

// quoted is what in a format's code is text, a colour or an escaped sign.
var quoted = regexp.MustCompile(`"[^"]*"|\[[^\]]*\]|\\.|_.|\*.`)

func isDateCode(code string) bool {
	return strings.ContainsAny(strings.ToLower(quoted.ReplaceAllString(code, "")), "yd")
}

// sharedStrings are the texts that cells name by a number, one behind the other.
type sharedStrings struct {
	all  []byte
	ends []uint32
}

func (s *sharedStrings) at(i int) (string, bool) {
	if i < 0 || i >= len(s.ends) {
		return "", false
	}
	begin := uint32(0)
	if i > 0 {
		begin = s.ends[i-1]
	}
	return string(s.all[begin:s.ends[i]]), true
}

func (w *workbook) readStrings() error {
	f := w.parts["/xl/sharedstrings.xml"]
	if f == nil {
		return nil
	}
	p, err := openPart(f, maxShared)
	if err != nil {
		return err
	}
	defer p.close()
	var text strings.Builder
	for {
		t, err := p.token()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		switch t := t.(type) {
		case xml.StartElement:
			switch t.Name.Local {
			case "si":
				text.Reset()
			case "rPh": // how it is spoken
				err = p.skip()
			case "t":
				err = p.text(&text)
			}
		case xml.EndElement:
			if t.Name.Local == "si" {
				if len(w.strings.ends) >= maxStrings {
					return errBomb
				}
				w.strings.all = append(w.strings.all, clipped(tidy(text.String()))...)
				w.strings.ends = append(w.strings.ends, uint32(len(w.strings.all)))
			}
		}
		if err != nil {
			return err
		}
	}
}

// part is a part of the workbook, read tag by tag.
type part struct {
	file io.ReadCloser
	from *measured // for one token
	all  *measured // for the part
	xml  *xml.Decoder
}

func openPart(f *zip.File, limit int) (*part, error) {
	r, err := f.Open()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotATable, err)
	}
	p := &part{file: r}
	p.all = &measured{r: r, left: limit}
	p.from = &measured{r: p.all, left: maxToken}
	p.xml = xml.NewDecoder(p.from)
	return p, nil
}

func (p *part) close() { p.file.Close() }

func (p *part) token() (xml.Token, error) {
	p.from.left = maxToken
	t, err := p.xml.RawToken()
	switch {
	case err == nil || errors.Is(err, io.EOF):
		return t, err
	case errors.Is(err, errQuote): // the limit of the reader below
		return nil, errBomb
	}
	return nil, fmt.Errorf("%w: %w", ErrNotATable, err)
}

// text adds what stands in the element that has just begun.
func (p *part) text(to *strings.Builder) error {
	for depth := 1; depth > 0; {
		t, err := p.token()
		if err != nil {
			return unexpected(err)
		}
		switch t := t.(type) {
		case xml.StartElement:
			depth++
		case xml.EndElement:
			depth--
		case xml.CharData:
			if to.Len() < maxToken {
				to.Write(t)
			}
		}
	}
	return nil
}

func (p *part) skip() error { return p.text(&strings.Builder{}) }

// unexpected is for the end of a file in the middle of an element.
func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return fmt.Errorf("%w: it ends in the middle", ErrNotATable)
	}
	return err
}
