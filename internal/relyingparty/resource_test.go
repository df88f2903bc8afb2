package relyingparty_test

import (
	"testing"

	"github.com/portvakt/portvakt/internal/relyingparty"
)

func TestWhatIsAtTheIssuer(t *testing.T) {
	for address, want := range map[string]bool{
		"https://login.example": true, "https://login.example/": true, "https://login.example/api": true, "https://login.example?x": true,
		"https://login.example:8443/api": false, "https://login.example.net/api": false, "https://api.example": false, "": false,
	} {
		if relyingparty.IsAt(address, "https://login.example") != want {
			t.Errorf("%q: want %t", address, want)
		}
	}
}
