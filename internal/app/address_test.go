package app_test

import (
	"errors"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/portvakt/portvakt/internal/account"
	"github.com/portvakt/portvakt/internal/authn"
	"github.com/portvakt/portvakt/internal/secret"
	"github.com/portvakt/portvakt/internal/session"
	"github.com/portvakt/portvakt/internal/store"
)

const (
	bosOther = "bo@hemma.example"
	thiefs   = "bo.lind@evil.example"
)

var addressPattern = regexp.MustCompile(`https://login\.example\.com(/account/address/[A-Za-z0-9_-]+)`)

// addressLink delivers the outbox and returns the path of the link in the newest mail that confirms the address.
func (w *world) addressLink(address string) string {
	w.t.Helper()
	w.deliver()
	mails := w.post.to(address)
	for _, text := range slices.Backward(mails) {
		if m := addressPattern.FindStringSubmatch(text); m != nil {
			return m[1]
		}
	}
	w.t.Fatalf("no mail to %s has a link: %q", address, mails)
	return ""
}

// changeAddress asks for the address, and confirms it in the same browser.
func (b *browser) changeAddress(address string) *browser {
	b.w.t.Helper()
	b.post("/account/address", "address", address).expect(http.StatusSeeOther).follow().expect(http.StatusOK).shows("Titta i din e-post")
	link := b.w.addressLink(address)
	b.get(link).expect(http.StatusOK).shows("Bekräfta din nya adress")
	return b.post(link).expect(http.StatusSeeOther).follow().shows("Din nya adress gäller nu.")
}

const (
	addressNews   = "har just fått en annan e-postadress"
	addressIsIn   = "Från och med nu loggar du in med"
	addressInUse  = "Den hör redan till ditt konto"
	addressIsGone = "Länken gäller inte längre"
)

func TestBoChangesHisAddressAndBothAreTold(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		other, asked := w.atAccount(), w.browser()
		asked.askForLink(newLogin(w.hrm), bosAddress, "login")
		login := w.link(bosAddress)
		b := w.atAccount()
		b.post("/account/address", "address", " Bo@Hemma.example ").follow().shows("Bo@Hemma.example")
		b.get("/account").shows("Väntar på att du bekräftar").shows("Bo@Hemma.example")
		link := w.addressLink(bosOther)
		b.get(link).shows("Bekräfta din nya adress").shows(bosAddress)
		b.post(link, "end_others", "on").expect(http.StatusSeeOther).follow().shows("Din nya adress gäller nu.")
		b.post(link).expect(http.StatusSeeOther).follow().shows("Din nya adress gäller nu.") // the second of two presses
		if strings.Contains(plain(b.body), "Väntar på att du bekräftar") {
			t.Error("the change is still pending")
		}
		other.get("/account").expect(http.StatusSeeOther)
		asked.get(login).expect(http.StatusGone)
		w.refused(bosAddress, bosPass)
		l := newLogin(w.hrm)
		_, answer := w.redeem(l, l.code(t, w.browser().signIn(l, "BO@hemma.example", bosPass)))
		if _, person := w.userinfo(answer["access_token"].(string)); person["email"] != "Bo@Hemma.example" || person["email_verified"] != true {
			t.Errorf("the app hears %v", person)
		}
		w.deliver()
		if all := strings.Join(w.post.to(bosAddress), "\n"); !strings.Contains(all, addressNews) || strings.Contains(all, "emma.example") {
			t.Errorf("the old address was told: %q", all)
		}
		if all := strings.Join(w.post.to(bosOther), "\n"); !strings.Contains(all, addressIsIn) || strings.Contains(all, bosAddress) {
			t.Errorf("the new address was told: %q", all)
		}
		w.clock.Advance(time.Minute)
		b.get(link).expect(http.StatusGone).shows(addressIsGone)
		b.post(link).expect(http.StatusGone)
	})
}

func TestOtherDevicesStayWhereTheAddressAloneChanges(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		other := w.atAccount()
		w.atAccount().changeAddress(bosOther)
		other.get("/account").expect(http.StatusOK).shows(bosOther)
	})
}

// TestWhoeverGetsTheMailByATypingErrorDoesNotBecomeTheOwner: she has the link, and no session of the account.
func TestWhoeverGetsTheMailByATypingErrorDoesNotBecomeTheOwner(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		b := w.atAccount()
		b.post("/account/address", "address", bosOther).expect(http.StatusSeeOther)
		link := w.addressLink(bosOther)
		for _, secret := range []string{bosAddress, "Hej Bo", "198.51.100.7"} {
			if mails := w.post.to(bosOther); strings.Contains(mails[0], secret) {
				t.Errorf("the mail tells %q to a stranger", secret)
			}
		}
		stranger := w.browser()
		stranger.get(link).expect(http.StatusOK).shows("Logga in för att bekräfta")
		if strings.Contains(stranger.body, bosAddress) {
			t.Error("the page tells a stranger whose it is")
		}
		stranger.post(link, "end_others", "on").expect(http.StatusUnprocessableEntity)
		anna := w.browser()
		anna.askForLink(newLogin(w.hrm), annas, "login")
		login := w.link(annas)
		anna.get(login).post(login).follow()
		anna.get(link).expect(http.StatusOK).shows("Här är " + annas + " inloggad.")
		anna.post(link).expect(http.StatusUnprocessableEntity)
		anna.get("/account").shows(annas)
		w.browser().signIn(newLogin(w.hrm), bosAddress, bosPass) // nothing has changed
		stranger.get(link).expect(http.StatusOK)                 // and nothing is spent
	})
}

func TestASignInFromTheLinksPageLeadsBackToIt(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.atAccount().post("/account/address", "address", bosOther)
		link := w.addressLink(bosOther)
		phone := w.browser()
		phone.get(link).get(link + "/signin").follow().shows("Logga in")
		phone.post(phone.action("/signin/"), "address", bosAddress).follow()
		phone.post(phone.action("/signin/"), "password", bosPass).follow().expect(http.StatusOK).shows("Bekräfta din nya adress")
		w.deliver()
		if n := strings.Count(strings.Join(w.post.to(bosAddress), "\n"), newDevice); n != 2 {
			t.Errorf("%d mails about new devices, want one for each of the two", n)
		}
		phone.post(link).expect(http.StatusSeeOther).follow().shows("Din nya adress gäller nu.")
	})
}

func TestAnAddressInUseIsSaidByMailAndByNoPage(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ask := func(address string) (asked, page alike, shown string) {
			b := w.atAccount()
			b.post("/account/address", "address", address)
			asked = b.answer(address, "no attempt")
			b.get("/account/address/sent")
			page = b.answer(address, "no attempt")
			return asked, page, strings.ReplaceAll(plain(b.get("/account").body), address, "…")
		}
		free, freePage, _ := ask("anna.svenssen@foretaget.example")
		w.deliver()
		taken, takenPage, shown := ask(annas)
		w.deliver()
		if free != taken || freePage != takenPage {
			t.Errorf("the answers differ:\n%+v\n%+v\n%+v\n%+v", free, taken, freePage, takenPage)
		}
		if !strings.Contains(shown, "Väntar på att du bekräftar") {
			t.Errorf("the account's page differs: %s", shown)
		}
		mails := w.post.to(annas)
		if len(mails) != 1 || !strings.Contains(mails[0], addressInUse) || strings.Contains(mails[0], "/account/address/") || strings.Contains(mails[0], "Bo") {
			t.Errorf("Anna gets %q", mails)
		}
	})
}

func TestAnAddressThatWasTakenMeanwhileFailsCleanly(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		b := w.atAccount()
		b.post("/account/address", "address", bosOther)
		link := w.addressLink(bosOther)
		w.newcomer(bosOther, "Berit", "Lund", "", "1003")
		b.get(link).expect(http.StatusOK)
		b.post(link, "end_others", "on").expect(http.StatusConflict).shows("hör redan till ett annat konto")
		b.get("/account").expect(http.StatusOK).shows(bosAddress)
		w.browser().signIn(newLogin(w.hrm), bosAddress, bosPass)
	})
}

func TestOfTwoAccountsThatConfirmOneAddressOneGetsIt(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.newcomer("cia@foretaget.example", "Cia", "Ek", bosPass, "1004")
		links, browsers := map[*browser]string{}, []*browser{}
		for _, address := range []string{bosAddress, "cia@foretaget.example"} {
			b := w.browser()
			b.signIn(newLogin(w.hrm), address, bosPass)
			b.post("/account/address", "address", bosOther).expect(http.StatusSeeOther)
			links[b], browsers = w.addressLink(bosOther), append(browsers, b)
		}
		won := 0
		for b := range parallel(browsers, func(b *browser) { b.post(links[b]) }) {
			switch b.last.StatusCode {
			case http.StatusSeeOther:
				won++
			case http.StatusConflict:
			default:
				t.Errorf("status %d", b.last.StatusCode)
			}
		}
		if won != 1 {
			t.Errorf("%d of two won", won)
		}
	})
}

func TestAPendingAddressIsWithdrawnOrReplaced(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		b := w.atAccount()
		b.post("/account/address/withdraw").expect(http.StatusSeeOther)
		if strings.Contains(b.leads(), "notice") {
			t.Error("it says that something was done")
		}
		b.post("/account/address", "address", bosOther)
		first := w.addressLink(bosOther)
		b.post("/account/address", "address", thiefs)
		second := w.addressLink(thiefs)
		b.get(first).expect(http.StatusGone)
		b.post(first).expect(http.StatusGone)
		b.get(second).expect(http.StatusOK)
		b.get("/account").post("/account/address/withdraw").follow().shows("Bytet av adress är ångrat.")
		b.get(second).expect(http.StatusGone)
		b.post(second).expect(http.StatusGone)
		b.post("/account/address", "address", bosOther)
		b.post("/account/address/withdraw")
		before := w.post.count()
		w.deliver()
		if w.post.count() != before {
			t.Error("a mail went out for a change that was withdrawn")
		}
		b.get("/account/address/sent").expect(http.StatusSeeOther)
	})
}

func TestALookAtTheLinkChangesNothing(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		b := w.atAccount()
		b.post("/account/address", "address", bosOther)
		link := w.addressLink(bosOther)
		for _, who := range []*browser{w.browser(), b} {
			for _, method := range []string{http.MethodHead, http.MethodGet} {
				who.send(method, link, nil).expect(http.StatusOK)
				if who.tally.Writes != 0 || who.tally.Commits != 0 {
					t.Fatalf("looking cost %+v", who.tally)
				}
			}
		}
		scanner := w.browser()
		scanner.send(http.MethodGet, link+"/signin", nil)
		if scanner.tally.Writes != 0 {
			t.Errorf("beginning to sign in cost %+v", scanner.tally)
		}
		b.get("/account").shows("Väntar på att du bekräftar")
		w.clock.Advance(25 * time.Hour)
		w.browser().get(link).expect(http.StatusGone)
	})
}

func TestAnAddressThatIsNoneOrTheSameIsRefused(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		b := w.atAccount()
		for typed, says := range map[string]string{
			"": "", "bo": "", "bo@": "", "bo@hemma.example\r\nBcc: x@y.example": "", "bo hemma@x.example": "", strings.Repeat("a", 300) + "@x.example": "",
			bosAddress: "Det är redan din adress.", " BO.LIND@Foretaget.Example ": "Det är redan din adress.",
		} {
			b.post("/account/address", "address", typed).expect(http.StatusUnprocessableEntity).shows(says)
		}
		w.browser().post("/account/address", "address", bosOther).expect(http.StatusSeeOther).follow().shows("Logga in")
		w.clock.Advance(6 * time.Minute)
		b.post("/account/address", "address", bosOther).follow().shows("Ange ditt lösenord") // no longer fresh
		b.post(b.action("/signin/"), "password", bosPass).follow().shows("Byt e-postadress")
	})
}

func TestNobodyCausesEndlessMailsToOthersByChangingAnAddress(t *testing.T) {
	w := on(t)
	b := w.atAccount()
	for i := range 5 {
		b.post("/account/address", "address", strings.Repeat("x", i+1)+"@hemma.example").expect(http.StatusSeeOther)
	}
	b.post("/account/address", "address", bosOther).expect(http.StatusTooManyRequests)
	w.deliver()
	// Several accounts, one recipient.
	for i, key := range []string{"2001", "2002", "2003", "2004", "2005", "2006", "2007"} {
		address := strings.Repeat("y", i+1) + "@foretaget.example"
		w.newcomer(address, "Yy", "Yy", bosPass, key)
		other := w.browser()
		other.signIn(newLogin(w.hrm), address, bosPass)
		other.post("/account/address", "address", thiefs).expect(http.StatusSeeOther)
		w.deliver()
	}
	if n := len(w.post.to(thiefs)); n != 5 {
		t.Errorf("%d mails to one recipient, want five", n)
	}
}

func TestAThiefWhoChangedTheAddressLosesItAndAllThatHeAdded(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		bo, thief := w.atAccount(), w.atAccount()
		thief.changeAddress(thiefs)
		w.refused(bosAddress, bosPass)
		link := w.notMe(bosAddress, addressNews)
		thief.post("/account/apps/add").follow().expect(http.StatusOK)
		thief.bind()
		recovery := thief.saveRecovery()
		thief.follow()
		w.deliver()
		his := w.notMe(thiefs, "En autentiseringsapp har just lagts till")
		w.clock.Advance(6 * 24 * time.Hour)

		reader := w.browser()
		reader.get(link).shows("E-postadressen byttes mot en annan.").shows("Kontot får tillbaka den här adressen.").shows(bosAddress)
		reader.pressNotMe(link).shows(bosAddress)
		for _, b := range []*browser{bo, thief} {
			b.get("/account").expect(http.StatusSeeOther)
		}
		w.refused(thiefs, bosPass)
		w.refused(bosAddress, bosPass) // waits for a reset
		w.browser().get(his).expect(http.StatusGone)
		owner := w.resetTo(freshPass) // by a mail to the old address
		owner.get("/account").expect(http.StatusOK).shows(bosAddress).shows("Av. När du loggar in")
		if strings.Contains(plain(owner.body), "Återställningskod") || recovery == "" {
			t.Error("the thief's recovery code is still there")
		}
		w.browser().signIn(newLogin(w.hrm), bosAddress, freshPass)
		for _, text := range w.post.to(thiefs) {
			if linkPattern.MatchString(text) {
				t.Errorf("the thief got a link: %s", text)
			}
		}
	})
}

func TestTheFirstAddressTakesTheAccountBackAfterASecondChange(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		thief := w.atAccount()
		thief.changeAddress(thiefs)
		first := w.notMe(bosAddress, addressNews)
		w.clock.Advance(4 * time.Minute)
		thief.changeAddress("another@evil.example")
		his := w.notMe(thiefs, addressNews) // by which he would take it back
		w.browser().pressNotMe(first)
		w.browser().get(his).expect(http.StatusGone)
		w.browser().post(his, "robot", w.browser().solve(his+"/challenge")).expect(http.StatusGone)
		w.resetTo(freshPass).get("/account").shows(bosAddress)
	})
}

func TestAnyWarningToTheFormerAddressTakesTheAccountBack(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		thief := w.atAccount()
		warning := w.notMe(bosAddress, newDevice) // from before the change
		thief.changeAddress(thiefs)
		reader := w.browser()
		reader.get(warning).shows("Kontot får tillbaka den här adressen.")
		reader.pressNotMe(warning)
		w.resetTo(freshPass).get("/account").shows(bosAddress)
	})
}

// A thief's password that is being checked while the account is given back: its mail, and the link in it, would be his way back.
func TestAProofThatIsCheckedWhileTheAccountIsGivenBackTellsNobody(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		thief := w.atAccount()
		warning := w.notMe(bosAddress, newDevice)
		thief.changeAddress(thiefs)
		his, err := w.app.DB.FindCredentials(t.Context(), account.Identifier(thiefs))
		if err != nil || his.Account.Address != thiefs {
			t.Fatalf("%v %v", his.Account, err)
		}
		w.browser().pressNotMe(warning)
		w.deliver()
		before := len(w.post.to(thiefs))

		now := w.clock.Now()
		a := authn.NewAttempt(authn.Request{}, "sv", now)
		fresh := authn.Prepare(a.ID, session.Device{}, now)
		proven := authn.Proven{Account: his.Account, Progress: authn.Progress{Methods: []string{authn.MethodPassword}, ProvenAt: now}}
		err = store.InTx[*store.Tx](w.app.DB)(t.Context(), func(tx *store.Tx) error {
			return w.app.Authn.Advance(t.Context(), tx, a, &fresh, proven, authn.Browser{}, secret.Hash{})
		})
		if !errors.Is(err, authn.ErrAttemptUsed) {
			t.Errorf("it ends with %v", err)
		}
		w.deliver()
		if more := w.post.to(thiefs)[before:]; len(more) > 0 {
			t.Errorf("he is told: %q", more)
		}
	})
}

func TestAfterAWeekTheFormerAddressTakesNothingBack(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.atAccount().changeAddress(bosOther)
		link := w.notMe(bosAddress, addressNews)
		w.clock.Advance(7*24*time.Hour + time.Minute)
		b := w.browser()
		b.get(link).expect(http.StatusGone)
		b.post(link, "robot", b.solve(link+"/challenge")).expect(http.StatusGone)
		w.browser().signIn(newLogin(w.hrm), bosOther, bosPass)
	})
}

func TestAFormerAddressThatSomebodyHasTakenIsNotGivenBack(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		thief := w.atAccount()
		thief.changeAddress(thiefs)
		link := w.notMe(bosAddress, addressNews)
		w.newcomer(bosAddress, "Bodil", "Lind", "", "1005")
		b := w.browser()
		b.pressNotMe(link).shows("hör till ett annat konto nu")
		if strings.Contains(b.body, thiefs) {
			t.Error("the page tells the new address")
		}
		thief.get("/account").expect(http.StatusSeeOther)
		w.refused(thiefs, bosPass)
		w.deliver()
		for _, address := range []string{thiefs, bosAddress} {
			if linkPattern.MatchString(strings.Join(w.post.to(address), "\n")) {
				t.Errorf("a link went to %s", address)
			}
		}
	})
}

func TestAChangeOfAnythingElseEndsAPendingAddress(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		thief, owner := w.atAccount(), w.atAccount()
		thief.post("/account/address", "address", thiefs)
		link := w.addressLink(thiefs)
		owner.post("/account/sessions/end-others").expect(http.StatusSeeOther)
		thief.get(link).expect(http.StatusGone)
		owner.get("/account")
		if strings.Contains(owner.body, thiefs) {
			t.Error("it still waits")
		}
		owner.post(link).expect(http.StatusGone)
	})
}

func TestTheSecondProofKnowsHowNewTheAddressIs(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		account := w.newcomer("ny@foretaget.example", "Ny", "Ek", bosPass, "1006")
		second, err := w.app.DB.FindSecond(t.Context(), account.ID)
		if err != nil || !second.AddressChanged.IsZero() {
			t.Fatalf("%v %v", second.AddressChanged, err)
		}
		b := w.browser()
		b.signIn(newLogin(w.hrm), "ny@foretaget.example", bosPass)
		b.changeAddress(bosOther)
		if second, err = w.app.DB.FindSecond(t.Context(), account.ID); err != nil || !second.AddressChanged.Equal(w.clock.Now()) {
			t.Errorf("%v %v", second.AddressChanged, err)
		}
	})
}
