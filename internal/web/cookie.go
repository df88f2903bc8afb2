package web

import (
	"net/http"
	"time"
)

// Cookies sets and reads Portvakt's cookies with one set of attributes. Over https they carry the prefix __Host- (RFC
// 6265bis, 4.1.3.2), so that no other host of the domain can plant one; over plain http, which is the demo alone, neither
// prefix nor Secure, because browsers differ in what they accept there.
type Cookies struct {
	Secure bool
}

func (c Cookies) name(name string) string {
	if c.Secure {
		return "__Host-" + name
	}
	return name
}

// Set sets a cookie. A maxAge of 0 makes it last as long as the browser runs.
func (c Cookies) Set(w http.ResponseWriter, name, value string, maxAge time.Duration) {
	c.set(w, name, value, int(maxAge/time.Second))
}

// Show sets a cookie that a script of ours may read, also in a frame on another site; so it is no secret. A negative maxAge removes it.
func (c Cookies) Show(w http.ResponseWriter, name, value string, maxAge time.Duration) {
	shown := &http.Cookie{Name: c.name(name), Value: value, Path: "/", MaxAge: int(maxAge / time.Second), Secure: c.Secure, SameSite: http.SameSiteLaxMode}
	if c.Secure {
		shown.SameSite = http.SameSiteNoneMode // which browsers take with Secure alone
	}
	http.SetCookie(w, shown)
}

// Clear removes a cookie.
func (c Cookies) Clear(w http.ResponseWriter, name string) { c.set(w, name, "", -1) }

// Get returns a cookie's value, or "" where there is none.
func (c Cookies) Get(r *http.Request, name string) string {
	cookie, err := r.Cookie(c.name(name))
	if err != nil {
		return ""
	}
	return cookie.Value
}

// Names lists the cookies of a request whose name begins with the prefix, without __Host-, in the order sent.
func (c Cookies) Names(r *http.Request, prefix string) []string {
	var names []string
	for _, cookie := range r.Cookies() {
		if full := c.name(prefix); len(cookie.Name) >= len(full) && cookie.Name[:len(full)] == full {
			names = append(names, cookie.Name[len(c.name("")):])
		}
	}
	return names
}

func (c Cookies) set(w http.ResponseWriter, name, value string, maxAge int) {
	http.SetCookie(w, &http.Cookie{
		Name: c.name(name), Value: value, Path: "/", MaxAge: maxAge,
		Secure: c.Secure, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	})
}
