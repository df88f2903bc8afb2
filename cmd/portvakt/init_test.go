package main

import (
	"bytes"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// refused runs a command that must fail with all the texts in its error.
func refused(t *testing.T, args []string, texts ...string) {
	t.Helper()
	_, err := portvakt(t, args...)
	if err == nil {
		t.Errorf("portvakt %s: accepted", strings.Join(args, " "))
		return
	}
	for _, text := range texts {
		if !strings.Contains(err.Error(), text) {
			t.Errorf("portvakt %s: %q does not say %q", strings.Join(args, " "), err, text)
		}
	}
}

// inside lists what a folder holds.
func inside(t *testing.T, dir string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return strings.Join(names, " ")
}

func TestARefusedInitLeavesNoFolderBehind(t *testing.T) {
	root := t.TempDir()
	dir := filepath.Join(root, "portvakt")
	refused(t, []string{"init", "--issuer", "http://login.example.com", "--data", dir}, "only https")
	refused(t, []string{"init", "--data", dir}, "--issuer")
	refused(t, []string{"init", "--issuer", issuer, "--data", filepath.Join(root, strings.Repeat("x", 100))}, "too long")
	if left := inside(t, root); left != "" {
		t.Errorf("left behind: %s", left)
	}
}

func TestInitOverwritesNothing(t *testing.T) {
	for _, name := range []string{"master.key", "portvakt.toml"} {
		dir := t.TempDir()
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte("precious"), 0o600); err != nil {
			t.Fatal(err)
		}
		refused(t, []string{"init", "--issuer", issuer, "--data", dir}, path, "has been initialised before")
		text, err := os.ReadFile(path)
		if left := inside(t, dir); err != nil || string(text) != "precious" || left != name {
			t.Errorf("%q %v, in the folder: %s", text, err, left)
		}
	}
}

func TestAnInitWithoutItsDatabaseCanBeRunAgain(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := "postgres://portvakt@" + l.Addr().String() + "/portvakt?sslmode=disable"
	l.Close()
	dir := filepath.Join(t.TempDir(), "portvakt")
	refused(t, []string{"init", "--issuer", issuer, "--data", dir, "--database", nobody})
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("the folder is there (%v): %s", err, inside(t, dir))
	}
	if out, err := portvakt(t, "init", "--issuer", issuer, "--data", dir); err != nil {
		t.Fatal(out, err)
	}

	foreign := t.TempDir()
	if err := os.WriteFile(filepath.Join(foreign, "portvakt.db"), bytes.Repeat([]byte("no database "), 100), 0o600); err != nil {
		t.Fatal(err)
	}
	refused(t, []string{"init", "--issuer", issuer, "--data", foreign}, "database")
	if left := inside(t, foreign); left != "portvakt.db" {
		t.Errorf("in a folder with something else of that name: %s", left)
	}
}

func TestInitHonoursTheEnvironment(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "portvakt")
	t.Setenv("PORTVAKT_ISSUER", issuer)
	t.Setenv("PORTVAKT_DATA", dir)
	t.Setenv("PORTVAKT_DATABASE", filepath.Join(dir, "people.db"))
	if out, err := portvakt(t, "init"); err != nil || !strings.Contains(out, dir) {
		t.Fatal(out, err)
	}
	text, err := os.ReadFile(filepath.Join(dir, "portvakt.toml"))
	if err != nil || !strings.Contains(string(text), `issuer = "`+issuer+`"`) || !strings.Contains(string(text), "people.db") {
		t.Errorf("%s %v", text, err)
	}
	if left := inside(t, dir); !strings.Contains(left, "people.db") || strings.Contains(left, "portvakt.db") {
		t.Errorf("in the folder: %s", left)
	}
}

func TestMigrateMakesNoDatabaseThatNobodyNamed(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	refused(t, []string{"migrate"}, "--data", "--config")
	if left := inside(t, dir); left != "" {
		t.Errorf("made: %s", left)
	}
	if _, err := portvakt(t, "migrate", "--data", filepath.Join(dir, "named")); err != nil {
		t.Error(err)
	}
	t.Setenv("PORTVAKT_DATABASE", filepath.Join(dir, "portvakt.db"))
	if _, err := portvakt(t, "migrate"); err != nil {
		t.Error(err)
	}
	t.Setenv("PORTVAKT_DATABASE", "")
	if _, err := portvakt(t, "migrate"); err != nil {
		t.Errorf("with a database in the folder: %v", err)
	}
}

func TestATakenPortIsSaidWithAWayOn(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	dir := t.TempDir()
	if out, err := portvakt(t, "init", "--issuer", issuer, "--data", dir); err != nil {
		t.Fatal(out, err)
	}
	refused(t, []string{"serve", "--config", filepath.Join(dir, "portvakt.toml"), "--listen", taken.Addr().String()},
		"cannot listen on "+taken.Addr().String(), "choose another address with --listen")
	_, port, err := net.SplitHostPort(taken.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	refused(t, []string{"demo", "--port", port}, "port "+port, "choose others with --port")
}

func TestServeRefusesACertificateThatItCannotRead(t *testing.T) {
	dir := t.TempDir()
	if out, err := portvakt(t, "init", "--issuer", issuer, "--data", dir); err != nil {
		t.Fatal(out, err)
	}
	none := filepath.Join(dir, "none.pem")
	var stdout, stderr bytes.Buffer
	err := run(t.Context(), []string{"serve", "--data", dir, "--issuer", issuer, "--listen", "127.0.0.1:0", "--tls-cert", none, "--tls-key", none}, &stdout, &stderr)
	if err == nil || !strings.Contains(err.Error(), "tls-cert") || strings.Contains(stderr.String(), "serving") {
		t.Errorf("%v\n%s", err, stderr.String())
	}
}

func TestADemoThatDoesNotStartLeavesNothingBehind(t *testing.T) {
	tmp := t.TempDir()
	t.Setenv("TMPDIR", tmp)
	refused(t, []string{"demo", "--port", "0", "--pages", t.TempDir()}) // without templates
	if left := inside(t, tmp); left != "" {
		t.Errorf("left behind: %s", left)
	}
	for _, port := range []string{"65533", "70000", "-1"} {
		refused(t, []string{"demo", "--port=" + port}, "four ports in a row", "65532")
	}
}
