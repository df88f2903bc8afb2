package admin

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/portvakt/portvakt/internal/administrator"
	"github.com/portvakt/portvakt/internal/audit"
)

func TestWhatChangesSomethingAsksForMoreThanLooking(t *testing.T) {
	for pattern, r := range new(Door).routes() {
		looks := r.right == administrator.See || r.right == administrator.Audit
		if pattern == "POST /transition" {
			continue // a search, which is sent as a form because a person key never stands in an address
		}
		if method, path, _ := strings.Cut(pattern, " "); method != "GET" && looks || !strings.HasPrefix(path, "/") {
			t.Errorf("%s asks for %s", pattern, r.right)
		}
	}
}

// TestTheLogSaysInWordsWhatAMoveIsMadeOf: a word for programs is no sentence.
func TestTheLogSaysInWordsWhatAMoveIsMadeOf(t *testing.T) {
	events, err := os.ReadFile("../../docs/audit-events.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, found := range regexp.MustCompile("`((?:administration|provisioning|transition|preparation|dkim)\\.[a-z_]+)`").FindAllSubmatch(events, -1) {
		kind := audit.Kind(found[1])
		if logTexts[kind] == "" && kind != audit.AccountCreated { // which is about no organisation
			t.Errorf("%s has no text", kind)
		}
	}
}
