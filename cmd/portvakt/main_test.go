package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// portvakt runs a command as the shell would.
func portvakt(t *testing.T, args ...string) (out string, err error) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	err = run(t.Context(), args, &stdout, &stderr)
	return stdout.String(), err
}

// TestOperatorsFirstHour is what the README tells an operator to type, up to serving.
func TestOperatorsFirstHour(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "portvakt.toml")
	out, err := portvakt(t, "init", "--issuer", "https://login.example.com", "--data", dir)
	if err != nil || !strings.Contains(out, "portvakt serve --config "+file) {
		t.Fatal(out, err)
	}
	if _, err := portvakt(t, "init", "--issuer", "https://login.example.com", "--data", dir); err == nil {
		t.Error("a second init would lock everybody out with a new key")
	}
	if out, err = portvakt(t, "org", "set", "foretaget", "--name", "Företaget AB", "--colour", "#1f5c4d", "--config", file); err != nil {
		t.Fatal(out, err)
	}
	out, err = portvakt(t, "rp", "create", "--name", "HRM", "--redirect-uri", "https://hrm.example.com/callback",
		"--initiate-login-uri", "https://hrm.example.com/login", "--config", file)
	var rp struct {
		ID     string `json:"client_id"`
		Secret string `json:"client_secret"`
	}
	if err != nil || json.Unmarshal([]byte(out), &rp) != nil || rp.ID == "" || rp.Secret == "" {
		t.Fatal(out, err)
	}
	if out, err = portvakt(t, "rp", "list", "--config", file); err != nil || !strings.Contains(out, rp.ID) || strings.Contains(out, rp.Secret) {
		t.Error(out, err)
	}
}

// TestMisspeltSettingIsRefused: it would silently do nothing.
func TestMisspeltSettingIsRefused(t *testing.T) {
	file := filepath.Join(t.TempDir(), "portvakt.toml")
	if err := os.WriteFile(file, []byte("issuer = \"https://login.example.com\"\nsmtp-hots = \"mail\"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := portvakt(t, "rp", "list", "--config", file); err == nil || !strings.Contains(err.Error(), `unknown setting "smtp-hots"`) {
		t.Error(err)
	}
}

func TestHelpSaysWhatHoldsWithoutAFlag(t *testing.T) {
	out, err := portvakt(t, "serve", "--help")
	words := strings.Join(strings.Fields(out), " ")
	for _, want := range []string{"(default :8443, $PORTVAKT_LISTEN)", "(default 587, $PORTVAKT_SMTP_PORT)", "for good ($PORTVAKT_ISSUER)."} {
		if err != nil || !strings.Contains(words, want) {
			t.Errorf("serve --help does not say %q: %v\n%s", want, err, out)
		}
	}
	out, err = portvakt(t, "rp", "create", "--help")
	own, settings := strings.Index(out, "--redirect-uri=URL "), strings.Index(out, "--issuer=URL")
	if err != nil || own < 0 || settings < own {
		t.Errorf("the settings come before the command's own flags: %v\n%s", err, out)
	}
	if out, err = portvakt(t, "demo", "--help"); err != nil || !strings.Contains(out, "sv or en") {
		t.Error(out, err)
	}
	alone, err := portvakt(t)
	whole, _ := portvakt(t, "--help")
	if err != nil || alone != whole || !strings.Contains(alone, "Commands:") {
		t.Errorf("portvakt alone: %v\n%s", err, alone)
	}
}

func TestOperatorsCommandsDoNotSpeakOfMail(t *testing.T) {
	dir := t.TempDir()
	if out, err := portvakt(t, "init", "--issuer", issuer, "--data", dir); err != nil {
		t.Fatal(out, err)
	}
	var stdout, stderr bytes.Buffer
	if err := run(t.Context(), []string{"rp", "list", "--config", filepath.Join(dir, "portvakt.toml")}, &stdout, &stderr); err != nil {
		t.Fatal(err)
	}
	if stderr.Len() > 0 {
		t.Errorf("said beside the list:\n%s", stderr.String())
	}
}
