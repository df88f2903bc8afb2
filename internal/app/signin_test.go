package app_test

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/portvakt/portvakt/internal/authn"
	"github.com/portvakt/portvakt/internal/store"
)

func TestBoSignsInAndHRMLearnsWhoHeIs(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		b := w.browser()
		answer := b.tokens(w.hrm)
		if answer["refresh_token"] != nil {
			t.Error("HRM was registered without refresh tokens and got one")
		}
		status, info := w.userinfo(answer["access_token"].(string))
		if status != http.StatusOK || info["given_name"] != "Bo" || info["email"] != bosAddress || info["email_verified"] != true {
			t.Fatalf("userinfo: %d %v", status, info)
		}
		persons := info["urn:portvakt:person"].([]any)
		one := persons[0].(map[string]any)
		if len(persons) != 1 || one["organisation"] != "foretaget" || one["key"] != "1002" {
			t.Fatalf("person claim: %v", persons)
		}
	})
}

// alike are two answers that a stranger must not be able to tell apart: everything but what differs by chance.
type alike struct {
	status int
	header string
	body   string
	counts store.Counts
	waited time.Duration
}

func (b *browser) answer(typed, attempt string) alike {
	neutral := strings.NewReplacer("<wbr>", "", typed, "ADDRESS", attempt, "ATTEMPT", b.last.Header.Get("X-Request-Id"), "REFERENCE")
	return alike{b.last.StatusCode, neutral.Replace(without(b.last.Header, "X-Request-Id", "Set-Cookie")),
		neutral.Replace(strings.ReplaceAll(b.body, "<wbr>", "")), b.tally, b.w.clock.waited}
}

// jarred are the names and lives of the cookies that an answer sets, and how long they are together.
type jarred struct {
	names  string
	length int
}

func cookies(b *browser) (j jarred) {
	for _, c := range b.last.Cookies() {
		j.names += fmt.Sprintf("%s %d;", strings.Split(c.Name, "pv_attempt_")[0], c.MaxAge)
		j.length += len(c.Value)
	}
	return j
}

// likes says whether two answers' cookies are alike. What is packed into one is random in part, so that its length varies
// by a few bytes between any two.
func (j jarred) likes(other jarred) bool {
	return j.names == other.names && max(j.length, other.length)-min(j.length, other.length) < 32
}

func TestAnUnknownAddressAndAWrongPasswordGetTheSameAnswer(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		fail := func(address string) (alike, jarred) {
			b := w.browser()
			b.get(newLogin(w.hrm).authorize()).follow()
			b.post(b.action("/signin/"), "address", address)
			cookie := cookies(b)
			b.follow().post(b.action("/signin/"), "password", "fel lösenord, men långt").expect(http.StatusUnprocessableEntity)
			return b.answer(address, attemptOf(b.at)), cookie
		}
		known, knownCookie := fail(bosAddress)
		unknown, unknownCookie := fail("by.nils@foretaget.example") // of the same length
		noPassword, _ := fail(annas)
		if known != unknown {
			t.Errorf("known and unknown differ:\n%+v\n%+v", known, unknown)
		}
		if known != noPassword {
			t.Errorf("with and without a password differ:\n%+v\n%+v", known, noPassword)
		}
		if !knownCookie.likes(unknownCookie) {
			t.Errorf("cookies differ: %v, %v", knownCookie, unknownCookie)
		}
		if known.waited != authn.FailureDeadline {
			t.Errorf("a failure was held back for %s, want the deadline %s less the work of a clock that stands still", known.waited, authn.FailureDeadline)
		}
	})
}

func (b *browser) wrongPassword(n int) *browser {
	b.w.t.Helper()
	for range n {
		b.post(b.action("/signin/"), "password", "fel lösenord, men långt").expect(http.StatusUnprocessableEntity)
	}
	return b
}

func (b *browser) toPassword(l rp, address string) *browser {
	b.w.t.Helper()
	b.get(l.authorize()).follow()
	return b.post(b.action("/signin/"), "address", address).follow().expect(http.StatusOK)
}

const throttledText = "Det har blivit många försök"

func TestAnAttackerPausesHimselfAndNotTheEmployeeInHerOwnBrowser(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		bos := w.browser()
		bos.signIn(newLogin(w.hrm), bosAddress, bosPass)
		bos.post("/signout")

		attacker := w.browser()
		attacker.ip = "203.0.113.9"
		attacker.toPassword(newLogin(w.hrm), bosAddress).wrongPassword(8)
		attacker.post(attacker.action("/signin/"), "password", bosPass).expect(http.StatusUnprocessableEntity).shows(throttledText)
		if attacker.tally.Commits != 0 || attacker.tally.Writes > 2 {
			t.Errorf("a paused attempt cost %+v: it must not be verified or written", attacker.tally)
		}

		bos.signIn(newLogin(w.hrm), bosAddress, bosPass) // a known browser has a budget of its own

		w.clock.Advance(61 * time.Second)
		attacker.wrongPassword(1)
		w.clock.Advance(61 * time.Second)
		attacker.post(attacker.action("/signin/"), "password", bosPass).expect(http.StatusUnprocessableEntity).shows(throttledText)
		w.clock.Advance(61 * time.Second) // the second pause is twice the first
		attacker.post(attacker.action("/signin/"), "password", bosPass).expect(http.StatusSeeOther)
	})
}

func TestAThousandParallelGuessesAreCountedBeforeOnePasses(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		const guesses = 40
		browsers := make([]*browser, guesses)
		for i := range browsers {
			browsers[i] = w.browser()
			browsers[i].toPassword(newLogin(w.hrm), bosAddress)
		}
		verified := 0
		for b := range parallel(browsers, func(b *browser) { b.post(b.action("/signin/"), "password", "fel lösenord, men långt") }) {
			if !strings.Contains(b.body, throttledText) {
				verified++
			}
		}
		if verified != 8 {
			t.Errorf("%d of %d parallel guesses were verified, want the budget of 8", verified, guesses)
		}
	})
}

// parallel runs use on all at once and yields them afterwards.
func parallel[T any](all []T, use func(T)) func(func(T) bool) {
	start, done := make(chan struct{}), make(chan struct{})
	for _, one := range all {
		go func() {
			<-start
			use(one)
			done <- struct{}{}
		}()
	}
	close(start)
	for range all {
		<-done
	}
	return func(yield func(T) bool) {
		for _, one := range all {
			if !yield(one) {
				return
			}
		}
	}
}

func TestAHundredFailuresInARowSuspendThePasswordAndAResetBringsItBack(t *testing.T) {
	w := on(t)
	b := w.browser()
	b.toPassword(newLogin(w.hrm), bosAddress)
	form := b.action("/signin/")
	for range 100 {
		b.post(form, "password", "fel lösenord, men långt").expect(http.StatusUnprocessableEntity)
		w.clock.Advance(31 * time.Minute) // past every pause
		b = w.browser()
		b.toPassword(newLogin(w.hrm), bosAddress)
		form = b.action("/signin/")
	}
	w.clock.Advance(31 * time.Minute)
	b = w.browser()
	b.toPassword(newLogin(w.hrm), bosAddress)
	b.post(b.action("/signin/"), "password", bosPass).expect(http.StatusUnprocessableEntity)

	b = w.browser()
	b.askForLink(newLogin(w.hrm), bosAddress, "reset")
	const fresh = "nio gröna båtar i en vik"
	b.get(w.link(bosAddress)).expect(http.StatusOK)
	b.post(b.at, "new_password", fresh, "repeat_password", fresh, "end_others", "on").expect(http.StatusSeeOther)
	w.browser().signIn(newLogin(w.hrm), bosAddress, fresh)
}

func TestOldAttemptCookieCannotSignInAgain(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		b := w.browser()
		l := newLogin(w.hrm)
		b.toPassword(l, bosAddress)
		page, home := b.at, mustURL(issuer)
		var kept []*http.Cookie
		for _, c := range b.jar.Cookies(home) {
			if strings.Contains(c.Name, "pv_attempt_") {
				kept = append(kept, &http.Cookie{Name: c.Name, Value: c.Value, Path: "/", Secure: true})
			}
		}
		b.post(b.action("/signin/"), "password", bosPass).follow()
		b.post("/signout").follow()
		b.jar.SetCookies(home, kept)

		b.get(strings.Replace(page, "/password", "/continue", 1)).follow()
		if strings.HasPrefix(b.leads(), hrmURL) {
			t.Fatal("the old cookie alone led to the RP")
		}
		w.clock.Advance(time.Minute) // past a double click
		b.get(page).post(page, "password", bosPass).expect(http.StatusGone).shows("HRM")
	})
}

func TestADoubleClickMakesOneSessionAndNoError(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		b := w.browser()
		b.toPassword(newLogin(w.hrm), bosAddress)
		form := b.action("/signin/")
		b.post(form, "password", bosPass).expect(http.StatusSeeOther)
		b.post(form, "password", bosPass).expect(http.StatusSeeOther).follow()
		if !strings.HasPrefix(b.leads(), hrmURL+"/callback?") {
			t.Fatalf("leads to %q", b.leads())
		}
		b.get("/account").expect(http.StatusOK)
		if n := strings.Count(plain(b.body), "Första gången:"); n != 1 {
			t.Errorf("%d sessions after a double click", n)
		}
	})
}

func TestAnAttemptThatCannotBeReadLeadsBackToTheApp(t *testing.T) {
	w := on(t)
	b := w.browser()
	b.toPassword(newLogin(w.hrm), bosAddress)
	page := b.at

	t.Run("of another browser", func(t *testing.T) {
		w.browser().get(page).expect(http.StatusGone).shows("HRM")
	})
	t.Run("tampered with", func(t *testing.T) {
		other := w.browser()
		for _, c := range b.jar.Cookies(mustURL(issuer)) {
			other.jar.SetCookies(mustURL(issuer), []*http.Cookie{{Name: c.Name, Value: changed(c.Value), Path: "/", Secure: true}})
		}
		other.get(page).expect(http.StatusGone).shows("HRM")
	})
	t.Run("foreign id", func(t *testing.T) {
		b.get(strings.Replace(page, attemptOf(page), strings.Repeat("0", 26), 1)).expect(http.StatusGone).shows("HRM")
	})
	t.Run("expired", func(t *testing.T) {
		w.clock.Advance(authn.AttemptLife + time.Second)
		b.get(page).expect(http.StatusGone).shows("HRM").shows("Ärendenummer")
	})
}

func TestAnAppHearsThatThePersonTurnedBack(t *testing.T) {
	w := on(t)
	for _, c := range []struct {
		mode   string
		status int
	}{{"", http.StatusSeeOther}, {"form_post", http.StatusOK}} {
		b, l := w.browser(), newLogin(w.mobile) // which has no page of its own to go back to
		b.get(l.authorize("response_mode", c.mode)).follow().expect(http.StatusOK).shows("Avbryt")
		first := b.at
		cancel := strings.Replace(first, "?", "/cancel?", 1)
		w.browser().get(cancel).expect(http.StatusGone) // of another browser
		if b.get(cancel).expect(c.status); b.tally.Writes != 0 {
			t.Error("a GET wrote")
		}
		if c.mode == "" {
			q := mustURL(b.leads()).Query()
			if !strings.HasPrefix(b.leads(), l.redirect+"?") || q.Get("error") != "access_denied" || q.Get("state") != l.state || q.Get("iss") != issuer {
				t.Errorf("leads to %q", b.leads())
			}
		} else if !strings.Contains(b.body, `value="access_denied"`) || b.action(l.redirect) != l.redirect {
			t.Error(b.body)
		}
		b.get(first).expect(http.StatusGone)
	}
	b := w.browser()
	b.get(newLogin(w.hrm).authorize()).follow().expect(http.StatusOK)
	if !strings.Contains(b.body, `href="`+hrmURL+`/"`) || strings.Contains(b.body, "/cancel") {
		t.Error("HRM has a page to go back to")
	}
	b = w.browser()
	b.get("/account").follow().expect(http.StatusOK)
	if strings.Contains(b.body, "/cancel") {
		t.Error("nobody waits for an answer")
	}
	b.get(b.at + "/cancel").expect(http.StatusGone)
}

func TestAnAttemptSurvivesARestartAndAnotherNode(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		b := w.browser()
		b.toPassword(newLogin(w.hrm), bosAddress)
		if strings.HasPrefix(w.settings.Database, "postgres") {
			b.app = w.start() // a second node beside the first
		} else {
			w.restart()
			b.app = w.app
		}
		b.post(b.action("/signin/"), "password", bosPass).expect(http.StatusSeeOther).follow()
		if !strings.HasPrefix(b.leads(), hrmURL+"/callback?") {
			t.Fatalf("leads to %q", b.leads())
		}
	})
}

func TestALateRequestIsAskedAgainByTheApp(t *testing.T) {
	w := on(t)
	b := w.browser()
	b.toPassword(newLogin(w.hrm), bosAddress)
	w.clock.Advance(25 * time.Minute)
	b.post(b.action("/signin/"), "password", bosPass).follow()
	u := mustURL(b.leads())
	if got := u.Scheme + "://" + u.Host + u.Path; got != hrmURL+"/login" || u.Query().Get("iss") != issuer || u.Query().Get("login_hint") != bosAddress {
		t.Fatalf("leads to %q, want HRM's initiate_login_uri with iss and login_hint", b.leads())
	}
	b.get(newLogin(w.hrm).authorize()).expect(http.StatusSeeOther)
	if !strings.HasPrefix(b.leads(), hrmURL+"/callback?") {
		t.Errorf("the app's new request was not answered from the session: %q", b.leads())
	}
}

func TestALargeRequestIsKeptAsARowAndAHugeOneIsRefused(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		l := newLogin(w.hrm)
		l.state = strings.Repeat("ÅÄÖ0123456789", 120)
		b := w.browser()
		b.get(l.authorize()).expect(http.StatusSeeOther)
		for _, c := range b.last.Cookies() {
			if len(c.Value) > authn.MaxCookie {
				t.Errorf("cookie %s has %d bytes", c.Name, len(c.Value))
			}
		}
		b.follow().post(b.action("/signin/"), "address", bosAddress).follow()
		b.post(b.action("/signin/"), "password", bosPass).follow()
		if status, answer := w.redeem(l, l.code(t, b.leads())); status != http.StatusOK {
			t.Errorf("redeem: %d %v", status, answer)
		}
		l.state = randomText(9 << 10)
		w.browser().get(l.authorize()).expect(http.StatusRequestEntityTooLarge).shows("Ärendenummer")
	})
}

func randomText(n int) string {
	var b strings.Builder
	for b.Len() < n {
		b.WriteString(newLogin(rpOf("x")).verifier)
	}
	return b.String()[:n]
}

func TestSingleSignOnIsOneReadAndNoWrite(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		b := w.browser()
		b.signIn(newLogin(w.hrm), bosAddress, bosPass)
		b.get(newLogin(w.mobile).authorize()).expect(http.StatusSeeOther)
		if !strings.HasPrefix(b.leads(), mobileURL+"/callback?") {
			t.Fatalf("asked again: %q", b.leads())
		}
		if want := (store.Counts{Reads: 1}); b.tally != want {
			t.Errorf("single sign-on cost %+v, want %+v", b.tally, want)
		}
	})
}

func TestPromptsAndMaxAgeAreMet(t *testing.T) {
	w := on(t)
	b := w.browser()
	none := newLogin(w.hrm)
	b.get(none.authorize("prompt", "none")).expect(http.StatusSeeOther)
	if q := mustURL(b.leads()).Query(); q.Get("error") != "login_required" || q.Get("state") != none.state {
		t.Errorf("prompt=none without a session: %q", b.leads())
	}
	b.signIn(newLogin(w.hrm), bosAddress, bosPass)
	b.get(none.authorize("prompt", "none"))
	none.code(t, b.leads())

	for _, ask := range [][2]string{{"prompt", "login"}, {"max_age", "60"}} {
		w.clock.Advance(2 * time.Minute)
		l := newLogin(w.hrm)
		b.get(l.authorize(ask[0], ask[1])).follow().expect(http.StatusOK)
		b.post(b.action("/signin/"), "address", bosAddress).follow()
		b.post(b.action("/signin/"), "password", bosPass).follow()
		status, answer := w.redeem(l, l.code(t, b.leads()))
		if status != http.StatusOK {
			t.Fatalf("%v: %d %v", ask, status, answer)
		}
		if got := int64(claims(t, answer["id_token"].(string))["auth_time"].(float64)); got != w.clock.Now().Unix() {
			t.Errorf("%v: auth_time %d, want now %d", ask, got, w.clock.Now().Unix())
		}
	}
}

func TestAnIdleOrEndedOrOldSessionAsksAgain(t *testing.T) {
	w := on(t)
	b := w.browser()
	b.signIn(newLogin(w.hrm), bosAddress, bosPass)
	w.clock.Advance(10*time.Hour + time.Second)
	b.get(newLogin(w.hrm).authorize()).follow().shows("Logga in")
}

func TestBadInputGetsAClearPageWithAReferenceNumber(t *testing.T) {
	w := on(t)
	l := newLogin(w.hrm)
	for name, target := range map[string]string{
		"unknown client":      l.authorize("client_id", "nobody"),
		"no client":           l.authorize("client_id", ""),
		"wrong redirect URI":  l.authorize("redirect_uri", hrmURL+"/elsewhere"),
		"redirect with slash": l.authorize("redirect_uri", hrmURL+"/callback/"),
		"no redirect URI":     l.authorize("redirect_uri", ""),
		"foreign logout":      "/end_session?client_id=" + w.hrm.ClientID + "&post_logout_redirect_uri=https%3A%2F%2Fevil.example%2F",
		"forged hint":         "/end_session?id_token_hint=ey.ey.ey",
	} {
		b := w.browser()
		b.get(target).expect(http.StatusBadRequest).shows("Ärendenummer")
		if b.leads() != "" {
			t.Errorf("%s: leads to %q", name, b.leads())
		}
	}
	t.Run("an address that is none", func(t *testing.T) {
		b := w.browser()
		b.get(l.authorize()).follow()
		for _, typed := range []string{"", "anna", "anna@", "@foretaget.example", "a b@c.example", "a@b\r\nBcc: x@y.example", strings.Repeat("a", 300) + "@b.example"} {
			b.post(b.action("/signin/"), "address", typed).expect(http.StatusUnprocessableEntity)
		}
	})
	t.Run("a password of 300 characters or with a NUL", func(t *testing.T) {
		b := w.browser()
		b.toPassword(l, bosAddress)
		for _, typed := range []string{strings.Repeat("x", 300), "lugn sjö\x00i morgonljus"} {
			b.post(b.action("/signin/"), "password", typed).expect(http.StatusUnprocessableEntity)
		}
	})
	t.Run("an 11 MB body", func(t *testing.T) {
		b := w.browser()
		b.toPassword(l, bosAddress)
		b.raw(http.MethodPost, b.action("/signin/"), "application/x-www-form-urlencoded", io.MultiReader(strings.NewReader("password="), &zeros{11 << 20})).
			expect(http.StatusRequestEntityTooLarge).shows("Ärendenummer")
	})
	t.Run("a POST from another site", func(t *testing.T) {
		b := w.browser()
		b.toPassword(l, bosAddress)
		r := crossSite(b.action("/signin/"), url.Values{"password": {bosPass}})
		if rec := w.serve(r); rec.Code != http.StatusForbidden || rec.Header().Get("Set-Cookie") != "" {
			t.Errorf("status %d", rec.Code)
		}
	})
}
