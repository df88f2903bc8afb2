package locale

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"text/template/parse"
	"time"

	"github.com/go-playground/locales"
	"github.com/go-playground/locales/en_GB"
	"github.com/go-playground/locales/sv"
	"github.com/nicksnyder/go-i18n/v2/i18n"
	"golang.org/x/text/language"
)

// Printer prints texts and times in one language. It is safe for concurrent use.
type Printer struct {
	lang     Language
	plain    map[string]string        // texts without placeholders: most of them, and no work to print
	forms    map[string]*i18n.Message // the others
	local    *i18n.Localizer          // of the others
	calendar locales.Translator
}

func newPrinter(l Language, messages []*i18n.Message) *Printer {
	p := &Printer{lang: l, plain: map[string]string{}, forms: map[string]*i18n.Message{}, calendar: sv.New()}
	if l == English {
		p.calendar = en_GB.New() // the day before the month, and 24 hours, as everywhere in the Nordic countries
	}
	for _, m := range messages {
		if m.One == "" && !strings.Contains(m.Other, "{{") {
			p.plain[m.ID] = m.Other
		} else {
			p.forms[m.ID] = m
		}
	}
	bundle := i18n.NewBundle(language.Make(string(l)))
	bundle.MustAddMessages(language.Make(string(l)), slices.Collect(maps.Values(p.forms))...) // all in all languages: the tests print them
	p.local = i18n.NewLocalizer(bundle, string(l))
	return p
}

// Language returns the language that the printer prints.
func (p *Printer) Language() Language { return p.lang }

// Has tells whether there is a text of this id.
func (p *Printer) Has(id string) bool { return p.forms[id] != nil || p.plain[id] != "" }

// T prints the text of an id. Its placeholders are filled from data: one map, or pairs of name and value. A missing text
// prints its id, which a person can at least read out to the support; a test sees to it that none is missing.
func (p *Printer) T(id string, data ...any) string {
	if text, ok := p.plain[id]; ok {
		return text
	}
	return p.localize(&i18n.LocalizeConfig{MessageID: id, TemplateData: fields(data)})
}

// Raw lists the texts whose id begins with the prefix, with their placeholders unfilled: for a program in a browser, which fills
// them itself. Such texts have no plural forms.
func (p *Printer) Raw(prefix string) map[string]string {
	raw := map[string]string{}
	for id, text := range p.plain {
		if strings.HasPrefix(id, prefix) {
			raw[id] = text
		}
	}
	for id, m := range p.forms {
		if strings.HasPrefix(id, prefix) {
			raw[id] = m.Other
		}
	}
	return raw
}

// Plural prints the text of an id in the form that fits the count, which fills the placeholder Count.
func (p *Printer) Plural(id string, count int, data ...any) string {
	if text, ok := p.plain[id]; ok {
		return text
	}
	filled := fields(data)
	filled["Count"] = count
	return p.localize(&i18n.LocalizeConfig{MessageID: id, PluralCount: count, TemplateData: filled})
}

func (p *Printer) localize(c *i18n.LocalizeConfig) string {
	text, err := p.local.Localize(c)
	if err != nil {
		return c.MessageID
	}
	return text
}

// fields makes one map of the data given to T.
func fields(data []any) map[string]any {
	filled := map[string]any{}
	if len(data) == 1 {
		if given, ok := data[0].(map[string]any); ok {
			for name, value := range given {
				filled[name] = value
			}
		}
		return filled
	}
	for i := 0; i+1 < len(data); i += 2 {
		filled[fmt.Sprint(data[i])] = data[i+1]
	}
	return filled
}

// DateTime prints a moment to the minute, in UTC, and says so: "23 november 2026 14:05 UTC".
func (p *Printer) DateTime(t time.Time) string {
	t = t.UTC()
	return p.calendar.FmtDateLong(t) + t.Format(" 15:04") + " UTC"
}

// Date prints the day of a moment, in UTC: "23 november 2026".
func (p *Printer) Date(t time.Time) string { return p.calendar.FmtDateLong(t.UTC()) }

// Placeholders lists the names that a text wants filled, sorted and without repeats. It is for tests.
func (p *Printer) Placeholders(id string) []string {
	m := p.forms[id]
	if m == nil {
		return nil
	}
	var names []string
	for _, form := range []string{m.Zero, m.One, m.Two, m.Few, m.Many, m.Other} {
		trees, err := parse.Parse(id, form, "", "")
		if err != nil || trees[id] == nil {
			continue
		}
		for _, node := range trees[id].Root.Nodes {
			if action, ok := node.(*parse.ActionNode); ok {
				names = append(names, strings.TrimPrefix(action.Pipe.String(), "."))
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}
