package portvakt_test

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/build"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sort"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// modulePath is the first part of every import path of ours.
const modulePath = "github.com/portvakt/portvakt/"

// module is a source tree, parsed and type-checked: the real one, or a small one from testdata.
type module struct {
	root     string
	fset     *token.FileSet
	packages map[string]*sources // by folder: "internal/recovery"
}

// sources are the files of one package.
type sources struct {
	path  string
	files []*ast.File // all that are no tests, also those for other systems
	tests []*ast.File
	built []*ast.File // files of this system
	types *types.Package
	info  *types.Info
}

// theModule is Portvakt itself.
var theModule = sync.OnceValues(func() (*module, error) { return loadModule(".") })

func portvakt(t *testing.T) *module {
	t.Helper()
	m, err := theModule()
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func loadModule(root string) (*module, error) {
	m := &module{root: root, fset: token.NewFileSet(), packages: map[string]*sources{}}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		if d.IsDir() && path != root && (name == "testdata" || name == "node_modules" || strings.HasPrefix(name, ".")) {
			return filepath.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(name, ".go") {
			return nil
		}
		return m.parse(path)
	})
	if err != nil {
		return nil, err
	}
	return m, m.typecheck()
}

func (m *module) parse(path string) error {
	file, err := parser.ParseFile(m.fset, path, nil, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return err
	}
	dir, err := filepath.Rel(m.root, filepath.Dir(path))
	if err != nil {
		return err
	}
	dir = filepath.ToSlash(dir)
	p := m.packages[dir]
	if p == nil {
		p = &sources{path: dir}
		m.packages[dir] = p
	}
	if strings.HasSuffix(path, "_test.go") {
		p.tests = append(p.tests, file)
		return nil
	}
	p.files = append(p.files, file)
	match, err := build.Default.MatchFile(filepath.Dir(path), filepath.Base(path))
	if match {
		p.built = append(p.built, file)
	}
	return err
}

// sorted are the packages in the order of their names.
func (m *module) sorted() []*sources {
	var all []*sources
	for _, p := range m.packages {
		all = append(all, p)
	}
	sort.Slice(all, func(i, j int) bool { return all[i].path < all[j].path })
	return all
}

// at is a place as a finding names it.
func (m *module) at(p token.Pos) string {
	where := m.fset.Position(p)
	rel, err := filepath.Rel(m.root, where.Filename)
	if err != nil {
		rel = where.Filename
	}
	return fmt.Sprintf("%s:%d", filepath.ToSlash(rel), where.Line)
}

// typecheck checks the packages' own files; what they import from elsewhere is read as the compiler left it.
func (m *module) typecheck() error {
	list, err := foreignTypes()
	if err != nil {
		return err
	}
	c := &checker{m: m, foreign: importer.ForCompiler(m.fset, "gc", func(path string) (io.ReadCloser, error) {
		file, ok := list[path]
		if !ok {
			return nil, fmt.Errorf("%s is not in the module's dependencies", path)
		}
		return os.Open(file)
	})}
	for _, p := range m.sorted() {
		if _, err := c.Import(modulePath + p.path); err != nil {
			return err
		}
	}
	return nil
}

// checker is the importer of the type check: our packages from source, the others from their export data.
type checker struct {
	m       *module
	foreign types.Importer
}

// Import implements types.Importer.
func (c *checker) Import(path string) (*types.Package, error) {
	p, ours := c.m.packages[strings.TrimPrefix(path, modulePath)]
	if !strings.HasPrefix(path, modulePath) || !ours {
		return c.foreign.Import(path)
	}
	if p.types != nil || len(p.built) == 0 {
		return p.types, nil
	}
	p.info = &types.Info{Types: map[ast.Expr]types.TypeAndValue{}, Defs: map[*ast.Ident]types.Object{},
		Uses: map[*ast.Ident]types.Object{}, Selections: map[*ast.SelectorExpr]*types.Selection{}}
	var err error
	p.types, err = (&types.Config{Importer: c}).Check(path, c.m.fset, p.built, p.info)
	return p.types, err
}

// foreignTypes are the files with the export data of everything that the module is built from.
var foreignTypes = sync.OnceValues(func() (map[string]string, error) {
	cmd := exec.Command("go", "list", "-buildvcs=false", "-export", "-deps", "-f", "{{if .Export}}{{.ImportPath}}\t{{.Export}}{{end}}", "./...")
	var complaints bytes.Buffer
	cmd.Stderr = &complaints
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go list: %w: %s", err, complaints.String())
	}
	files := map[string]string{}
	for line := range strings.Lines(string(out)) {
		if path, file, ok := strings.Cut(strings.TrimSpace(line), "\t"); ok {
			files[path] = file
		}
	}
	return files, nil
})

// imported are the import paths of some files, sorted, each with a place.
func imported(files []*ast.File) (paths []string, where map[string]token.Pos) {
	where = map[string]token.Pos{}
	for _, f := range files {
		for _, spec := range f.Imports {
			path, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				continue // the parser has refused it
			}
			if _, seen := where[path]; !seen {
				paths = append(paths, path)
				where[path] = spec.Pos()
			}
		}
	}
	slices.Sort(paths)
	return paths, where
}
