package register

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"time"
)

// sheet is a sheet being read.
type sheet struct {
	*part
	book *workbook
	row  int
	over bool
}

func (w *workbook) openSheet(name string) (*sheet, error) {
	p, err := openPart(w.parts[name], maxPart)
	if err != nil {
		return nil, err
	}
	return &sheet{part: p, book: w}, nil
}

// next reads as far as the end of a row.
func (s *sheet) next() (Line, error) {
	for !s.over {
		t, err := s.token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return Line{}, err
		}
		switch t := t.(type) {
		case xml.StartElement:
			if t.Name.Local == "row" {
				return s.line(t)
			}
		case xml.EndElement:
			s.over = t.Name.Local == "sheetData" // what follows are pictures and rules
		}
	}
	s.close()
	s.over = true
	return Line{}, io.EOF
}

func (s *sheet) line(row xml.StartElement) (Line, error) {
	s.row++
	if n, err := strconv.Atoi(attribute(row, "r")); err == nil && n >= s.row {
		s.row = n
	}
	l := Line{Number: s.row}
	for {
		t, err := s.token()
		if err != nil {
			return l, unexpected(err)
		}
		switch t := t.(type) {
		case xml.EndElement:
			if t.Name.Local == "row" {
				return l, nil
			}
		case xml.StartElement:
			if t.Name.Local != "c" {
				continue
			}
			column := len(l.Cells)
			if r := attribute(t, "r"); r != "" {
				if column = columnOf(r); column < len(l.Cells) {
					return l, fmt.Errorf("%w: cell %q", ErrNotATable, r)
				}
			}
			c, err := s.cell(t)
			if err != nil {
				return l, err
			}
			if c == (Cell{}) {
				continue // whole rows of formatted nothing are usual
			}
			if column >= MaxColumns {
				return l, ErrTooMany
			}
			for len(l.Cells) < column {
				l.Cells = append(l.Cells, Cell{})
			}
			l.Cells = append(l.Cells, c)
		}
	}
}

func attribute(e xml.StartElement, name string) string {
	for _, a := range e.Attr {
		if a.Name.Local == name && a.Name.Space == "" {
			return a.Value
		}
	}
	return ""
}

// columnOf reads the letters of a cell's name: AB12 is in column 27, counted from 0.
func columnOf(name string) int {
	n := 0
	for _, c := range strings.ToUpper(name) {
		if c < 'A' || c > 'Z' || n > 1<<20 {
			break
		}
		n = n*26 + int(c-'A') + 1
	}
	return n - 1
}

func (s *sheet) cell(start xml.StartElement) (Cell, error) {
	kind, style := attribute(start, "t"), attribute(start, "s")
	var value, inline strings.Builder
	formula := false // without a result
	for depth := 1; depth > 0; {
		t, err := s.token()
		if err != nil {
			return Cell{}, unexpected(err)
		}
		switch t := t.(type) {
		case xml.EndElement:
			depth--
		case xml.StartElement:
			switch t.Name.Local {
			case "v":
				formula = false
				err = s.text(&value)
			case "t":
				err = s.text(&inline)
			case "f":
				formula = true
				err = s.skip()
			case "rPh":
				err = s.skip()
			default:
				depth++
			}
			if err != nil {
				return Cell{}, err
			}
		}
	}
	return s.meaning(kind, style, value.String(), inline.String(), formula)
}

// meaning is what a person sees in the cell.
func (s *sheet) meaning(kind, style, value, inline string, formula bool) (Cell, error) {
	switch kind {
	case "s":
		i, err := strconv.Atoi(strings.TrimSpace(value))
		text, ok := s.book.strings.at(i)
		if value != "" && (err != nil || !ok) {
			return Cell{}, fmt.Errorf("%w: a cell names a text that is not there", ErrNotATable)
		}
		return Cell{Text: text}, nil
	case "inlineStr":
		return Cell{Text: clipped(tidy(inline))}, nil
	case "e":
		return Cell{NoValue: true}, nil
	case "str", "b":
		return Cell{Text: clipped(tidy(value)), NoValue: formula}, nil
	case "d":
		day, _, _ := strings.Cut(value, "T")
		return Cell{Text: clipped(tidy(day))}, nil
	}
	if value == "" {
		return Cell{NoValue: formula}, nil
	}
	return Cell{Text: clipped(s.number(value, style))}, nil
}

// number writes a number as people do: a date where its style says so, and without an exponent.
func (s *sheet) number(value, style string) string {
	n, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
	if err != nil {
		return tidy(value)
	}
	if i, err := strconv.Atoi(style); err == nil && i >= 0 && i < len(s.book.dates) && s.book.dates[i] {
		if day, ok := serial(n, s.book.base); ok {
			return day
		}
	}
	if strings.ContainsAny(value, "eE") && math.Abs(n) < 1e18 {
		return strconv.FormatFloat(n, 'f', -1, 64)
	}
	return tidy(value)
}

// The days that a number can mean; others are numbers of something else.
const (
	firstSerial = 61 // before it Excel counts a day that never was
	lastSerial  = 2_958_465
)

func serial(n float64, base time.Time) (string, bool) {
	if n < firstSerial || n > lastSerial {
		return "", false
	}
	return base.AddDate(0, 0, int(n)).Format(time.DateOnly), true
}
