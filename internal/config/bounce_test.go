package config_test

import (
	"strings"
	"testing"
)

func TestMailsComeBackToAnAddressThatHasRoomForTheirOwnPart(t *testing.T) {
	for name, c := range map[string]struct{ address, listen, complaint string }{
		"nothing":                 {"", "", ""},
		"both":                    {"bounces@portvakt.example", "127.0.0.1:2525", ""},
		"an operator's mailbox":   {"bounces@portvakt.example", "", ""},
		"the longest":             {strings.Repeat("b", 15) + "@portvakt.example", ":25", ""},
		"too long":                {strings.Repeat("b", 16) + "@portvakt.example", ":25", "at most 15"},
		"with a plus sign":        {"a+b@portvakt.example", "", "plus sign"},
		"no address":              {"portvakt.example", "", "address alone"},
		"with a name":             {"Bounces <bounces@portvakt.example>", "", "address alone"},
		"beyond ASCII":            {"bounces@räka.example", "", "ASCII"},
		"listening for nothing":   {"", ":2525", "bounce-address"},
		"a port that is a letter": {"bounces@portvakt.example", ":smtp", "HOST:PORT"},
		"no port":                 {"bounces@portvakt.example", "127.0.0.1", "HOST:PORT"},
	} {
		s := good()
		s.BounceAddress, s.BounceListen = c.address, c.listen
		err := s.Check()
		if c.complaint == "" && err != nil || c.complaint != "" && (err == nil || !strings.Contains(err.Error(), c.complaint)) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
