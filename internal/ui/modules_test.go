package ui_test

import (
	"io/fs"
	"os"
	"os/exec"
	"testing"
)

// TestTheModules runs the pages' own tests, which are JavaScript too.
func TestTheModules(t *testing.T) {
	node, err := exec.LookPath("node")
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("node is missing: the pages' programs are not tested")
		}
		t.Skip("node is missing: the pages' programs are not tested here")
	}
	tests, err := fs.Glob(os.DirFS("."), "tests/*.test.js")
	if err != nil || len(tests) == 0 {
		t.Fatalf("no tests found: %v", err)
	}
	out, err := exec.Command(node, append([]string{"--test"}, tests...)...).CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
