package main

import (
	"strings"
	"testing"
)

// TestTheOperatorListsAndRemovesAuthenticators of an account, with a reason.
func TestTheOperatorListsAndRemovesAuthenticators(t *testing.T) {
	h := newHouse(t)
	d := &desk{t, h.file}
	const anna = "anna.svensson@foretaget.example"
	h.must("account", "create", anna, "--verified")
	if out, _ := d.says("account", "authenticator", "list", anna); strings.TrimSpace(out) != "[]" {
		t.Errorf("without any: %s", out)
	}
	d.refused("no open account", "account", "authenticator", "list", "nobody@foretaget.example")
	d.refused("name one of", "account", "authenticator", "remove", anna, "a", "--reason", "lost")
	tamper(t, h, `INSERT INTO totp_keys (id, account_id, name, sealed, last_step, created_at, used_at) SELECT 'a', id, 'Annas telefon', x'00', 0, 0, 0 FROM accounts`,
		`INSERT INTO totp_keys (id, account_id, name, sealed, last_step, created_at, used_at) SELECT 'b', id, 'Annas telefon', x'00', 0, 1, 0 FROM accounts`,
		`INSERT INTO push_keys (app_id, account_id, signing_key, wrapping_key, grant_id, language, subscription, endpoint_hash, vapid_id, seen_at, lost_at)
		 SELECT 'a', id, '', '', 'g', '', x'00', x'00', 'v', 1700000000000, 0 FROM accounts`)
	if out, _ := d.says("account", "authenticator", "list", anna); !strings.Contains(out, `"approves": true`) || !strings.Contains(out, "2023-11-14") {
		t.Errorf("listed: %s", out)
	}
	d.refused("--reason", "account", "authenticator", "remove", anna, "a")
	d.refused("name one of", "account", "authenticator", "remove", anna, "annas TELEFON", "--reason", "lost") // there are two of that name
	if out, _ := d.says("account", "authenticator", "remove", anna, "a", "--reason", "lost on the bus"); strings.TrimSpace(out) != "Removed a" {
		t.Errorf("removed: %s", out)
	}
	if out, _ := d.says("account", "authenticator", "remove", anna, "annas telefon", "--reason", "lost too"); strings.TrimSpace(out) != "Removed b" {
		t.Errorf("by its name: %s", out)
	}
}
