package config

import (
	"net"
	"net/mail"
	"strings"
	"unicode"
)

// longestBounce is outbox.LongestReturn: with the mail's own part behind it, the local part must still be one.
const longestBounce = 15

func (s Settings) checkBounces() error {
	if s.BounceListen != "" {
		if s.BounceAddress == "" {
			return complain("bounce-listen without bounce-address: no mail would come back here; give the address too")
		}
		if _, port, err := net.SplitHostPort(s.BounceListen); err != nil || port != "0" && !isPort(port) {
			return complain(`bounce-listen %q: want HOST:PORT, as ":2525" on all addresses or "127.0.0.1:2525" on one`, s.BounceListen)
		}
	}
	if s.BounceAddress == "" {
		return nil
	}
	a, err := mail.ParseAddress(s.BounceAddress)
	local, _, _ := strings.Cut(s.BounceAddress, "@")
	switch {
	case err != nil || a.Name != "" || a.Address != s.BounceAddress:
		return complain("bounce-address %q: want an address alone, as bounces@example.com", s.BounceAddress)
	case strings.ContainsFunc(s.BounceAddress, func(r rune) bool { return r > unicode.MaxASCII }):
		return complain("bounce-address %q: write it in ASCII, the domain with xn--; not every server takes anything else", s.BounceAddress)
	case strings.Contains(local, "+") || len(local) > longestBounce:
		return complain("bounce-address %q: at most %d characters before the @, without a plus sign: each mail's own part comes behind them", s.BounceAddress, longestBounce)
	}
	return nil
}
