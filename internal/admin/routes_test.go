package admin

import (
	"strings"
	"testing"

	"github.com/portvakt/portvakt/internal/administrator"
)

func TestWhatChangesSomethingAsksForMoreThanLooking(t *testing.T) {
	for pattern, r := range new(Door).routes() {
		looks := r.right == administrator.See || r.right == administrator.Audit
		if method, path, _ := strings.Cut(pattern, " "); method != "GET" && looks || !strings.HasPrefix(path, "/") {
			t.Errorf("%s asks for %s", pattern, r.right)
		}
	}
}
