package portvakt_test

import (
	"fmt"
	"go/ast"
	"go/constant"
	"go/token"
	"go/types"
	"path"
	"slices"
	"strconv"
	"strings"
)

// The checks. Each looks at a module and returns what it found, one line per finding.

// checkEdges holds the imports of ours against the map, in both directions: an unknown package, an edge that
// the map does not have, and an edge of the map that nobody uses.
func checkEdges(m *module, house map[string]room) (found []string) {
	for _, p := range m.sorted() {
		r, known := house[p.path]
		if !known {
			if len(p.files) > 0 {
				found = append(found, fmt.Sprintf("%s: the map does not know this package", p.path))
			}
			continue
		}
		paths, where := imported(p.files)
		used := map[string]bool{}
		for _, to := range paths {
			to, ours := strings.CutPrefix(to, modulePath)
			if !ours {
				continue
			}
			used[to] = true
			if !slices.Contains(r.imports(), to) {
				found = append(found, fmt.Sprintf("%s: %s imports %s, which the map does not allow", m.at(where[modulePath+to]), p.path, to))
			}
		}
		for _, to := range r.imports() {
			if !used[to] {
				found = append(found, fmt.Sprintf("%s: the map allows the import of %s, which it does not use", p.path, to))
			}
		}
	}
	return found
}

// checkArrows holds the map itself against the arrows of the design: each edge leads to a layer that the
// importer's layer may use.
func checkArrows(house map[string]room) (found []string) {
	for from, r := range house {
		for _, to := range r.imports() {
			target, known := house[to]
			edge := from + " → " + to
			switch {
			case !known:
				found = append(found, edge+": the map has no such package")
			case exceptions[edge] != "" || slices.Contains(arrows[r.layer], target.layer):
			default:
				found = append(found, fmt.Sprintf("%s: a %s imports no %s", edge, r.layer, target.layer))
			}
		}
	}
	slices.Sort(found)
	return found
}

// checkForeign asks a reason for every package of others, and for those of the standard library that a layer
// must not know.
func checkForeign(m *module, house map[string]room) (found []string) {
	for _, p := range m.sorted() {
		paths, where := imported(p.files)
		for _, to := range paths {
			if strings.HasPrefix(to, modulePath) {
				continue
			}
			r, ruled := ruleFor(to)
			switch {
			case !ruled && strings.Contains(strings.Split(to, "/")[0], "."):
				found = append(found, fmt.Sprintf("%s: %s imports %s, for which nobody has given a reason", m.at(where[to]), p.path, to))
			case ruled && !r.allows(p.path, house[p.path].layer):
				found = append(found, fmt.Sprintf("%s: %s imports %s: %s", m.at(where[to]), p.path, to, r.why))
			}
		}
	}
	return found
}

// checkSamples: the samples, their tests too, know Portvakt by its protocols alone; and what is made for tests
// is imported by tests alone.
func checkSamples(m *module, house map[string]room) (found []string) {
	for _, p := range m.sorted() {
		if house[p.path].layer != sample {
			continue
		}
		paths, where := imported(slices.Concat(p.files, p.tests))
		for _, to := range paths {
			if strings.HasPrefix(to, modulePath+"internal/") {
				found = append(found, fmt.Sprintf("%s: %s imports %s: a sample is a customer and imports nothing internal", m.at(where[to]), p.path, to))
			}
		}
	}
	return found
}

// vague are names that say nothing: such a package has no reason ever to stop growing.
var vague = strings.Fields("util utils common helper helpers misc shared base types model models lib x")

func checkNames(m *module) (found []string) {
	for _, p := range m.sorted() {
		for _, f := range p.files {
			if name := f.Name.Name; slices.Contains(vague, name) || slices.Contains(vague, path.Base(p.path)) {
				found = append(found, fmt.Sprintf("%s: a package %s: the name says nothing", m.at(f.Package), name))
			}
		}
	}
	return found
}

// checkComments asks every package and every exported name for a comment.
func checkComments(m *module) (found []string) {
	for _, p := range m.sorted() {
		if len(p.files) == 0 {
			continue
		}
		if !slices.ContainsFunc(p.files, func(f *ast.File) bool { return f.Doc.Text() != "" }) {
			found = append(found, fmt.Sprintf("%s: the package has no comment", p.path))
		}
		for _, f := range p.files {
			if f.Name.Name == "main" {
				continue
			}
			for _, d := range f.Decls {
				for _, name := range uncommented(d) {
					found = append(found, fmt.Sprintf("%s: %s has no comment", m.at(name.Pos()), name.Name))
				}
			}
		}
	}
	return found
}

// uncommented are the exported names of a declaration that have no comment, neither of their own nor their group's.
func uncommented(d ast.Decl) (names []*ast.Ident) {
	switch d := d.(type) {
	case *ast.FuncDecl:
		if d.Name.IsExported() && d.Doc.Text() == "" && (d.Recv == nil || receiver(d).IsExported()) {
			names = append(names, d.Name)
		}
	case *ast.GenDecl:
		for _, spec := range d.Specs {
			switch s := spec.(type) {
			case *ast.TypeSpec:
				if s.Name.IsExported() && d.Doc.Text()+s.Doc.Text() == "" {
					names = append(names, s.Name)
				}
			case *ast.ValueSpec:
				if d.Doc.Text()+s.Doc.Text()+s.Comment.Text() == "" {
					names = append(names, slices.DeleteFunc(slices.Clone(s.Names), func(n *ast.Ident) bool { return !n.IsExported() })...)
				}
			}
		}
	}
	return names
}

// receiver is the name of the type that a method belongs to.
func receiver(d *ast.FuncDecl) *ast.Ident {
	t := d.Recv.List[0].Type
	for {
		switch x := t.(type) {
		case *ast.StarExpr:
			t = x.X
		case *ast.IndexExpr:
			t = x.X
		case *ast.IndexListExpr:
			t = x.X
		case *ast.Ident:
			return x
		default:
			return ast.NewIdent("_")
		}
	}
}

// impure are the functions that make a rule depend on more than its arguments.
var impure = map[string]string{
	"time.Now": "time is a parameter", "time.Since": "time is a parameter", "time.Until": "time is a parameter",
	"os.Getenv": "settings are parameters", "os.LookupEnv": "settings are parameters", "os.Environ": "settings are parameters",
}

// checkPurity keeps the clock, the environment and dice out of the rules.
func checkPurity(m *module, house map[string]room) (found []string) {
	for _, p := range m.sorted() {
		switch house[p.path].layer {
		case flow, funnel, authenticator, noun:
		default:
			continue
		}
		for id, o := range p.uses() {
			if o.Pkg() == nil {
				continue
			}
			why := impure[o.Pkg().Path()+"."+o.Name()]
			if random := strings.HasPrefix(o.Pkg().Path(), "math/rand") || o.Pkg().Path() == "crypto/rand"; random && house[p.path].layer != noun {
				why = "randomness comes from package secret"
			}
			if why != "" {
				found = append(found, fmt.Sprintf("%s: %s in %s: %s", m.at(id.Pos()), o.Pkg().Name()+"."+o.Name(), p.path, why))
			}
		}
	}
	slices.Sort(found)
	return found
}

func (p *sources) uses() map[*ast.Ident]types.Object {
	if p.info == nil {
		return nil
	}
	return p.info.Uses
}

// checkVariables allows package variables that are made where they are declared and that nothing changes
// afterwards: errors, tables, patterns, embedded files, sync.OnceValue, interface guards. It forbids init.
func checkVariables(m *module, exempt map[string]string) (found []string) {
	kept := map[types.Object]bool{}
	for _, p := range m.sorted() {
		if p.info == nil || exempt[p.path] != "" {
			continue
		}
		for _, f := range p.built {
			for _, d := range f.Decls {
				if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == "init" {
					found = append(found, fmt.Sprintf("%s: init runs behind the reader's back: let the composition root call it", m.at(fn.Pos())))
				}
				if g, ok := d.(*ast.GenDecl); ok && g.Tok == token.VAR {
					found = append(found, m.checkVar(p, g, kept)...)
				}
			}
		}
	}
	for _, p := range m.sorted() {
		for _, f := range p.built {
			ast.Inspect(f, func(n ast.Node) bool {
				for _, target := range p.changed(n) {
					if o := p.root(target); kept[o] {
						found = append(found, fmt.Sprintf("%s: the package variable %s is changed here", m.at(n.Pos()), o.Name()))
					}
				}
				return true
			})
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}

func (m *module) checkVar(p *sources, g *ast.GenDecl, kept map[types.Object]bool) (found []string) {
	for _, spec := range g.Specs {
		s := spec.(*ast.ValueSpec)
		embedded := isEmbed(g.Doc) || isEmbed(s.Doc)
		for _, name := range s.Names {
			if name.Name == "_" {
				continue
			}
			o := p.info.Defs[name]
			kept[o] = true
			switch {
			case len(s.Values) == 0 && !embedded:
				found = append(found, fmt.Sprintf("%s: the package variable %s has no value: somebody will change it", m.at(name.Pos()), name.Name))
			case isState(o.Type()):
				found = append(found, fmt.Sprintf("%s: the package variable %s holds state", m.at(name.Pos()), name.Name))
			}
		}
	}
	return found
}

func isEmbed(c *ast.CommentGroup) bool {
	return c != nil && slices.ContainsFunc(c.List, func(line *ast.Comment) bool { return strings.HasPrefix(line.Text, "//go:embed ") })
}

// isState: channels, and what is made to be changed by many.
func isState(t types.Type) bool {
	if p, ok := t.(*types.Pointer); ok {
		t = p.Elem()
	}
	if named, ok := t.(*types.Named); ok && named.Obj().Pkg() != nil {
		from := named.Obj().Pkg().Path()
		return from == "sync" || from == "sync/atomic"
	}
	_, channel := t.Underlying().(*types.Chan)
	return channel
}

// changed are the expressions that a node assigns to, deletes from, or takes the address of.
func (p *sources) changed(n ast.Node) []ast.Expr {
	switch n := n.(type) {
	case *ast.AssignStmt:
		if n.Tok != token.DEFINE {
			return n.Lhs
		}
	case *ast.IncDecStmt:
		return []ast.Expr{n.X}
	case *ast.UnaryExpr:
		if n.Op == token.AND {
			return []ast.Expr{n.X}
		}
	case *ast.RangeStmt:
		if n.Tok == token.ASSIGN {
			return []ast.Expr{n.Key, n.Value}
		}
	case *ast.CallExpr:
		if id, ok := n.Fun.(*ast.Ident); ok && len(n.Args) > 0 {
			if b, ok := p.info.Uses[id].(*types.Builtin); ok && slices.Contains([]string{"delete", "clear", "copy"}, b.Name()) {
				return n.Args[:1]
			}
		}
	case *ast.SelectorExpr:
		// A method with a pointer receiver on a plain value takes its address.
		if s := p.info.Selections[n]; s != nil && s.Kind() == types.MethodVal {
			_, onPointer := s.Obj().(*types.Func).Signature().Recv().Type().(*types.Pointer)
			if _, isPointer := s.Recv().(*types.Pointer); onPointer && !isPointer {
				return []ast.Expr{n.X}
			}
		}
	}
	return nil
}

// root is the variable that an expression is a part of.
func (p *sources) root(e ast.Expr) types.Object {
	for {
		switch x := e.(type) {
		case *ast.ParenExpr:
			e = x.X
		case *ast.IndexExpr:
			e = x.X
		case *ast.SliceExpr:
			e = x.X
		case *ast.StarExpr:
			e = x.X
		case *ast.SelectorExpr:
			if p.info.Selections[x] == nil {
				return p.info.Uses[x.Sel] // a variable of another package
			}
			e = x.X
		case *ast.Ident:
			return p.info.Uses[x]
		default:
			return nil
		}
	}
}

// checkVerify: an authenticator's Verify is called by authn alone, so there is no way round the funnel.
func checkVerify(m *module, house map[string]room) (found []string) {
	for _, p := range m.sorted() {
		for id, o := range p.uses() {
			fn, ok := o.(*types.Func)
			if !ok || fn.Pkg() == nil || !strings.HasPrefix(fn.Name(), "Verify") {
				continue
			}
			of := strings.TrimPrefix(fn.Pkg().Path(), modulePath)
			if house[of].layer == authenticator && of != p.path && p.path != "internal/authn" {
				found = append(found, fmt.Sprintf("%s: %s calls %s.%s: a proof goes through authn.Prove", m.at(id.Pos()), p.path, fn.Pkg().Name(), fn.Name()))
			}
		}
	}
	slices.Sort(found)
	return found
}

// checkGuards asks store for a line `var _ recovery.Tx = (*Tx)(nil)` for each Tx that a flow declares: a method
// that is missing is then a compiler's error at the place where it belongs.
func checkGuards(m *module) (found []string) {
	guards := map[string]bool{}
	if s := m.packages["internal/store"]; s != nil {
		for _, f := range s.files {
			for _, d := range f.Decls {
				g, ok := d.(*ast.GenDecl)
				if !ok || g.Tok != token.VAR {
					continue
				}
				for _, spec := range g.Specs {
					if v := spec.(*ast.ValueSpec); v.Names[0].Name == "_" && v.Type != nil {
						guards[types.ExprString(v.Type)] = true
					}
				}
			}
		}
	}
	for _, p := range m.sorted() {
		if p.types == nil || p.path == "internal/store" {
			continue
		}
		for _, name := range []string{"Tx", "Store"} {
			o := p.types.Scope().Lookup(name)
			if o == nil || !types.IsInterface(o.Type()) {
				continue
			}
			if guard := p.types.Name() + "." + name; !guards[guard] {
				found = append(found, fmt.Sprintf("%s: store has no guard for %s", m.at(o.Pos()), guard))
			}
		}
	}
	return found
}

// checkGets looks for a way from the handler of a GET to a transaction that writes. It follows every function that a
// function mentions, and from an interface's method to all that fulfil it: it may see a way that is never
// taken, but misses none (but for functions kept in fields, of which only InTx leads to the database, and in variables, as the API's operations: its own test calls them all).
func checkGets(m *module, may map[string]string) (found []string) {
	w := newWays(m)
	for pattern, starts := range w.gets() {
		way := w.toWrite(starts)
		switch {
		case way != nil && may[pattern] == "":
			found = append(found, fmt.Sprintf("%s reaches a transaction that writes: %s", pattern, strings.Join(way, " → ")))
		case way == nil && may[pattern] != "":
			found = append(found, fmt.Sprintf("%s may write, but does not", pattern))
		}
	}
	slices.Sort(found)
	return found
}

// ways is which function mentions which.
type ways struct {
	m     *module
	calls map[types.Object][]types.Object
	ends  map[types.Object]bool // mention InTx, or are the store's own way to a transaction
}

func newWays(m *module) *ways {
	w := &ways{m: m, calls: map[types.Object][]types.Object{}, ends: map[types.Object]bool{}}
	for _, p := range m.sorted() {
		for _, f := range p.built {
			for _, d := range f.Decls {
				if fn, ok := d.(*ast.FuncDecl); ok && fn.Body != nil {
					from := p.info.Defs[fn.Name]
					w.calls[from] = p.mentions(fn.Body)
				}
			}
		}
	}
	for from, mentioned := range w.calls {
		for _, to := range mentioned {
			if isTransaction(to) {
				w.ends[from] = true
			}
		}
	}
	w.fulfil()
	return w
}

// isTransaction: a flow's field InTx, or the functions of store that it is made of.
func isTransaction(o types.Object) bool {
	switch o := o.(type) {
	case *types.Var:
		return o.IsField() && o.Name() == "InTx"
	case *types.Func:
		return o.Pkg() != nil && o.Pkg().Path() == modulePath+"internal/store" && (o.Name() == "transact" || o.Name() == "inLane")
	}
	return false
}

// mentions are the functions and fields that a piece of code names, in their order.
func (p *sources) mentions(n ast.Node) (all []types.Object) {
	ast.Inspect(n, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok {
			switch o := p.info.Uses[id].(type) {
			case *types.Func:
				all = append(all, o.Origin())
			case *types.Var:
				if o.IsField() {
					all = append(all, o.Origin())
				}
			}
		}
		return true
	})
	return all
}

// fulfil leads from each method of an interface of ours to the methods that can stand behind it.
func (w *ways) fulfil() {
	var interfaces, concrete []*types.Named
	for _, p := range w.m.sorted() {
		if p.types == nil {
			continue
		}
		for _, name := range p.types.Scope().Names() {
			named, ok := p.types.Scope().Lookup(name).Type().(*types.Named)
			switch {
			case !ok || named.TypeParams().Len() > 0:
			case types.IsInterface(named):
				interfaces = append(interfaces, named)
			default:
				concrete = append(concrete, named)
			}
		}
	}
	for _, i := range interfaces {
		asked := i.Underlying().(*types.Interface)
		for _, c := range concrete {
			if p := types.NewPointer(c); asked.NumMethods() > 0 && types.Implements(p, asked) {
				for method := range asked.Methods() {
					o, _, _ := types.LookupFieldOrMethod(p, true, method.Pkg(), method.Name())
					w.calls[method] = append(w.calls[method], o)
				}
			}
		}
	}
}

// gets are the functions that stand behind each pattern that answers a GET.
func (w *ways) gets() map[string][]types.Object {
	found := map[string][]types.Object{}
	for _, p := range w.m.sorted() {
		for _, f := range p.built {
			ast.Inspect(f, func(n ast.Node) bool {
				var pattern, handler ast.Expr
				switch n := n.(type) {
				case *ast.KeyValueExpr:
					pattern, handler = n.Key, n.Value
				case *ast.CallExpr:
					if s, ok := n.Fun.(*ast.SelectorExpr); ok && len(n.Args) == 2 && strings.HasPrefix(s.Sel.Name, "Handle") {
						pattern, handler = n.Args[0], n.Args[1]
					}
				}
				if text, ok := p.text(pattern); ok && answersGet(text) {
					found[text] = append(found[text], p.mentions(handler)...)
				}
				return true
			})
		}
	}
	return found
}

// text is the value of a constant expression.
func (p *sources) text(e ast.Expr) (string, bool) {
	if e == nil {
		return "", false
	}
	v := p.info.Types[e].Value
	if v == nil || v.Kind() != constant.String {
		return "", false
	}
	text, err := strconv.Unquote(v.ExactString())
	return text, err == nil
}

// answersGet: "GET /path", or a bare "/path", which answers every method.
func answersGet(pattern string) bool {
	rest, get := strings.CutPrefix(pattern, "GET ")
	return strings.HasPrefix(rest, "/") && (get || pattern == "/" || strings.HasPrefix(pattern, "/"))
}

// toWrite is the shortest way to a transaction, as names; nil if there is none.
func (w *ways) toWrite(starts []types.Object) []string {
	before := map[types.Object]types.Object{}
	queue := slices.Clone(starts)
	for _, s := range starts {
		before[s] = nil
	}
	for len(queue) > 0 {
		here := queue[0]
		queue = queue[1:]
		if w.ends[here] || isTransaction(here) {
			var way []string
			for o := here; o != nil; o = before[o] {
				way = append([]string{o.Pkg().Name() + "." + o.Name()}, way...)
			}
			return way
		}
		for _, next := range w.calls[here] {
			if _, seen := before[next]; !seen {
				before[next] = here
				queue = append(queue, next)
			}
		}
	}
	return nil
}
