package authn_test

import (
	"testing"
	"time"

	"github.com/portvakt/portvakt/internal/authn"
	"github.com/portvakt/portvakt/internal/organisation"
	"github.com/portvakt/portvakt/internal/session"
)

// What requests ask for, and what answers them.
func TestWhatARequestAsksOfASignIn(t *testing.T) {
	const gold = "urn:other:gold"
	for _, c := range []struct {
		story                string
		request              authn.Request
		has                  session.ACR
		met, answered, could bool
		told                 session.ACR
	}{
		{"nothing is asked", authn.Request{}, session.Mail, true, true, true, session.Mail},
		{"voluntary and met", authn.Request{ACRValues: "urn:portvakt:pwd"}, session.AAL2, true, true, true, session.AAL2},
		{"voluntary and not met", authn.Request{ACRValues: "urn:portvakt:aal2"}, session.Pwd, false, true, true, session.Pwd},
		{"the lowest of several does", authn.Request{ACRValues: "urn:portvakt:phr urn:portvakt:aal2 urn:portvakt:pwd"}, session.Pwd, true, true, true, session.Pwd},
		{"voluntary and unknown", authn.Request{ACRValues: gold}, session.Pwd, true, true, true, session.Pwd},
		{"essential and met", authn.Request{ACRValues: "urn:portvakt:aal2", Essential: true}, session.AAL2, true, true, true, session.AAL2},
		{"essential, and more is there", authn.Request{ACRValues: "urn:portvakt:mfa urn:portvakt:pwd", Essential: true}, session.AAL2, true, true, true, session.MFA},
		{"essential and not met", authn.Request{ACRValues: "urn:portvakt:aal2", Essential: true}, session.Pwd, false, false, true, session.Pwd},
		{"essential and unknown", authn.Request{ACRValues: gold, Essential: true}, session.PHR, false, false, false, session.PHR},
		{"essential and out of reach today", authn.Request{ACRValues: "urn:portvakt:phr", Essential: true}, session.AAL2, false, false, false, session.AAL2},
		{"the app's floor is met", authn.Request{Floor: session.Pwd}, session.Pwd, true, true, true, session.Pwd},
		{"the app's floor is not met", authn.Request{Floor: session.AAL2, ACRValues: "urn:portvakt:pwd"}, session.Pwd, false, false, true, session.Pwd},
	} {
		r := c.request
		if got := [3]bool{r.IsMetBy(c.has), r.IsAnsweredBy(c.has), r.IsPossible()}; got != [3]bool{c.met, c.answered, c.could} {
			t.Errorf("%s: met, answered, possible: %v", c.story, got)
		}
		if got := r.Asserted(c.has); got != c.told {
			t.Errorf("%s: told %s, want %s", c.story, got, c.told)
		}
	}
}

// What an attempt still needs for its request's sake, beside what it needs anyway.
func TestTheStepsOfARequestThatAsksForMore(t *testing.T) {
	essential := authn.Request{ACRValues: "urn:portvakt:aal2", Essential: true}
	voluntary := authn.Request{ACRValues: "urn:portvakt:aal2"}
	optional := organisation.Policy{MFA: organisation.Optional}
	app := authn.Second{Apps: 1, Recovery: true, Password: true, Policy: optional}
	none := authn.Second{Password: true, Policy: optional}
	for _, c := range []struct {
		story      string
		request    authn.Request
		proofs     []string
		stage      authn.Stage
		second     authn.Second
		remembered bool
		want       authn.Step
	}{
		{"a remembered browser is not enough", voluntary, []string{"pwd"}, "", app, true, authn.AskCode},
		{"the code is", voluntary, []string{"pwd", "otp"}, "", app, false, authn.Complete},
		{"nobody is made to enrol by what is voluntary", voluntary, []string{"pwd"}, "", none, false, authn.Complete},
		{"but by what is essential", essential, []string{"pwd"}, "", none, false, authn.Offer},
		{"unless she says later", essential, []string{"pwd"}, authn.Later, none, false, authn.Complete},
		{"or the organisation has it off", essential, []string{"pwd"}, "", authn.Second{Password: true, Policy: organisation.Policy{MFA: organisation.Off}}, false, authn.Complete},
		{"the password comes before the code", essential, []string{"mail"}, "", app, false, authn.AskPassword},
		{"where there is one", essential, []string{"mail", "otp"}, "", authn.Second{Apps: 1, Recovery: true, Policy: optional}, false, authn.Complete},
		{"a mailed link does for what is voluntary", authn.Request{ACRValues: "urn:portvakt:pwd"}, []string{"mail"}, "", none, false, authn.Complete},
		{"what no code can reach asks for none", authn.Request{ACRValues: "urn:portvakt:phr"}, []string{"pwd"}, "", none, false, authn.Complete},
		{"a recovery code reaches no more", essential, []string{"pwd", "recovery"}, authn.Kept, app, false, authn.Complete},
	} {
		p := authn.Progress{Attempt: "a", Methods: c.proofs, Stage: c.stage}
		if got := authn.Needs(authn.Attempt{Request: c.request}, p, c.second, c.remembered, now); got != c.want {
			t.Errorf("%s: %s, want %s", c.story, got, c.want)
		}
	}
}

func TestWhichSessionsAreSteppedUp(t *testing.T) {
	asks := authn.Request{ACRValues: "urn:portvakt:aal2"}
	live := func(acr session.ACR, amr ...string) authn.Facts {
		return authn.Facts{Live: true, Session: session.Session{Account: "bo", ACR: acr, AMR: amr, AuthTime: now, LastSeen: now, Idle: time.Hour}}
	}
	age := 0
	for _, c := range []struct {
		story   string
		request authn.Request
		facts   authn.Facts
		after   time.Duration
		want    bool
	}{
		{"a password alone", asks, live(session.Pwd, "pwd"), 0, true},
		{"nothing is missing", asks, live(session.AAL2, "pwd", "otp", "mfa"), 0, false},
		{"nobody is signed in", asks, authn.Facts{}, 0, false},
		{"silent for too long", asks, live(session.Pwd, "pwd"), 2 * time.Hour, false},
		{"too old for the app", authn.Request{ACRValues: asks.ACRValues, MaxAge: &age}, live(session.Pwd, "pwd"), time.Minute, false},
		{"the app wants all of it anew", authn.Request{ACRValues: asks.ACRValues, Prompt: "login"}, live(session.Pwd, "pwd"), 0, false},
		{"the app means somebody else", authn.Request{ACRValues: asks.ACRValues, Subject: "anna"}, live(session.Pwd, "pwd"), 0, false},
		{"a recovery code has opened it", asks, live(session.Pwd, "pwd", "recovery"), 0, false},
	} {
		if got := authn.IsStepUp(c.request, c.facts, now.Add(c.after)); got != c.want {
			t.Errorf("%s: %t", c.story, got)
		}
	}
}
