// Package localetest looks through a source tree for the texts that it uses, so that a test can say which are missing and
// which nobody uses any more. It is for tests alone.
package localetest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"regexp"
	"strconv"
	"strings"
)

// Uses is what a source tree asks of the texts: each key with one place where it stands.
type Uses struct {
	Asked map[string]string // keys that are certainly texts: must exist
	Named map[string]string // every string literal of the sources that could be a key: makes a text a used one
}

// asked finds {{t "key"}}, (t "key") and the same with plural.
var asked = regexp.MustCompile("[({ |](?:t|plural) [\"`]([a-z0-9_.]+)[\"`]")

// askedByScript finds t("key") in a program for browsers, and namedByScript every string there that could be a key.
var (
	askedByScript = regexp.MustCompile("\\bt\\(\"([a-z0-9_]+(?:\\.[a-z0-9_]+)+)\"")
	namedByScript = regexp.MustCompile("\"([a-z0-9_]+(?:\\.[a-z0-9_]+)+)\"")
)

// keyLike is the form of a key.
var keyLike = regexp.MustCompile(`^[a-z0-9_]+(\.[a-z0-9_]+)+$`)

// Scan reads the templates (.html and .txt beneath a folder called templates) the scripts and the Go sources, without
// tests, beneath root.
func Scan(root string) (*Uses, error) {
	uses := &Uses{Asked: map[string]string{}, Named: map[string]string{}}
	tree := os.DirFS(root)
	err := fs.WalkDir(tree, ".", func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (entry.Name() == "testdata" || entry.Name() == "node_modules" || strings.HasPrefix(entry.Name(), ".") && path != "."):
			return fs.SkipDir
		case strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, "_test.go"):
			return uses.source(tree, path)
		case strings.Contains("/"+path, "/templates/") && (strings.HasSuffix(path, ".html") || strings.HasSuffix(path, ".txt")):
			return uses.template(tree, path)
		case strings.HasSuffix(path, ".js") && !strings.HasSuffix(path, ".test.js"):
			return uses.script(tree, path)
		}
		return nil
	})
	return uses, err
}

func (u *Uses) template(tree fs.FS, path string) error {
	text, err := fs.ReadFile(tree, path)
	if err != nil {
		return err
	}
	for _, found := range asked.FindAllSubmatch(text, -1) {
		u.Asked[string(found[1])] = path
	}
	return nil
}

func (u *Uses) script(tree fs.FS, path string) error {
	text, err := fs.ReadFile(tree, path)
	if err != nil {
		return err
	}
	for _, found := range askedByScript.FindAllSubmatch(text, -1) {
		u.Asked[string(found[1])] = path
	}
	for _, found := range namedByScript.FindAllSubmatch(text, -1) {
		u.Named[string(found[1])] = path
	}
	return nil
}

// source takes as asked for: the first argument of a method T or Plural, the Key of a web.Fault (which asks for a title and
// a text), and the value of a constant whose name begins with Problem or Notice.
func (u *Uses) source(tree fs.FS, path string) error {
	text, err := fs.ReadFile(tree, path)
	if err != nil {
		return err
	}
	file, err := parser.ParseFile(token.NewFileSet(), path, text, parser.SkipObjectResolution)
	if err != nil {
		return err
	}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.BasicLit:
			if key, ok := literal(n); ok && keyLike.MatchString(key) {
				u.Named[key] = path
			}
		case *ast.CallExpr:
			if method, ok := n.Fun.(*ast.SelectorExpr); ok && (method.Sel.Name == "T" || method.Sel.Name == "Plural") && len(n.Args) > 0 {
				u.ask(n.Args[0], path)
			}
		case *ast.CompositeLit:
			u.fault(n, path)
		case *ast.ValueSpec:
			for i, name := range n.Names {
				if (strings.HasPrefix(name.Name, "Problem") || strings.HasPrefix(name.Name, "Notice")) && i < len(n.Values) {
					u.ask(n.Values[i], path)
				}
			}
		}
		return true
	})
	return nil
}

func (u *Uses) fault(n *ast.CompositeLit, path string) {
	name := ""
	switch kind := n.Type.(type) {
	case *ast.Ident:
		name = kind.Name
	case *ast.SelectorExpr:
		name = kind.Sel.Name
	}
	if name != "Fault" {
		return
	}
	for _, element := range n.Elts {
		pair, ok := element.(*ast.KeyValueExpr)
		if !ok {
			continue
		}
		if field, ok := pair.Key.(*ast.Ident); ok && field.Name == "Key" {
			if key, ok := literal(pair.Value); ok {
				u.Asked[key+".title"], u.Asked[key+".text"] = path, path
			}
		}
	}
}

func (u *Uses) ask(e ast.Expr, path string) {
	if key, ok := literal(e); ok && keyLike.MatchString(key) {
		u.Asked[key] = path
	}
}

func literal(e ast.Expr) (string, bool) {
	lit, ok := e.(*ast.BasicLit)
	if !ok || lit.Kind != token.STRING {
		return "", false
	}
	s, err := strconv.Unquote(lit.Value)
	return s, err == nil
}

// Missing lists the keys that are asked for and not among the texts, with the place.
func (u *Uses) Missing(has func(key string) bool) map[string]string {
	missing := map[string]string{}
	for key, path := range u.Asked {
		if !has(key) {
			missing[key] = path
		}
	}
	return missing
}

// Used tells whether anything uses a text: it is asked for, or a literal names it, or names the prefix of its .title or .text.
func (u *Uses) Used(key string) bool {
	prefix := strings.TrimSuffix(strings.TrimSuffix(key, ".title"), ".text")
	return u.Asked[key] != "" || u.Named[key] != "" || prefix != key && u.Named[prefix] != ""
}
