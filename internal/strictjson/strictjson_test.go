package strictjson

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestWhatTwoReadersCouldUnderstandTwiceIsNotRead(t *testing.T) {
	for name, document := range map[string]string{
		"nothing":                 ``,
		"two":                     `{}{}`,
		"an end too many":         `{}}`,
		"a comma at the end":      `{"a": 1,}`,
		"a name twice":            `{"a": 1, "a": 1}`,
		"a name twice below":      `{"a": [{"b": {"c": 1, "c": 2}}]}`,
		"a name twice after":      `{"a": {"b": [1, "a"]}, "b": {}, "a": 1}`,
		"a name that escapes":     `{"a": 1, "\u0061": 2}`,
		"a name with a quote":     `{"\"": 1, "\u0022": 2}`,
		"capitals":                `{"iss": 1, "ISS": 2}`,
		"capitals of other words": `{"sub": 1, "ſub": 2}`,
		"the sign of Kelvin":      `{"kid": 1, "\u212aid": 2}`,
		"nine levels":             strings.Repeat(`{"a":`, 9) + `1` + strings.Repeat(`}`, 9),
		"nine lists":              strings.Repeat(`[`, 9) + strings.Repeat(`]`, 9),
		"no UTF-8":                "{\"a\": \"\xff\"}",
		"half a character":        "{\"a\xc3\": 1}",
		"a byte order mark":       "\xef\xbb\xbf{}",
	} {
		if v := any(nil); Unmarshal([]byte(document), &v) == nil || v != nil {
			t.Errorf("%s: %v", name, v)
		}
	}
	for _, document := range []string{`{}`, `null`, `"a"`, ` {"a": {"b": 1}, "c": {"b": 1}, "d": [{"b": 1}, {"b": 2}, "b", "b"], "b": "b", "": ",\"a\":{"} `,
		strings.Repeat(`{"a":`, 8) + `1` + strings.Repeat(`}`, 8)} {
		if err := Unmarshal([]byte(document), new(any)); err != nil {
			t.Errorf("%s: %v", document, err)
		}
	}
}

type told struct {
	Issuer string          `json:"iss"`
	Ends   *float64        `json:"exp"`
	Rest   json.RawMessage `json:"rest,omitempty"`
	Inner  struct {
		Name string `json:"name"`
	} `json:"inner"`
	Own list `json:"own"`
}

type list []string

func (l *list) UnmarshalJSON(b []byte) error { *l = list{string(b)}; return nil }

func TestAMemberIsTheOneThatIsWrittenSo(t *testing.T) {
	var v told
	err := Unmarshal([]byte(`{"iss": "a", "exp": null, "rest": [1], "inner": {"NAME": "x", "name ": "y"}, "own": {"a": 1}, "Issuer": "b", "": 1}`), &v)
	if err != nil || v.Issuer != "a" || v.Ends != nil || string(v.Rest) != "[1]" || v.Inner.Name != "" || len(v.Own) != 1 || v.Own[0] != `{"a": 1}` {
		t.Errorf("%+v %v", v, err)
	}
	v = told{}
	if err := Unmarshal([]byte(`{"ISS": "a", "Exp": 1, "INNER": {"name": "x"}}`), &v); err != nil || v.Issuer != "" || v.Ends != nil || v.Inner.Name != "" {
		t.Errorf("in capitals: %+v %v", v, err)
	}
	for _, wrong := range []string{`{"iss": 1}`, `{"inner": []}`, `[]`, `"iss"`} {
		if err := Unmarshal([]byte(wrong), new(told)); err == nil {
			t.Errorf("%s was read", wrong)
		}
	}
}

func BenchmarkAnAssertion(b *testing.B) {
	document := []byte(`{"iss":"0f3a9c1d2b","sub":"0f3a9c1d2b","aud":"https://login.example.com","exp":1764432120.5,"iat":1764432060,"jti":"q1w2e3r4t5y6u7i8o9p0"}`)
	type claims struct {
		Issuer   string          `json:"iss"`
		Subject  string          `json:"sub"`
		Audience list            `json:"aud"`
		Expires  *float64        `json:"exp"`
		Issued   *float64        `json:"iat"`
		ID       string          `json:"jti"`
		Response json.RawMessage `json:"response_type"`
	}
	for name, read := range map[string]func([]byte, any) error{"strict": Unmarshal, "plain": json.Unmarshal} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if err := read(document, new(claims)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// FuzzUnmarshal holds the reader against the one of the standard library: what it takes, that one takes and understands alike.
func FuzzUnmarshal(f *testing.F) {
	f.Add(`{"iss": "a", "exp": 1.5, "rest": {"a": [{"b": "\"}{"}]}, "inner": {"name": "x"}, "own": []}`)
	f.Add(`[{"a": 1, "b": {"a": 1}}, "a", {"a\\": "\\"}]`)
	f.Fuzz(func(t *testing.T, document string) {
		var v any
		err := Unmarshal([]byte(document), &v)
		if err != nil {
			return
		}
		if !utf8.ValidString(document) || !json.Valid([]byte(document)) {
			t.Fatalf("%q was read", document)
		}
		if was := written(json.NewDecoder(strings.NewReader(document))); kept(v) != was {
			t.Errorf("%q has %d members, and %d were kept", document, was, kept(v))
		}
		var strict, plain told
		// A member that only differs in capitals from one of ours is none of ours, and may be anything.
		if small, _ := check([]byte(document)); small && Unmarshal([]byte(document), &strict) == nil && json.Unmarshal([]byte(document), &plain) != nil {
			t.Errorf("%q was read", document)
		}
	})
}

// written counts the members of a document, those that stand twice as well.
func written(words *json.Decoder) (n int) {
	word, _ := words.Token()
	for word == json.Delim('{') && words.More() {
		words.Token() //nolint:errcheck // the document is valid
		n += 1 + written(words)
	}
	for word == json.Delim('[') && words.More() {
		n += written(words)
	}
	if word == json.Delim('{') || word == json.Delim('[') {
		words.Token() //nolint:errcheck // its end
	}
	return n
}

// kept counts the members of what was read.
func kept(v any) (n int) {
	switch v := v.(type) {
	case map[string]any:
		for _, inner := range v {
			n += 1 + kept(inner)
		}
	case []any:
		for _, inner := range v {
			n += kept(inner)
		}
	}
	return n
}
