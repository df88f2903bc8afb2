package signingkey

import (
	"crypto"
	_ "crypto/sha256" // the thumbprint's hash
	"encoding/base64"
	"strings"
)

const crypto256 = crypto.SHA256

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func unb64(s string) ([]byte, error) { return base64.RawURLEncoding.Strict().DecodeString(s) }

// isStrict says whether a compact JWS is written in the one way in which its signer wrote it (RFC 7515 §7.1, RFC 4648 §3.5): what is signed
// is the bytes, of which some spellings of base64 differ in bits that nobody reads.
func isStrict(token string) bool {
	parts := strings.Split(token, ".")
	if len(parts) != 3 || strings.ContainsAny(token, "\r\n") { // which a decoder of base64 passes over
		return false
	}
	for _, part := range parts {
		if _, err := unb64(part); err != nil {
			return false
		}
	}
	return true
}
