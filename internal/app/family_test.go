package app_test

import (
	"fmt"
	"iter"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/portvakt/portvakt/internal/app"
	"github.com/portvakt/portvakt/internal/session"
)

// TestCodesAndFamiliesKeepTheirPromisesWhateverHappensAtOnce lets an RP, a thief, the person and time do what they like, in any order
// and up to four at once, at two nodes where there can be two. What comes of a burst must be what some order of its requests, one
// after the other, gives by the rules: books is those rules.
func TestCodesAndFamiliesKeepTheirPromisesWhateverHappensAtOnce(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		nodes := []*app.App{w.app}
		if strings.HasPrefix(w.settings.Database, "postgres") {
			nodes = append(nodes, w.start())
		}
		rapid.Check(t, func(r *rapid.T) {
			p := &play{w: w, nodes: nodes, browser: w.browser(), may: []books{{}}, access: map[int]told{}}
			p.authorize(rapid.Bool().Draw(r, "offline"))
			burst := func(r *rapid.T) {
				var all []request
				for range rapid.IntRange(1, 4).Draw(r, "at once") {
					all = append(all, p.draw(r))
				}
				p.burst(r, all)
			}
			r.Repeat(map[string]func(*rapid.T){
				"burst": burst, "and another": burst, "and a third": burst, // as often as that beside the others
				"wait": func(r *rapid.T) {
					w.clock.Advance(time.Duration(rapid.IntRange(1, 20).Draw(r, "seconds")) * time.Second)
				},
				"a night": func(r *rapid.T) {
					if rapid.IntRange(0, 5).Draw(r, "stays up") > 0 {
						return
					}
					w.clock.Advance(session.Office.Absolute)
					for i := range p.may {
						p.may[i].signedIn = false
					}
				},
				"authorize": func(r *rapid.T) {
					if rapid.IntRange(0, 3).Draw(r, "stays") == 0 {
						p.authorize(rapid.Bool().Draw(r, "offline"))
					}
				},
			})
		})
	})
}

// play is one story: what was done, and the books by which it may have come to be.
type play struct {
	w       *world
	nodes   []*app.App
	browser *browser
	logins  []rp
	codes   []string
	access  map[int]told // the newest access token of each family
	may     []books
}

// told is an access token and when it was made.
type told struct {
	token string
	at    time.Time
}

// authorize fetches one more code, with a new session where there is none.
func (p *play) authorize(offline bool) {
	l, scope := newLogin(p.w.mobile), "openid"
	if offline {
		scope = "openid offline_access"
	}
	p.browser.get(l.authorize("scope", scope))
	if strings.HasPrefix(p.browser.leads(), "/signin/") {
		p.browser.follow()
		p.browser.post(p.browser.action("/signin/"), "address", bosAddress).follow()
		p.browser.post(p.browser.action("/signin/"), "password", bosPass).follow()
		for i := range p.may {
			p.may[i].sessions++
			p.may[i].signedIn = true
		}
	}
	p.logins, p.codes = append(p.logins, l), append(p.codes, l.code(p.w.t, p.browser.leads()))
	for i := range p.may {
		b := &p.may[i]
		b.families = append(b.families, family{issued: p.w.clock.Now(), session: b.sessions, offline: offline})
	}
}

// request is one thing that is done.
type request struct {
	what   string // redeem, refresh, revoke, ask (with an access token), leave (sign out)
	family int
	token  string // of the family, newest or older
	fresh  bool   // the access token has not expired
	node   *app.App
}

// draw chooses a request. A token is one that some answer has told: what nobody has seen cannot be used.
func (p *play) draw(r *rapid.T) request {
	q := request{family: rapid.IntRange(max(0, len(p.codes)-2), len(p.codes)-1).Draw(r, "family"),
		what: rapid.SampledFrom([]string{"redeem", "refresh", "refresh", "refresh", "refresh", "refresh", "ask", "revoke", "leave"}).Draw(r, "what"),
		node: rapid.SampledFrom(p.nodes).Draw(r, "node")}
	known := p.may[0].families[q.family].tokens
	switch q.what {
	case "ask":
		q.token, q.fresh = p.access[q.family].token, p.w.clock.Now().Sub(p.access[q.family].at) < accessLife
	case "refresh", "revoke":
		if len(known) == 0 {
			q.what = "redeem"
			break
		}
		q.token = rapid.SampledFrom(known[max(0, len(known)-4):]).Draw(r, "token")
	case "leave":
		if rapid.IntRange(0, 2).Draw(r, "stays") > 0 {
			q.what = "redeem"
		}
	}
	return q
}

// answer is what came of a request: whether it was granted, and the refresh token that it brought.
type answer struct {
	granted       bool
	token, access string
}

// burst does everything at once and keeps the books that agree with all answers, whatever the order was.
func (p *play) burst(r *rapid.T, all []request) {
	left := false
	for i := range all {
		if all[i].what == "leave" && left {
			all[i].what = "redeem" // there is one browser
		}
		left = left || all[i].what == "leave"
	}
	answers := make([]answer, len(all))
	var wg sync.WaitGroup
	for i, q := range all {
		wg.Go(func() { answers[i] = p.do(q) })
	}
	wg.Wait()
	now := p.w.clock.Now()
	var may []books
	seen := map[string]bool{}
	for _, b := range p.may {
		for order := range orders(len(all)) {
			after, agrees := b.copy(), true
			for _, i := range order {
				agrees = agrees && after.take(all[i], answers[i], now)
			}
			if key := fmt.Sprintf("%+v", after); agrees && !seen[key] {
				seen[key], may = true, append(may, after)
			}
		}
	}
	if len(may) == 0 {
		r.Fatalf("no order of %+v gives %+v by %+v", all, answers, p.may)
	}
	p.may = may
	for i, a := range answers {
		if a.access != "" {
			p.access[all[i].family] = told{a.access, now}
		}
	}
}

func (p *play) do(q request) answer {
	var status int
	var body map[string]any
	switch l := p.logins[q.family]; q.what {
	case "redeem":
		status, body = p.w.callOn(q.node, "/token", l.RP, "grant_type", "authorization_code", "code", p.codes[q.family],
			"redirect_uri", l.redirect, "code_verifier", l.verifier)
	case "refresh":
		status, body = p.w.callOn(q.node, "/token", l.RP, "grant_type", "refresh_token", "refresh_token", q.token)
	case "revoke":
		status, _ = p.w.callOn(q.node, "/revoke", l.RP, "token", q.token)
	case "ask":
		status, _ = p.w.userinfoOn(q.node, q.token)
	case "leave":
		if p.browser.post("/signout"); p.browser.last.StatusCode >= 400 {
			p.w.t.Errorf("sign out: %d", p.browser.last.StatusCode)
		}
		return answer{granted: true}
	}
	// A refusal is one by the book: whatever else goes wrong is none.
	refused := status == http.StatusBadRequest && body["error"] == "invalid_grant"
	if q.what == "ask" {
		refused = status == http.StatusUnauthorized
	}
	if status != http.StatusOK && !refused {
		p.w.t.Errorf("%s: %d %v", q.what, status, body)
	}
	token, _ := body["refresh_token"].(string)
	access, _ := body["access_token"].(string)
	return answer{status == http.StatusOK, token, access}
}

// The numbers of RULES §9, as they stand there.
const (
	codeLife     = time.Minute
	accessLife   = 10 * time.Minute
	replayWindow = 10 * time.Second
	maxReplays   = 3
)

// books are the rules of RULES §9, and what they have led to.
type books struct {
	sessions int
	signedIn bool
	families []family
}

// family is a code and what came of it.
type family struct {
	issued          time.Time
	session         int
	offline         bool
	tokens          []string // one of each generation; none: the code was not redeemed
	rotated, former time.Time
	replays         int
	ended           bool
}

func (b books) copy() books {
	b.families = slices.Clone(b.families)
	for i := range b.families {
		b.families[i].tokens = slices.Clone(b.families[i].tokens)
	}
	return b
}

// take writes one request into the books and says whether they agree with its answer.
func (b *books) take(q request, a answer, now time.Time) bool {
	f := &b.families[q.family]
	signedIn := b.signedIn && f.session == b.sessions
	stands := len(f.tokens) > 0 && !f.ended && (signedIn || f.offline)
	switch q.what {
	case "leave":
		b.signedIn = false
		return true
	case "revoke":
		f.ended = true
		return a.granted
	case "ask":
		return a.granted == (q.fresh && stands)
	case "refresh":
		return stands && f.refresh(slices.Index(f.tokens, q.token)+1, a, now) || !stands && !a.granted
	}
	switch redeemed := len(f.tokens) > 0; {
	case now.Sub(f.issued) > codeLife, !redeemed && !signedIn:
		return !a.granted
	case redeemed: // one of the two is a thief
		f.ended = true
		return !a.granted
	}
	f.tokens, f.rotated, f.former = []string{a.token}, now, now
	return a.granted && a.token != ""
}

// refresh is what becomes of a standing family whose token of a generation is used.
func (f *family) refresh(generation int, a answer, now time.Time) bool {
	newest := len(f.tokens)
	switch behind := newest - generation; {
	case behind == 0:
		isNew := a.granted && a.token != "" && !slices.Contains(f.tokens, a.token)
		f.tokens, f.former, f.rotated, f.replays = append(f.tokens, a.token), f.rotated, now, 0
		return isNew
	case behind == 1 && now.Sub(f.rotated) <= replayWindow && f.replays < maxReplays:
		f.replays++
		return a.granted && a.token == f.tokens[newest-1] // the same successor
	case behind == 1 && now.Sub(f.rotated) <= replayWindow, behind == 2 && now.Sub(f.former) <= replayWindow:
		return !a.granted // a late twin of an honest request
	}
	f.ended = true
	return !a.granted
}

// orders are all orders of n things.
func orders(n int) iter.Seq[[]int] {
	return func(yield func([]int) bool) {
		var add func(order []int) bool
		add = func(order []int) bool {
			if len(order) == n {
				return yield(order)
			}
			for i := range n {
				if !slices.Contains(order, i) && !add(append(slices.Clone(order), i)) {
					return false
				}
			}
			return true
		}
		add(nil)
	}
}
