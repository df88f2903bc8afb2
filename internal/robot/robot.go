// Package robot is the engine behind the box "I am not a robot": a puzzle that costs a phone a second and a
// sender of a million requests a fortune. Nothing about the person is asked or sent to anybody.
package robot

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"math/big"
	"strconv"
	"strings"
	"time"

	"crypto/rand"

	"github.com/portvakt/portvakt/internal/recovery"
	"github.com/portvakt/portvakt/internal/secret"
)

// Puzzle makes and checks proofs of work: find n up to Max with SHA-256(salt + n) = challenge.
type Puzzle struct {
	Keys *secret.Keyring
	Max  int // largest n; half of it is the expected work
}

// DefaultMax takes a slow phone (20,000 hashes a second) two seconds at most.
const DefaultMax = 40_000

// Life is how long a puzzle can be answered.
const Life = 10 * time.Minute

const purpose = secret.Purpose("robot")

// ErrAnswer says that an answer is wrong, foreign, or too late.
var ErrAnswer = errors.New("the puzzle's answer does not count")

var _ recovery.Robot = Puzzle{}

// sealed is what the token remembers, so that the server need not.
type sealed struct {
	ID      string `json:"i"`
	Answer  int    `json:"n"`
	Expires int64  `json:"x"` // Unix ms
}

// Challenge makes a puzzle for a purpose and a context. The answer travels in the token, sealed: checking
// costs one decryption and no hash.
func (p Puzzle) Challenge(forWhat, bound string, now time.Time) recovery.Challenge {
	n := randomBelow(p.Max + 1)
	salt := secret.NewID()
	sum := sha256.Sum256([]byte(salt + strconv.Itoa(n)))
	plain, err := json.Marshal(sealed{ID: salt, Answer: n, Expires: now.Add(Life).UnixMilli()})
	if err != nil {
		panic(err) // strings and numbers
	}
	return recovery.Challenge{Challenge: hex.EncodeToString(sum[:]), Salt: salt, Max: p.Max,
		Token: p.Keys.Seal(purpose, forWhat+"|"+bound, plain, now)}
}

// Check verifies "TOKEN.N" and returns the puzzle's id and end of life, for the caller to spend once.
func (p Puzzle) Check(forWhat, bound, answer string, now time.Time) (string, time.Time, error) {
	token, number, ok := strings.Cut(answer, ".")
	n, err := strconv.Atoi(number)
	if !ok || err != nil {
		return "", time.Time{}, ErrAnswer
	}
	plain, err := p.Keys.Open(purpose, forWhat+"|"+bound, token, Life, now)
	var s sealed
	if err != nil || json.Unmarshal(plain, &s) != nil {
		return "", time.Time{}, ErrAnswer
	}
	expires := time.UnixMilli(s.Expires)
	if n != s.Answer || !now.Before(expires) {
		return "", time.Time{}, ErrAnswer
	}
	return s.ID, expires, nil
}

func randomBelow(n int) int {
	v, err := rand.Int(rand.Reader, big.NewInt(int64(n)))
	if err != nil {
		panic(err) // crypto/rand is documented never to fail
	}
	return int(v.Int64())
}
