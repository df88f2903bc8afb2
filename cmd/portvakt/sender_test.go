package main

import (
	"strings"
	"testing"

	"github.com/portvakt/portvakt/internal/control"
)

func TestTheSenderOfMailsOnTheCommandLine(t *testing.T) {
	d := newDesk(t)
	d.says("org", "set", "foretaget", "--name", "Företaget AB")
	d.refused("no organisation", "org", "sender", "set", "annat", "login@annat.example")
	d.refused("sender address", "org", "sender", "make-key", "foretaget")
	var s control.Sender
	if beside := d.prints(&s, "org", "sender", "set", "foretaget", "login@foretaget.example", "--name", "Löner"); !strings.Contains(beside, "make-key foretaget") || s.Own {
		t.Errorf("%+v %s", s, beside)
	}
	var k control.DKIMKey
	d.prints(&k, "org", "sender", "make-key", "foretaget")
	if !strings.Contains(k.Record, "._domainkey.foretaget.example") {
		t.Errorf("%+v", k)
	}
	d.prints(&k, "org", "sender", "activate", "foretaget", k.ID, "--unseen")
	if d.prints(&s, "org", "sender", "show", "foretaget"); !s.Own || len(s.Keys) != 1 || k.Activated.IsZero() {
		t.Errorf("%+v", s)
	}
	d.prints(&k, "org", "sender", "remove-key", "foretaget", k.ID)
	var none control.Sender
	if d.prints(&none, "org", "sender", "set", "foretaget", ""); none.Own || len(none.Keys) != 0 || none.Address != "" || none.Name != "" {
		t.Errorf("%+v", none)
	}

	d.refused("sender address", "keys", "dkim", "make") // there is no mail-from
	if out, _ := d.says("keys", "dkim", "list"); !strings.HasPrefix(out, "ID") {
		t.Error(out)
	}
	d.prints(&k, "keys", "dkim", "make", "--mail-from", "login@login.example.com")
	if out, _ := d.says("keys", "dkim", "list"); !strings.Contains(out, k.ID) {
		t.Error(out)
	}
	d.prints(&k, "keys", "dkim", "activate", k.ID, "--unseen")
	d.refused("no such DKIM key", "keys", "dkim", "remove", "nothing")
	d.prints(&k, "keys", "dkim", "remove", k.ID)
}
