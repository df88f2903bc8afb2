// Package locale holds every sentence that Portvakt says to people, in each language it speaks, and picks the language.
// It knows texts, plurals and dates; it does not know pages, mails or HTTP. A text is named by what it is for
// ("signin.identifier.title"), never by its English wording, so that a sentence can be improved in one place.
package locale

import (
	"embed"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/BurntSushi/toml"
	"github.com/nicksnyder/go-i18n/v2/i18n"
	"golang.org/x/text/language"
)

//go:embed texts/*.toml
var texts embed.FS

// Language is a language that Portvakt speaks, as a BCP 47 tag.
type Language string

// The languages. Swedish comes first: it is what a person gets who asks for none of them.
const (
	Swedish Language = "sv"
	English Language = "en"
)

// Languages lists them in the order in which a person chooses among them.
func Languages() []Language { return []Language{Swedish, English} }

// Own returns the language's name in itself, for the language switch.
func (l Language) Own() string {
	if l == English {
		return "English"
	}
	return "Svenska"
}

// Catalogue is all texts in all languages. It is safe for concurrent use.
type Catalogue struct {
	printers map[Language]func() *Printer
	matcher  language.Matcher
}

// New returns the embedded texts. It reads none of them yet: each language is read once, when somebody is first spoken to in it. That
// all can be read is what this package's tests see to.
func New() *Catalogue { return embedded() }

var embedded = sync.OnceValue(func() *Catalogue {
	c := &Catalogue{printers: map[Language]func() *Printer{}}
	var tags []language.Tag
	for _, l := range Languages() {
		c.printers[l] = sync.OnceValue(func() *Printer { return newPrinter(l, read(l)) })
		tags = append(tags, language.Make(string(l)))
	}
	c.matcher = language.NewMatcher(tags)
	return c
})

// read returns a language's texts.
func read(l Language) (all []*i18n.Message) {
	// What people meet, what administrators do, and the illustrated guide: three files, because three kinds of readers translate them.
	for _, path := range []string{"texts/" + string(l) + ".toml", "texts/admin." + string(l) + ".toml", "texts/guide." + string(l) + ".toml"} {
		raw, err := texts.ReadFile(path)
		if err != nil {
			panic(err) // the files are part of the program
		}
		file, err := i18n.ParseMessageFileBytes(raw, path, map[string]i18n.UnmarshalFunc{"toml": toml.Unmarshal})
		if err != nil {
			panic(fmt.Sprintf("locale: %s: %s", path, err))
		}
		all = append(all, file.Messages...)
	}
	return all
}

// Match picks the language of a request from lists in falling order of weight: ui_locales (OIDC Core 3.1.2.1, separated
// by spaces), the cookie, Accept-Language (RFC 9110, 12.5.4). The first list that names a language we speak decides; a list
// that is empty, broken or foreign is passed over, and at the end stands Swedish.
func (c *Catalogue) Match(lists ...string) Language {
	for _, list := range lists {
		if _, i, sure := c.matcher.Match(tagsOf(list)...); sure >= language.High {
			return Languages()[i]
		}
	}
	return Swedish
}

// tagsOf reads a list of language tags, best first. One broken entry does not spoil the others.
func tagsOf(list string) []language.Tag {
	list = strings.ReplaceAll(list[:min(len(list), 256)], "; ", ";")
	var tags []language.Tag
	var weights []float32
	for _, entry := range strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' }) {
		tag, weight, err := language.ParseAcceptLanguage(entry)
		if err != nil || len(tag) == 0 {
			continue
		}
		at := len(tags)
		for at > 0 && weights[at-1] < weight[0] {
			at--
		}
		tags, weights = slices.Insert(tags, at, tag[0]), slices.Insert(weights, at, weight[0])
	}
	return tags
}

// Printer returns the texts of one language; an unknown one gets Swedish.
func (c *Catalogue) Printer(l Language) *Printer {
	if p, ok := c.printers[l]; ok {
		return p()
	}
	return c.printers[Swedish]()
}

// IDs lists the texts of a language, sorted. It is for tests that compare languages and look for texts nobody uses.
func (c *Catalogue) IDs(l Language) []string {
	p := c.Printer(l)
	ids := slices.AppendSeq(slices.Collect(maps.Keys(p.plain)), maps.Keys(p.forms))
	slices.Sort(ids)
	return ids
}
