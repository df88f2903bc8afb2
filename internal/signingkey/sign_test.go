package signingkey

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/asn1"
	"math/big"
	"slices"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"
)

// One signature in 128 has a number with a zero in front, which DER leaves away.
func TestBothNumbersOfASignatureHaveThirtyTwoBytes(t *testing.T) {
	der := func(r, s *big.Int) []byte {
		b, err := asn1.Marshal(struct{ R, S *big.Int }{r, s})
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	full := new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 256), big.NewInt(1)) // 32 bytes of 0xff
	for name, c := range map[string]struct{ r, s *big.Int }{
		"whole":         {full, full},
		"a short first": {big.NewInt(1), full},
		"a short last":  {full, big.NewInt(0x1234)},
	} {
		want := append(c.r.FillBytes(make([]byte, 32)), c.s.FillBytes(make([]byte, 32))...)
		if got, err := concatenated(der(c.r, c.s)); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %v %x", name, err, got)
		}
	}
	long := new(big.Int).Lsh(full, 8)
	for name, bad := range map[string][]byte{
		"nothing":      nil,
		"too long":     der(long, full),
		"negative":     der(big.NewInt(-1), full),
		"more behind":  append(der(full, full), 0),
		"half of it":   der(full, full)[:40],
		"no signature": []byte("signature"),
	} {
		if got, err := concatenated(bad); err == nil {
			t.Errorf("%s: %x", name, got)
		}
	}
}

// What others read is what go-jose would have written.
func TestATokenIsWrittenAsTheLibraryWritesIt(t *testing.T) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	ours, err := newSigner("kid<1>", ES256, private)
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: private, KeyID: "kid<1>"}}, (&jose.SignerOptions{}).WithType("at+jwt"))
	if err != nil {
		t.Fatal(err)
	}
	payload := []byte(`{"sub":"åsa & bo"}`)
	token, err := ours.sign("at+jwt", payload)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := theirs.Sign(payload)
	if err != nil {
		t.Fatal(err)
	}
	want, err := signed.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	for _, alg := range []Alg{RS256, PS256, EdDSA, "none"} {
		if _, err := newSigner("kid", alg, private); err == nil {
			t.Errorf("a key of ES256 signs %s", alg)
		}
	}
	unsigned := func(token string) string { return token[:strings.LastIndexByte(token, '.')] }
	if unsigned(token) != unsigned(want) || len(token) != len(want) {
		t.Errorf("%s\nand by the library\n%s", token, want)
	}
}
