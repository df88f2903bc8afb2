package app_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/portvakt/portvakt/internal/account"
	"github.com/portvakt/portvakt/internal/transition"
)

// TestRefusalsHaveABoundADay: whoever makes mistakes for a week fills no table.
func TestRefusalsHaveABoundADay(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		_, err := w.raw().Exec(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 19998)
			INSERT INTO refusals (reference, at, status, page, problem, identifier, client_id) SELECT 'R' || i, $1, 422, 'p', '', 'a@x.example', '' FROM n`, w.clock.Now().UnixMilli())
		if err != nil {
			t.Fatal(err)
		}
		number := 0
		note := func(n int, who account.Identifier) (kept string) {
			for range n {
				number++
				w.app.Transition.NoteRefusal(transition.Refusal{Reference: fmt.Sprintf("T%07d", number), At: w.clock.Now(), Status: 422, Page: "p", Identifier: who})
			}
			if err := w.app.Transition.FlushRefusals(t.Context()); err != nil {
				t.Fatal(err)
			}
			return w.askDB(`SELECT count(*) FROM refusals`)
		}
		if kept := note(5, bosAddress); kept != "20000" {
			t.Errorf("%s are kept", kept)
		}
		if kept := note(5, bosAddress); kept != "20000" {
			t.Errorf("%s are kept after another flush", kept)
		}
		if kept := note(5, ""); kept != "20005" {
			t.Errorf("%s are kept after a program's", kept) // which has a bound of its own
		}
		w.clock.Advance(25 * time.Hour)
		if kept := note(5, bosAddress); kept != "20010" {
			t.Errorf("%s are kept a day later", kept)
		}
	})
}

// patient is an answer whose connection notes how often it was given more time.
type patient struct {
	*httptest.ResponseRecorder
	given int
}

// SetReadDeadline notes it.
func (p *patient) SetReadDeadline(time.Time) error { p.given++; return nil }

// stingy counts what is read of a body.
type stingy struct {
	io.Reader
	read int
}

// Read counts.
func (s *stingy) Read(b []byte) (int, error) { n, err := s.Reader.Read(b); s.read += n; return n, err }

// TestAFileIsGivenTimeAndRoomOnceItsSenderIsKnown: ten minutes and a hundred megabytes are nothing for a stranger.
func TestAFileIsGivenTimeAndRoomOnceItsSenderIsKnown(t *testing.T) {
	w := on(t)
	b, _ := w.atConsole("helpdesk") // who imports nothing
	sends := func(cookies []*http.Cookie, path string) (status int, p *patient, body *stingy) {
		body = &stingy{Reader: &zeros{8 << 20}}
		r := httptest.NewRequest(http.MethodPost, issuer+path, body)
		r.Header.Set("Content-Type", "multipart/form-data; boundary=x")
		r.Header.Set("Origin", issuer)
		r.Header.Set("Sec-Fetch-Site", "same-origin")
		for _, c := range cookies {
			r.AddCookie(c)
		}
		p = &patient{ResponseRecorder: httptest.NewRecorder()}
		w.app.Handler().ServeHTTP(p, r)
		return p.Code, p, body
	}
	own := b.jar.Cookies(mustURL(issuer + consoleURL))
	for who, test := range map[string]struct {
		cookies []*http.Cookie
		path    string
		want    int
	}{
		"a stranger":             {nil, consoleURL + "/import", http.StatusSeeOther},
		"who may not":            {own, consoleURL + "/import", http.StatusNotFound},
		"a program without word": {nil, "/api/v1/organisations/foretaget/imports", http.StatusUnauthorized},
	} {
		status, p, body := sends(test.cookies, test.path)
		if status != test.want || p.given != 0 || body.read > 1<<20 {
			t.Errorf("%s: %d, %d times more time, %d bytes", who, status, p.given, body.read)
		}
	}
	w.appoint("foretaget", bosAddress, "administrator")
	if status, p, _ := sends(own, consoleURL+"/import"); p.given == 0 {
		t.Errorf("who may: %d, and no time", status)
	}
}
