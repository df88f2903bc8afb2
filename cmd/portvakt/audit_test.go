package main

import (
	"database/sql"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestTheOperatorProvesTheAuditLog beside a running server and without one, and finds what somebody did to the file meanwhile.
func TestTheOperatorProvesTheAuditLog(t *testing.T) {
	h := newHouse(t)
	h.must("account", "create", "anna.svensson@foretaget.example", "--verified") // before the first block, which then has it
	p := h.serve()
	var head string
	for end := time.Now().Add(patient); ; time.Sleep(50 * time.Millisecond) {
		out, err := portvaktAt(t, h, "audit", "head")
		if err == nil {
			head = strings.TrimSpace(out)
			break
		}
		if time.Now().After(end) {
			t.Fatalf("nothing was sealed: %s %v", out, err)
		}
	}
	out := h.must("audit", "verify", "--head", head)
	if !strings.Contains(out, " personal fields erased") || !strings.Contains(out, "newest: ") {
		t.Errorf("beside the server: %s", out)
	}
	if err := p.stop(); err != nil {
		t.Fatal(err)
	}
	if out := h.must("audit", "verify", "--head", head); !strings.Contains(out, "newest: ") {
		t.Errorf("without the server: %s", out)
	}
	if out, err := portvaktAt(t, h, "audit", "verify", "--head", "7"); err == nil {
		t.Errorf("a head that is none: %s", out)
	}
	if out, err := portvaktAt(t, h, "audit", "verify", "--head", "1:"+strings.Repeat("0", 64)); err == nil || !strings.Contains(out, "another one") {
		t.Errorf("another head: %s %v", out, err)
	}

	tamper(t, h, `UPDATE audit_events SET actor = 'system' WHERE kind = 'provisioning.account_created'`)
	if out, err := portvaktAt(t, h, "audit", "verify"); err == nil || !strings.Contains(out, "is not as it was sealed") {
		t.Errorf("a changed line: %s %v", out, err)
	}
	// A file whose end was cut off is a good chain: only the kept hash tells.
	tamper(t, h, `DELETE FROM audit_events`, `DELETE FROM audit_personal`, `DELETE FROM audit_blocks`)
	if out, err := portvaktAt(t, h, "audit", "verify"); err != nil {
		t.Errorf("an empty log: %s %v", out, err)
	}
	if out, err := portvaktAt(t, h, "audit", "verify", "--head", head); err == nil || !strings.Contains(out, "was cut off") {
		t.Errorf("a log that was cut off: %s %v", out, err)
	}
}

// tamper changes the database's file behind Portvakt's back.
func tamper(t *testing.T, h *house, all ...string) {
	t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(h.dir, "portvakt.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, one := range all {
		if _, err := db.Exec(one); err != nil {
			t.Fatal(err)
		}
	}
}

// portvaktAt runs a command on the house that may fail.
func portvaktAt(t *testing.T, h *house, args ...string) (string, error) {
	t.Helper()
	return portvakt(t, append(args, "--config", h.file)...)
}
