package signingkey

import (
	"crypto"
	_ "crypto/sha256" // the thumbprint's hash
	"encoding/base64"
)

const crypto256 = crypto.SHA256

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func unb64(s string) ([]byte, error) { return base64.RawURLEncoding.Strict().DecodeString(s) }
