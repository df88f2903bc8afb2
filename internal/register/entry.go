package register

import (
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/portvakt/portvakt/internal/account"
	"github.com/portvakt/portvakt/internal/person"
)

// Entry is what a row says about a person. Several rows of one key are several employments of one person.
type Entry struct {
	Line         int
	Source       string
	Key          person.Key
	LegacyID     string
	GivenName    string
	FamilyName   string
	Address      string // as it stands there; the pre-flight judges it
	Phone        string // as it stands there
	Language     string
	PasswordHash string
	Employment   person.Employment // empty: the row names none
}

// DefaultSource is the source of rows that name none.
const DefaultSource = "hr"

// Problem is what is wrong with a row: the key of a text, with the line and the column's own name.
type Problem struct {
	Line   int
	Column string
	Reason string
	// Refused says that the row is left out; else it counts without what the cell says.
	Refused bool
}

// What can be wrong with a row.
const (
	ProblemNoKey    = "register.no_key"
	ProblemLongKey  = "register.long_key"
	ProblemNoName   = "register.no_name"
	ProblemName     = "register.bad_name"
	ProblemDate     = "register.bad_date"
	ProblemPeriod   = "register.bad_period" // it ends before it begins
	ProblemFormula  = "register.formula"
	ProblemLong     = "register.long_cell"
	ProblemLanguage = "register.unknown_language"
	ProblemHash     = "register.unknown_hash"
	ProblemLateHash = "register.late_hash" // the person has been invited already
	ProblemConflict = "register.conflict"  // two rows of one key name different people
	ProblemOther    = "register.other_address"
	ProblemTooMany  = "register.too_many" // rows of one key
)

// NoHash stands in place of an old password's hash that will not verify. What it was is not kept, because it may be the password
// itself; that there was one is told before the move begins.
const NoHash = "!"

// maxKey is the longest person key, and the longest source, in characters.
const maxKey = 64

// Reader turns the rows of a table into entries.
type Reader struct {
	header []string
	column map[Field]int
}

// NewReader reads by a checked mapping.
func NewReader(header []string, m Mapping) *Reader {
	r := &Reader{header: header, column: map[Field]int{}}
	for i, f := range m {
		if f != Ignore {
			r.column[f] = i
		}
	}
	return r
}

// reading is one row under way.
type reading struct {
	*Reader
	line     Line
	problems []Problem
	refused  bool
}

// Entry reads a row. Where a problem refuses it, ok is false.
func (r *Reader) Entry(l Line) (e Entry, problems []Problem, ok bool) {
	w := &reading{Reader: r, line: l}
	e = Entry{Line: l.Number, Source: w.text(Source), Key: person.Key(w.text(PersonKey)), LegacyID: w.text(LegacyID), Address: w.text(Address),
		Phone: w.text(Phone), Language: w.language(), PasswordHash: w.text(PasswordHash),
		Employment: person.Employment{Company: w.text(Company), Unit: w.text(Unit), From: w.date(From), To: w.date(To)}}
	if e.Source == "" {
		e.Source = DefaultSource
	}
	e.GivenName, e.FamilyName = w.names()
	switch n := utf8.RuneCountInString(e.Key.Reveal()); {
	case n == 0 && !w.refused:
		w.refuse(PersonKey, ProblemNoKey)
	case n > maxKey:
		w.refuse(PersonKey, ProblemLongKey)
	}
	if utf8.RuneCountInString(e.Source) > maxKey {
		w.refuse(Source, ProblemLongKey)
	}
	if to := e.Employment.To; to != "" && to < e.Employment.From {
		w.refuse(To, ProblemPeriod)
	}
	return e, w.problems, !w.refused
}

func (w *reading) refuse(f Field, reason string) {
	w.refused = true
	w.problems = append(w.problems, Problem{w.line.Number, w.Column(f), reason, true})
}

func (w *reading) note(f Field, reason string) {
	w.problems = append(w.problems, Problem{w.line.Number, w.Column(f), reason, false})
}

// Column is what the field's column is called in the file.
func (r *Reader) Column(f Field) string {
	if i, ok := r.column[f]; ok && i < len(r.header) {
		return r.header[i]
	}
	return ""
}

// text is the cell of a field. What has no value is a problem, and what is longer than anything of its kind.
func (w *reading) text(f Field) string {
	i, ok := w.column[f]
	if !ok || i >= len(w.line.Cells) {
		return ""
	}
	c := w.line.Cells[i]
	switch {
	case c.NoValue:
		w.refuse(f, ProblemFormula)
		return ""
	case len(c.Text) > MaxCell && utf8.RuneCountInString(c.Text) > MaxCell:
		w.refuse(f, ProblemLong)
		return ""
	}
	return c.Text
}

// names are the given and the family name. One column with both has them in the order of its comma, or of speech.
func (w *reading) names() (given, family string) {
	given, family = w.text(GivenName), w.text(FamilyName)
	if given == "" && family == "" {
		if full := w.text(FullName); full != "" {
			given, family = split(full)
			if g, err := account.ParseName(given); err == nil {
				if f, err := account.ParseName(family); err == nil {
					return g, f
				}
			}
			w.refuse(FullName, ProblemName)
			return "", ""
		}
		if !w.refused {
			w.refuse(w.nameColumn(), ProblemNoName)
		}
		return "", ""
	}
	return w.parsed(GivenName, given), w.parsed(FamilyName, family)
}

func (w *reading) nameColumn() Field {
	for _, f := range []Field{GivenName, FamilyName} {
		if _, ok := w.column[f]; ok {
			return f
		}
	}
	return FullName
}

func (w *reading) parsed(f Field, text string) string {
	name, err := account.ParseName(text)
	if err != nil {
		w.refuse(f, ProblemName)
	}
	return name
}

// split parts "Svensson, Anna Maria" and "Anna Maria Svensson". "von", "af" and the like belong to the family.
func split(full string) (given, family string) {
	if family, given, ok := strings.Cut(full, ","); ok {
		return strings.TrimSpace(given), strings.TrimSpace(family)
	}
	words := strings.Fields(full)
	at := len(words) - 1
	for at > 1 && strings.Contains(" von af de da del der den van la le di ", " "+strings.ToLower(words[at-1])+" ") {
		at--
	}
	if at <= 0 {
		return full, ""
	}
	return strings.Join(words[:at], " "), strings.Join(words[at:], " ")
}

// spoken are the ways in which registers name the languages that we have.
var spoken = map[string]string{
	"sv": "sv", "se": "sv", "svenska": "sv", "swedish": "sv", "swe": "sv", "svse": "sv", "svfi": "sv",
	"en": "en", "gb": "en", "engelska": "en", "english": "en", "eng": "en", "engb": "en", "enus": "en",
}

// language is "sv", "en" or nothing: a language that we do not have is told, and the organisation's is used.
func (w *reading) language() string {
	text := w.text(Language)
	lang, ok := spoken[plain(text)]
	if text != "" && !ok {
		w.note(Language, ProblemLanguage)
	}
	return lang
}

func (w *reading) date(f Field) string {
	text := w.text(f)
	day, ok := Day(text)
	if !ok {
		w.refuse(f, ProblemDate)
	}
	if f == To && strings.HasPrefix(day, "9999") {
		return "" // so some systems write that there is no end
	}
	return day
}

// The forms of dates that mean one day whoever reads them. Dots stand between day and month alone in countries that begin with the
// day; with slashes both orders are in use.
var dayForms = []string{time.DateOnly, "20060102", "2006/1/2", "2006.1.2", "2006-1-2", "2.1.2006", "2 January 2006"}

// Day reads a date as YYYY-MM-DD. It refuses one that could be two days, and takes the numbers by which Excel counts days.
func Day(text string) (day string, ok bool) {
	text = strings.TrimSpace(text)
	if text == "" {
		return "", true
	}
	if date, clock, found := strings.Cut(strings.Replace(text, "T", " ", 1), " "); found && strings.HasPrefix(clock, "0") && strings.Contains(clock, ":") {
		text = date // "2026-01-31 00:00:00"
	}
	for _, form := range dayForms {
		if t, err := time.Parse(form, text); err == nil {
			return sensible(t)
		}
	}
	first, err1 := time.Parse("2/1/2006", strings.ReplaceAll(text, "-", "/"))
	second, err2 := time.Parse("1/2/2006", strings.ReplaceAll(text, "-", "/"))
	switch {
	case err1 == nil && (err2 != nil || first.Equal(second)):
		return sensible(first)
	case err2 == nil && err1 != nil:
		return sensible(second)
	}
	if n, err := strconv.ParseFloat(text, 64); err == nil && n >= 10_000 && n < 80_000 { // 1927 to 2119
		return serial(n, time.Date(1899, 12, 30, 0, 0, 0, 0, time.UTC))
	}
	return "", false
}

// sensible refuses years that nobody meant.
func sensible(t time.Time) (string, bool) {
	if t.Year() < 1900 || t.Year() > 9999 {
		return "", false
	}
	return t.Format(time.DateOnly), true
}
