package signingkey

import (
	"unicode/utf8"

	"github.com/go-jose/go-jose/v4"

	"github.com/portvakt/portvakt/internal/strictjson"
)

// shared are the algorithms by a key that both sides have. They stand apart from those of key pairs: nowhere is a token judged by either.
var shared = []jose.SignatureAlgorithm{jose.HS256, jose.HS384, jose.HS512}

// VerifyShared checks the MAC of a compact JWS by a secret key and decodes its claims. types are the typ headers that are taken; "" is none
// at all. It fails with ErrToken.
func VerifyShared(key []byte, token string, types []string, claims any) error {
	if len(token) > maxSigned || !utf8.ValidString(token) {
		return ErrToken
	}
	head, err := readHeader(token)
	if err != nil || !isType(head.typ, types) {
		return ErrToken
	}
	jws, err := jose.ParseSignedCompact(token, shared)
	if err != nil || len(jws.Signatures) != 1 {
		return ErrToken
	}
	payload, err := jws.Verify(key)
	if err != nil || strictjson.Unmarshal(payload, claims) != nil {
		return ErrToken
	}
	return nil
}

// AlgOf is the algorithm that a token's header names; empty where it cannot be read. Whether it is the token's proves its signature alone.
func AlgOf(token string) string {
	head, _ := readHeader(token)
	return head.alg
}
