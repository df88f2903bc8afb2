// Package person holds the noun person: one row of an employer's HR register, known by its person key, and
// the connection from that row to an account. A person is not an account: one account may be several
// employers' person, and a person may have no account yet.
package person

import (
	"cmp"
	"slices"
	"strings"
	"time"
	"unicode"

	"golang.org/x/text/collate"
	"golang.org/x/text/language"
	"golang.org/x/text/unicode/norm"

	"github.com/portvakt/portvakt/internal/account"
	"github.com/portvakt/portvakt/internal/organisation"
)

// Key identifies a person for good within an organisation and a source. It may be a national identity
// number: never in logs, URLs or list views (RULES §7).
type Key string

// String hides the key from fmt and slog.
func (Key) String() string { return "[person key]" }

// GoString hides the key from %#v.
func (Key) GoString() string { return "[person key]" }

// Reveal returns the key itself, for the claim and the store.
func (k Key) Reveal() string { return string(k) }

// Person is a row of the register.
type Person struct {
	ID           string
	Organisation organisation.ID
	Source       string // which register; "hr" where there is one
	Key          Key
	GivenName    string
	FamilyName   string
	Address      string // as the register has it; the account's own may differ
	Employments  []Employment
	LegacyID     string // what the person typed at the old login; may be empty
	Phone        string // as the register has it; may be empty
	// Mobile is the phone, folded; empty where messages cannot go to it. See MobileOf.
	Mobile       account.Identifier
	Language     string // "sv" or "en"; empty: the register does not say
	ImportedHash string // the old login's password hash; never shown
	Flag         Flag
	Exempt       time.Time // an administrator has taken the person out of the transition; zero: not
	ExemptReason string
	Created      time.Time
	Changed      time.Time
}

// Name is the person's name as a list shows it.
func (p Person) Name() string { return strings.TrimSpace(p.GivenName + " " + p.FamilyName) }

// Identifier is the register's address, folded; empty where there is none, or none that mail could reach.
func (p Person) Identifier() account.Identifier {
	_, id, err := account.ParseAddress(p.Address)
	if err != nil {
		return ""
	}
	return id
}

// MobileOf folds a register's phone, of region where it has no country's prefix. It is empty for what is no mobile phone.
func MobileOf(number, region string) account.Identifier {
	_, id, err := account.ParseIdentifier(number, region)
	if err != nil || id.Phone() == "" {
		return ""
	}
	return id
}

// Reached is what the person is reached by, and will be named by: the register's address, or where there is none the mobile phone.
func (p Person) Reached() account.Identifier {
	if id := p.Identifier(); id != "" {
		return id
	}
	return p.Mobile
}

// Until is the day after the person's last employment; zero where one has no end, or none is known. A date that cannot be read
// is no end.
func (p Person) Until() time.Time {
	var last time.Time
	for _, e := range p.Employments {
		to, err := time.Parse(time.DateOnly, e.To)
		if err != nil {
			return time.Time{}
		}
		if to = to.AddDate(0, 0, 1); to.After(last) {
			last = to
		}
	}
	return last
}

// Flag says why no mailed link confirms a person's address (RULES §7). Empty: nothing speaks against it.
type Flag string

// The flags, as the pre-flight sets them.
const (
	Missing    Flag = "missing"    // there is no address
	Malformed  Flag = "malformed"  // it cannot be one
	Duplicate  Flag = "duplicate"  // another person of the organisation has it too
	Shared     Flag = "shared"     // several people read it
	Role       Flag = "role"       // it belongs to a task and not to a person: info@, lager@
	Disposable Flag = "disposable" // its domain lends addresses for minutes
)

// collator sorts as Swedish does, å, ä and ö last, without regard to case.
func collator() *collate.Collator { return collate.New(language.Swedish, collate.IgnoreCase) }

// SortKey is what persons are sorted by, compared as bytes: family name, then given name, as Swedish sorts.
func (p Person) SortKey() []byte {
	var b collate.Buffer
	return append([]byte(nil), collator().KeyFromString(&b, p.FamilyName+"\x00"+p.GivenName)...)
}

// Fold is a word as people search for it: composed, lower case, on one line.
func Fold(word string) string { return strings.ToLower(norm.NFC.String(Line(word))) }

// Line is a text on one line, without control characters and the white space around it.
func Line(text string) string {
	return strings.Join(strings.FieldsFunc(text, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }), " ")
}

// maxTerm is the longest term in bytes. Longer ones are cut; whoever types so much has found the person before.
const maxTerm = 80

// Terms are the words by whose beginnings the person is found. The person key is none: it is searched for whole.
func (p Person) Terms() [][]byte {
	seen := map[string]bool{}
	var all [][]byte
	for _, text := range append([]string{p.Name(), p.FamilyName + " " + p.GivenName, p.Address, p.LegacyID}, strings.Fields(p.Name())...) {
		term := Fold(text)
		if len(term) > maxTerm {
			term = strings.ToValidUTF8(term[:maxTerm], "")
		}
		if term != "" && !seen[term] {
			seen[term] = true
			all = append(all, []byte(term))
		}
	}
	return all
}

// Employment is one of a person's employments. Dates read YYYY-MM-DD; an empty To has no end.
type Employment struct {
	Company string `json:"company"`
	Unit    string `json:"unit,omitempty"`
	From    string `json:"from,omitempty"`
	To      string `json:"to,omitempty"`
}

// HasEnded says whether it is over. One whose end cannot be read is not.
func (e Employment) HasEnded(now time.Time) bool {
	end := Person{Employments: []Employment{e}}.Until()
	return !end.IsZero() && !now.Before(end)
}

// Units are the units in which an employment has not ended, or the companies where there is none; of somebody who has left, those where
// she was. Each stands there once.
func Units(all []Employment, now time.Time) []string {
	var present, former []string
	for _, e := range all {
		to := &present
		if e.HasEnded(now) {
			to = &former
		}
		if unit := cmp.Or(e.Unit, e.Company); unit != "" && !slices.Contains(*to, unit) {
			*to = append(*to, unit)
		}
	}
	if len(present) == 0 {
		return former
	}
	return present
}

// Companies are the names of the companies in which an employment has not ended, sorted as Swedish sorts.
func Companies(all []Employment, now time.Time) []string {
	var names []string
	for _, e := range all {
		if e.Company != "" && !e.HasEnded(now) && !slices.Contains(names, e.Company) {
			names = append(names, e.Company)
		}
	}
	collator().SortStrings(names)
	return names
}

// Claim is one element of the claim urn:portvakt:person, by which an RP knows the person (RULES §6).
type Claim struct {
	Organisation organisation.ID `json:"organisation"`
	Key          string          `json:"key"`
	Employments  []Employment    `json:"employments"`
}
