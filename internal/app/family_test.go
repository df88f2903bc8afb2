package app_test

import (
	"database/sql"
	"encoding/json"
	"flag"
	"fmt"
	"iter"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/portvakt/portvakt/internal/account"
	"github.com/portvakt/portvakt/internal/app"
	"github.com/portvakt/portvakt/internal/control"
	"github.com/portvakt/portvakt/internal/grant"
	"github.com/portvakt/portvakt/internal/session"
)

// Stories are long here, and each is one of three apps: these many tell enough. The flag itself counts more.
func init() { flag.Set("rapid.checks", "50") } //nolint:errcheck // rapid has it

// TestCodesAndFamiliesKeepTheirPromisesWhateverHappensAtOnce lets RPs, a thief, the person and time do what they like, in any order
// and up to four at once, at two nodes where there can be two. What comes of a burst, its answers, its lines in the audit log and its mails, must
// be what some order of its requests, one after the other, gives by the rules: books is those rules.
func TestCodesAndFamiliesKeepTheirPromisesWhateverHappensAtOnce(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		nodes := []*app.App{w.app}
		if strings.HasPrefix(w.settings.Database, "postgres") {
			nodes = append(nodes, w.start())
		}
		mine, thief := w.holder(), w.holder()
		bank, db, bo := w.held(mine, "security"), w.raw(), w.bo().ID
		rapid.Check(t, func(r *rapid.T) {
			w.clock.Advance(time.Millisecond) // what the story before has left is older
			p := &play{w: w, nodes: nodes, browser: w.browser(), may: []books{{}}, access: map[int]told{}, grants: map[int]string{},
				holders: map[key]*holder{"mine": mine, "thief's": thief}, strict: bank, db: db, bo: bo, begun: w.clock.Now()}
			p.authorize(r)
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
					w.clock.Advance(time.Duration(rapid.OneOf(rapid.IntRange(1, 20), rapid.SampledFrom([]int{10, 30})).Draw(r, "seconds")) * time.Second)
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
						p.authorize(r)
					}
				},
			})
		})
	})
}

// key is whose key a request comes with; empty: none.
type key string

// play is one story: what was done, and the books by which it may have come to be.
type play struct {
	w       *world
	nodes   []*app.App
	holders map[key]*holder
	strict  control.RP // FAPI 2.0 holds it
	browser *browser
	logins  []rp
	codes   []string
	access  map[int]told   // the newest access token of each family
	grants  map[int]string // the id of each family that began
	may     []books

	db    *sql.DB
	bo    account.ID
	begun time.Time
}

// told is an access token, whose key it is bound to, and when it was made.
type told struct {
	token string
	key   key
	at    time.Time
}

// authorize fetches one more code, with a new session where there is none: for an app that has no key, one that has, or one that FAPI 2.0 holds.
func (p *play) authorize(r *rapid.T) {
	f := family{kind: rapid.SampledFrom([]kind{bearer, keyed, strict}).Draw(r, "kind"), offline: rapid.Bool().Draw(r, "offline"), issued: p.w.clock.Now()}
	l, scope := newLogin(p.w.mobile), "openid"
	if f.offline {
		scope = "openid offline_access"
	}
	at := l.authorize("scope", scope)
	switch {
	case f.kind == strict:
		l, f.codeKey = newLogin(p.strict), "mine"
		at = p.holders["mine"].pushed(l, l.pairs("scope", scope)...)
	case f.kind == keyed && rapid.Bool().Draw(r, "names its key"):
		f.codeKey = "mine"
		at = l.authorize("scope", scope, "dpop_jkt", p.holders["mine"].jkt)
	}
	p.browser.get(at)
	if strings.HasPrefix(p.browser.leads(), "/signin/") {
		p.browser.follow()
		p.browser.post(p.browser.action("/signin/"), "address", bosAddress).follow()
		p.browser.post(p.browser.action("/signin/"), "password", bosPass).follow()
		for i := range p.may {
			p.may[i].signIn()
		}
	}
	p.logins, p.codes = append(p.logins, l), append(p.codes, l.code(p.w.t, p.browser.leads()))
	for i := range p.may {
		b := &p.may[i]
		f.session = b.sessions
		b.families = append(b.families, f)
	}
	if rapid.IntRange(0, 3).Draw(r, "fetches it in peace") > 0 { // else most families would end in their first second
		p.burst(r, []request{{what: "redeem", family: len(p.codes) - 1, key: f.kind.own(), node: p.nodes[0]}})
	}
}

// request is one thing that is done.
type request struct {
	what   string // redeem, refresh, revoke, ask (with an access token), leave (sign out)
	family int
	token  string // of the family, newest or older
	key    key
	bound  key  // what the access token is bound to
	fresh  bool // the access token has not expired
	node   *app.App
}

// draw chooses a request. A token is one that some answer has told: what nobody has seen cannot be used.
func (p *play) draw(r *rapid.T) request {
	q := request{family: rapid.IntRange(max(0, len(p.codes)-2), len(p.codes)-1).Draw(r, "family"),
		what: rapid.SampledFrom(often).Draw(r, "what"),
		node: p.nodes[rapid.IntRange(0, len(p.nodes)-1).Draw(r, "node")]}
	known := p.may[0].families[q.family].tokens
	own := p.may[0].families[q.family].kind.own()
	q.key = rapid.SampledFrom([]key{own, own, own, own, own, own, "", "mine", "thief's"}).Draw(r, "key")
	switch q.what {
	case "ask":
		has := p.access[q.family]
		q.token, q.bound, q.fresh = has.token, has.key, p.w.clock.Now().Sub(has.at) < accessLife
	case "refresh", "revoke":
		if len(known) == 0 {
			q.what = "redeem"
			break
		}
		q.token = rapid.SampledFrom(known[max(0, len(known)-4):]).Draw(r, "token")
	}
	return q
}

// often is what is done how often: a family that has ended shows little.
var often = append(slices.Repeat([]string{"refresh"}, 13), "redeem", "redeem", "ask", "ask", "revoke", "leave")

// answer is what came of a request: whether it was granted, and the refresh token that it brought.
type answer struct {
	granted       bool
	token, access string
	nonce         string // for the next proof
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
	for i, a := range answers {
		if a.access != "" {
			p.access[all[i].family] = told{a.access, all[i].key, now}
			p.grants[all[i].family], _ = claims(p.w.t, a.access)["grant"].(string)
		}
		if a.nonce != "" && all[i].key != "" {
			p.holders[all[i].key].nonce = a.nonce
		}
	}
	written := p.written()
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
	p.may = slices.DeleteFunc(slices.Clone(may), func(b books) bool { return !maps.Equal(b.writes(p.grants), written) })
	if len(p.may) == 0 {
		r.Fatalf("after %+v the log and the outbox have %v, and not what %+v writes", all, written, may)
	}
}

// written counts the lines of the audit log about families and sign-outs, and the mails about thefts, since the story began.
func (p *play) written() map[string]int {
	rows, err := p.db.Query(`SELECT kind, detail FROM audit_events WHERE account_id = $1 AND at >= $2 AND (kind LIKE 'grant.%' OR kind = 'session.signed_out')
UNION ALL SELECT template, '{}' FROM outbox WHERE account_id = $1 AND created_at >= $2 AND template = 'session_reuse'`, string(p.bo), p.begun.UnixMilli())
	if err != nil {
		p.w.t.Fatal(err)
	}
	defer rows.Close()
	all := map[string]int{}
	for rows.Next() {
		var kind, text string
		var detail struct{ Grant string }
		if err := rows.Scan(&kind, &text); err != nil {
			p.w.t.Fatal(err)
		}
		if err := json.Unmarshal([]byte(text), &detail); err != nil {
			p.w.t.Fatal(err)
		}
		all[kind+detail.Grant]++
	}
	if err := rows.Err(); err != nil {
		p.w.t.Fatal(err)
	}
	return all
}

func (p *play) do(q request) answer {
	var out answered
	switch l := p.logins[q.family]; q.what {
	case "redeem":
		out = p.send(q, "/token", "grant_type", "authorization_code", "code", p.codes[q.family], "redirect_uri", l.redirect, "code_verifier", l.verifier)
	case "refresh":
		out = p.send(q, "/token", "grant_type", "refresh_token", "refresh_token", q.token)
	case "revoke":
		out = p.send(q, "/revoke", "token", q.token)
	case "ask":
		out = p.send(q, "/userinfo")
	case "leave":
		if p.browser.post("/signout"); p.browser.last.StatusCode >= 400 {
			p.w.t.Errorf("sign out: %d", p.browser.last.StatusCode)
		}
		return answer{granted: true}
	}
	// A refusal is one by the book: whatever else goes wrong is none.
	refused := out.status == http.StatusBadRequest && out.text("error") == "invalid_grant" ||
		out.status == http.StatusBadRequest && out.text("error") == "invalid_dpop_proof" && q.key == "" && p.logins[q.family].RequireDPoP
	if q.what == "ask" {
		refused = out.status == http.StatusUnauthorized
	}
	if out.status != http.StatusOK && !refused {
		p.w.t.Errorf("%s: %d %v", q.what, out.status, out.body)
	}
	return answer{out.status == http.StatusOK, out.text("refresh_token"), out.text("access_token"), out.header.Get("DPoP-Nonce")}
}

// send sends what an app sends, once more where a nonce is asked for.
func (p *play) send(q request, path string, pairs ...string) answered {
	l := p.logins[q.family]
	h := holder{w: p.w} // a copy: others use the same key at the same time
	if q.key != "" {
		h = *p.holders[q.key]
	}
	for again := false; ; again = true {
		r := userinfoRequest("Bearer", q.token)
		if path != "/userinfo" {
			more := []string{}
			if l.ClientSecret == "" && !l.Public { // by its own key, whoever else's proof is beside it
				more = append(more, "client_assertion_type", grant.AssertionType, "client_assertion", p.holders["mine"].assertion(l.ClientID))
			}
			r = tokenRequest(l.RP, append(more, pairs...)...)
			r.URL.Path = path
		}
		var proofs []string
		switch {
		case q.key != "" && path == "/userinfo":
			r = userinfoRequest("DPoP", q.token)
			proofs = append(proofs, h.proof(r.Method, path, q.token))
		case q.key != "" && path == "/token":
			proofs = append(proofs, h.proof(r.Method, path, ""))
		}
		out := h.send(q.node, r, proofs...)
		if again || out.text("error") != "use_dpop_nonce" && !strings.Contains(out.header.Get("WWW-Authenticate"), "use_dpop_nonce") {
			return out
		}
	}
}

// The numbers of RULES §9, as they stand there.
const (
	codeLife     = time.Minute
	accessLife   = 10 * time.Minute
	replayWindow = 10 * time.Second
	boundWindow  = 30 * time.Second
	maxReplays   = 3
)

// books are the rules of RULES §9, and what they have led to.
type books struct {
	sessions int
	signedIn bool
	cookie   bool // the browser has one of the newest session, which may have ended by time
	signOuts int
	families []family
}

// kind is whose family it is.
type kind int

const (
	bearer kind = iota // an app without a secret, whose tokens are bound to no key
	keyed              // the same app, with a key
	strict             // an app that FAPI 2.0 holds
)

// own is the key that its app has.
func (k kind) own() key {
	if k == bearer {
		return ""
	}
	return "mine"
}

// family is a code and what came of it.
type family struct {
	kind            kind
	issued          time.Time
	session         int
	offline         bool
	codeKey, key    key      // by which alone the code, and a refresh token, may be used
	tokens          []string // one of each generation; none: the code was not redeemed
	rotated, former time.Time
	replays         int
	ended           bool
	lines           lines
}

// lines are what the audit log has of a family: of each effect one line, and of nothing else.
type lines struct{ redeemed, reused, replayed, stolen, revoked int }

// writes is what the log and the outbox must have; of a theft the person is told once.
func (b books) writes(grants map[int]string) map[string]int {
	all := map[string]int{"session.signed_out": b.signOuts}
	for i, f := range b.families {
		id := grants[i]
		all["grant.code_redeemed"+id] += f.lines.redeemed
		all["grant.code_reused"+id] += f.lines.reused
		all["grant.refresh_replayed"+id] += f.lines.replayed
		all["grant.refresh_reused"+id] += f.lines.stolen
		all["session_reuse"] += f.lines.stolen
		all["grant.revoked"+id] += f.lines.revoked
	}
	maps.DeleteFunc(all, func(_ string, n int) bool { return n == 0 })
	return all
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
		if b.signedIn {
			b.signOuts++
			b.endSession()
		}
		b.signedIn, b.cookie = false, false
		return true
	case "revoke":
		f.end(&f.lines.revoked)
		return a.granted
	case "ask":
		return a.granted == (q.fresh && stands && q.key == q.bound)
	case "refresh":
		// By another key nothing is had, and nothing ends.
		if !stands || f.kind == strict && q.key == "" || f.kind != strict && q.key != f.key {
			return !a.granted
		}
		return f.refresh(slices.Index(f.tokens, q.token)+1, a, now)
	}
	switch redeemed := len(f.tokens) > 0; {
	case now.Sub(f.issued) > codeLife, !redeemed && !signedIn, f.codeKey != "" && q.key != f.codeKey:
		return !a.granted
	case redeemed: // one of the two is a thief
		f.end(&f.lines.reused)
		return !a.granted
	}
	f.tokens, f.rotated, f.former, f.key = []string{a.token}, now, now, q.key
	f.lines.redeemed++
	return a.granted && a.token != ""
}

// signIn begins a session. It ends the one that it finds in the browser: the time of that one is over.
func (b *books) signIn() {
	if b.cookie {
		b.endSession()
	}
	b.sessions++
	b.signedIn, b.cookie = true, true
}

// endSession ends what lives with the session.
func (b *books) endSession() {
	for i := range b.families {
		if f := &b.families[i]; len(f.tokens) > 0 && !f.offline && f.session == b.sessions {
			f.ended = true
		}
	}
}

// end ends a family, with a line where it had not ended before.
func (f *family) end(line *int) {
	if !f.ended {
		*line++
	}
	f.ended = true
}

// refresh is what becomes of a standing family whose token of a generation is used.
func (f *family) refresh(generation int, a answer, now time.Time) bool {
	newest, window := len(f.tokens), replayWindow
	if f.key != "" {
		window = boundWindow
	}
	if f.kind == strict { // it keeps the one that it has: its app proves itself by a key
		return a.granted && a.token == f.tokens[0]
	}
	switch behind := newest - generation; {
	case behind == 0:
		isNew := a.granted && a.token != "" && !slices.Contains(f.tokens, a.token)
		f.tokens, f.former, f.rotated, f.replays = append(f.tokens, a.token), f.rotated, now, 0
		return isNew
	case behind == 1 && now.Sub(f.rotated) <= window && f.replays < maxReplays:
		f.replays++
		f.lines.replayed++
		return a.granted && a.token == f.tokens[newest-1] // the same successor
	case behind == 1 && now.Sub(f.rotated) <= window, behind == 2 && now.Sub(f.former) <= window:
		return !a.granted // a late twin of an honest request
	}
	f.end(&f.lines.stolen)
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
