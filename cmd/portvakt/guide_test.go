package main

import (
	"bytes"
	"encoding/base64"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestASubjectThatCannotBeReadIsRefusedAndNothingIsDrawn(t *testing.T) {
	out := filepath.Join(t.TempDir(), "guide")
	file := func(text string) string {
		path := filepath.Join(t.TempDir(), "subject.json")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	logo := append([]byte(`<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script>`), bytes.Repeat([]byte(" "), 40<<20)...)
	for text, say := range map[string]string{
		`{"id":"foretaget","name":"Företaget AB","mfa":"off","logo":"` + base64.StdEncoding.EncodeToString(logo) + `"}`: "a logo in it has at most 256 KB",
		`{"id":"foretaget","name":"Företaget AB","mfa":"off","colours":"#1f5c4d"}`:                                      `unknown field "colours"`,
		``: "--print-subject writes one",
	} {
		if _, err := portvakt(t, "guide", "--subject", file(text), "--out", out); err == nil || !strings.Contains(err.Error(), say) {
			t.Errorf("want %q: %v", say, err)
		}
	}
	if _, err := portvakt(t, "guide"); err == nil || !strings.Contains(err.Error(), "--out DIR") {
		t.Error(err)
	}
	if _, err := os.Stat(out); !os.IsNotExist(err) {
		t.Errorf("something was written: %v", err)
	}
}
