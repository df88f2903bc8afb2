package e2e

import (
	"bytes"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"sync"

	"github.com/portvakt/portvakt/e2e/journey"
	"github.com/portvakt/portvakt/internal/demo"
)

// logs are what all worlds of a run have logged, at the finest level.
var logs record

// record collects lines from many writers.
type record struct {
	mu  sync.Mutex
	all bytes.Buffer
}

// Write adds a line.
func (r *record) Write(line []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.all.Write(line)
}

func (r *record) text() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.all.String()
}

// secrets are what the journeys of a run had in their hands, by kind.
var secrets = struct {
	mu    sync.Mutex
	kinds map[string]map[string]bool
}{kinds: map[string]map[string]bool{"password": {chosen: true, demo.Password: true, wrongPassword: true}}}

// shortest is the length from which a value can be found in a log without chance.
const shortest = 16

func keepSecret(kind, value string) {
	if len(value) < shortest {
		return
	}
	secrets.mu.Lock()
	defer secrets.mu.Unlock()
	if secrets.kinds[kind] == nil {
		secrets.kinds[kind] = map[string]bool{}
	}
	secrets.kinds[kind][value] = true
}

// keepSecrets remembers a browser's cookies and tokens, and the secrets in the
// addresses that it asked for.
func (w *world) keepSecrets(b *journey.Browser) {
	w.t.Helper()
	for name, value := range b.Cookies(w.Portvakt) {
		keepSecret("cookie "+strings.TrimRight(name, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"), value)
	}
	for _, asked := range b.Asked() {
		u, err := url.Parse(asked)
		if err != nil {
			continue
		}
		for _, name := range []string{"code", "id_token_hint", "state"} {
			keepSecret(name, u.Query().Get(name))
		}
	}
}

// keepTokens remembers the tokens that HRM Mobile holds in this tab.
func (w *world) keepTokens(phone *journey.Person) {
	w.t.Helper()
	kept := journey.Script[string](phone.Browser, `localStorage.getItem("hrmmobile.tokens") ?? ""`)
	if kept == "" {
		w.t.Error("HRM Mobile holds no tokens")
	}
	for _, token := range tokenLike.FindAllString(kept, -1) {
		keepSecret("token", token)
	}
}

// keepHandset remembers what an authenticator keeps of its accounts beside the keys, which nobody can read.
func (w *world) keepHandset(h *journey.Handset) {
	w.t.Helper()
	kept := journey.Script[string](h.Browser, `new Promise((done) => {
		indexedDB.open("portvakt-authenticator").onsuccess = ({ target: { result: db } }) => {
			db.transaction("accounts").objectStore("accounts").getAll().onsuccess = (e) => {
				db.close();
				done(e.target.result.map(({ refresh, deviceCode }) => (refresh ?? "") + " " + (deviceCode ?? "")).join(" "));
			};
		};
	})`)
	if len(kept) < shortest {
		w.t.Error("the authenticator holds no tokens")
	}
	for _, token := range strings.Fields(kept) {
		keepSecret("authenticator's token", token)
	}
}

var tokenLike = regexp.MustCompile(`[A-Za-z0-9_.~-]{16,}`)

// keepMailSecrets remembers the secrets of all links that were mailed.
func (w *world) keepMailSecrets() {
	for _, m := range w.Mailbox.Messages("") {
		for _, link := range m.Links {
			for _, page := range []string{"/recovery/link/", "/recovery/not-me/", "/account/address/", "/preparation/"} {
				if _, token, ok := strings.Cut(link, page); ok {
					keepSecret("link", token)
				}
			}
		}
	}
}

// suspicious is what stands in no log, whoever it belongs to.
var suspicious = regexp.MustCompile(`eyJ[A-Za-z0-9_-]{10,}\.|[?&](code|id_token_hint|refresh_token)=|pv_session=|/recovery/(link|not-me)/[A-Za-z0-9]|/account/address/[A-Za-z0-9_-]{16}|/preparation/[A-Za-z0-9_-]{16}|\$argon2id`)

// leaks lists the secrets of the run that stand in its logs.
func leaks() (found []string) {
	all := logs.text()
	secrets.mu.Lock()
	defer secrets.mu.Unlock()
	for kind, values := range secrets.kinds {
		for value := range values {
			for _, form := range []string{value, url.QueryEscape(value), url.PathEscape(value)} {
				if at := strings.Index(all, form); at >= 0 {
					found = append(found, fmt.Sprintf("a %s: …%s…", kind, around(all, at)))
					break
				}
			}
		}
	}
	for _, at := range suspicious.FindAllStringIndex(all, 5) {
		found = append(found, "something like a secret: …"+around(all, at[0])+"…")
	}
	return found
}

func around(all string, at int) string {
	return all[max(0, at-200):min(len(all), at+80)]
}
