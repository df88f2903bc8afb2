package admin

import (
	"time"
)

// Imports is the page where the register's files are taken in.
type Imports struct {
	Frame
	Action   string
	MaxBytes int64
	Rows     []ImportRow
	Holds    int
	HoldsURL string
	Problem  string   // key
	Columns  []string // of a table that is no register
}

// ImportRow is a file that was taken in.
type ImportRow struct {
	URL, Name                     string
	At                            time.Time
	State                         string // key
	Percent                       int
	Rows, Imported, Held, Refused int
}

// Import is the page of one file.
type Import struct {
	Frame
	ImportRow
	Sheet                                                                 string
	Remembered, Waits, Running, Paused, Done                              bool
	Failed                                                                string // key
	Problem                                                               string // key
	Columns                                                               []ImportColumn
	Fields                                                                []FieldChoice
	New, Changed, Unchanged, Problems                                     int
	List                                                                  []ProblemRow
	BeginAction, MoveAction, ProblemsURL, HoldsURL, PreflightURL, BackURL string
}

// ImportColumn is a column of a file, and what it holds.
type ImportColumn struct {
	Name, Input, Field string
	Sample             []string
}

// FieldChoice is what a column may hold.
type FieldChoice struct{ Field, Key string }

// ProblemRow is what was wrong with a row.
type ProblemRow struct {
	Line    int
	Column  string
	Key     string
	Refused bool
}

// Holds is the page of what waits for a word, because it would change somebody who logs in already.
type Holds struct {
	Frame
	Action, BackURL string
	Rows            []HoldRow
}

// HoldRow is a change that waits.
type HoldRow struct {
	ID, PersonURL                                      string
	At                                                 time.Time
	NameBefore, NameAfter, AddressBefore, AddressAfter string
}
