package ui

import (
	"go/ast"
	"go/parser"
	"go/token"
	"strconv"
	"testing"

	"github.com/portvakt/portvakt/internal/audit"
	"github.com/portvakt/portvakt/internal/myaccount"
)

// kinds reads all constants of type Kind out of package audit's source.
func kinds(t *testing.T) (all []audit.Kind) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "../audit/audit.go", nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(file, func(n ast.Node) bool {
		v, ok := n.(*ast.ValueSpec)
		if !ok || len(v.Values) != 1 {
			return true
		}
		if kind, ok := v.Type.(*ast.Ident); !ok || kind.Name != "Kind" {
			return true
		}
		text, err := strconv.Unquote(v.Values[0].(*ast.BasicLit).Value)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, audit.Kind(text))
		return true
	})
	return all
}

// TestEveryKindOfEventHasItsWordsOrIsLeftOutOnPurpose: a new kind needs a text in activityTexts, or its reason in
// concernNobody or myaccount.IsSilent.
func TestEveryKindOfEventHasItsWordsOrIsLeftOutOnPurpose(t *testing.T) {
	all := kinds(t)
	if len(all) < 25 {
		t.Fatalf("only %d kinds found", len(all))
	}
	known := map[audit.Kind]bool{}
	for _, kind := range all {
		known[kind] = true
		places := 0
		for _, here := range []bool{activityTexts[kind] != "", concernNobody[kind], myaccount.IsSilent(kind)} {
			if here {
				places++
			}
		}
		if places != 1 {
			t.Errorf("%s stands in %d places, want one: a text, silent, or about no account", kind, places)
		}
	}
	for kind := range activityTexts {
		if !known[kind] {
			t.Errorf("%s has a text and does not exist", kind)
		}
	}
}
