package main

import (
	"regexp"
	"strings"
	"testing"
)

// TestTheOperatorHandsOutARecoveryCode to somebody who needs one, with a reason, and to nobody else.
func TestTheOperatorHandsOutARecoveryCode(t *testing.T) {
	h := newHouse(t)
	d := &desk{t, h.file}
	const anna = "anna.svensson@foretaget.example"
	h.must("account", "create", anna, "--verified")
	d.refused("--reason", "account", "recovery-code", anna)
	d.refused("a reason is needed", "account", "recovery-code", anna, "--reason", " ")
	d.refused("no open account", "account", "recovery-code", "nobody@foretaget.example", "--reason", "x")
	d.refused("a mailed link from the login page is enough", "account", "recovery-code", anna, "--reason", "x")

	tamper(t, h, `INSERT INTO totp_keys (id, account_id, name, sealed, last_step, created_at, used_at) SELECT 'a', id, '', x'00', 0, 0, 0 FROM accounts`)
	code, beside := d.says("account", "recovery-code", anna, "--reason", "showed her passport at the reception")
	if !regexp.MustCompile(`^[0-9A-HJKMNP-TV-Z]{4}(-[0-9A-HJKMNP-TV-Z]{4}){4}\n$`).MatchString(code) {
		t.Errorf("printed %q", code)
	}
	if strings.Contains(beside, strings.TrimSpace(code)) || !strings.Contains(beside, "works once, until") {
		t.Errorf("said beside it %q", beside)
	}
}
