package app_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"github.com/portvakt/portvakt/internal/secret"
	"github.com/portvakt/portvakt/internal/store"
)

const freshPass = "nio gröna båtar i en vik"

func TestAnnaCreatesHerPasswordAndLandsAtHRM(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		b, l := w.browser(), newLogin(w.hrm)
		b.askForLink(l, annas, "reset").shows("Titta i skräpposten")
		link := w.link(annas)
		b.get(link).expect(http.StatusOK)
		b.post(link, "new_password", freshPass, "repeat_password", freshPass, "end_others", "on").expect(http.StatusSeeOther).follow()
		status, answer := w.redeem(l, l.code(t, b.leads()))
		if status != http.StatusOK {
			t.Fatalf("redeem: %d %v", status, answer)
		}
		c := claims(t, answer["id_token"].(string))
		if c["acr"] != "urn:portvakt:mail" || fmt.Sprint(c["amr"]) != "[mail]" {
			t.Errorf("a mailed link is worth mail and no more: acr %v amr %v", c["acr"], c["amr"])
		}
		w.deliver()
		mails := w.post.to(annas)
		if last := mails[len(mails)-1]; !strings.Contains(last, "iPhone") || !strings.Contains(last, "198.51.100.7") {
			t.Errorf("the mail after the change does not say from where:\n%s", last)
		}
		w.browser().signIn(newLogin(w.hrm), annas, freshPass)
	})
}

func TestKnownAndUnknownAddressesAskAlike(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ask := func(address string) (asked, page alike, cookie jarred) {
			b := w.browser()
			b.get(newLogin(w.hrm).authorize()).follow()
			b.post(b.action("/signin/"), "address", address).follow()
			id := attemptOf(b.at)
			b.post("/recovery/start/"+id, "address", address, "want", "reset", "robot", b.solve("/recovery/challenge/"+id)).expect(http.StatusSeeOther)
			asked, cookie = b.answer(address, id), cookies(b)
			b.get("/recovery/sent/" + id)
			return asked, b.answer(address, id), cookie
		}
		known, knownPage, knownCookie := ask(annas)
		unknown, unknownPage, unknownCookie := ask("ulla.okender@foretaget.example"[:len(annas)-2] + "le")
		if known != unknown || knownPage != unknownPage || !knownCookie.likes(unknownCookie) {
			t.Errorf("the answers differ:\n%+v\n%+v\n%v %v", known, unknown, knownCookie, unknownCookie)
		}
		if known.counts.Commits != 1 {
			t.Errorf("a request cost %+v, want one commit", known.counts)
		}
		w.deliver()
		if n := w.post.count(); n != 1 {
			t.Errorf("%d mails went out, want the known address's one", n)
		}
	})
}

func TestALinkIsNotConsumedByLooking(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		b := w.browser()
		b.askForLink(newLogin(w.hrm), annas, "login")
		link := w.link(annas)
		scanner := w.browser()
		for range 3 {
			scanner.send(http.MethodHead, link, nil).expect(http.StatusOK)
			scanner.get(link).expect(http.StatusOK)
			if scanner.tally.Writes != 0 || scanner.tally.Commits != 0 {
				t.Fatalf("looking cost %+v", scanner.tally)
			}
		}
		b.get(link).post(link).expect(http.StatusSeeOther)
		b.get(link).expect(http.StatusGone).shows("Länken gäller inte längre")
		w.clock.Advance(time.Minute)
		b.post(link).expect(http.StatusGone)
		w.browser().post(link).expect(http.StatusGone)
	})
}

// TestThePressThatIsPressedTwiceSignsInOnce is a double click without JavaScript: the browser drops the first answer, and
// with it the cookies, and sends the form again.
func TestThePressThatIsPressedTwiceSignsInOnce(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		b := w.browser()
		b.askForLink(newLogin(w.hrm), annas, "login")
		login := w.link(annas)
		b.get(login)
		before := b.cookies()
		b.post(login).expect(http.StatusSeeOther)
		b.forgetAllBut(before)
		b.post(login).expect(http.StatusSeeOther).follow()
		if code := b.leads(); !strings.HasPrefix(code, hrmURL) {
			t.Errorf("the second press leads to %q", code)
		}
		b.get("/account").shows("Den här enheten")
		if strings.Contains(b.body, "Avsluta alla andra") {
			t.Error("two presses made two sessions")
		}
		w.browser().post(login).expect(http.StatusGone) // elsewhere it is used

		b = w.browser()
		b.askForLink(newLogin(w.hrm), annas, "reset")
		reset := w.link(annas)
		b.get(reset)
		before = b.cookies()
		form := []string{"new_password", freshPass, "repeat_password", freshPass, "end_others", "on"}
		b.post(reset, form...).expect(http.StatusSeeOther)
		b.forgetAllBut(before)
		b.post(reset, "new_password", freshPass+"!", "repeat_password", freshPass+"!", "end_others", "on").expect(http.StatusGone) // that is another wish
		b.post(reset, form...).expect(http.StatusSeeOther).follow()
		b.get("/account").expect(http.StatusOK)
		w.deliver()
		if n := len(w.post.to(annas)); n != 3 {
			t.Errorf("%d mails, want two links and one change", n)
		}
	})
}

func TestTwentyPressesOnOneLinkOneWins(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		asker := w.browser()
		asker.askForLink(newLogin(w.hrm), annas, "reset")
		link := w.link(annas)
		browsers := make([]*browser, 20)
		for i := range browsers {
			browsers[i] = w.browser()
			browsers[i].jar = asker.jar
			browsers[i].get(link).expect(http.StatusOK)
		}
		won := 0
		for b := range parallel(browsers, func(b *browser) {
			mine := freshPass + secret.NewID() // twenty people, not twenty clicks of one
			b.post(link, "new_password", mine, "repeat_password", mine, "end_others", "on")
		}) {
			switch b.last.StatusCode {
			case http.StatusSeeOther:
				won++
			case http.StatusGone:
			default:
				t.Errorf("status %d\n%s", b.last.StatusCode, plain(b.body))
			}
		}
		w.deliver()
		if changed := len(w.post.to(annas)) - 1; won != 1 || changed != 1 {
			t.Errorf("%d of 20 presses won and %d mails told of it, want one each", won, changed)
		}
	})
}

func TestCookieFromBeforeResetIsRefused(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		phone, thief := w.browser(), w.browser()
		phone.signIn(newLogin(w.hrm), bosAddress, bosPass)
		stolen := thief.tokens(w.mobile)
		half := w.browser() // an attempt from before, with the old password still to be typed
		half.toPassword(newLogin(w.hrm), bosAddress)

		b := w.browser()
		b.askForLink(newLogin(w.hrm), bosAddress, "reset")
		link := w.link(bosAddress)
		b.get(link).post(link, "new_password", freshPass, "repeat_password", freshPass, "end_others", "on").expect(http.StatusSeeOther)

		phone.get("/account").expect(http.StatusSeeOther)
		thief.get(newLogin(w.hrm).authorize("prompt", "none"))
		if !strings.Contains(thief.leads(), "login_required") {
			t.Errorf("the stolen session still signs in: %q", thief.leads())
		}
		if status, _ := w.refresh(w.mobile, stolen["refresh_token"].(string)); status != http.StatusBadRequest {
			t.Errorf("the stolen refresh token still works: %d", status)
		}
		if status, _ := w.userinfo(stolen["access_token"].(string)); status != http.StatusUnauthorized {
			t.Errorf("the stolen access token still works: %d", status)
		}
		half.post(half.action("/signin/"), "password", bosPass).expect(http.StatusUnprocessableEntity)
		b.get("/account").expect(http.StatusOK)
	})
}

func TestOtherSessionsGoOnWhereThePersonUnticksIt(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		phone := w.browser()
		phone.signIn(newLogin(w.hrm), bosAddress, bosPass)
		b := w.browser()
		b.askForLink(newLogin(w.hrm), bosAddress, "reset")
		link := w.link(bosAddress)
		b.get(link).post(link, "new_password", freshPass, "repeat_password", freshPass).expect(http.StatusSeeOther)
		phone.get("/account").expect(http.StatusOK)
		b.get("/account").expect(http.StatusOK)
	})
}

func TestALinkOpenedElsewhereAsksForAProofOfWorkAndEndsAtTheApp(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.browser().askForLink(newLogin(w.hrm), annas, "login")
		link := w.link(annas)
		other := w.browser()
		other.signIn(newLogin(w.hrm), bosAddress, bosPass)
		other.get(link).expect(http.StatusOK).shows(annas).shows(bosAddress)
		other.post(link).expect(http.StatusUnprocessableEntity)
		answer := other.solve(link + "/challenge")
		other.post(link, "robot", answer).expect(http.StatusSeeOther).follow()
		if u := mustURL(other.leads()); u.Path != "/login" || u.Query().Get("iss") != issuer {
			t.Errorf("leads to %q, want the app's own login", other.leads())
		}
		l := newLogin(w.hrm)
		other.get(l.authorize())
		_, tokens := w.redeem(l, l.code(t, other.leads()))
		if _, info := w.userinfo(tokens["access_token"].(string)); info["given_name"] != "Anna" {
			t.Errorf("signed in as %v", info)
		}
	})
}

func TestARobotAnswerCountsOnceAndOnlyWhereItBelongs(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		b := w.browser()
		b.askForLink(newLogin(w.hrm), annas, "reset")
		id := strings.Split(strings.Split(b.at, "/")[3], "?")[0]
		ask := func(robot string) *browser {
			return b.post("/recovery/start/"+id, "address", annas, "want", "reset", "robot", robot)
		}
		answer := b.solve("/recovery/challenge/" + id)
		ask("").expect(http.StatusUnprocessableEntity)
		ask("x.1").expect(http.StatusUnprocessableEntity)
		token, _, _ := strings.Cut(answer, ".")
		ask(token + ".999999").expect(http.StatusUnprocessableEntity)
		ask(answer).expect(http.StatusSeeOther)
		ask(answer).expect(http.StatusUnprocessableEntity) // spent

		other := w.browser()
		other.toPassword(newLogin(w.hrm), annas)
		foreign := attemptOf(other.at)
		other.post("/recovery/start/"+foreign, "address", annas, "want", "reset", "robot", b.solve("/recovery/challenge/"+id)).
			expect(http.StatusUnprocessableEntity)

		late := b.solve("/recovery/challenge/" + id)
		w.clock.Advance(10*time.Minute + time.Second)
		ask(late).expect(http.StatusUnprocessableEntity)
	})
}

func TestARefusedPasswordSpendsNoLink(t *testing.T) {
	w := on(t)
	b := w.browser()
	b.askForLink(newLogin(w.hrm), annas, "reset")
	link := w.link(annas)
	for _, bad := range []string{"", "kort", strings.Repeat("x", 300), "lugn sjö\x00i morgonljus", "sommar2026!sommar2026!", "anna.svensson2026", "aaaaaaaaaaaaaaaaaa",
		"123456789012345678", "Företaget AB 2026", "passwordpassword"} {
		b.get(link).expect(http.StatusOK)
		b.post(link, "new_password", bad, "repeat_password", bad).expect(http.StatusUnprocessableEntity)
	}
	b.post(link, "new_password", freshPass, "repeat_password", freshPass+"x").expect(http.StatusUnprocessableEntity).shows("inte lika")
	b.post(link, "new_password", freshPass, "repeat_password", freshPass).expect(http.StatusSeeOther)
}

func TestALinksLifeCountsFromTheAcceptanceOfItsMail(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		b := w.browser()
		b.askForLink(newLogin(w.hrm), annas, "reset")
		w.post.refuse(&smtp.SMTPError{Code: 451, Message: "later"})
		w.deliver()
		for range 8 { // an hour without a mail server
			w.clock.Advance(8 * time.Minute)
			w.deliver()
		}
		if n := w.post.count(); n != 0 {
			t.Fatalf("%d mails went through a server that refuses", n)
		}
		w.post.refuse(nil)
		w.clock.Advance(16 * time.Minute)
		link := w.link(annas)
		if n := w.post.count(); n != 1 {
			t.Fatalf("%d mails after the outage, want one", n)
		}
		w.clock.Advance(24*time.Hour - time.Second)
		w.browser().get(link).expect(http.StatusOK)
		w.clock.Advance(2 * time.Second)
		w.browser().get(link).expect(http.StatusGone)
	})
}

func TestALateLoginLinkIsNotSentAtAll(t *testing.T) {
	w := on(t)
	w.browser().askForLink(newLogin(w.hrm), annas, "login")
	w.post.refuse(&smtp.SMTPError{Code: 451, Message: "later"})
	w.deliver()
	w.clock.Advance(16 * time.Minute)
	w.post.refuse(nil)
	w.deliver()
	if n := w.post.count(); n != 0 {
		t.Errorf("%d login links came a quarter of an hour late", n)
	}
}

func TestAnAddressThatTheServerRefusesForGoodIsNotTriedAgain(t *testing.T) {
	w := on(t)
	w.browser().askForLink(newLogin(w.hrm), annas, "reset")
	w.post.refuse(&smtp.SMTPError{Code: 550, Message: "no such user"})
	w.deliver()
	w.post.refuse(nil)
	w.clock.Advance(time.Hour)
	w.deliver()
	if n := w.post.count(); n != 0 {
		t.Errorf("%d mails to an address that was refused for good", n)
	}
}

func TestThreeLinksLiveTogetherAndUsingOneEndsAll(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		b := w.browser()
		var links []string
		for range 4 {
			b.askForLink(newLogin(w.hrm), annas, "reset")
			links = append(links, w.link(annas))
			w.clock.Advance(time.Second)
		}
		b.get(links[0]).expect(http.StatusGone)
		for _, link := range links[1:] {
			b.get(link).expect(http.StatusOK)
		}
		b.post(links[2], "new_password", freshPass, "repeat_password", freshPass).expect(http.StatusSeeOther)
		for _, link := range links {
			b.get(link).expect(http.StatusGone)
		}
	})
}

func TestOverTheBudgetNothingIsSentAndLivingLinksStay(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		b := w.browser()
		var last string
		for range 5 {
			b.askForLink(newLogin(w.hrm), annas, "reset")
			last = w.link(annas)
		}
		for range 3 {
			b.askForLink(newLogin(w.hrm), annas, "reset") // answered as ever
			w.deliver()
		}
		if n := w.post.count(); n != 5 {
			t.Errorf("%d mails in a quarter of an hour, want 5", n)
		}
		b.get(last).expect(http.StatusOK)
		w.clock.Advance(16 * time.Minute)
		b.askForLink(newLogin(w.hrm), annas, "reset")
		w.deliver()
		if n := w.post.count(); n != 6 {
			t.Errorf("%d mails after the quarter, want 6", n)
		}
	})
}

func TestAStrangersRequestsDoNotKeepAKnownBrowserFromItsMail(t *testing.T) {
	w := on(t)
	bos := w.browser()
	bos.signIn(newLogin(w.hrm), bosAddress, bosPass)
	bos.post("/signout")
	stranger := w.browser()
	for range 6 {
		stranger.askForLink(newLogin(w.hrm), bosAddress, "reset")
		w.deliver()
	}
	before := w.post.count()
	bos.askForLink(newLogin(w.hrm), bosAddress, "reset")
	w.deliver()
	if w.post.count() != before+1 {
		t.Error("a stranger's requests used up the known browser's budget")
	}
}

func TestWithoutJavaScriptBudgetsProtectAndTheMailWaits(t *testing.T) {
	w := on(t)
	b := w.browser()
	plainAsk := func() *browser {
		b.toPassword(newLogin(w.hrm), annas)
		return b.post("/recovery/plain/"+attemptOf(b.at), "address", annas, "want", "login")
	}
	plainAsk().expect(http.StatusSeeOther)
	w.deliver()
	if w.post.count() != 0 {
		t.Error("the mail did not wait")
	}
	w.clock.Advance(61 * time.Second)
	link := w.link(annas)
	w.browser().get(link).post(link + "/plain").expect(http.StatusSeeOther) // elsewhere, one of the three

	plainAsk().expect(http.StatusSeeOther)
	plainAsk().expect(http.StatusTooManyRequests).shows("Ärendenummer")
	b.ip = "203.0.113.77"
	plainAsk().expect(http.StatusSeeOther)
}

func TestAResetCostsWhatItDid(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		b := w.browser()
		b.askForLink(newLogin(w.hrm), annas, "reset")
		link := w.link(annas)
		b.get(link)
		b.post(link, "new_password", freshPass, "repeat_password", freshPass, "end_others", "on").expect(http.StatusSeeOther)
		if b.tally.Commits != 1 {
			t.Errorf("a reset cost %+v, want one transaction", b.tally)
		}
		// The last write settles what the account's phone has said of somebody who knew the former password.
		if max := (store.Counts{Reads: 8, Writes: 21}); b.tally.Reads > max.Reads || b.tally.Writes > max.Writes {
			t.Errorf("a reset cost %+v, want at most %+v: one more is a decision", b.tally, max)
		}
	})
}

func TestAnExpiredLinkOffersANewOne(t *testing.T) {
	w := on(t)
	b := w.browser()
	b.askForLink(newLogin(w.hrm), annas, "login")
	link := w.link(annas)
	w.clock.Advance(15*time.Minute + time.Second)
	other := w.browser()
	other.get(link).expect(http.StatusGone).shows("HRM")
	other.get("/recovery/new?client_id=" + w.hrm.ClientID).follow().expect(http.StatusOK).shows("Skapa lösenord")
	id := strings.Split(strings.Split(other.at, "/")[3], "?")[0]
	other.post("/recovery/start/"+id, "address", annas, "want", "login", "robot", other.solve("/recovery/challenge/"+id)).follow().expect(http.StatusOK)
	link = w.link(annas)
	other.get(link).post(link).follow()
	if u := mustURL(other.leads()); u.Path != "/login" || u.Host != mustURL(hrmURL).Host {
		t.Errorf("leads to %q, want HRM", other.leads())
	}
	w.browser().get("/recovery/link/" + strings.Repeat("A", 43)).expect(http.StatusGone)
	w.browser().get("/recovery/link/x").expect(http.StatusGone)
}

func TestNoSecretReachesTheLog(t *testing.T) {
	w := on(t)
	b := w.browser()
	b.askForLink(newLogin(w.hrm), annas, "reset")
	link := w.link(annas)
	b.get(link).post(link, "new_password", freshPass, "repeat_password", freshPass).follow()
	answer := w.browser().tokens(w.mobile)
	w.refresh(w.mobile, answer["refresh_token"].(string))
	log := w.log.String()
	secrets := []string{freshPass, bosPass, strings.TrimPrefix(link, "/recovery/link/"), answer["refresh_token"].(string), answer["access_token"].(string),
		w.hrm.ClientSecret, annas}
	for _, c := range b.jar.Cookies(mustURL(issuer)) {
		secrets = append(secrets, c.Value)
	}
	if log == "" {
		t.Fatal("there is no log to search")
	}
	for _, s := range secrets {
		if strings.Contains(log, s) {
			t.Errorf("the log holds %q", s)
		}
	}
}

// TestAnAddressIsKeptAsItIsMeant: what stands around it is not written anywhere, however much it is.
func TestAnAddressIsKeptAsItIsMeant(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		b := w.browser()
		b.get(newLogin(w.hrm).authorize("login_hint", strings.Repeat(" ", 4000)+annas)).follow()
		b.shows(annas)
		b.askForLink(newLogin(w.hrm), strings.Repeat(" ", 100_000)+annas+strings.Repeat("\t", 100_000), "login")
		b.shows(annas)
		if len(b.body) > 20_000 {
			t.Errorf("the page has %d bytes", len(b.body))
		}
		w.link(annas)
	})
}

// TestALongUserAgentIsCutBetweenLetters: PostgreSQL takes no half ones.
func TestALongUserAgentIsCutBetweenLetters(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		b := w.browser()
		b.agent = strings.Repeat("x", 511) + "éé"
		b.toPassword(newLogin(w.hrm), bosAddress).wrongPassword(1)
		b.signIn(newLogin(w.hrm), bosAddress, bosPass)
	})
}

// TestTheWordsOfAMailServerStayOutOfTheLog: they repeat the address.
func TestTheWordsOfAMailServerStayOutOfTheLog(t *testing.T) {
	w := on(t)
	for _, code := range []int{450, 550} {
		w.post.refuse(&smtp.SMTPError{Code: code, EnhancedCode: smtp.EnhancedCode{code / 100, 1, 1}, Message: "<" + annas + ">: no such user"})
		w.browser().askForLink(newLogin(w.hrm), annas, "login")
		w.deliver()
	}
	if strings.Contains(w.log.String(), annas) || strings.Contains(w.log.String(), "no such user") {
		t.Error("the log names her")
	}
	if !strings.Contains(w.log.String(), "450 4.1.1") {
		t.Errorf("the log does not say what happened:\n%s", w.log)
	}
}
