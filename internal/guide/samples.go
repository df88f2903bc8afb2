package guide

import (
	"regexp"
	"strings"
	"time"

	"github.com/portvakt/portvakt/e2e/journey"
	"github.com/portvakt/portvakt/internal/locale"
	"github.com/portvakt/portvakt/internal/web"
)

// What stands in the pictures instead of what is secret, or another each time.
const (
	sampleKey        = "JBSW Y3DP EHPK 3PXP JBSW Y3DP EHPK 3PXP"
	samplePairKey    = "0123 4567 89AB CDEF GHJK MNPQ RS"
	sampleCharacters = "K7QF"
	sampleRecovery   = "7H2K-9QWE-4RTY-M8NB-3VXZ"
	sampleCode       = "492817"
	sampleNumber     = "47"
	sampleDigits     = "135 790"
)

var qrParts = regexp.MustCompile(`viewBox="([^"]*)".*<path d="([^"]*)"`)

// samples are put into every picture: moments, addresses, codes.
func samples(s Subject, p *locale.Printer) ([]journey.Sample, error) {
	svg, err := web.QR(s.Issuer + "/authenticator/")
	if err != nil {
		return nil, err
	}
	qr := qrParts.FindStringSubmatch(string(svg))
	months := "januari|februari|mars|april|maj|juni|juli|augusti|september|oktober|november|december|January|February|March|April|May|June|July|August|September|October|November|December"
	// The day of the policy is the organisation's own; every other is today's.
	own := ""
	if day, err := time.Parse(time.DateOnly, s.MFAFrom); err == nil {
		own = "(?!" + p.Date(day) + "|" + day.Format("January 2, 2006") + ")"
	}
	day := p.Date(time.Date(2026, time.December, 1, 0, 0, 0, 0, time.UTC))
	moment := map[locale.Language]string{locale.Swedish: "1 december 2026 08:15", locale.English: "1 December 2026 08:15"}[p.Language()]
	all := []journey.Sample{
		{Match: `https?://(localhost|127\.0\.0\.1):\d+`, Text: plain(s.Issuer)},
		{Match: `(localhost|127\.0\.0\.1):\d+`, Text: plain(s.host())},
		{Match: `\d{1,2} (` + months + `) \d{4}( |, | kl\. | at )\d\d:\d\d`, Text: moment},
		{Match: regexp.QuoteMeta(s.Issuer) + `/\S{24,}`, Text: plain(s.Issuer + "/…")},
		{Match: `(` + months + `) \d{1,2}, \d{4} at \d{1,2}:\d\d\s[AP]M`, Text: "December 1, 2026 at 8:15 AM"}, // as browsers write English
		{Match: own + `\b(` + months + `) \d{1,2}, \d{4}`, Text: "December 1, 2026"},
		{Match: own + `\b\d{1,2} (` + months + `) \d{4}`, Text: day},
		{Match: `\b20\d\d-\d\d-\d\d( \d\d:\d\d)?`, Text: "2026-12-01"}, {Selector: `input[type="date"]`, Text: "2026-12-01"},
		{Match: `\b127\.0\.0\.[0-9]+\b`, Text: "203.0.113.7"},
		{Selector: "svg.qr", Text: qr[1]}, {Selector: "svg.qr path", Text: qr[2]},
		{Selector: "output#comparison", Text: sampleCharacters},
		{Selector: "#recovery-code", Text: sampleRecovery},
	}
	if s.ID != Demo.ID {
		all = append(all, journey.Sample{Match: `foretaget\.example`, Text: s.ID + ".example"})
	}
	if s.Name != Demo.Name {
		all = append(all, journey.Sample{Match: Demo.Name, Text: plain(s.Name)})
	}
	if s.Mobile != Demo.Mobile && s.Mobile != "" {
		all = append(all, journey.Sample{Match: Demo.Mobile, Text: plain(s.Mobile)})
	}
	if s.App != Demo.App {
		all = append(all, journey.Sample{Match: `\b` + Demo.App + `\b(?! Mobile)`, Text: plain(s.App)})
	}
	return all, nil
}

// plain is a text to put in a match's place, of which nothing is read as a reference to the match.
func plain(text string) string { return strings.ReplaceAll(text, "$", "$$") }
