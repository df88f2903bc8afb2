package signingkey_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/portvakt/portvakt/internal/signingkey"
)

const aKey = `{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"` // RFC 7515 A.3.1

func TestASetOfKeysIsReadWithoutWhatIsOfNoUse(t *testing.T) {
	for set, good := range map[string]bool{
		`{"keys":[` + aKey + `}]}`:                                       true,
		`{"keys":[{"kty":"OKP","crv":"X25519","x":"AA"},` + aKey + `}]}`: true,
		`{"keys":[` + aKey + `,"use":"enc"}]}`:                           true, // for what is encrypted
		`{"keys":[` + aKey + `,"use":"smoke"}]}`:                         false,
		`{"keys":[` + aKey + `,"d":"AA"}]}`:                              false,
		`{"keys":[{"kty":"oct","k":"AA"},` + aKey + `}]}`:                false,
		`{"keys":[]}`: false,
		`{"keys":[` + strings.Repeat(aKey+`},`, 40) + aKey + `}]}`: false,
		`[` + aKey + `}]`: false,
		`{"keys":[17]}`:   false,
		strings.Repeat(" ", signingkey.MaxKeySet) + `{"keys":[` + aKey + `}]}`: false,
	} {
		if _, err := signingkey.ReadKeySet([]byte(set)); (err == nil) != good || err != nil && !errors.Is(err, signingkey.ErrKey) {
			t.Errorf("%.80s: %v", set, err)
		}
	}
}

// FuzzKeySet holds that neither a set nor a token of others brings the process down, and that nothing unsigned passes.
func FuzzKeySet(f *testing.F) {
	f.Add([]byte(`{"keys":[`+aKey+`}]}`), "eyJhbGciOiJFUzI1NiJ9.e30.AAAA")
	f.Add([]byte(`{"keys":[`+aKey+`}]}`), "eyJhbGciOiJub25lIn0.e30.")
	f.Fuzz(func(t *testing.T, set []byte, token string) {
		keys, err := signingkey.ReadKeySet(set)
		if err != nil {
			return
		}
		var claims map[string]json.RawMessage
		for _, alg := range signingkey.EncryptionAlgs() {
			if _, err := keys.Encrypt(alg, "A256GCM", "JWT", []byte("hej")); keys.Encrypts(alg) != (err == nil) {
				t.Errorf("%s to %q: %v", alg, set, err)
			}
		}
		if keys.Verify(token, []string{"", "JWT"}, &claims) == nil {
			t.Errorf("%q passes by %q", token, set)
		}
		signingkey.Peek[map[string]json.RawMessage](token)
	})
}
