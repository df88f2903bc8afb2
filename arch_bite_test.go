package portvakt_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestHouseRulesBite shows each rule a small module that breaks it, and what the rule says. Each finding is wanted,
// and no other.
func TestHouseRulesBite(t *testing.T) {
	house := map[string]room{
		"internal/recovery": {flow, ""},
		"internal/signin":   {flow, "authn"},
		"internal/authn":    {funnel, "password"},
		"internal/password": {authenticator, ""},
		"internal/secret":   {noun, ""},
		"internal/store":    {engine, ""},
		"internal/ui":       {door, "recovery"},
		"samples/hrm":       {sample, ""},
	}
	for _, bite := range []struct {
		name  string
		tree  string
		check func(*module) []string
		want  []string
	}{
		{"a name without a comment", "name", checkComments, []string{
			"internal/recovery: the package has no comment",
			"internal/recovery/recovery.go:3: Request has no comment",
			"internal/recovery/recovery.go:5: Known has no comment",
			"internal/recovery/recovery.go:13: Last has no comment"}},
		{"a package util", "vague", checkNames, []string{
			"internal/util/strings.go:2: a package util: the name says nothing"}},
		{"a package that the map does not know", "vague", func(m *module) []string { return checkEdges(m, house) }, []string{
			"internal/util: the map does not know this package"}},
		{"net/http in a flow", "http", func(m *module) []string { return checkForeign(m, house) }, []string{
			"internal/recovery/recovery.go:4: internal/recovery imports net/http: rules know no HTTP: flows, authn, authenticators and nouns are called by doors of every protocol"}},
		{"SQL in a flow", "sql", func(m *module) []string { return checkForeign(m, house) }, []string{
			"internal/recovery/recovery.go:4: internal/recovery imports database/sql: only store has SQL"}},
		{"a library without a reason", "stranger", func(m *module) []string { return checkForeign(m, house) }, []string{
			"internal/recovery/recovery.go:4: internal/recovery imports golang.org/x/sys/cpu, for which nobody has given a reason"}},
		{"a flow that imports store", "store", func(m *module) []string { return checkEdges(m, house) }, []string{
			"internal/recovery/recovery.go:4: internal/recovery imports internal/store, which the map does not allow"}},
		{"a sample that imports something internal", "sample", func(m *module) []string { return checkSamples(m, house) }, []string{
			"samples/hrm/hrm.go:4: samples/hrm imports github.com/portvakt/portvakt/internal/secret: a sample is a customer and imports nothing internal"}},
		{"clock, dice and environment in a flow", "pure", func(m *module) []string { return checkPurity(m, house) }, []string{
			"internal/recovery/recovery.go:11: time.Now in internal/recovery: time is a parameter",
			"internal/recovery/recovery.go:14: rand.IntN in internal/recovery: randomness comes from package secret",
			"internal/recovery/recovery.go:17: os.Getenv in internal/recovery: settings are parameters"}},
		{"package variables that change", "variables", func(m *module) []string { return checkVariables(m, nil) }, []string{
			"internal/recovery/recovery.go:14: the package variable later has no value: somebody will change it",
			"internal/recovery/recovery.go:16: the package variable lock holds state",
			"internal/recovery/recovery.go:20: init runs behind the reader's back: let the composition root call it",
			"internal/recovery/recovery.go:28: the package variable seen is changed here"}},
		{"Verify outside of the funnel", "verify", func(m *module) []string { return checkVerify(m, house) }, []string{
			"internal/signin/signin.go:7: internal/signin calls password.Verify: a proof goes through authn.Prove"}},
		{"a Tx without a guard", "guard", checkGuards, []string{
			"internal/recovery/recovery.go:5: store has no guard for recovery.Tx"}},
		{"a GET that consumes", "get", func(m *module) []string { return checkGets(m, nil) }, []string{
			"GET /recovery/link/{token} reaches a transaction that writes: ui.getLink → ui.consume → ui.Use → recovery.Use",
			"GET /short/{token} reaches a transaction that writes: ui.getShort → ui.getLink → ui.consume → ui.Use → recovery.Use"}},
	} {
		t.Run(bite.name, func(t *testing.T) {
			m, err := loadModule(filepath.Join("testdata", "arch", bite.tree))
			if err != nil {
				t.Fatal(err)
			}
			if found := bite.check(m); !slices.Equal(found, bite.want) {
				t.Errorf("found:\n%s\nwant:\n%s", strings.Join(found, "\n"), strings.Join(bite.want, "\n"))
			}
		})
	}
}

// TestMapItselfMustFollowTheArrows: a wrong line in the map is noticed even before somebody uses it.
func TestMapItselfMustFollowTheArrows(t *testing.T) {
	found := checkArrows(map[string]room{
		"internal/recovery": {flow, "store signin"},
		"internal/signin":   {flow, "ui"},
		"internal/ui":       {door, "oidc password store signin"},
		"internal/oidc":     {door, "nowhere"},
		"internal/password": {authenticator, ""},
		"internal/store":    {engine, "signin"},
	})
	want := []string{
		"internal/oidc → internal/nowhere: the map has no such package",
		"internal/recovery → internal/signin: a flow imports no flow",
		"internal/recovery → internal/store: a flow imports no engine",
		"internal/signin → internal/ui: a flow imports no door",
		"internal/ui → internal/oidc: a door imports no door",
		"internal/ui → internal/password: a door imports no authenticator",
		"internal/ui → internal/store: a door imports no engine",
	}
	if !slices.Equal(found, want) {
		t.Errorf("found:\n%s\nwant:\n%s", strings.Join(found, "\n"), strings.Join(want, "\n"))
	}
}
