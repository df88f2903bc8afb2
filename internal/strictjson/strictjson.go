// Package strictjson reads the JSON of others in one way alone (RFC 8259 §4, §8.1): where two readers could understand two things, it
// refuses to understand any.
package strictjson

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"unicode/utf8"
)

// maxDepth is how deep a document may be: a JWK Set has three levels, a request that is signed and asks for claims has five.
const maxDepth = 8

var (
	errUTF8  = errors.New("the JSON is not UTF-8")
	errJSON  = errors.New("this is no JSON")
	errDepth = errors.New("the JSON is nested too deeply")
)

// Check says what is wrong with a document: it is one JSON value, in UTF-8, no deeper than anybody needs, and no name stands twice in an
// object, nor beside one that differs in capitals alone.
func Check(document []byte) error {
	_, err := check(document)
	return err
}

// check says besides whether all names are in small letters.
func check(document []byte) (small bool, err error) {
	switch {
	case !utf8.Valid(document):
		return false, errUTF8
	case !json.Valid(document):
		return false, errJSON
	}
	small = true
	var open []map[string]bool // the names of each object around; nil: a list
	isName := false            // whether the next text is one
	for i := 0; i < len(document); i++ {
		switch document[i] {
		case '{', '[':
			if len(open) == maxDepth {
				return false, errDepth
			}
			if isName = document[i] == '{'; isName {
				open = append(open, map[string]bool{})
			} else {
				open = append(open, nil)
			}
		case '}', ']':
			open, isName = open[:len(open)-1], false
		case ',':
			isName = open[len(open)-1] != nil
		case '"':
			end := i + textLen(document[i:])
			if isName {
				folded, err := addName(open[len(open)-1], document[i:end])
				if err != nil {
					return false, err
				}
				small = small && string(document[i+1:end-1]) == folded
			}
			i, isName = end-1, false
		}
	}
	return small, nil
}

// textLen is how long the text is that begins a valid document, quotes included.
func textLen(document []byte) int {
	for i := 1; ; i++ {
		switch document[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
}

// addName returns the name as those that differ in capitals alone have it in common.
func addName(names map[string]bool, text []byte) (folded string, err error) {
	name := string(text[1 : len(text)-1])
	if bytes.IndexByte(text, '\\') >= 0 {
		if err := json.Unmarshal(text, &name); err != nil {
			return "", errJSON
		}
	}
	folded = strings.ToLower(name)
	if strings.ContainsFunc(name, func(c rune) bool { return c >= utf8.RuneSelf }) {
		folded = strings.ToLower(strings.ToUpper(name)) // the long s and the sign of Kelvin too
	}
	if names[folded] {
		return "", fmt.Errorf("a member is there twice: %s", name)
	}
	names[folded] = true
	return folded, nil
}

// Unmarshal is json.Unmarshal for a document that passes Check. Of a struct it fills the fields whose tags name a member as it is written:
// "ISS" is no iss. Tags are in small letters.
func Unmarshal(document []byte, v any) error {
	small, err := check(document)
	if err != nil {
		return err
	}
	if small {
		return json.Unmarshal(document, v)
	}
	return decode(document, reflect.ValueOf(v).Elem())
}

func decode(document []byte, to reflect.Value) error {
	_, itself := to.Addr().Interface().(json.Unmarshaler)
	if to.Kind() != reflect.Struct || itself {
		return json.Unmarshal(document, to.Addr().Interface())
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(document, &members); err != nil {
		return err
	}
	for i := range to.NumField() {
		name, _, _ := strings.Cut(to.Type().Field(i).Tag.Get("json"), ",")
		if member, there := members[name]; there && name != "" {
			if err := decode(member, to.Field(i)); err != nil {
				return err
			}
		}
	}
	return nil
}
