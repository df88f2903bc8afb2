package hrm

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"golang.org/x/oauth2"
)

// attemptCookie begins the name of a login's cookie; the state is the rest, so
// that logins in two tabs do not disturb each other.
const attemptCookie = "hrm_login_"

// maxAttempts bounds how many logins under way one browser carries.
const maxAttempts = 5

var errNoAttempt = errors.New("no such login under way")

// attempt is one login under way. It stands sealed in a cookie, so that HRM
// keeps nothing for strangers.
type attempt struct {
	State    string    `json:"-"`
	Nonce    string    `json:"n"`
	Verifier string    `json:"v"`
	Started  time.Time `json:"t"`
	// Change waits for the login, where it is a step-up.
	Change *pendingChange `json:"c,omitempty"`
}

func newAttempt(now time.Time) attempt {
	return attempt{State: rand.Text(), Nonce: rand.Text(), Verifier: oauth2.GenerateVerifier(), Started: now}
}

func (a attempt) expired(now time.Time) bool { return now.Sub(a.Started) >= loginLifetime }

// sealer encrypts cookies under a key that lives as long as the process.
type sealer struct{ aead cipher.AEAD }

func newSealer() sealer {
	key := make([]byte, 32)
	rand.Read(key)
	block, err := aes.NewCipher(key)
	if err != nil {
		panic(err) // a key of 32 bytes is always accepted
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		panic(err)
	}
	return sealer{aead}
}

// seal binds the content to its state: a cookie moved under another name is unreadable.
func (s sealer) seal(a attempt) (string, error) {
	plain, err := json.Marshal(a)
	if err != nil {
		return "", err
	}
	sealed := s.aead.Seal(nil, nil, plain, []byte(a.State))
	return base64.RawURLEncoding.EncodeToString(sealed), nil
}

func (s sealer) open(state, value string) (attempt, error) {
	sealed, err := base64.RawURLEncoding.DecodeString(value)
	if err != nil {
		return attempt{}, errNoAttempt
	}
	plain, err := s.aead.Open(nil, nil, sealed, []byte(state))
	if err != nil {
		return attempt{}, errNoAttempt
	}
	a := attempt{State: state}
	return a, json.Unmarshal(plain, &a)
}

// beginAttempt hands the browser a new login, perhaps with a change that waits for
// it, and takes away its oldest ones.
func (a *App) beginAttempt(w http.ResponseWriter, r *http.Request, wanted *pendingChange) (attempt, error) {
	next := newAttempt(a.cfg.Now())
	next.Change = wanted
	value, err := a.sealer.seal(next)
	if err != nil {
		return attempt{}, err
	}
	http.SetCookie(w, a.cfg.cookie(attemptCookie+next.State, value, loginLifetime))
	a.forgetOldest(w, r)
	return next, nil
}

func (a *App) forgetOldest(w http.ResponseWriter, r *http.Request) {
	var open []attempt
	for _, c := range r.Cookies() {
		if state, ours := strings.CutPrefix(c.Name, attemptCookie); ours {
			// An unreadable one has the zero time and goes first.
			found, _ := a.sealer.open(state, c.Value)
			found.State = state
			open = append(open, found)
		}
	}
	slices.SortFunc(open, func(x, y attempt) int { return x.Started.Compare(y.Started) })
	for len(open) >= maxAttempts {
		a.forget(w, open[0].State)
		open = open[1:]
	}
}

func (a *App) forget(w http.ResponseWriter, state string) {
	http.SetCookie(w, a.cfg.cookie(attemptCookie+state, "", -time.Second))
}

// takeAttempt finds the login that a callback answers and removes it from the
// browser: a state is used once (RFC 9700 §4.7.1).
func (a *App) takeAttempt(w http.ResponseWriter, r *http.Request) (attempt, error) {
	state := r.URL.Query().Get("state")
	c, err := r.Cookie(attemptCookie + state)
	if state == "" || err != nil {
		return attempt{}, errNoAttempt
	}
	a.forget(w, state)
	found, err := a.sealer.open(state, c.Value)
	if err != nil || found.expired(a.cfg.Now()) {
		return attempt{}, errNoAttempt
	}
	return found, nil
}
