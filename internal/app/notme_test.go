package app_test

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

var notMePattern = regexp.MustCompile(`https://login\.example\.com(/recovery/not-me/[A-Za-z0-9_-]+)`)

// notMe delivers the outbox and returns the path of the button in the newest mail to the address that says the words.
func (w *world) notMe(address, words string) string {
	w.t.Helper()
	w.deliver()
	mails := w.post.to(address)
	for _, text := range slices.Backward(mails) {
		if m := notMePattern.FindStringSubmatch(text); m != nil && strings.Contains(text, words) {
			return m[1]
		}
	}
	w.t.Fatalf("no mail to %s says %q and has the button: %q", address, words, mails)
	return ""
}

// pressNotMe opens the link and presses, as the page's script does.
func (b *browser) pressNotMe(link string) *browser {
	b.w.t.Helper()
	b.get(link).expect(http.StatusOK).shows("Var det inte du?")
	return b.post(link, "robot", b.solve(link+"/challenge")).expect(http.StatusSeeOther).follow().expect(http.StatusOK).shows("Allt är avslutat")
}

// refused says that the password opens nothing.
func (w *world) refused(address, pass string) {
	w.t.Helper()
	b := w.browser()
	b.toPassword(newLogin(w.hrm), address)
	b.post(b.action("/signin/"), "password", pass).expect(http.StatusUnprocessableEntity)
}

const passwordNews = "har just ändrats"

func TestASignInOnANewDeviceIsToldAndOneOnAKnownDeviceIsNot(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		told := func() (n int) {
			w.deliver()
			for _, text := range w.post.to(bosAddress) {
				if strings.Contains(text, newDevice) {
					n++
					for _, words := range []string{"Hej Bo!", "Företaget AB"} { // who reads it, and whose login it is
						if !strings.Contains(text, words) {
							t.Errorf("the mail lacks %q:\n%s", words, text)
						}
					}
				}
			}
			return n
		}
		b := w.browser()
		b.signIn(newLogin(w.hrm), bosAddress, bosPass)
		if told() != 1 {
			t.Fatalf("%d mails after the first sign-in", told())
		}
		b.post("/signout")
		b.signIn(newLogin(w.hrm), bosAddress, bosPass)
		w.clock.Advance(6 * time.Minute)
		b.get("/account/password").follow()
		b.post(b.action("/signin/"), "password", bosPass).follow().shows("Byt lösenord") // a fresh proof is no new device
		mailed := w.browser()
		mailed.askForLink(newLogin(w.hrm), bosAddress, "login")
		link := w.link(bosAddress)
		mailed.get(link).post(link).expect(http.StatusSeeOther) // there was a mail about it
		w.refused(bosAddress, "en gissning till bara")
		if told() != 1 {
			t.Errorf("%d mails, want the first alone", told())
		}

		twice := w.browser()
		twice.toPassword(newLogin(w.hrm), bosAddress)
		form, before := twice.action("/signin/"), twice.cookies()
		twice.post(form, "password", bosPass).expect(http.StatusSeeOther)
		twice.forgetAllBut(before)
		twice.post(form, "password", bosPass).expect(http.StatusSeeOther)
		if told() != 2 {
			t.Errorf("a double click: %d mails, want one more", told()-1)
		}

		app, _ := w.addApp()
		sofar := told()
		code := w.browser().toCode(newLogin(w.hrm))
		code.post(code.action("/signin/"), "code", app.code()).expect(http.StatusSeeOther)
		if n := told() - sofar; n != 1 {
			t.Errorf("by two factors: %d mails, want one", n)
		}
	})
}

func TestNotMeEndsEverythingAndAResetIsAllItTakes(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		bos, thief := w.atAccount(), w.atAccount()
		stolen := newLogin(w.mobile)
		thief.get(stolen.authorize("scope", "openid offline_access"))
		_, tokens := w.redeem(stolen, stolen.code(t, thief.leads()))
		thief.post("/account/password", newPassword(bosPass, bosNext)...).expect(http.StatusSeeOther)
		link := w.notMe(bosAddress, passwordNews)
		half := w.browser()
		half.toPassword(newLogin(w.hrm), bosAddress)
		asked := w.browser()
		asked.askForLink(newLogin(w.hrm), bosAddress, "login")
		login := w.link(bosAddress)

		reader := w.browser()
		reader.pressNotMe(link)
		if _, ok := reader.cookies()["__Host-pv_session"]; ok {
			t.Error("it signed somebody in")
		}
		for _, b := range []*browser{bos, thief} {
			b.get("/account").expect(http.StatusSeeOther)
		}
		if status, _ := w.refresh(w.mobile, tokens["refresh_token"].(string)); status != http.StatusBadRequest {
			t.Errorf("an app's access goes on: %d", status)
		}
		asked.get(login).expect(http.StatusGone)
		w.refused(bosAddress, bosNext)
		w.refused(bosAddress, bosPass)
		half.post(half.action("/signin/"), "password", bosNext).expect(http.StatusUnprocessableEntity)

		w.resetTo(freshPass)
		w.browser().signIn(newLogin(w.hrm), bosAddress, freshPass)
	})
}

func TestLookingAtNotMeChangesNothing(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		b := w.atAccount()
		link := w.notMe(bosAddress, newDevice)
		scanner := w.browser()
		for range 3 {
			for _, method := range []string{http.MethodHead, http.MethodGet} {
				scanner.send(method, link, nil).expect(http.StatusOK)
				if scanner.tally.Writes != 0 || scanner.tally.Commits != 0 {
					t.Fatalf("looking cost %+v", scanner.tally)
				}
				scanner.send(method, link+"/done", nil).expect(http.StatusGone) // nothing is done yet
			}
		}
		scanner.get(link).shows("Någon loggade in på en enhet").shows(bosAddress).shows("iPhone").shows("198.51.100.7")
		scanner.post(link).expect(http.StatusUnprocessableEntity).shows("Var det inte du?") // no puzzle solved
		scanner.post(link, "robot", "x.1").expect(http.StatusUnprocessableEntity)
		b.get("/account").expect(http.StatusOK)
	})
}

func TestANotMeLinkWorksOnceAndOutlivesWhatEndsOthers(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		thief := w.atAccount()
		first := w.notMe(bosAddress, newDevice)
		for i, next := range []string{bosNext, bosNext + " a", bosNext + " b", bosNext + " c"} {
			thief.post("/account/password", newPassword([]string{bosPass, bosNext, bosNext + " a", bosNext + " b"}[i], next, "end_others", "on")...).expect(http.StatusSeeOther)
		}
		second := w.notMe(bosAddress, passwordNews)
		w.clock.Advance(6 * 24 * time.Hour)
		reader := w.browser()
		reader.pressNotMe(first)
		reader.post(first).expect(http.StatusSeeOther).follow().shows("Allt är avslutat") // the second of two presses
		w.clock.Advance(31 * time.Second)
		reader.get(first).expect(http.StatusGone)
		reader.post(first, "robot", reader.solve(first+"/challenge")).expect(http.StatusGone)
		reader.get(first + "/done").expect(http.StatusOK)
		w.clock.Advance(time.Hour)
		reader.get(first + "/done").expect(http.StatusGone)
		reader.get(second).expect(http.StatusOK)
		w.clock.Advance(25 * time.Hour)
		reader.get(second).expect(http.StatusGone).shows("Länken gäller inte längre")
	})
}

func TestOfTwentyPressesOnNotMeOneActs(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.atAccount()
		link := w.notMe(bosAddress, newDevice)
		browsers, answers := make([]*browser, 20), map[*browser]string{}
		for i := range browsers {
			browsers[i] = w.browser()
			answers[browsers[i]] = browsers[i].solve(link + "/challenge")
		}
		for b := range parallel(browsers, func(b *browser) { b.post(link, "robot", answers[b]) }) {
			b.expect(http.StatusSeeOther)
		}
		w.deliver()
		resets := len(linkPattern.FindAllString(strings.Join(w.post.to(bosAddress), "\n"), -1))
		if resets != 1 {
			t.Errorf("%d mails for a new password, want one", resets)
		}
	})
}

func TestNotMeTakesExactlyTheAppAwayThatWasBound(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		own, _ := w.addApp()
		b := w.browser()
		b.toCode(newLogin(w.hrm))
		b.post(b.action("/signin/"), "code", own.code()).follow()
		b.post("/account/apps/add").follow().expect(http.StatusOK)
		foreign := b.bind()
		b.follow()
		w.browser().pressNotMe(w.notMe(bosAddress, "En autentiseringsapp har just lagts till"))
		reader := w.resetTo(freshPass).shows("Ange din 6-siffriga kod") // two-factor authentication is on
		reader.post(reader.action("/signin/"), "code", foreign.code()).expect(http.StatusUnprocessableEntity)
		reader.post(reader.action("/signin/"), "code", own.code()).expect(http.StatusSeeOther)
	})
}

func TestNotMeOfTheFirstAppTurnsTwoFactorAuthenticationOff(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.addApp() // a thief has turned it on, and has the recovery code
		w.browser().pressNotMe(w.notMe(bosAddress, "En autentiseringsapp har just lagts till"))
		b := w.resetTo(freshPass)
		b.get("/account").expect(http.StatusOK).shows("Av. När du loggar in")
		if strings.Contains(plain(b.body), "Återställningskod") {
			t.Error("the thief's recovery code is still there")
		}
	})
}

func TestNotMeNeedsNoPuzzleWhereTheAccountIsSignedIn(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		b := w.atAccount()
		link := w.notMe(bosAddress, newDevice)
		b.get(link)
		if strings.Contains(b.body, "data-challenge") {
			t.Error("it waits for a puzzle")
		}
		b.post(link).expect(http.StatusSeeOther).follow().shows("Allt är avslutat").shows(bosAddress)
		b.get("/account").expect(http.StatusSeeOther)
		anna := w.browser() // somebody else's session is no proof of Bo's
		anna.askForLink(newLogin(w.hrm), annas, "login")
		login := w.link(annas)
		anna.get(login).post(login)
		w.resetTo(freshPass)
		w.browser().signIn(newLogin(w.hrm), bosAddress, freshPass)
		anna.post(w.notMe(bosAddress, newDevice)).expect(http.StatusUnprocessableEntity)
	})
}

// resetTo sets Bo's password by the newest mailed link.
func (w *world) resetTo(pass string) *browser {
	w.t.Helper()
	link, b := w.link(bosAddress), w.browser()
	b.get(link)
	return b.post(link, "new_password", pass, "repeat_password", pass, "robot", b.solve(link+"/challenge")).expect(http.StatusSeeOther).follow()
}

func TestWithoutJavaScriptNotMeHasTheBudgetsOfTheOtherLinks(t *testing.T) {
	w := on(t)
	for range 3 {
		w.atAccount()
		w.browser().post(w.notMe(bosAddress, newDevice) + "/plain").expect(http.StatusSeeOther)
		w.resetTo(bosPass)
	}
	w.atAccount()
	w.browser().post(w.notMe(bosAddress, newDevice) + "/plain").expect(http.StatusTooManyRequests)
	elsewhere := w.browser()
	elsewhere.ip = "203.0.113.9"
	elsewhere.post(w.notMe(bosAddress, newDevice) + "/plain").expect(http.StatusSeeOther)
}

func TestALinkOfOneKindIsNothingAtAnothersPage(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		b := w.atAccount()
		notMe := w.notMe(bosAddress, newDevice)
		token := notMe[strings.LastIndex(notMe, "/")+1:]
		stranger := w.browser()
		stranger.get("/recovery/link/" + token).expect(http.StatusGone)
		for _, page := range []string{"/recovery/link/" + token, "/recovery/link/" + token + "/plain"} {
			stranger.post(page, "new_password", freshPass, "repeat_password", freshPass, "robot", stranger.solve(notMe+"/challenge")).expect(http.StatusGone)
		}
		stranger.askForLink(newLogin(w.hrm), bosAddress, "reset")
		reset := w.link(bosAddress)
		other := "/recovery/not-me/" + reset[strings.LastIndex(reset, "/")+1:]
		stranger.get(other).expect(http.StatusGone)
		stranger.post(other, "robot", stranger.solve(other+"/challenge")).expect(http.StatusGone)
		stranger.get("/recovery/not-me/nobody-mailed-this").expect(http.StatusGone)
		b.get("/account").expect(http.StatusOK)
		w.browser().signIn(newLogin(w.hrm), bosAddress, bosPass)
	})
}

func TestWhoeverAsksForManyMailsKeepsNoResetFromBo(t *testing.T) {
	w := on(t)
	w.atAccount()
	link, stranger := w.notMe(bosAddress, newDevice), w.browser()
	for range 7 {
		stranger.askForLink(newLogin(w.hrm), bosAddress, "reset")
		w.deliver()
	}
	before := len(w.post.to(bosAddress))
	w.browser().pressNotMe(link)
	w.deliver()
	if after := w.post.to(bosAddress); len(after) != before+1 || !linkPattern.MatchString(after[len(after)-1]) {
		t.Errorf("%d mails came after the press, want the one for a new password", len(after)-before)
	}
}

func TestNotMeOfARecoveryCodeEndsTheCode(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		own, _ := w.addApp()
		b := w.browser()
		b.toCode(newLogin(w.hrm))
		b.post(b.action("/signin/"), "code", own.code()).follow()
		b.post("/account/recovery-code").follow().expect(http.StatusOK)
		stolen := b.saveRecovery()
		w.browser().pressNotMe(w.notMe(bosAddress, "återställningskod har just skapats"))
		owner := w.resetTo(freshPass)
		if strings.Contains(owner.get(owner.at).body, stolen) {
			t.Error("the page holds the code")
		}
		owner.post(strings.Replace(owner.at, "/second", "/recovery", 1), "recovery_code", stolen).expect(http.StatusUnprocessableEntity)
		owner.get(strings.Replace(owner.at, "/recovery", "/second", 1))
		owner.post(owner.action("/signin/"), "code", own.code()).follow().shows("Klar") // another one is shown at once
	})
}
