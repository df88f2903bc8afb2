package clientregistration

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"testing"

	"github.com/portvakt/portvakt/internal/relyingparty"
)

// FuzzSector reads the list that stands at a sector identifier: an app belongs to it if each of its addresses is there as a text, and by nothing else.
func FuzzSector(f *testing.F) {
	rp := relyingparty.RP{RedirectURIs: []string{"https://a.example/cb", "https://b.example/cb"},
		Options: relyingparty.Options{Subjects: relyingparty.Subjects{SectorIdentifierURI: "https://c.example/list"}}}
	f.Add(`["https://a.example/cb","https://b.example/cb","https://d.example/cb"]`)
	f.Add(`["https://a.example/cb"]`)
	f.Add(`["https://a.example/cb","https://b.example/cb",null]`)
	f.Add(`{"0":"https://a.example/cb"}`)
	f.Fuzz(func(t *testing.T, list string) {
		s := &Service{Fetch: func(context.Context, string) (string, error) { return list, nil }}
		err := s.checkSector(t.Context(), rp)
		if err != nil && !errors.Is(err, ErrSector) {
			t.Errorf("%q: %v", list, err)
		}
		var all []any
		listed := json.Unmarshal([]byte(list), &all) == nil && slices.Contains(all, any(rp.RedirectURIs[0])) && slices.Contains(all, any(rp.RedirectURIs[1]))
		if err == nil && !listed {
			t.Errorf("%q lets the app in", list)
		}
	})
}
