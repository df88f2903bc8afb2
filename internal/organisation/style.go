package organisation

import (
	"encoding/xml"
	"regexp"
	"strings"
)

// presentation are those of the attributes that a style may set just as well. Drawing programs write their colours so.
var presentation = words(`fill fill-rule fill-opacity stroke stroke-width stroke-linecap stroke-linejoin stroke-miterlimit
	stroke-dasharray stroke-opacity opacity stop-color stop-opacity clip-path clip-rule mask font-size font-family font-weight
	text-anchor dominant-baseline`)

// sheet is what the simple rules of a picture's style sheets say, by selector: an element, a class, an id, or an element with one
// of the two. Everything else that CSS can do is left out.
type sheet struct {
	rules map[string]map[string]declaration
	count int // of all rules so far
}

// maxRules bounds the work for a picture; what a drawing program writes has some tens.
const maxRules = 2000

// declaration is a value, and how much it counts against another one: the closer selector, then the later rule.
type declaration struct {
	value string
	rank  int
}

var (
	cssComment  = regexp.MustCompile(`(?s)/\*.*?(?:\*/|$)`)
	cssSelector = regexp.MustCompile(`^(\*|[^\s.#:>+~*\[\](){},]+)?([.#][^\s.#:>+~*\[\](){},]+)?$`)
)

// step is how much closer one kind of selector is than another, however many rules there are.
const step = 1 << 24

// read adds the rules of a style sheet.
func (s *sheet) read(css string) {
	css = cssComment.ReplaceAllString(css, " ")
	for {
		css = strings.TrimSpace(css)
		if strings.HasPrefix(css, "@") {
			css = behindAtRule(css)
			continue
		}
		selectors, rest, ok := strings.Cut(css, "{")
		if !ok {
			return
		}
		body, after, _ := strings.Cut(rest, "}")
		css = after
		declared := declarations(body)
		for selector := range strings.SplitSeq(selectors, ",") {
			s.add(strings.TrimSpace(selector), declared)
		}
	}
}

// behindAtRule leaves out @import …; and @media … {…{…}…}.
func behindAtRule(css string) string {
	depth := 0
	for i, r := range css {
		switch {
		case r == '{':
			depth++
		case r == '}':
			depth--
		}
		if r == ';' && depth == 0 || r == '}' && depth <= 0 {
			return css[i+1:]
		}
	}
	return ""
}

func (s *sheet) add(selector string, declared map[string]string) {
	parts := cssSelector.FindStringSubmatch(selector)
	if selector == "" || parts == nil {
		return
	}
	element, bound, rank := strings.TrimPrefix(parts[1], "*"), parts[2], 0
	if element != "" {
		rank += step
	}
	switch {
	case strings.HasPrefix(bound, "."):
		rank += 2 * step
	case strings.HasPrefix(bound, "#"):
		rank += 4 * step
	}
	key := element + bound
	if s.rules[key] == nil {
		if len(s.rules) >= maxRules {
			return
		}
		s.rules[key] = map[string]declaration{}
	}
	s.count++
	for name, value := range declared {
		s.rules[key][name] = declaration{value, rank + s.count}
	}
}

// declarations reads "fill:#fff; stroke:none". Only presentation attributes stay, and of them only values that an attribute
// might have.
func declarations(body string) map[string]string {
	all := map[string]string{}
	for line := range strings.SplitSeq(cssComment.ReplaceAllString(body, " "), ";") {
		name, value, _ := strings.Cut(line, ":")
		name = strings.ToLower(strings.TrimSpace(name))
		value, _, _ = strings.Cut(value, "!")
		value = strings.TrimSpace(value)
		if presentation[name] && value != "" && pointsInside(value) && !strings.Contains(strings.ToLower(value), "var(") {
			all[name] = value
		}
	}
	return all
}

// of is what the rules say of an element, and then its own style, which is closest of all.
func (s *sheet) of(t xml.StartElement) map[string]string {
	name := t.Name.Local
	keys := []string{"", name}
	for _, class := range strings.Fields(valueOf(t, "class")) {
		keys = append(keys, "."+class, name+"."+class)
	}
	if id := valueOf(t, "id"); id != "" {
		keys = append(keys, "#"+id, name+"#"+id)
	}
	closest, values := map[string]int{}, map[string]string{}
	for _, key := range keys {
		for property, d := range s.rules[key] {
			if d.rank > closest[property] {
				closest[property], values[property] = d.rank, d.value
			}
		}
	}
	for property, value := range declarations(valueOf(t, "style")) {
		values[property] = value
	}
	return values
}
