package docs

import "github.com/portvakt/portvakt/internal/web"

// Document is a page of the documentation.
type Document struct {
	Title  string
	Body   web.Markup
	Groups []Group
}

// Group is a part of the list of pages: what one kind of reader looks for.
type Group struct {
	Title string
	Pages []Page
}

// Page is a line of the list of pages.
type Page struct {
	Title    string
	URL      string
	Current  bool
	Sections []Section // of the current page
}

// Section is a heading of a page.
type Section struct{ Title, ID string }

// opened is the list of pages as it stands beside the page at an address.
func opened(contents []Group, at string, sections []Section) []Group {
	var all []Group
	for _, g := range contents {
		open := Group{Title: g.Title}
		for _, p := range g.Pages {
			if p.URL == at {
				p.Current, p.Sections = true, sections
			}
			open.Pages = append(open.Pages, p)
		}
		all = append(all, open)
	}
	return all
}
