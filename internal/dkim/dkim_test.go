package dkim_test

import (
	"context"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/portvakt/portvakt/internal/administrator"
	"github.com/portvakt/portvakt/internal/dkim"
	"github.com/portvakt/portvakt/internal/secret"
	"github.com/portvakt/portvakt/internal/store"
	"github.com/portvakt/portvakt/internal/store/storetest"
)

// node is one process with the keys of an installation.
type node struct {
	*dkim.Keys
	now time.Time
}

func newNode(t *testing.T, db *store.DB, m *secret.Master, now time.Time) *node {
	t.Helper()
	n := &node{now: now}
	n.Keys = &dkim.Keys{Store: db, InTx: store.InTx[dkim.Tx](db), Master: m, Now: func() time.Time { return n.now },
		Lookup: func(context.Context, string) ([]string, error) { return nil, errors.New("nobody asks here") }}
	return n
}

func TestTheNewestActiveKeySignsOnEveryNode(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		m, err := secret.ParseMaster(secret.NewMasterKey())
		if err != nil {
			t.Fatal(err)
		}
		now := time.Date(2026, 11, 24, 8, 0, 0, 0, time.UTC)
		one, two := newNode(t, db, m, now), newNode(t, db, m, now)
		ctx, by := t.Context(), administrator.CommandLine
		signs := func(n *node, want string) {
			t.Helper()
			s, ok, err := n.Signer(ctx, "foretaget", "Foretaget.example")
			if err != nil || ok != (want != "") || s.Selector != want {
				t.Errorf("%q signs (%t, %v), want %q", s.Selector, ok, err, want)
			}
		}
		signs(two, "")
		first, err := one.Make(ctx, "foretaget", "Foretaget.EXAMPLE", by)
		if err != nil {
			t.Fatal(err)
		}
		signs(one, "") // it is not activated
		if first, err = one.Activate(ctx, "foretaget", first.ID, true, by); err != nil || !first.Active() {
			t.Fatal(first, err)
		}
		signs(one, first.Selector)
		signs(two, "") // it looks again within a minute
		two.now = two.now.Add(time.Minute)
		signs(two, first.Selector)

		one.now = one.now.Add(time.Hour)
		second, err := one.Make(ctx, "foretaget", "foretaget.example", by)
		if err != nil || second.Selector == first.Selector {
			t.Fatal(second, err)
		}
		signs(one, first.Selector)
		if _, err := one.Activate(ctx, "foretaget", second.ID, true, by); err != nil {
			t.Fatal(err)
		}
		signs(one, second.Selector)
		if _, err := one.Remove(ctx, "foretaget", second.ID, by); err != nil {
			t.Fatal(err)
		}
		signs(one, first.Selector)

		for name, try := range map[string]func() error{
			"another organisation activates": func() error { _, err := one.Activate(ctx, "annat", first.ID, true, by); return err },
			"another organisation removes":   func() error { _, err := one.Remove(ctx, "annat", first.ID, by); return err },
			"the operator removes":           func() error { _, err := one.Remove(ctx, "", first.ID, by); return err },
			"removed twice":                  func() error { _, err := one.Remove(ctx, "foretaget", second.ID, by); return err },
		} {
			if err := try(); !errors.Is(err, dkim.ErrUnknown) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if _, ok, err := one.Signer(ctx, "annat", "foretaget.example"); ok || err != nil {
			t.Errorf("it signs for another organisation: %t %v", ok, err)
		}
	})
}

func TestAKeysRecordIsOfTheKeyThatSigns(t *testing.T) {
	m, err := secret.ParseMaster(secret.NewMasterKey())
	if err != nil {
		t.Fatal(err)
	}
	db := storetest.SQLite(t)
	n := newNode(t, db, m, time.Date(2026, 11, 24, 8, 0, 0, 0, time.UTC))
	k, err := n.Make(t.Context(), "", "login.example.com", administrator.CommandLine)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := n.Activate(t.Context(), "", k.ID, true, administrator.CommandLine); err != nil {
		t.Fatal(err)
	}
	s, ok, err := n.Signer(t.Context(), "", "login.example.com")
	if err != nil || !ok {
		t.Fatal(ok, err)
	}
	_, p, _ := strings.Cut(k.Record(), "p=")
	der, err := base64.StdEncoding.DecodeString(p)
	if err != nil {
		t.Fatal(err)
	}
	public, err := x509.ParsePKIXPublicKey(der)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256([]byte("a mail"))
	signature, err := s.Private.Sign(nil, sum[:], crypto.SHA256)
	if err != nil || rsa.VerifyPKCS1v15(public.(*rsa.PublicKey), crypto.SHA256, sum[:], signature) != nil {
		t.Error("the record does not verify what the key has signed", err)
	}
	if len(k.Name()) > 253 || !strings.HasPrefix(k.Name(), "pv202611") || len(der)*8 < 2048 {
		t.Errorf("%s with %d bits", k.Name(), len(der)*8)
	}
	if text := fmt.Sprintf("%v %+v %#v %v %#v", k, k, k, s, s); strings.Contains(text, "PrivateKey") || len(text) > 500 {
		t.Errorf("it prints as %s", text)
	}
	wrong, err := secret.ParseMaster(secret.NewMasterKey())
	if err != nil {
		t.Fatal(err)
	}
	if _, ok, err := newNode(t, db, wrong, n.now).Signer(t.Context(), "", "login.example.com"); ok || err == nil {
		t.Error("another master key opens it")
	}
}
