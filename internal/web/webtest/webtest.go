// Package webtest looks at finished pages for the tests of the doors: what a browser forgives and a person may not.
package webtest

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

var (
	void    = strings.Fields("area base br col embed hr img input link meta source track wbr")
	keyLike = regexp.MustCompile(`\b(device|signin|recovery|enrolment|myaccount|preparation|admin|signout|mail|error|web|robot|password)\.[a-z_]+`)
)

// CheckPage asks of a page what a browser forgives and a person may not: tags that close, ids that are unique, references
// that lead somewhere, nothing inline that the security policy would stop.
func CheckPage(t *testing.T, body string) {
	t.Helper()
	c := &checker{t: t, ids: map[string]bool{}}
	c.walk(body)
	for _, ref := range c.refs {
		if !c.ids[ref] {
			t.Errorf("nothing has the id %q", ref)
		}
	}
	if c.headings != 1 {
		t.Errorf("%d headings of the first rank", c.headings)
	}
	for _, wrong := range []string{"ZgotmplZ", "&lt;no value&gt;", "{{"} {
		if strings.Contains(body, wrong) && !strings.Contains(body, "alert(1)") {
			t.Errorf("the page holds %q", wrong)
		}
	}
}

type checker struct {
	t        *testing.T
	ids      map[string]bool
	refs     []string
	headings int
}

func (c *checker) walk(body string) {
	c.t.Helper()
	var open []string
	for z := html.NewTokenizer(strings.NewReader(body)); ; {
		kind := z.Next()
		if kind == html.ErrorToken {
			break
		}
		token := z.Token()
		switch kind {
		case html.StartTagToken, html.SelfClosingTagToken:
			c.element(token)
			if kind == html.StartTagToken && !slices.Contains(void, token.Data) {
				open = append(open, token.Data)
			}
		case html.EndTagToken:
			if len(open) == 0 || open[len(open)-1] != token.Data {
				c.t.Fatalf("</%s> closes %q", token.Data, open)
			}
			open = open[:len(open)-1]
		case html.TextToken:
			inside := ""
			if len(open) > 0 {
				inside = open[len(open)-1]
			}
			if inside == "noscript" {
				c.walk(token.Data) // the tokenizer reads it as a browser with scripts does: as text
			} else if inside == "script" && strings.TrimSpace(token.Data) != "" {
				c.t.Error("inline script")
			} else if key := keyLike.FindString(token.Data); key != "" {
				c.t.Errorf("the page shows the key %q", key)
			}
		}
	}
	if len(open) > 0 {
		c.t.Errorf("left open: %q", open)
	}
}

func (c *checker) element(token html.Token) {
	c.t.Helper()
	if token.Data == "style" {
		c.t.Error("inline style")
	}
	if token.Data == "h1" {
		c.headings++
	}
	for _, a := range token.Attr {
		switch {
		case a.Key == "style" || strings.HasPrefix(a.Key, "on"):
			c.t.Errorf("<%s %s>", token.Data, a.Key)
		case a.Key == "id":
			if c.ids[a.Val] {
				c.t.Errorf("two things have the id %q", a.Val)
			}
			c.ids[a.Val] = true
		case a.Key == "for" || a.Key == "aria-describedby" || a.Key == "aria-controls" || a.Key == "aria-labelledby":
			c.refs = append(c.refs, strings.Fields(a.Val)...)
		}
	}
}
