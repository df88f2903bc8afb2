package admin

import "time"

// Guide is the page about the organisation's illustrated guides.
type Guide struct {
	Frame
	Action    string // empty: the visitor may only look
	CanDraw   bool   // there is a browser to draw with
	Command   string // that draws one elsewhere
	Problem   string // key
	Drawing   bool
	DrawingID string
	Percent   int
	Failed    bool // the newest drawing has
	// Which guide that drawing is of: keys.
	AudienceKey, LanguageKey string
	// The form, as typed.
	Language, Audience, Support string
	Rows                        []GuideRow
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
