package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

var (
	continued = regexp.MustCompile(`\\\n\s*`)
	typed     = regexp.MustCompile("(?m)(?:^|`)(?:sudo -u portvakt )?(?:bin/|go run \\./cmd/)?portvakt (-?-?[a-z][^\n`#]*)")
	code      = regexp.MustCompile("(?ms)^```[a-z]*$.*?^```$|`portvakt [^`\n]*`")
)

// TestEveryCommandInTheDocumentationExists: what a document tells somebody to type has its command and its flags.
func TestEveryCommandInTheDocumentationExists(t *testing.T) {
	var c commands
	parser, err := kong.New(&c, kong.Name("portvakt"))
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, pattern := range []string{"../../*.md", "../../docs/*.md", "../../docs/adr/*.md", "../../docs/guide/*.md"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, block := range code.FindAllString(continued.ReplaceAllString(string(text), " "), -1) {
				for _, m := range typed.FindAllStringSubmatch(block, -1) {
					seen++
					if problem := unknown(parser.Model.Node, m[1]); problem != "" {
						t.Errorf("%s: portvakt %s: there is no %s", file, strings.TrimSpace(m[1]), problem)
					}
				}
			}
		}
	}
	if seen < 60 {
		t.Errorf("only %d commands were found", seen)
	}
}

// unknown is the first word of a command line that is no command, or the first flag that its command does not have.
func unknown(at *kong.Node, line string) string {
	commanding := true
	for _, word := range strings.Fields(line) {
		if strings.ContainsAny(word, "&;>") {
			break // the shell's
		}
		word = strings.Trim(word, "[]()'\".,:")
		word, _, _ = strings.Cut(word, "|")
		if name, flag := strings.CutPrefix(word, "--"); flag {
			name, _, _ = strings.Cut(name, "=")
			if name != "" && name != "help" && !slices.ContainsFunc(at.AllFlags(false), func(group []*kong.Flag) bool {
				return slices.ContainsFunc(group, func(f *kong.Flag) bool { return f.Name == name || f.Tag.Negatable != "" && "no-"+f.Name == name })
			}) {
				return "--" + name
			}
			commanding = false
			continue
		}
		if !commanding {
			continue
		}
		next := slices.IndexFunc(at.Children, func(n *kong.Node) bool { return n.Name == word })
		switch {
		case next >= 0:
			at = at.Children[next]
		case len(at.Children) > 0 && len(at.Positional) == 0:
			return word
		default:
			commanding = false
		}
	}
	return ""
}
