package inbox

import (
	"net/url"
	"slices"
	"strings"
	"testing"
)

func TestLinksKeepTheOrderOfTheTextWithoutRepeats(t *testing.T) {
	cases := map[string][]string{
		"":                                      {},
		"no address here, http:// alone":        {},
		"Öppna https://a.example/x. Tack!":      {"https://a.example/x"},
		"http://b.example http://a.example":     {"http://b.example", "http://a.example"},
		"http://a.example/ (http://a.example/)": {"http://a.example/"},
		"<https://a.example/?x=1&y=2>":          {"https://a.example/?x=1&y=2"},
		"(se https://a.example/wiki_(x))":       {"https://a.example/wiki_(x)"},
		"HTTPS://A.example/Å, slut":             {"HTTPS://A.example/Å"},
		"http://localhost:8080/r/#k=abc_-\nx":   {"http://localhost:8080/r/#k=abc_-"},
		"https://a.example/!?":                  {"https://a.example/"},
		"http://http://x.example/":              {"http://http://x.example/"},
	}
	for text, want := range cases {
		if got := Links(text); !slices.Equal(got, want) {
			t.Errorf("Links(%q) = %q, want %q", text, got, want)
		}
	}
}

func TestLinksOfAnHTMLPartAreUnescaped(t *testing.T) {
	got := hrefs(`<p><A HREF=" https://a.example/?x=1&amp;y=2 ">x</A><a name=q><a href="mailto:x@y.example">`)
	if want := []string{"https://a.example/?x=1&y=2"}; !slices.Equal(got, want) {
		t.Errorf("hrefs = %q, want %q", got, want)
	}
}

func FuzzLinks(f *testing.F) {
	for _, seed := range []string{"", "http://", "a https://x.example/å).", "hTTp://[::1]:80/]", "http://x\x00y", "İhttp://x"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		links := Links(text)
		for i, link := range links {
			if u, err := url.Parse(link); err != nil || u.Host == "" {
				t.Errorf("%q is no web address", link)
			}
			if !strings.Contains(text, link) {
				t.Errorf("%q is not in the text", link)
			}
			if strings.ContainsAny(link, " \t\r\n<>\"") {
				t.Errorf("%q goes beyond its word", link)
			}
			if slices.Contains(links[:i], link) {
				t.Errorf("%q comes twice", link)
			}
		}
		hrefs(text)
	})
}
