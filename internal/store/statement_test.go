package store

import (
	"context"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"testing"
)

// source is this package's own source, tests left out.
func packageFiles(t *testing.T) map[string]*ast.File {
	t.Helper()
	files := make(map[string]*ast.File)
	set := token.NewFileSet()
	names, err := fs.Glob(os.DirFS("."), "*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(set, name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		files[name] = f
	}
	return files
}

// constants are the package's string constants as expressions, and which of them are statements.
func constants(files map[string]*ast.File) (values map[string]ast.Expr, statements map[string]string) {
	values, statements = make(map[string]ast.Expr), make(map[string]string)
	for file, f := range files {
		for _, d := range f.Decls {
			g, ok := d.(*ast.GenDecl)
			if !ok || g.Tok != token.CONST {
				continue
			}
			for _, spec := range g.Specs {
				v := spec.(*ast.ValueSpec)
				for i, name := range v.Names {
					if i < len(v.Values) {
						values[name.Name] = v.Values[i]
					}
					if typ, ok := v.Type.(*ast.Ident); ok && typ.Name == "statement" {
						statements[name.Name] = file
					}
				}
			}
		}
	}
	return values, statements
}

// evaluate puts a text together from literals, other constants and +.
func evaluate(e ast.Expr, values map[string]ast.Expr) (string, error) {
	switch e := e.(type) {
	case *ast.BasicLit:
		return strconv.Unquote(e.Value)
	case *ast.ParenExpr:
		return evaluate(e.X, values)
	case *ast.Ident:
		if v, ok := values[e.Name]; ok {
			return evaluate(v, values)
		}
	case *ast.BinaryExpr:
		left, err := evaluate(e.X, values)
		if err != nil {
			return "", err
		}
		right, err := evaluate(e.Y, values)
		return left + right, err
	}
	return "", fmt.Errorf("%T is no constant text", e)
}

// prepares asks the engine to parse a statement, without running it.
func prepares(db *DB, s statement) error {
	ctx := context.Background()
	switch e := db.engine.(type) {
	case *lite:
		st, err := e.writing.PrepareContext(ctx, string(s))
		if err == nil {
			err = st.Close()
		}
		return err
	case *pg:
		conn, err := e.pool.Acquire(ctx)
		if err != nil {
			return err
		}
		defer conn.Release()
		_, err = conn.Conn().Prepare(ctx, "", string(s))
		return err
	}
	panic("an engine without a test")
}

// engineOnly are the texts of the engine itself, which belong to one of the two.
var engineOnly = map[string]dialect{
	"beginBatch": sqliteDialect, "commitBatch": sqliteDialect, "rollbackBatch": sqliteDialect,
	"savepoint": sqliteDialect, "releaseSavepoint": sqliteDialect, "rollbackSavepoint": sqliteDialect,
	"hasVersionTable": sqliteDialect, "pgClock": postgresDialect, "copyDatabase": sqliteDialect, "checkPages": sqliteDialect,
}

// TestEveryStatementPrepares finds the statements in the source, so that none is forgotten, and has both engines check
// them against the migrated schema.
func TestEveryStatementPrepares(t *testing.T) {
	values, statements := constants(packageFiles(t))
	if len(statements) < 5 {
		t.Fatalf("only %d statements found: the test looks in the wrong place", len(statements))
	}
	eachEngine(t, func(t *testing.T, db *DB) {
		if e, ok := db.engine.(*lite); ok {
			e.writer.stop() // the test wants its connection
		}
		for name, file := range statements {
			text, err := evaluate(values[name], values)
			if err != nil {
				t.Errorf("%s: %s: %v", file, name, err)
				continue
			}
			only := engineOnly[name]
			switch {
			case strings.HasSuffix(name, "SQLite"):
				only = sqliteDialect
			case strings.HasSuffix(name, "Postgres"):
				only = postgresDialect
			}
			if only != "" && only != db.engine.dialect() {
				continue
			}
			if err := prepares(db, statement(text)); err != nil {
				t.Errorf("%s: %s does not prepare: %v", file, name, err)
			}
		}
	})
}

// TestStatementsArePortable bans what the two engines, or two locales, understand differently.
func TestStatementsArePortable(t *testing.T) {
	values, statements := constants(packageFiles(t))
	for name, file := range statements {
		text, err := evaluate(values[name], values)
		if err != nil {
			t.Errorf("%s: %s: %v", file, name, err)
			continue
		}
		for _, word := range []string{"LOWER(", "UPPER(", " LIKE ", " ILIKE ", "NOW()", "CURRENT_TIMESTAMP", "COLLATE", "?"} {
			if strings.Contains(strings.ToUpper(text), word) && engineOnly[name] == "" {
				t.Errorf("%s: %s contains %s", file, name, strings.TrimSpace(word))
			}
		}
	}
}

// TestStatementsAreConstants keeps SQL from being put together at run time.
func TestStatementsAreConstants(t *testing.T) {
	for name, f := range packageFiles(t) {
		ast.Inspect(f, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			if fn, ok := call.Fun.(*ast.Ident); ok && fn.Name == "statement" {
				t.Errorf("%s converts a text to a statement", name)
			}
			fn, ok := call.Fun.(*ast.SelectorExpr)
			if !ok || (fn.Sel.Name != "exec" && fn.Sel.Name != "query") {
				return true
			}
			for _, arg := range call.Args {
				if lit, ok := arg.(*ast.BasicLit); ok && lit.Kind == token.STRING && strings.Contains(lit.Value, " ") {
					t.Errorf("%s: a statement without a name: %.50s", name, lit.Value)
				}
			}
			return true
		})
	}
}

func TestReadsTellsWhatCannotWrite(t *testing.T) {
	for s, want := range map[statement]bool{
		"SELECT 1":                             true,
		"\n\tSELECT 1":                         true,
		"WITH a AS (SELECT 1) SELECT * FROM a": true,
		"WITH a AS (DELETE FROM b RETURNING c) SELECT c":     false,
		"WITH a AS (SELECT 1) INSERT INTO b SELECT * FROM a": false,
		"UPDATE a SET b = 1 RETURNING b":                     false,
		"DELETE FROM a":                                      false,
	} {
		if s.reads() != want {
			t.Errorf("reads(%q) = %v", s, !want)
		}
	}
}
