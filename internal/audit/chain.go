package audit

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"hash"
	"slices"
	"time"
)

// The chain (RULES §10): each line has a commitment, H(salt ‖ content); a block holds the Merkle root of its lines' commitments and
// the hash of the block before it, and is signed. A personal field has a commitment of its own, under a salt of its own, and
// the line's commitment covers that one instead of the field. So the field can be deleted together with its salt: what stays
// tells nothing about it, and the line still proves that it is what it was.

// Hash is a SHA-256.
type Hash [sha256.Size]byte

// Text returns the hash as 64 hexadecimal digits.
func (h Hash) Text() string { return hex.EncodeToString(h[:]) }

// HashFrom reads a stored hash; false where it has another length.
func HashFrom(b []byte) (h Hash, ok bool) { return h, copy(h[:], b) == len(h) && len(b) == len(h) }

// What a hash is of stands at its beginning, so that one kind never passes for another (RFC 6962 §2.1 does so for trees).
const (
	fieldTag = "portvakt audit field 1"
	lineTag  = "portvakt audit line 1"
	blockTag = "portvakt audit block 1"
	leafTag  = 0
	nodeTag  = 1
)

// put writes parts, each after its length: parts cannot run into each other.
func put(h hash.Hash, parts ...[]byte) {
	for _, part := range parts {
		var n [8]byte
		binary.BigEndian.PutUint64(n[:], uint64(len(part)))
		h.Write(n[:])
		h.Write(part)
	}
}

func sum(h hash.Hash) (out Hash) {
	h.Sum(out[:0])
	return out
}

// CommitField is the commitment of one personal field.
func CommitField(field string, salt []byte, value string) Hash {
	h := sha256.New()
	put(h, []byte(fieldTag), []byte(field), salt, []byte(value))
	return sum(h)
}

// Fields are the commitments of a line's personal fields, by the field's name.
type Fields map[string]Hash

// Text writes the fields as they are stored and as the line's commitment covers them: JSON, sorted by name.
func (f Fields) Text() string {
	plain := make(map[string]string, len(f))
	for name, h := range f {
		plain[name] = base64.RawStdEncoding.EncodeToString(h[:])
	}
	b, err := json.Marshal(plain)
	if err != nil {
		panic(err) // a map of texts can be written
	}
	return string(b)
}

// ParseFields reads what Text wrote; false for anything else.
func ParseFields(text string) (Fields, bool) {
	var plain map[string]string
	if json.Unmarshal([]byte(text), &plain) != nil {
		return nil, false
	}
	f := make(Fields, len(plain))
	for name, value := range plain {
		b, err := base64.RawStdEncoding.Strict().DecodeString(value)
		h, ok := HashFrom(b)
		if err != nil || !ok {
			return nil, false
		}
		f[name] = h
	}
	return f, true
}

// Record is a line as it rests: every text exactly as it is stored.
type Record struct {
	ID      string
	At      int64 // Unix milliseconds
	Kind    string
	Actor   string
	Account string
	Client  string
	Session string
	Message string
	Detail  string // JSON
	Salt    []byte
	// Fields is what Fields.Text wrote. Chained is false for a line that is older than the chain: its personal fields are
	// covered by nothing.
	Fields  string
	Chained bool
}

// Commitment is what the line's block covers.
func (r Record) Commitment() Hash {
	h := sha256.New()
	var at [8]byte
	binary.BigEndian.PutUint64(at[:], uint64(r.At))
	chained := byte(0)
	if r.Chained {
		chained = 1
	}
	put(h, []byte(lineTag), r.Salt, []byte(r.ID), at[:], []byte(r.Kind), []byte(r.Actor), []byte(r.Account), []byte(r.Client),
		[]byte(r.Session), []byte(r.Message), []byte(r.Detail), []byte{chained}, []byte(r.Fields))
	return sum(h)
}

// Root is the Merkle root over the records' commitments in the order of their ids (RFC 6962 §2.1). That order is the only one:
// there is none that could be tampered with.
func Root(records []Record) Hash {
	sorted := slices.SortedFunc(slices.Values(records), func(a, b Record) int {
		switch {
		case a.ID < b.ID:
			return -1
		case a.ID > b.ID:
			return 1
		}
		return 0
	})
	leaves := make([]Hash, 0, len(sorted))
	for _, r := range sorted {
		c := r.Commitment()
		h := sha256.New()
		h.Write([]byte{leafTag})
		h.Write(c[:])
		leaves = append(leaves, sum(h))
	}
	return tree(leaves)
}

// tree is RFC 6962's: the left half is the largest power of two that is smaller than the whole.
func tree(leaves []Hash) Hash {
	switch len(leaves) {
	case 0:
		return sha256.Sum256(nil)
	case 1:
		return leaves[0]
	}
	half := 1
	for half*2 < len(leaves) {
		half *= 2
	}
	left, right := tree(leaves[:half]), tree(leaves[half:])
	h := sha256.New()
	h.Write([]byte{nodeTag})
	h.Write(left[:])
	h.Write(right[:])
	return sum(h)
}

// Block is one link of the chain.
type Block struct {
	Number    int64 // from 1, without gaps
	Previous  Hash  // of the block before; of the first one: zeros
	Root      Hash
	Lines     int
	At        time.Time
	Signature string // over Hash
}

// Hash is what the next block and the signature cover.
func (b Block) Hash() Hash {
	h := sha256.New()
	var numbers [24]byte
	binary.BigEndian.PutUint64(numbers[:], uint64(b.Number))
	binary.BigEndian.PutUint64(numbers[8:], uint64(b.Lines))
	binary.BigEndian.PutUint64(numbers[16:], uint64(b.At.UnixMilli()))
	put(h, []byte(blockTag), numbers[:], b.Previous[:], b.Root[:])
	return sum(h)
}
