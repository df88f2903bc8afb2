package inbox

import (
	"net/url"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/net/html"
)

// Links returns the web addresses of a text in their order, without repeats.
func Links(text string) []string {
	links := []string{}
	for {
		start := nextScheme(text)
		if start < 0 {
			return links
		}
		text = text[start:]
		link := trimEnd(untilBreak(text))
		if isWeb(link) {
			links = appendNew(links, []string{link})
		}
		text = text[max(len(link), len("http")):]
	}
}

// nextScheme finds where the next address may begin. ToLower would change the
// length of some foreign letters, so only ASCII is folded.
func nextScheme(text string) int {
	for i := 0; i+len("http://") <= len(text); i++ {
		if hasPrefixFold(text[i:], "http://") || hasPrefixFold(text[i:], "https://") {
			return i
		}
	}
	return -1
}

func hasPrefixFold(s, prefix string) bool {
	return len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix)
}

func untilBreak(text string) string {
	end := strings.IndexFunc(text, func(r rune) bool {
		return unicode.IsSpace(r) || unicode.IsControl(r) || strings.ContainsRune("<>\"`{}|\\^”“»«", r)
	})
	if end < 0 {
		return text
	}
	return text[:end]
}

// trimEnd takes off what belongs to the sentence and not to the address. A
// closing bracket stays where the address itself opened one.
func trimEnd(link string) string {
	for link != "" {
		last := link[len(link)-1]
		switch {
		case strings.IndexByte(".,;:!?'*_", last) >= 0:
		case last == ')' && strings.Count(link, "(") < strings.Count(link, ")"):
		case last == ']' && strings.Count(link, "[") < strings.Count(link, "]"):
		default:
			return link
		}
		link = link[:len(link)-1]
	}
	return link
}

func isWeb(link string) bool {
	u, err := url.Parse(link)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != ""
}

// hrefs returns the targets of the anchors of an HTML text, in their order.
func hrefs(page string) []string {
	var links []string
	z := html.NewTokenizer(strings.NewReader(page))
	for {
		switch z.Next() {
		case html.ErrorToken:
			return links
		case html.StartTagToken, html.SelfClosingTagToken:
			if href := anchor(z.Token()); isWeb(href) {
				links = append(links, href)
			}
		}
	}
}

func anchor(t html.Token) string {
	if t.Data != "a" {
		return ""
	}
	for _, a := range t.Attr {
		if a.Key == "href" {
			return strings.TrimSpace(a.Val)
		}
	}
	return ""
}

func appendNew(links, more []string) []string {
	for _, link := range more {
		if !slices.Contains(links, link) {
			links = append(links, link)
		}
	}
	return links
}
