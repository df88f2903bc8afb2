package admin

import "time"

// Guide is the page about the organisation's illustrated guides.
type Guide struct {
	Frame
	Action   string // empty: the visitor may only look
	CanDraw  bool   // there is a browser to draw with
	Problem  string // key
	Drawings []DrawingRow
	Failed   []DrawingRow
	// Where there is no browser: what the operator runs on the server, and what on a machine that has one.
	PrintCommand, DrawCommand string
	// The form, as typed.
	Language, Audience, Support string
	Rows                        []GuideRow
}

// DrawingRow is a guide that is being drawn, or could not be.
type DrawingRow struct {
	ID                       string
	AudienceKey, LanguageKey string
	Percent                  int
	Waits                    bool      // for its turn
	At                       time.Time // when it failed
}

// GuideRow is a guide that was drawn.
type GuideRow struct {
	AudienceKey, LanguageKey string
	Language, Audience       string
	Made                     time.Time
	Stale                    bool // the pages may look different by now
	OpenURL, PDFURL, ZipURL  string
	MayShare                 bool
	Link                     string // public address; empty: there is none
}
