package oidc

import (
	"encoding/json"

	"github.com/portvakt/portvakt/internal/strictjson"
)

// readObject reads a JSON object in one way alone. It fails with clientregistration.ErrMetadata.
func readObject(body []byte) (map[string]json.RawMessage, error) {
	if err := strictjson.Check(body); err != nil {
		return nil, faulty(err.Error())
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(body, &members); err != nil || members == nil {
		return nil, faulty("the body must be one JSON object")
	}
	return members, nil
}
