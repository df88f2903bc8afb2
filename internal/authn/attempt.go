package authn

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/portvakt/portvakt/internal/account"
	"github.com/portvakt/portvakt/internal/secret"
	"github.com/portvakt/portvakt/internal/session"
)

// Request is an RP's authorization request, validated (OIDC Core §3.1.2.1). The zero Request is a visit to
// one of Portvakt's own pages; one with a client id alone is a visit that will end at that RP, but has no
// request of its RP to answer (a mailed link that was opened in another browser).
type Request struct {
	ClientID      string `json:"c,omitempty"`
	RedirectURI   string `json:"r,omitempty"`
	Scope         string `json:"s,omitempty"`
	State         string `json:"t,omitempty"`
	Nonce         string `json:"n,omitempty"`
	CodeChallenge string `json:"h,omitempty"` // S256 (RFC 7636 §4.2); empty: none was sent
	DPoPJKT       string `json:"k,omitempty"` // the key that alone may redeem the code (RFC 9449 §10); empty: any
	Prompt        string `json:"p,omitempty"`
	MaxAge        *int   `json:"m,omitempty"` // seconds
	LoginHint     string `json:"l,omitempty"`
	UILocales     string `json:"u,omitempty"`
	ACRValues     string `json:"a,omitempty"`
	// Essential says that one of ACRValues must be met (an essential acr in the parameter claims).
	Essential bool `json:"e,omitempty"`
	// ResponseType is what the RP asks for; empty: a code. ResponseMode is how it gets its answer; empty: in the query.
	ResponseType string      `json:"y,omitempty"`
	ResponseMode string      `json:"w,omitempty"`
	Floor        session.ACR `json:"f,omitempty"` // what the RP requires of every sign-in
	Subject      string      `json:"b,omitempty"` // of the id_token_hint: nobody else shall be signed in
	Resource     string      `json:"q,omitempty"` // that the access token is for (RFC 8707); empty: none was named
	// Unpushed and Unsigned say that the RP was not held to pushing, and to signing, what it asked. (What a former release has sealed says neither.)
	Unpushed bool      `json:"d,omitempty"`
	Unsigned bool      `json:"g,omitempty"`
	Received time.Time `json:"-"`
}

// Attempt is a sign-in under way. Before the first proof it exists only in its sealed cookie, which never
// holds a proof (RULES §1).
type Attempt struct {
	ID         string
	Request    Request
	Stored     string             // id of the row that holds a large request; Request is then empty at rest
	Address    string             // as typed
	Identifier account.Identifier // the same, folded; empty until the first page was answered
	Remember   bool               // "remember my address"
	Language   string
	Back       string       // of a visit to Portvakt's own pages: the path where it ends; empty: the account's page
	Goal       Goal         // what a visit to Portvakt's own pages is for; empty: a sign-in
	Binding    secret.Token // known to this browser alone
	Begun      time.Time
}

// Goal is what an attempt without an RP is for.
type Goal string

// The goals of attempts that begin on the account's page.
const (
	Confirm   Goal = "confirm" // a fresh proof, before a change
	AddApp    Goal = "app"     // one more authenticator app
	AddPhone  Goal = "phone"   // a phone that gets codes by SMS, the first or another one
	RenewCode Goal = "code"    // another recovery code

	// Administer is a sign-in that opens the console: it is worth aal2, or does not end (RULES §3). It ends where Back says.
	Administer Goal = "administer"

	NewPassword Goal = "password" // a fresh proof, before the page about the password
	NewAddress  Goal = "address"  // the same, before the page about the address
)

// Limits of the attempt.
const (
	AttemptLife = time.Hour
	MaxAttempts = 5    // in one browser
	MaxCookie   = 1200 // bytes; a larger request is kept as a row
	// maxUncompressed is how many bytes are left as they are. Sealed they are less than 900: five attempts in one line of the header stay well
	// below the 8 KB that proxies allow it.
	maxUncompressed = 600
	MaxRequest      = 8 << 10
	attemptPurpose  = secret.Purpose("attempt")
)

// The ways in which an attempt cannot go on.
var (
	// ErrAttempt says that the cookie is missing, foreign, changed or too old: one answer for all.
	ErrAttempt = errors.New("the attempt cannot be read")
	// ErrLarge says that the request does not fit into the cookie.
	ErrLarge = errors.New("the request is too large for a cookie")
)

// sealedAttempt is the cookie's content.
type sealedAttempt struct {
	Request    *Request `json:"q,omitempty"`
	Stored     string   `json:"i,omitempty"`
	Address    string   `json:"a,omitempty"`
	Identifier string   `json:"f,omitempty"`
	Remember   bool     `json:"k,omitempty"`
	Language   string   `json:"g,omitempty"`
	Goal       string   `json:"o,omitempty"`
	Back       string   `json:"e,omitempty"`
	Binding    string   `json:"b"`
	Begun      int64    `json:"z"` // Unix ms
	Received   int64    `json:"y"`
}

// NewAttempt begins an attempt for a request.
func NewAttempt(r Request, language string, now time.Time) Attempt {
	return Attempt{ID: secret.NewID(), Request: r, Language: language, Binding: secret.NewToken(), Begun: now}
}

// AttemptCookies seals and opens the cookies of attempts. What is short is not compressed: that costs more than the rest of a
// step of a sign-in. A compressor takes 800 KB and a decompressor 40, and so they are kept for the next.
type AttemptCookies struct {
	keys                 *secret.Keyring
	deflaters, inflaters sync.Pool
}

// NewAttemptCookies returns what seals by the keys.
func NewAttemptCookies(k *secret.Keyring) *AttemptCookies {
	return &AttemptCookies{keys: k, deflaters: sync.Pool{New: func() any {
		w, err := flate.NewWriter(io.Discard, flate.BestCompression)
		if err != nil {
			panic(err) // the level is a constant
		}
		return w
	}}, inflaters: sync.Pool{New: func() any { return flate.NewReader(bytes.NewReader(nil)) }}}
}

// Seal returns the cookie's value, or ErrLarge.
func (c *AttemptCookies) Seal(a Attempt, now time.Time) (string, error) {
	plain, err := a.encode()
	if err != nil {
		return "", err
	}
	if len(plain) <= maxUncompressed {
		return c.keys.Seal(attemptPurpose, a.ID, uncompressed(plain), now), nil
	}
	sealed := c.keys.Seal(attemptPurpose, a.ID, c.deflate(plain), now)
	if len(sealed) > MaxCookie {
		return "", ErrLarge
	}
	return sealed, nil
}

func (a Attempt) encode() ([]byte, error) {
	s := sealedAttempt{Stored: a.Stored, Address: a.Address, Identifier: string(a.Identifier), Remember: a.Remember,
		Language: a.Language, Goal: string(a.Goal), Back: a.Back, Binding: a.Binding.Reveal(), Begun: a.Begun.UnixMilli(), Received: a.Request.Received.UnixMilli()}
	if a.Stored == "" && a.Request.ClientID != "" {
		s.Request = &a.Request
	}
	return json.Marshal(s)
}

// Open reads the cookie of the attempt named id, or returns ErrAttempt. An expired attempt is
// returned beside the error, so that its page can still name the app.
func (c *AttemptCookies) Open(id, cookie string, now time.Time) (Attempt, error) {
	if len(cookie) > MaxCookie {
		return Attempt{}, ErrAttempt
	}
	packed, err := c.keys.Open(attemptPurpose, id, cookie, 24*time.Hour, now)
	if err != nil {
		return Attempt{}, ErrAttempt
	}
	var s sealedAttempt
	if err := json.Unmarshal(c.inflate(packed), &s); err != nil {
		return Attempt{}, ErrAttempt
	}
	a := Attempt{ID: id, Stored: s.Stored, Address: s.Address, Identifier: account.Identifier(s.Identifier), Remember: s.Remember,
		Language: s.Language, Goal: Goal(s.Goal), Back: s.Back, Binding: secret.Token(s.Binding), Begun: time.UnixMilli(s.Begun)}
	if s.Request != nil {
		a.Request = *s.Request
	}
	a.Request.Received = time.UnixMilli(s.Received)
	if a.Goal == Administer {
		a.Request.Floor = session.AAL2
	}
	if now.After(a.Begun.Add(AttemptLife)) {
		return a, ErrAttempt
	}
	return a, nil
}

// EncodeRequest is the form in which a large request rests in its row.
func EncodeRequest(r Request) []byte {
	b, err := json.Marshal(r)
	if err != nil {
		panic(err) // strings and one integer
	}
	return b
}

// DecodeRequest reads what EncodeRequest made.
func DecodeRequest(b []byte, received time.Time) (Request, error) {
	var r Request
	if err := json.Unmarshal(b, &r); err != nil {
		return Request{}, ErrAttempt
	}
	r.Received = received
	return r, nil
}

// HasPrompt says whether the request asks for the given prompt (OIDC Core §3.1.2.1).
func (r Request) HasPrompt(p string) bool {
	for _, v := range strings.Fields(r.Prompt) {
		if v == p {
			return true
		}
	}
	return false
}

// Scopes returns the request's scope values.
func (r Request) Scopes() []string { return strings.Fields(r.Scope) }

// uncompressed is a stream of one stored block (RFC 1951 §3.2.4): a node of a former release, beside which this one may stand, reads it as it reads
// any other. plain is shorter than 64 KB.
func uncompressed(plain []byte) []byte {
	const final, length, complement = 0, 1, 3
	b := make([]byte, 5, 5+len(plain))
	b[final] = 1
	binary.LittleEndian.PutUint16(b[length:], uint16(len(plain)))
	binary.LittleEndian.PutUint16(b[complement:], ^uint16(len(plain)))
	return append(b, plain...)
}

func (c *AttemptCookies) deflate(plain []byte) []byte {
	var b bytes.Buffer
	w := c.deflaters.Get().(*flate.Writer)
	defer c.deflaters.Put(w)
	w.Reset(&b)
	w.Write(plain) //nolint:errcheck // a bytes.Buffer cannot fail
	w.Close()      //nolint:errcheck // a bytes.Buffer cannot fail
	return b.Bytes()
}

// inflate returns what could be read; a cut stream fails at the JSON. The limit stops a bomb, although only
// we can have sealed it.
func (c *AttemptCookies) inflate(packed []byte) []byte {
	r := c.inflaters.Get().(io.Reader)
	defer c.inflaters.Put(r)
	r.(flate.Resetter).Reset(bytes.NewReader(packed), nil) //nolint:errcheck // there is no dictionary that could be wrong
	b, _ := io.ReadAll(io.LimitReader(r, 64<<10))
	return b
}
