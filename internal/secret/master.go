package secret

import (
	"encoding/base64"
	"fmt"
	"strings"
)

// Master seals the few keys that rest in the database. It comes from outside the database (a file, the
// environment, the system's credentials), so that a stolen backup alone opens nothing.
type Master struct {
	keys    map[byte][]byte
	current byte
}

// NewMasterKey returns a fresh master key in the form that ParseMaster reads.
func NewMasterKey() string { return "1:" + base64.RawURLEncoding.EncodeToString(Random(rootLen)) }

// ParseMaster reads one master key per line, each "ID:BASE64URL" with 32 bytes. The last line seals new
// values, all lines open old ones: a rotation adds a line.
func ParseMaster(text string) (*Master, error) {
	m := &Master{keys: map[byte][]byte{}}
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		var id byte
		head, body, ok := strings.Cut(line, ":")
		if _, err := fmt.Sscanf(head, "%d", &id); err != nil || !ok {
			return nil, fmt.Errorf("master key: a line must read ID:BASE64URL")
		}
		key, err := base64.RawURLEncoding.DecodeString(body)
		if err != nil || len(key) != rootLen {
			return nil, fmt.Errorf("master key %d: want 32 bytes in base64url", id)
		}
		m.keys[id], m.current = key, id
	}
	if len(m.keys) == 0 {
		return nil, fmt.Errorf("master key: none given")
	}
	return m, nil
}

// Seal encrypts plain; row names the place that it rests in, so that two sealed values cannot be swapped.
func (m *Master) Seal(row string, plain []byte) []byte {
	header := []byte{sealVersion, m.current}
	return newAEAD(m.keys[m.current]).Seal(header, nil, plain, aad("master", row, header))
}

// Open decrypts what Seal made for the same row, or returns ErrSealed.
func (m *Master) Open(row string, b []byte) ([]byte, error) {
	if len(b) < 2 || b[0] != sealVersion || m.keys[b[1]] == nil {
		return nil, ErrSealed
	}
	plain, err := newAEAD(m.keys[b[1]]).Open(nil, nil, b[2:], aad("master", row, b[:2]))
	if err != nil {
		return nil, ErrSealed
	}
	return plain, nil
}
