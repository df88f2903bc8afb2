// Package visitor is the part of the doors' kit that knows what a browser carries: its session, its attempts
// under way, and its memory between visits. The doors ui and oidc share it, because a browser has one set of
// cookies. It decides nothing.
package visitor

import (
	"net/http"
	"strings"
	"time"

	"github.com/portvakt/portvakt/internal/authn"
	"github.com/portvakt/portvakt/internal/secret"
	"github.com/portvakt/portvakt/internal/session"
	"github.com/portvakt/portvakt/internal/web"
)

// The names of the cookies. Ports of one host share cookies, hence the prefix of our own.
const (
	sessionCookie = "pv_session"
	memoryCookie  = "pv_browser"
	rememberedOne = "pv_remembered"
	watchedCookie = "pv_watched" // see ui/static/check_session.js
	attemptPrefix = "pv_attempt_"
	typedCookie   = "pv_device"
)

// Kit reads and writes a browser's cookies.
type Kit struct {
	Cookies web.Cookies
	Keys    *secret.Keyring
	Sealed  *authn.AttemptCookies
	Now     func() time.Time
}

const maxUserAgent = 512

// Browser returns what the request shows of where it comes from.
func (k Kit) Browser(r *http.Request) authn.Browser {
	addr := web.ClientAddr(r.Context())
	agent := r.UserAgent()
	agent = strings.ToValidUTF8(agent[:min(len(agent), maxUserAgent)], "?") // cut first: a rune may be cut in two
	return authn.Browser{
		Device:  session.Device{UserAgent: agent, Address: addr.String()},
		Network: web.Network(addr).String(),
		Memory:  authn.OpenMemory(k.Keys, k.Cookies.Get(r, memoryCookie), k.Now()),

		Language: string(web.Language(r.Context())),

		Remembered: secret.Token(k.Cookies.Get(r, rememberedOne)),
	}
}

// Session returns the token of the browser's session cookie, or "".
func (k Kit) Session(r *http.Request) secret.Token {
	return secret.Token(k.Cookies.Get(r, sessionCookie))
}

// SignedIn hands the browser its new session and memory, and takes the completed attempt away.
func (k Kit) SignedIn(w http.ResponseWriter, r *http.Request, n authn.NewSession, m authn.Memory) {
	k.Cookies.Set(w, sessionCookie, n.Token.Reveal(), n.Session.Expires.Sub(k.Now()))
	k.unwatch(w, r)
	k.Remember(w, m)
}

// KeepRemembered hands the browser the token by which it may skip the second proof, until it expires.
func (k Kit) KeepRemembered(w http.ResponseWriter, token secret.Token, life time.Duration) {
	k.Cookies.Set(w, rememberedOne, token.Reveal(), life)
}

// Remember stores the browser's memory.
func (k Kit) Remember(w http.ResponseWriter, m authn.Memory) {
	k.Cookies.Set(w, memoryCookie, m.Seal(k.Keys, k.Now()), authn.MemoryLife)
}

// SignedOut takes the session and all attempts from the browser.
func (k Kit) SignedOut(w http.ResponseWriter, r *http.Request) {
	k.Cookies.Clear(w, sessionCookie)
	k.unwatch(w, r)
	for _, name := range k.Cookies.Names(r, attemptPrefix) {
		k.Cookies.Clear(w, name)
	}
}

// Watch shows the frame that apps ask which session the browser has. Only for apps that ask it.
func (k Kit) Watch(w http.ResponseWriter, value string, expires time.Time) {
	if value != "" {
		k.Cookies.Show(w, watchedCookie, value, expires.Sub(k.Now()))
	}
}

// unwatch says to apps that ask that the session is another one, or none.
func (k Kit) unwatch(w http.ResponseWriter, r *http.Request) {
	if k.Cookies.Get(r, watchedCookie) != "" {
		k.Cookies.Show(w, watchedCookie, "", -time.Second)
	}
}

// Forgotten takes everything from the browser, also what it remembers between visits.
func (k Kit) Forgotten(w http.ResponseWriter, r *http.Request) {
	k.SignedOut(w, r)
	k.Cookies.Clear(w, memoryCookie)
	k.Cookies.Clear(w, rememberedOne)
}

const typedPurpose = secret.Purpose("typed code of a device")

// KeepTyped remembers which device's code was typed here, for as long as such a code lives.
func (k Kit) KeepTyped(w http.ResponseWriter, device, code string, life time.Duration) {
	k.Cookies.Set(w, typedCookie, k.Keys.Seal(typedPurpose, device, []byte(code), k.Now()), life)
}

// Typed is the code of the device as it was typed in this browser; false if it was not: somebody has sent the person the address.
func (k Kit) Typed(r *http.Request, device string) (code string, ok bool) {
	plain, err := k.Keys.Open(typedPurpose, device, k.Cookies.Get(r, typedCookie), 24*time.Hour, k.Now())
	return string(plain), err == nil
}

// Attempt returns the cookie of the attempt with the id, or "".
func (k Kit) Attempt(r *http.Request, id string) string { return k.Cookies.Get(r, attemptPrefix+id) }

// KeepAttempt stores an attempt's cookie. A browser has five at most: the first ones make room, which keeps
// a page that opens windows from filling the cookie jar.
func (k Kit) KeepAttempt(w http.ResponseWriter, r *http.Request, id, cookie string) {
	names := k.Cookies.Names(r, attemptPrefix)
	spare := len(names) - (authn.MaxAttempts - 1)
	for _, name := range names {
		if name == attemptPrefix+id {
			spare = 0
		}
	}
	for i := 0; i < spare; i++ {
		k.Cookies.Clear(w, names[i])
	}
	k.Cookies.Set(w, attemptPrefix+id, cookie, authn.AttemptLife)
}

// DropAttempt takes an attempt from the browser.
func (k Kit) DropAttempt(w http.ResponseWriter, id string) { k.Cookies.Clear(w, attemptPrefix+id) }

// Attempts opens all attempts that the browser carries, by id; unreadable ones are left out.
func (k Kit) Attempts(r *http.Request) map[string]authn.Attempt {
	all := map[string]authn.Attempt{}
	for _, name := range k.Cookies.Names(r, attemptPrefix) {
		id := strings.TrimPrefix(name, attemptPrefix)
		if a, err := k.Sealed.Open(id, k.Cookies.Get(r, name), k.Now()); err == nil {
			all[id] = a
		}
	}
	return all
}
