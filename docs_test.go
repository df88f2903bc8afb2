package portvakt_test

import (
	"fmt"
	"go/ast"
	"go/doc"
	"go/token"
	"go/types"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/portvakt/portvakt/internal/api"
	"github.com/portvakt/portvakt/internal/config"
)

// stale is what to do when a generated document differs.
const stale = "It is generated: make docs"

// TestDocumentsSettings makes docs/configuration.md from the tags of config.Settings.
func TestDocumentsSettings(t *testing.T) {
	var b strings.Builder
	b.WriteString("# Settings\n\n" +
		"<!-- Made from the tags of internal/config.Settings by `make docs`. -->\n\n" +
		"Each setting can stand in the file (`--config FILE`, TOML, under the name below), in the environment, or on the\n" +
		"command line as `--name`. The command line wins over the environment, the environment over the file. A variable that is\n" +
		"set to nothing counts as not set. `portvakt init` writes the first file.\n\n" +
		"The file holds settings and nothing else: a name that is not in the table is refused, the flags of commands among them, so\n" +
		"that a misspelt one does not silently do nothing. `trusted_proxies` is the same name as `trusted-proxies`. A duration has a\n" +
		"unit, `\"90s\"`, `\"15m\"` or `\"24h\"`. A list is `[\"10.0.0.0/8\", \"192.0.2.1\"]` in the file, and `10.0.0.0/8,192.0.2.1` in the\n" +
		"environment and on the command line:\n\n" +
		"```toml\n" +
		"issuer = \"https://login.example.com\"\n" +
		"data = \"/var/lib/portvakt\"\n" +
		"listen = \":8443\"                          # HOST:PORT; without a host, all addresses\n" +
		"trusted-proxies = [\"10.0.0.0/8\"]\n" +
		"smtp-port = 587\n" +
		"plain-delay = \"60s\"\n" +
		"```\n\n" +
		"What is wrong is said at the start, with the setting's name. The issuer is written as a browser writes it: lower case, without\n" +
		"the port that https has anyway, without a slash at the end. The data folder's absolute path leaves room for the control\n" +
		"socket in it (100 bytes in all). A certificate that is renewed in place is taken within seconds, without a restart.\n\n" +
		"| name | environment | default | what it is |\n|---|---|---|---|\n")
	for f := range reflect.TypeFor[config.Settings]().Fields() {
		if f.Tag.Get("kong") == "-" {
			continue
		}
		name, env, help := f.Tag.Get("name"), f.Tag.Get("env"), f.Tag.Get("help")
		if name == "" {
			name = kebab(f.Name)
		}
		if help == "" || env != "PORTVAKT_"+strings.ToUpper(strings.ReplaceAll(name, "-", "_")) {
			t.Errorf("%s: a setting needs a sentence (help) and its variable (env:\"PORTVAKT_…\", of its name %s)", f.Name, name)
		}
		fallback := ""
		if d := f.Tag.Get("default"); d != "" {
			fallback = "`" + d + "`"
		}
		fmt.Fprintf(&b, "| `%s` | `%s` | %s | %s |\n", name, env, fallback, strings.ReplaceAll(help, "|", "\\|"))
	}
	golden(t, "docs/configuration.md", b.String(), stale)
}

var lastCapital = regexp.MustCompile(`([a-z0-9])([A-Z])|([A-Z])([A-Z][a-z])`)

// kebab is the flag that a field becomes: MasterKeyFile, master-key-file.
func kebab(field string) string {
	return strings.ToLower(lastCapital.ReplaceAllString(field, "$1$3-$2$4"))
}

// TestDocumentsTheAPI makes docs/openapi.json from the operations of the door for programs.
func TestDocumentsTheAPI(t *testing.T) {
	golden(t, "docs/openapi.json", string(api.Document()), stale)
}

// TestDocumentsAuditEvents makes docs/audit-events.md from the constants of package audit. Each needs a sentence behind
// it, and somebody who appends it.
func TestDocumentsAuditEvents(t *testing.T) {
	m := portvakt(t)
	p := m.packages["internal/audit"]
	used := map[types.Object]bool{}
	for _, other := range m.sorted() {
		for _, o := range other.uses() {
			used[o] = true
		}
	}
	var b strings.Builder
	b.WriteString("# Audit events\n\n" +
		"<!-- Made from the constants of internal/audit by `make docs`. -->\n\n" +
		"Every line of the audit log is one of these. It is written in the same transaction as what it tells of: there is no\n" +
		"effect without its line, and no line without its effect.\n\n" +
		"| event | what has happened |\n|---|---|\n")
	seen := map[string]bool{}
	for _, f := range p.files {
		for _, d := range f.Decls {
			g, ok := d.(*ast.GenDecl)
			if !ok || g.Tok != token.CONST {
				continue
			}
			for _, spec := range g.Specs {
				v := spec.(*ast.ValueSpec)
				o, ok := p.info.Defs[v.Names[0]].(*types.Const)
				if !ok || o.Type().String() != modulePath+"internal/audit.Kind" {
					continue
				}
				kind := strings.Trim(o.Val().ExactString(), `"`)
				sentence := strings.TrimSpace(v.Comment.Text())
				switch feature, _, dotted := strings.Cut(kind, "."); {
				case sentence == "":
					t.Errorf("%s has no sentence behind it", v.Names[0].Name)
				case !used[o]:
					t.Errorf("%s: nobody appends it", v.Names[0].Name)
				case seen[kind]:
					t.Errorf("%s is there twice", kind)
				case !dotted || m.packages["internal/"+feature] == nil:
					t.Errorf("%s: an event is named by its feature's package", kind)
				}
				seen[kind] = true
				fmt.Fprintf(&b, "| `%s` | %s |\n", kind, strings.ToUpper(sentence[:1])+sentence[1:]+".")
			}
		}
	}
	golden(t, "docs/audit-events.md", b.String(), stale)
}

// TestDocumentsMap holds the table in ARCHITECTURE.md against the import map and the packages' first sentences.
func TestDocumentsMap(t *testing.T) {
	const file, begin, end = "ARCHITECTURE.md", "<!-- the map: begin -->\n", "<!-- the map: end -->"
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(text), begin)
	_, after, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatalf("%s has no place for the map", file)
	}
	golden(t, file, before+begin+houseTable(portvakt(t))+end+after, stale)
}

// layersInOrder is the order of the table: as a request travels.
var layersInOrder = []layer{command, root, settings, door, kit, flow, funnel, authenticator, noun, engine, tool, testKit, sample}

func houseTable(m *module) string {
	var b strings.Builder
	b.WriteString("| package | what it is | may import |\n|---|---|---|\n")
	for _, l := range layersInOrder {
		fmt.Fprintf(&b, "| **%s** | | |\n", l)
		for _, path := range slices.Sorted(maps.Keys(theHouse)) {
			if r := theHouse[path]; r.layer == l {
				uses := strings.Join(strings.Fields(r.uses), ", ")
				if uses == "" {
					uses = "–"
				}
				fmt.Fprintf(&b, "| `%s` | %s | %s |\n", path, firstSentence(m.packages[path]), uses)
			}
		}
	}
	return b.String()
}

// firstSentence is what a package's comment says that it is, without its first words.
func firstSentence(p *sources) string {
	if p == nil {
		return ""
	}
	for _, f := range p.files {
		if f.Doc == nil {
			continue
		}
		text := new(doc.Package).Synopsis(f.Doc.Text())
		words := strings.SplitN(text, " ", 3) // "Package recovery is …"
		if len(words) < 3 {
			return text
		}
		text = strings.TrimSuffix(strings.TrimPrefix(words[2], "is "), ".")
		return strings.ReplaceAll(text, "|", "\\|")
	}
	return ""
}

// TestDocumentsNameWhatExists: a path, a package or a test that a document names is there.
func TestDocumentsNameWhatExists(t *testing.T) {
	files, err := filepath.Glob("docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	adrs, err := filepath.Glob("docs/adr/*.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range slices.Concat([]string{"README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md"}, files, adrs) {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Error(err)
			continue
		}
		for _, match := range link.FindAllStringSubmatch(string(text), -1) {
			target, _, _ := strings.Cut(match[1]+match[2]+match[3], "#")
			if strings.Contains(target, "WORD") || !strings.ContainsAny(target, "./") {
				continue // a recipe's placeholder, or Go in a code span
			}
			where := filepath.Join(filepath.Dir(file), target)
			if match[3] != "" {
				where = target // code is named from the root
			}
			if _, err := os.Stat(where); target != "" && err != nil {
				t.Errorf("%s names %s, which does not exist", file, target)
			}
		}
	}
}

// link finds [text](path), `internal/path.go` and src="picture".
var link = regexp.MustCompile("\\]\\(([^):\\s]+)\\)|src=\"([^\":]+)\"|`((?:internal|cmd|samples|e2e|docs|scripts)/[A-Za-z0-9_./-]*[A-Za-z0-9_])`")

// testName finds `TestSomething`.
var testName = regexp.MustCompile("`(Test[A-Za-z0-9_]+)`")

// TestTheComparisonWithTheStandardsNamesTestsThatExist: a row without its test says what nobody shows any more.
func TestTheComparisonWithTheStandardsNamesTestsThatExist(t *testing.T) {
	var all strings.Builder
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		all.Write(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for file, least := range map[string]int{"docs/assurance.md": 30, "docs/security.md": 30} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		rows := 0
		for line := range strings.Lines(string(text)) {
			named := testName.FindAllStringSubmatch(line, -1)
			for _, m := range named {
				if !strings.Contains(all.String(), "func "+m[1]+"(") {
					t.Errorf("%s names %s, which does not exist", file, m[1])
				}
			}
			if len(named) > 0 {
				rows++
			}
		}
		if rows < least {
			t.Errorf("%s: only %d rows name a test", file, rows)
		}
	}
}

// bold finds **a word of a page**.
var bold = regexp.MustCompile(`\*\*([^*]+)\*\*`)

// TestTheAdministratorsManualSaysWhatTheConsoleSays: each word in bold type stands on a page, as it stands in the manual.
func TestTheAdministratorsManualSaysWhatTheConsoleSays(t *testing.T) {
	var pages strings.Builder
	for _, file := range []string{"internal/locale/texts/admin.en.toml", "internal/locale/texts/en.toml"} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		pages.Write(text)
	}
	manual, err := os.ReadFile("docs/transition.md")
	if err != nil {
		t.Fatal(err)
	}
	words := bold.FindAllStringSubmatch(string(manual), -1)
	for _, m := range words {
		if said := strings.Join(strings.Fields(m[1]), " "); !strings.Contains(pages.String(), said) {
			t.Errorf("docs/transition.md quotes %q, which no page says", said)
		}
	}
	if len(words) < 50 {
		t.Errorf("the manual quotes only %d words", len(words))
	}
}

// TestDocumentsDecisions makes docs/adr/README.md from the decisions' titles.
func TestDocumentsDecisions(t *testing.T) {
	files, err := filepath.Glob("docs/adr/0*.md")
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	b.WriteString("# Decisions\n\n<!-- Made from the titles of the decisions by `make docs`. -->\n\nWhat somebody will ask about: one page each, with its context and its cost.\n\n")
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		title, _, _ := strings.Cut(strings.TrimPrefix(string(text), "# "), "\n")
		number, title, ok := strings.Cut(title, ". ")
		if !ok {
			t.Errorf("%s begins with no number and title", file)
		}
		fmt.Fprintf(&b, "- [%s](%s) (%s)\n", title, filepath.Base(file), number)
	}
	golden(t, "docs/adr/README.md", b.String(), stale)
}

var (
	toSection = regexp.MustCompile(`\]\(([^()\s]*)#([^()\s]+)\)`)
	heading   = regexp.MustCompile("(?m)^#{1,6} (.*)$")
	fence     = regexp.MustCompile("(?ms)^```.*?^```$")
	linked    = regexp.MustCompile(`\[([^\]]*)\]\([^)]*\)`)
)

// TestDocumentsLinkToSectionsThatExist: whoever renames a heading hears who has sent readers to it.
func TestDocumentsLinkToSectionsThatExist(t *testing.T) {
	var files []string
	for _, pattern := range []string{"*.md", "docs/*.md", "docs/adr/*.md", "docs/guide/*.md"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, found...)
	}
	sections := map[string][]string{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range heading.FindAllStringSubmatch(fence.ReplaceAllString(string(text), ""), -1) {
			sections[file] = append(sections[file], anchor(linked.ReplaceAllString(m[1], "$1")))
		}
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range toSection.FindAllStringSubmatch(string(text), -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			target := file
			if m[1] != "" {
				target = filepath.Join(filepath.Dir(file), m[1])
			}
			if !slices.Contains(sections[target], m[2]) {
				t.Errorf("%s: %s has no section %s", file, target, m[2])
			}
		}
	}
}

// anchor is what hosts of repositories, and package docs, call a heading in an address.
func anchor(title string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == ' ':
			return '-'
		case unicode.IsLetter(r) || unicode.IsDigit(r) || r == '-' || r == '_':
			return unicode.ToLower(r)
		}
		return -1
	}, title)
}
