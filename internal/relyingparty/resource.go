package relyingparty

import "strings"

// IsAt says whether an address is the issuer's own, or below it: no RP may name such a one as a server of its own.
func IsAt(address, issuer string) bool {
	below, ok := strings.CutPrefix(address, issuer)
	return ok && (below == "" || strings.HasSuffix(issuer, "/") || strings.ContainsRune("/?#", rune(below[0])))
}
