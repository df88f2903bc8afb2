package signingkey_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/portvakt/portvakt/internal/secret"
	"github.com/portvakt/portvakt/internal/signingkey"
	"github.com/portvakt/portvakt/internal/store"
	"github.com/portvakt/portvakt/internal/store/storetest"
)

// house is one installation, whose nodes share a database and a clock.
type house struct {
	t      *testing.T
	db     *store.DB
	master *secret.Master
	now    time.Time
	every  time.Duration
}

func each(t *testing.T, play func(t *testing.T, h *house)) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		play(t, &house{t: t, db: db, master: master(t), now: now, every: 90 * 24 * time.Hour})
	})
}

func (h *house) node() *signingkey.Keys {
	h.t.Helper()
	k := &signingkey.Keys{Store: h.db, InTx: store.InTx[signingkey.Tx](h.db), Master: h.master, Now: func() time.Time { return h.now }, Every: h.every}
	h.do(k.Load)
	return k
}

func (h *house) do(act func(context.Context) error) {
	h.t.Helper()
	if err := act(h.t.Context()); err != nil {
		h.t.Fatal(err)
	}
}

func (h *house) sign(k *signingkey.Keys, typ string) (token, kid string) {
	h.t.Helper()
	token, err := k.Sign(signingkey.ES256, typ, claims{"anna"})
	if err != nil {
		h.t.Fatal(err)
	}
	raw, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[0])
	var header struct{ Kid string }
	if err != nil || json.Unmarshal(raw, &header) != nil {
		h.t.Fatal(err)
	}
	return token, header.Kid
}

func (h *house) believes(k *signingkey.Keys, token, typ string) bool {
	return k.Verify(token, typ, &claims{}) == nil
}

// published counts the published keys of the algorithms; of none given, those of every installation.
func published(k *signingkey.Keys, algs ...signingkey.Alg) (n int) {
	var set struct {
		Keys []struct{ Alg signingkey.Alg }
	}
	if json.Unmarshal(k.JWKS(), &set) != nil {
		return -1
	}
	if len(algs) == 0 {
		algs = signingkey.Algs()
	}
	for _, one := range set.Keys {
		if slices.Contains(algs, one.Alg) {
			n++
		}
	}
	return n
}

func TestTheFirstKeysAreMadeOnceByThreeNodes(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		var all sync.WaitGroup
		for range 3 {
			all.Go(func() { h.node() })
		}
		all.Wait()
		stored, err := h.db.ListSigningKeys(t.Context())
		if err != nil || len(stored) != len(signingkey.Algs()) {
			t.Errorf("%d keys, %v", len(stored), err)
		}
	})
}

// TestAKeyIsPublishedBeforeItSignsAndVerifiesUntilWhatItSignedIsOver is the whole life of a key (RULES §9), on two nodes.
func TestAKeyIsPublishedBeforeItSignsAndVerifiesUntilWhatItSignedIsOver(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		one, other := h.node(), h.node()
		access, first := h.sign(one, "at+jwt")
		hint, _ := h.sign(one, "JWT")
		block, _ := h.sign(one, "portvakt-audit+jwt")

		h.now = now.Add(90*24*time.Hour - 8*time.Minute)
		h.do(one.Tend)
		if published(one) != 2 {
			t.Errorf("%d keys before it is time", published(one))
		}
		h.now = now.Add(90*24*time.Hour - 7*time.Minute)
		h.do(one.Tend)
		h.do(other.Tend)
		if _, kid := h.sign(one, "at+jwt"); kid != first || published(one) != 4 || published(other) != 4 {
			t.Errorf("a successor signs with %t, of %d and %d published keys", kid != first, published(one), published(other))
		}
		h.now = h.now.Add(6 * time.Minute)
		if _, kid := h.sign(other, "at+jwt"); kid != first {
			t.Error("it signs before everybody may know it")
		}
		h.now = h.now.Add(time.Minute)
		fresh, second := h.sign(one, "at+jwt")
		if second == first || !h.believes(other, fresh, "at+jwt") || !h.believes(other, access, "at+jwt") {
			t.Error("both must be believed while the old key's tokens live")
		}

		h.now = h.now.Add(59 * time.Minute)
		h.do(one.Tend)
		if published(one) != 4 {
			t.Errorf("%d keys after 59 minutes", published(one))
		}
		h.now = h.now.Add(time.Minute)
		h.do(one.Tend)
		h.do(other.Tend)
		if published(one) != 2 || published(other) != 2 || h.believes(one, access, "at+jwt") || !h.believes(other, hint, "JWT") || !h.believes(one, block, "portvakt-audit+jwt") {
			t.Error("a retired key signs no access token, gives hints, and proves the log")
		}
		stored, err := h.db.ListSigningKeys(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, k := range stored {
			if k.Retired.IsZero() == (len(k.Sealed) == 0) {
				t.Errorf("key %s: retired %v, and a private half of %d bytes", k.ID, k.Retired, len(k.Sealed))
			}
		}
		restarted := h.node()
		h.now = h.now.Add(365 * 24 * time.Hour)
		if h.believes(restarted, hint, "JWT") || !h.believes(restarted, block, "portvakt-audit+jwt") {
			t.Error("a hint is over after a year, the log never")
		}
	})
}

func TestTheOperatorRotates(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.every = 0
		one, other := h.node(), h.node()
		_, first := h.sign(one, "JWT")
		h.now = h.now.Add(5 * 365 * 24 * time.Hour)
		h.do(one.Tend)
		if published(one) != 2 {
			t.Error("a key was made though nobody asked")
		}
		h.do(other.Rotate)
		if _, kid := h.sign(other, "JWT"); kid != first || published(other) != 4 || published(one) != 2 {
			t.Error("the successor is published at once, where it was made, and does not sign yet")
		}
		h.do(one.Tend)
		h.now = h.now.Add(7 * time.Minute)
		if _, kid := h.sign(one, "JWT"); kid == first {
			t.Error("the other node goes on with the old key")
		}
	})
}

func TestWhatSomebodyElseMayHaveIsBelievedNoMore(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		one, other := h.node(), h.node()
		access, first := h.sign(one, "at+jwt")
		hint, _ := h.sign(one, "JWT")
		block, _ := h.sign(one, "portvakt-audit+jwt")
		h.do(one.Replace)
		h.do(other.Tend)
		for name, k := range map[string]*signingkey.Keys{"here": one, "elsewhere": other, "after a restart": h.node()} {
			fresh, kid := h.sign(k, "at+jwt")
			if kid == first || published(k) != 2 || !h.believes(one, fresh, "at+jwt") {
				t.Errorf("%s: the old key signs, or is published", name)
			}
			if h.believes(k, access, "at+jwt") || h.believes(k, hint, "JWT") || !h.believes(k, block, "portvakt-audit+jwt") {
				t.Errorf("%s: what the old key signed is believed, or the log is not", name)
			}
		}
	})
}

// TestAKeyFromBeforeKeysFollowedEachOtherRetiresToo has rows as an older Portvakt left them.
func TestAKeyFromBeforeKeysFollowedEachOtherRetiresToo(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		for _, k := range keys(t, h.master) {
			k.Public, k.From = nil, time.Time{}
			if err := store.InTx[signingkey.Tx](h.db)(t.Context(), func(tx signingkey.Tx) error { return tx.InsertSigningKey(t.Context(), k) }); err != nil {
				t.Fatal(err)
			}
		}
		one := h.node()
		hint, first := h.sign(one, "JWT")
		h.do(one.Rotate)
		h.now = h.now.Add(7*time.Minute + time.Hour)
		h.do(one.Tend)
		if _, kid := h.sign(one, "JWT"); kid == first || published(one) != 2 || !h.believes(one, hint, "JWT") {
			t.Error("it is not retired, or its hint is lost")
		}
	})
}

// TestAKeyThatFewAskForIsPublishedBeforeAnAppAsksForIt is on three nodes, one of which was away.
func TestAKeyThatFewAskForIsPublishedBeforeAnAppAsksForIt(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.every = 0
		one, other, away := h.node(), h.node(), h.node()
		h.now = now.Add(7*time.Minute - time.Millisecond)
		h.do(one.Tend)
		if published(one, fewAskFor...) != 0 {
			t.Error("a start has made them, or its first minutes")
		}
		h.now = now.Add(7 * time.Minute)
		var both sync.WaitGroup
		for _, k := range []*signingkey.Keys{one, other} {
			both.Go(func() { h.do(k.Tend) })
		}
		both.Wait()
		h.do(one.Tend)
		if n, m := published(one, fewAskFor...), published(other, fewAskFor...); n != 2 || m != 2 {
			t.Errorf("%d and %d of them are published", n, m)
		}
		stored, err := h.db.ListSigningKeys(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, k := range stored[len(signingkey.Algs()):] {
			if !k.From.Equal(h.now.Add(7 * time.Minute)) {
				t.Errorf("the key for %s signs from %s", k.Alg, k.From)
			}
		}
		kept := one.JWKS() // by an app, before it is registered for one of them
		h.now = h.now.Add(7 * time.Minute)
		h.do(func(ctx context.Context) error { return one.Need(ctx, signingkey.EdDSA, "anonymous") })
		if token, err := away.Sign(signingkey.EdDSA, "JWT", claims{"anna"}); err != nil || !h.believes(other, token, "JWT") || string(kept) != string(one.JWKS()) {
			t.Errorf("the set that the app has kept lacks the key: %v", err)
		}
	})
}

// TestAKeyThatFewAskForIsMadeAtOnceInTheFirstMinutes goes on to its rotation and its replacement.
func TestAKeyThatFewAskForIsMadeAtOnceInTheFirstMinutes(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		one, other, all := h.node(), h.node(), append(signingkey.Algs(), fewAskFor...)
		if _, err := one.Sign(signingkey.EdDSA, "JWT", claims{"anna"}); err == nil {
			t.Error("it signs without a key")
		}
		for range 2 {
			h.do(func(ctx context.Context) error { return one.Need(ctx, signingkey.EdDSA, "operator") })
		}
		token, err := other.Sign(signingkey.EdDSA, "JWT", claims{"anna"}) // which had not heard of it
		if err != nil || published(one, all...) != 3 || published(other, all...) != 3 || !h.believes(one, token, "JWT") {
			t.Fatalf("%d and %d published keys, %v", published(one, all...), published(other, all...), err)
		}
		h.do(one.Rotate)
		if published(one, all...) != 6 {
			t.Errorf("%d keys in a rotation", published(one, all...))
		}
		h.do(one.Replace)
		if fresh, err := one.Sign(signingkey.EdDSA, "JWT", claims{"anna"}); err != nil || published(one, all...) != 3 || !h.believes(one, fresh, "JWT") || h.believes(one, token, "JWT") {
			t.Errorf("%d keys after a replacement, %v", published(one, all...), err)
		}
	})
}
