// Package locale holds every sentence that Portvakt says to people, in each language it speaks, and picks the language.
// It knows texts, plurals and dates; it does not know pages, mails or HTTP. A text is named by what it is for
// ("signin.identifier.title"), never by its English wording, so that a sentence can be improved in one place.
package locale

import (
	"embed"
	"fmt"
	"slices"
	"sort"
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
	printers map[Language]*Printer
	matcher  language.Matcher
}

// New returns the embedded texts, which are read once. An error is a mistake in a text file.
func New() (*Catalogue, error) { return embedded() }

var embedded = sync.OnceValues(read)

func read() (*Catalogue, error) {
	bundle := i18n.NewBundle(language.Swedish)
	bundle.RegisterUnmarshalFunc("toml", toml.Unmarshal)
	c := &Catalogue{printers: map[Language]*Printer{}}
	var tags []language.Tag
	for _, l := range Languages() {
		var messages []*i18n.Message
		// What people meet, what administrators do, and the illustrated guide: three files, because three kinds of readers translate them.
		for _, path := range []string{"texts/" + string(l) + ".toml", "texts/admin." + string(l) + ".toml", "texts/guide." + string(l) + ".toml"} {
			raw, err := texts.ReadFile(path)
			if err != nil {
				return nil, fmt.Errorf("locale: read texts: %w", err)
			}
			file, err := bundle.ParseMessageFileBytes(raw, path)
			if err != nil {
				return nil, fmt.Errorf("locale: parse %s: %w", path, err)
			}
			messages = append(messages, file.Messages...)
		}
		c.printers[l] = newPrinter(l, bundle, messages)
		tags = append(tags, language.Make(string(l)))
	}
	c.matcher = language.NewMatcher(tags)
	return c, nil
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
		return p
	}
	return c.printers[Swedish]
}

// IDs lists the texts of a language, sorted. It is for tests that compare languages and look for texts nobody uses.
func (c *Catalogue) IDs(l Language) []string {
	p := c.Printer(l)
	ids := make([]string, 0, len(p.messages))
	for id := range p.messages {
		ids = append(ids, id)
	}
	sort.Strings(ids)
	return ids
}
