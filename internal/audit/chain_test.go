package audit_test

import (
	"slices"
	"testing"

	"github.com/portvakt/portvakt/internal/audit"
)

func records(n int) (all []audit.Record) {
	for i := range n {
		all = append(all, audit.Record{ID: string(rune('a' + i)), Kind: "signin.succeeded", Salt: []byte{byte(i)}, Chained: true})
	}
	return all
}

func TestTheRootKnowsNoOrderAndMissesNoLine(t *testing.T) {
	seen := map[audit.Hash]int{}
	for n := range 20 {
		all := records(n)
		root := audit.Root(all)
		if other, ok := seen[root]; ok {
			t.Errorf("%d and %d lines have one root", n, other)
		}
		seen[root] = n
		slices.Reverse(all)
		if audit.Root(all) != root {
			t.Errorf("%d lines: the order they are read in matters", n)
		}
	}
}

// TestPartsDoNotRunIntoEachOther: moving a letter from one text to its neighbour is a change.
func TestPartsDoNotRunIntoEachOther(t *testing.T) {
	a := audit.Record{Actor: "ab", Account: "c"}
	b := audit.Record{Actor: "a", Account: "bc"}
	if a.Commitment() == b.Commitment() {
		t.Error("two lines have one commitment")
	}
	if audit.CommitField("ip", []byte("1"), "23") == audit.CommitField("ip", []byte("12"), "3") {
		t.Error("two fields have one commitment")
	}
}

func TestFieldsComeBackAsTheyWereWritten(t *testing.T) {
	f := audit.Fields{"ip": audit.CommitField("ip", []byte("salt"), "203.0.113.1"), "user_agent": {1}}
	back, ok := audit.ParseFields(f.Text())
	if !ok || len(back) != 2 || back["ip"] != f["ip"] || back["user_agent"] != f["user_agent"] {
		t.Errorf("%v %v", back, ok)
	}
	for _, broken := range []string{"", "[]", `{"ip":"x"}`, `{"ip":"AA"}`, `{"ip":1}`} {
		if _, ok := audit.ParseFields(broken); ok {
			t.Errorf("%q is read", broken)
		}
	}
}
