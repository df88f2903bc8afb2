package main

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// TestABackupTakenWhilePeopleLogInStartsAndLetsThemIn: the copy and the master key, brought together on another machine,
// are the installation as it was.
func TestABackupTakenWhilePeopleLogInStartsAndLetsThemIn(t *testing.T) {
	h := newHouse(t)
	p := h.serve()
	const address = "anna.svensson@foretaget.example"
	h.must("account", "create", address, "--verified")
	b := p.browser()
	b.ask(address)
	if status := p.browser().reset(h.post.await(t, address, 1, isLink).link, oldPassword); status != http.StatusOK {
		t.Fatalf("the reset: %d", status)
	}
	copies := t.TempDir()
	file := filepath.Join(copies, "portvakt.db")
	var people sync.WaitGroup
	for range 2 {
		people.Go(func() {
			if !p.browser().signsIn(address, oldPassword) {
				t.Error("somebody could not log in during the backup")
			}
		})
	}
	if out := h.must("backup", "--out", file); !strings.Contains(out, "master.key") {
		t.Errorf("it does not say what is missing in the copy: %s", out)
	}
	people.Wait()
	if err := p.stop(); err != nil {
		t.Error(err)
	}
	if left := inside(t, copies); left != "portvakt.db" {
		t.Errorf("beside the copy: %s", left)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("others may read the copy: %v %v", info.Mode(), err)
	}

	// The other machine: settings and key from where they were kept, and the copy.
	for _, name := range []string{"portvakt.db", "portvakt.db-wal", "portvakt.db-shm"} {
		if err := os.Remove(filepath.Join(h.dir, name)); err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
	}
	if err := os.Rename(file, filepath.Join(h.dir, "portvakt.db")); err != nil {
		t.Fatal(err)
	}
	p = h.serve()
	if !p.browser().signsIn(address, oldPassword) {
		t.Error("the copy does not let its people in")
	}
	h.must("audit", "verify")
}

func TestABackupReplacesNothingAndMakesNoDatabase(t *testing.T) {
	dir := t.TempDir()
	out := filepath.Join(dir, "copy.db")
	refused(t, []string{"backup", "--out", out, "--data", dir}, "there is no database")
	if left := inside(t, dir); left != "" {
		t.Errorf("left behind: %s", left)
	}
	refused(t, []string{"backup", "--out", out, "--database", "postgres://portvakt@127.0.0.1/portvakt"}, "pg_dump")
	if _, err := portvakt(t, "migrate", "--data", dir); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(out, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	refused(t, []string{"backup", "--out", out, "--data", dir}, "replaces nothing")
	if text, err := os.ReadFile(out); err != nil || string(text) != "precious" {
		t.Errorf("%q %v", text, err)
	}
	broken := filepath.Join(dir, "portvakt.db")
	if err := os.WriteFile(broken, bytes.Repeat([]byte("no database "), 100), 0o600); err != nil {
		t.Fatal(err)
	}
	refused(t, []string{"backup", "--out", out + "2", "--data", dir}, "database")
	if left := inside(t, dir); strings.Contains(left, "partial") || strings.Contains(left, "copy.db2") {
		t.Errorf("left behind: %s", left)
	}
}

// TestInitTakesTheSettingsOfAPackage: the file that a package brings stays as it is, and holds.
func TestInitTakesTheSettingsOfAPackage(t *testing.T) {
	etc, data := t.TempDir(), filepath.Join(t.TempDir(), "data")
	file, key := filepath.Join(etc, "portvakt.toml"), filepath.Join(etc, "master.key")
	text := fmt.Sprintf("issuer = %q\ndata = %q\nauthenticator-url = \"https://phone.example.com/\"\nmaster-key-file = %q\nsmtp-host = \"smtp.example.com\"\nmail-from = \"login@example.com\"\n", issuer, data, key)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := portvakt(t, "init", "--config", file); err != nil || !strings.Contains(out, file) {
		t.Fatal(out, err)
	}
	if now, err := os.ReadFile(file); err != nil || string(now) != text {
		t.Errorf("the settings are now %q (%v)", now, err)
	}
	if left := inside(t, data); strings.Contains(left, "master.key") || strings.Contains(left, "portvakt.toml") || !strings.Contains(left, "portvakt.db") {
		t.Errorf("in the data folder: %s", left)
	}
	if out, err := portvakt(t, "rp", "list", "--config", file); err != nil {
		t.Error("the installation does not open: ", out, err)
	}
	refused(t, []string{"init", "--config", file}, key, "has been initialised before")
}

func TestVersionSaysWhatRuns(t *testing.T) {
	if out, err := portvakt(t, "version"); err != nil || !strings.HasPrefix(out, "portvakt ") || !strings.Contains(out, "go1.") {
		t.Errorf("%s %v", out, err)
	}
}
