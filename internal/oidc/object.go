package oidc

import (
	"bytes"
	"encoding/json"
	"unicode/utf8"
)

// maxDepth is how deep a JSON document of others may be: a JWK Set has three levels.
const maxDepth = 8

// readObject reads a JSON object strictly: in UTF-8, no deeper than anybody needs, and no name twice at any level, because two readers
// would understand two things (RFC 8259 §4, §8.1). It fails with clientregistration.ErrMetadata.
func readObject(body []byte) (map[string]json.RawMessage, error) {
	if !utf8.Valid(body) {
		return nil, faulty("the body is not UTF-8")
	}
	if err := scan(body); err != nil {
		return nil, err
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(body, &members); err != nil || members == nil {
		return nil, faulty("the body must be one JSON object")
	}
	return members, nil
}

// scan goes through a document word by word. What is no JSON is left to the reader.
func scan(body []byte) error {
	type level struct {
		names map[string]bool // nil: a list
		name  bool            // the next word is a name
	}
	var open []level
	words := json.NewDecoder(bytes.NewReader(body))
	for {
		word, err := words.Token()
		if err != nil {
			return nil //nolint:nilerr // the end, or no JSON: Unmarshal says so
		}
		last := len(open) - 1
		switch word {
		case json.Delim('{'), json.Delim('['):
			if len(open) == maxDepth {
				return faulty("the body is nested too deeply")
			}
			if last >= 0 {
				open[last].name = true
			}
			l := level{}
			if word == json.Delim('{') {
				l = level{names: map[string]bool{}, name: true}
			}
			open = append(open, l)
			continue
		case json.Delim('}'), json.Delim(']'):
			open = open[:last]
			continue
		}
		if last < 0 || open[last].names == nil {
			continue
		}
		if name, isText := word.(string); isText && open[last].name {
			if open[last].names[name] {
				return faulty("a member is there twice: " + printable(name))
			}
			open[last].names[name], open[last].name = true, false
			continue
		}
		open[last].name = true
	}
}
