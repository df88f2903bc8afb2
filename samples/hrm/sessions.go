package hrm

import (
	"crypto/rand"
	"maps"
	"net/http"
	"sync"
	"time"
)

// sessionCookie has a name of its own: the ports of one host share their cookies.
const sessionCookie = "hrm_session"

// session is somebody signed in to HRM, in one browser.
type session struct {
	Key     string // of the HRM record; empty where HRM has none
	Company string // for which she is here; empty: her only one
	Email   string // for display; never to find anybody by
	Subject string
	SID     string // the login service's name of its session, for logout tokens
	IDToken string // goes back as the hint when signing out
	ACR     string // what the sign-in is worth, as the id token told
	// AuthTime is when the person last proved who she is.
	AuthTime time.Time
	Expires  time.Time
}

// sessions are kept by HRM itself; the cookie is only their name.
type sessions struct {
	mu       sync.Mutex
	lifetime time.Duration
	now      func() time.Time
	byID     map[string]session
}

func newSessions(lifetime time.Duration, now func() time.Time) *sessions {
	return &sessions{lifetime: lifetime, now: now, byID: map[string]session{}}
}

func (s *sessions) create(made session) (id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	maps.DeleteFunc(s.byID, func(_ string, old session) bool { return !now.Before(old.Expires) })
	made.Expires = now.Add(s.lifetime)
	id = rand.Text() + rand.Text()
	s.byID[id] = made
	return id
}

func (s *sessions) find(id string) (session, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	found, ok := s.byID[id]
	return found, ok && s.now().Before(found.Expires)
}

func (s *sessions) end(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.byID, id)
}

// endWhere ends the sessions that a logout token names (OpenID Connect
// Back-Channel Logout 1.0 §2.7): one session by sid, or all of a subject.
func (s *sessions) endWhere(subject, sid string) (ended int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	before := len(s.byID)
	maps.DeleteFunc(s.byID, func(_ string, one session) bool {
		return (subject == "" || one.Subject == subject) && (sid == "" || one.SID == sid)
	})
	return before - len(s.byID)
}

// current is the session of the browser that asks.
func (a *App) current(r *http.Request) (session, bool) {
	c, err := r.Cookie(sessionCookie)
	if err != nil {
		return session{}, false
	}
	return a.sessions.find(c.Value)
}

// beginSession signs the browser in under a new name, so that a name planted
// before the sign-in is worth nothing, and ends what it replaces.
func (a *App) beginSession(w http.ResponseWriter, r *http.Request, made session) *http.Cookie {
	a.endSession(w, r)
	c := a.cfg.cookie(sessionCookie, a.sessions.create(made), a.cfg.SessionLifetime)
	http.SetCookie(w, c)
	return c
}

func (a *App) endSession(w http.ResponseWriter, r *http.Request) {
	if c, err := r.Cookie(sessionCookie); err == nil {
		a.sessions.end(c.Value)
		http.SetCookie(w, a.cfg.cookie(sessionCookie, "", -time.Second))
	}
}
