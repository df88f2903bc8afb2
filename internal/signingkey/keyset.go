package signingkey

import (
	"encoding/json"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/portvakt/portvakt/internal/strictjson"
)

// Limits of a JWK Set of others.
const (
	MaxKeySet = 64 << 10 // bytes
	maxKeys   = 32
	maxTried  = 4 // of them, where a token does not name its key
	maxSigned = 16 << 10
)

// KeySet are the public keys of somebody else (RFC 7517 §5).
type KeySet struct{ keys, encrypt []namedKey } // that sign, and that one encrypts to: see encrypt.go

type namedKey struct {
	id  string
	alg string // that it is for; empty: any that fits
	PublicKey
}

// ReadKeySet reads a JWK Set. Kinds that are not taken here are passed over: a set may serve others too. It fails with ErrKey for what
// is no set, holds a private key, or has none that is of use.
func ReadKeySet(set []byte) (KeySet, error) {
	var body struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if len(set) > MaxKeySet || strictjson.Unmarshal(set, &body) != nil || len(body.Keys) > maxKeys {
		return KeySet{}, ErrKey
	}
	var s KeySet
	for _, raw := range body.Keys {
		var about struct {
			ID  string          `json:"kid"`
			Alg string          `json:"alg"`
			Use string          `json:"use"`
			D   json.RawMessage `json:"d"`
			K   json.RawMessage `json:"k"`
		}
		if strictjson.Unmarshal(raw, &about) != nil {
			return KeySet{}, ErrKey
		}
		if about.D != nil || about.K != nil {
			return KeySet{}, ErrKey // who publishes a private key shall hear of it
		}
		key, err := readKey(raw)
		if err != nil {
			continue
		}
		if one := (namedKey{about.ID, about.Alg, key}); about.Use == "enc" || slices.Contains(EncryptionAlgs(), about.Alg) {
			s.encrypt = append(s.encrypt, one)
		} else if about.Use == "sig" || about.Alg != "" {
			s.keys = append(s.keys, one)
		} else if about.Use == "" {
			s.keys, s.encrypt = append(s.keys, one), append(s.encrypt, one)
		}
	}
	if len(s.keys) == 0 && len(s.encrypt) == 0 {
		return s, ErrKey
	}
	return s, nil
}

// Signs says whether the set has a key that signs.
func (s KeySet) Signs() bool { return len(s.keys) > 0 }

// Verify checks a compact JWS by one of the keys and decodes its claims. types are the typ headers that are taken; "" is none at all. It
// fails with ErrKey where the token names a key that is not in the set, else with ErrToken.
func (s KeySet) Verify(token string, types []string, claims any) error {
	if len(token) > maxSigned || !utf8.ValidString(token) {
		return ErrToken
	}
	head, err := readHeader(token)
	if err != nil || !isType(head.typ, types) {
		return ErrToken
	}
	named, tried := false, 0
	for _, k := range s.keys {
		if head.kid != "" && k.id != head.kid || k.alg != "" && k.alg != head.alg || !slices.Contains(k.algs(), head.alg) {
			continue
		}
		if named = true; tried == maxTried {
			break
		}
		tried++
		if verifyBy(k.PublicKey, token, []string{head.alg}, claims) == nil {
			return nil
		}
	}
	if !named {
		return ErrKey
	}
	return ErrToken
}

// Peek reads the claims of a compact JWS without a look at its signature: nothing of them is true before Verify says so. It serves to
// find out whose keys to verify by.
func Peek[T any](token string) (claims T, ok bool) {
	parts := strings.Split(token, ".")
	if len(token) > maxSigned || len(parts) != 3 {
		return claims, false
	}
	raw, err := unb64(parts[1])
	return claims, err == nil && strictjson.Unmarshal(raw, &claims) == nil
}

// isType says whether the typ header is one of those that are taken. It is a media type, in which capitals mean nothing (RFC 7515 §4.1.9).
func isType(typ string, types []string) bool {
	return slices.ContainsFunc(types, func(t string) bool { return strings.EqualFold(t, typ) })
}
