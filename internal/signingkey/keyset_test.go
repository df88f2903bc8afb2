package signingkey_test

import (
	"encoding/base64"
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

// FuzzVerify has what is signed in earnest to begin with: whatever becomes of it, nothing passes but what was signed, by its own key.
func FuzzVerify(f *testing.F) {
	set, err := signingkey.ReadKeySet([]byte(`{"keys":[` + aKey + `}]}`))
	if err != nil {
		f.Fatal(err)
	}
	mac, err := base64.RawURLEncoding.DecodeString("AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow") // RFC 7515 A.1.1
	if err != nil {
		f.Fatal(err)
	}
	const payload = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
	const byKey = "eyJhbGciOiJFUzI1NiJ9." + payload + ".DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"
	const byMAC = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9." + payload + ".dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
	f.Add(byKey)
	f.Add(byMAC)
	f.Add("eyJhbGciOiJub25lIn0." + payload + ".")
	f.Fuzz(func(t *testing.T, token string) {
		for name, one := range map[string]struct {
			good string
			err  error
		}{
			"the key":        {byKey, set.Verify(token, []string{""}, &map[string]any{})},
			"the key itself": {byKey, signingkey.VerifyBy([]byte(aKey+"}"), token, "", &map[string]any{})},
			"what is shared": {byMAC, signingkey.VerifyShared(mac, token, []string{"JWT"}, &map[string]any{})},
		} {
			signed := one.good[:strings.LastIndexByte(one.good, '.')+1]
			if one.err == nil && !strings.HasPrefix(token, signed) || token == one.good && one.err != nil {
				t.Errorf("%q by %s: %v", token, name, one.err)
			}
		}
	})
}

func TestASetOfKeysIsReadInOneWayAlone(t *testing.T) {
	const key = aKey + `,"kid":"one"}`
	if _, err := signingkey.ReadKeySet([]byte(`{"keys":[` + key + `]}`)); err != nil {
		t.Fatal(err)
	}
	for name, set := range map[string]string{
		"keys twice":         `{"keys":[],"keys":[` + key + `]}`,
		"keys in capitals":   `{"KEYS":[` + key + `]}`,
		"a kid twice":        `{"keys":[` + strings.Replace(key, `"kid"`, `"kid":"two","kid"`, 1) + `]}`,
		"a kid and another":  `{"keys":[` + strings.Replace(key, `"kid"`, `"KID":"two","kid"`, 1) + `]}`,
		"what is no UTF-8":   "{\"keys\":[" + key + "],\"x\":\"\xff\"}",
		"something after it": `{"keys":[` + key + `]} {}`,
	} {
		if _, err := signingkey.ReadKeySet([]byte(set)); err == nil {
			t.Errorf("%s was read", name)
		}
	}
}
