package docs

import (
	"bytes"
	"fmt"
	"io/fs"
	"net/url"
	"path"
	"strings"
	"unicode"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"

	"github.com/portvakt/portvakt/internal/web"
)

// library holds what has been read so far.
type library struct {
	files    fs.FS
	pages    map[string]func() (*page, error)  // by address
	tags     map[string]func() (string, error) // of the other files, by address
	contents func() ([]Group, error)
}

// page is a document that has been read.
type page struct {
	title    string
	body     web.Markup
	sections []Section
}

// address is where a file stands.
func address(file string) string {
	if dir, name := path.Split(file); name == "README.md" {
		return root + dir
	}
	return root + strings.TrimSuffix(file, ".md")
}

// read makes a page of a file. What is no Markdown in it, as raw HTML, is left out.
func (l *library) read(file string) (*page, error) {
	source, err := fs.ReadFile(l.files, file)
	if err != nil {
		return nil, fmt.Errorf("read a document: %w", err)
	}
	markdown, tree := l.parse(file, source)
	p := &page{title: file}
	for n := tree.FirstChild(); n != nil; n = n.NextSibling() {
		h, ok := n.(*ast.Heading)
		if !ok {
			continue
		}
		id, _ := h.AttributeString("id")
		switch title := words(h, source); h.Level {
		case 1:
			p.title = title
		case 2:
			p.sections = append(p.sections, Section{title, string(id.([]byte))})
		}
	}
	markHeadings(tree)
	var body bytes.Buffer
	if err := markdown.Renderer().Render(&body, source, tree); err != nil {
		return nil, fmt.Errorf("render %s: %w", file, err)
	}
	p.body = web.Markup(boxes.Replace(body.String()))
	return p, nil
}

// boxes let what is wider than a phone scroll by itself, by the keyboard too. The source has no HTML of its own, so these are the
// renderer's.
var boxes = strings.NewReplacer("<table>", `<div class="wide-box" tabindex="0"><table>`, "</table>", "</table></div>", "<pre>", `<pre tabindex="0">`)

// parse reads Markdown. Headings get the anchors that the repository's pages have as well, and links lead to pages.
func (l *library) parse(file string, source []byte) (goldmark.Markdown, ast.Node) {
	markdown := goldmark.New(goldmark.WithExtensions(extension.Table), goldmark.WithParserOptions(parser.WithAutoHeadingID()))
	tree := markdown.Parser().Parse(text.NewReader(source), parser.WithContext(parser.NewContext(parser.WithIDs(anchors{}))))
	var away []*ast.Link
	_ = ast.Walk(tree, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		switch n := n.(type) {
		case *ast.Link:
			to, served := l.lead(file, string(n.Destination))
			n.Destination = []byte(to)
			if !served {
				away = append(away, n)
			}
		case *ast.Image:
			to, _ := l.lead(file, string(n.Destination))
			n.Destination = []byte(to)
		}
		return ast.WalkContinue, nil
	})
	for _, n := range away { // what stands in the repository alone, as the code: its name stays, and leads nowhere
		for child := n.FirstChild(); child != nil; child = n.FirstChild() {
			n.Parent().InsertBefore(n.Parent(), n, child)
		}
		n.Parent().RemoveChild(n.Parent(), n)
	}
	return markdown, tree
}

// lead is where a link of a file leads here, and whether it leads anywhere.
func (l *library) lead(file, to string) (string, bool) {
	u, err := url.Parse(to)
	if err != nil || u.Scheme != "" || u.Path == "" {
		return to, err == nil
	}
	name := path.Join(path.Dir(file), u.Path)
	if info, err := fs.Stat(l.files, name); err == nil && info.IsDir() {
		name = path.Join(name, "README.md")
	}
	at := address(name)
	if l.pages[at] == nil && l.tags[root+name] == nil {
		return "", false
	}
	if u.Fragment != "" {
		at += "#" + u.Fragment
	}
	return at, true
}

// markHeadings gives each heading but the first rank a link to itself, for whoever wants to send it to somebody.
func markHeadings(tree ast.Node) {
	for n := tree.FirstChild(); n != nil; n = n.NextSibling() {
		h, ok := n.(*ast.Heading)
		if !ok || h.Level == 1 {
			continue
		}
		id, _ := h.AttributeString("id")
		link := ast.NewLink()
		link.Destination = append([]byte("#"), id.([]byte)...)
		link.SetAttributeString("class", []byte("anchor"))
		link.SetAttributeString("title", []byte("Link to this section"))
		h.AppendChild(h, link)
	}
}

// readContents makes the list of pages: the headings of the first page, and under each the pages that its lists lead to.
func (l *library) readContents() ([]Group, error) {
	source, err := fs.ReadFile(l.files, "README.md")
	if err != nil {
		return nil, fmt.Errorf("read the first page: %w", err)
	}
	_, tree := l.parse("README.md", source)
	var all []Group
	for n := tree.FirstChild(); n != nil; n = n.NextSibling() {
		switch n := n.(type) {
		case *ast.Heading:
			if n.Level == 2 {
				all = append(all, Group{Title: words(n, source)})
			}
		case *ast.List:
			if len(all) == 0 {
				continue
			}
			g := &all[len(all)-1]
			for item := n.FirstChild(); item != nil; item = item.NextSibling() {
				if link, ok := item.FirstChild().FirstChild().(*ast.Link); ok { // what an entry begins with is the page
					g.Pages = append(g.Pages, Page{Title: words(link, source), URL: string(link.Destination)})
				}
			}
		}
	}
	return all, nil
}

// words are the text of a heading or a link.
func words(n ast.Node, source []byte) string {
	var b strings.Builder
	_ = ast.Walk(n, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if t, ok := n.(*ast.Text); ok && entering {
			b.Write(t.Value(source))
		}
		return ast.WalkContinue, nil
	})
	return b.String()
}

// anchors make the ids of headings as the usual hosts of repositories do, so that a link to a section works there and here.
type anchors map[string]bool

// Generate implements parser.IDs.
func (a anchors) Generate(value []byte, _ ast.NodeKind) []byte {
	id := strings.Map(func(r rune) rune {
		switch {
		case r == ' ':
			return '-'
		case unicode.IsLetter(r) || unicode.IsDigit(r) || r == '-' || r == '_':
			return unicode.ToLower(r)
		}
		return -1
	}, strings.TrimSpace(string(util.TrimRightSpace(value))))
	free := id
	for n := 1; a[free]; n++ {
		free = fmt.Sprintf("%s-%d", id, n)
	}
	a[free] = true
	return []byte(free)
}

// Put implements parser.IDs.
func (a anchors) Put(value []byte) { a[string(value)] = true }
