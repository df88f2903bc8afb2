package password

import (
	"bytes"
	_ "embed" // the filter
	"encoding/binary"
	"io"
	"sync"

	"github.com/FastFilter/xorfilter"

	"github.com/portvakt/portvakt/internal/secret"
)

// commonFilter is a binary fuse filter over common passwords, made by commongen. It holds fingerprints, not
// the passwords; one innocent password in 65,000 is taken for a common one.
//
//go:embed common.filter
var commonFilter []byte

var loadCommon = sync.OnceValue(func() *xorfilter.BinaryFuse[uint16] {
	f, err := xorfilter.LoadBinaryFuse[uint16](bytes.NewReader(commonFilter))
	if err != nil {
		panic("password: the embedded filter cannot be read: " + err.Error())
	}
	return f
})

func isCommon(folded string) bool { return loadCommon().Contains(fingerprint(folded)) }

func fingerprint(s string) uint64 {
	h := secret.HashOf(s)
	return binary.BigEndian.Uint64(h[:8])
}

// WriteFilter writes a filter over the given passwords, which must be in lower case and without repeats.
func WriteFilter(w io.Writer, passwords []string) error {
	keys := make([]uint64, len(passwords))
	for i, p := range passwords {
		keys[i] = fingerprint(p)
	}
	f, err := xorfilter.NewBinaryFuse[uint16](keys)
	if err != nil {
		return err
	}
	return f.Save(w)
}
