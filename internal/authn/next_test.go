package authn_test

import (
	"testing"
	"time"

	"github.com/portvakt/portvakt/internal/authn"
	"github.com/portvakt/portvakt/internal/session"
)

// The story of the guide, as a table: what an attempt needs next.
func TestTheStepsOfASignIn(t *testing.T) {
	begun := time.Date(2026, 11, 24, 8, 0, 0, 0, time.UTC)
	hrm := authn.Request{ClientID: "hrm", RedirectURI: "https://hrm.example/callback", Received: begun}
	own := authn.Request{Received: begun}
	linked := authn.Request{ClientID: "hrm", Received: begun}
	signedIn := authn.Facts{Live: true, Session: session.Session{ID: "s", Attempt: "a"}}
	elsewhere := authn.Facts{Live: true, Session: session.Session{ID: "s", Attempt: "another"}}
	ended := authn.Facts{Session: session.Session{ID: "s", Attempt: "a"}}
	for _, c := range []struct {
		story   string
		request authn.Request
		typed   string
		facts   authn.Facts
		after   time.Duration
		want    authn.Step
	}{
		{"Anna comes from HRM", hrm, "", authn.Facts{}, 0, authn.AskIdentifier},
		{"she has typed her address", hrm, "anna@x.example", authn.Facts{}, time.Minute, authn.AskPassword},
		{"she has proven who she is", hrm, "anna@x.example", signedIn, time.Minute, authn.GoOn},
		{"she has proven it, but HRM has stopped waiting", hrm, "anna@x.example", signedIn, 25 * time.Minute, authn.RestartAtApp},
		{"she was still in time by a second", hrm, "anna@x.example", signedIn, 10 * time.Minute, authn.GoOn},
		{"she came by a link that was opened in another browser", linked, "", signedIn, time.Minute, authn.RestartAtApp},
		{"she wanted her account, and took her time", own, "anna@x.example", signedIn, 25 * time.Minute, authn.GoOn},
		{"somebody signed in here by another attempt: this one is asked", hrm, "anna@x.example", elsewhere, time.Minute, authn.AskPassword},
		{"her session was ended meanwhile", hrm, "anna@x.example", ended, time.Minute, authn.AskPassword},
		{"she left the page open over lunch", hrm, "anna@x.example", authn.Facts{}, 61 * time.Minute, authn.StartAgain},
		{"an attempt that is over does not go on, even with a session", hrm, "anna@x.example", signedIn, 61 * time.Minute, authn.StartAgain},
	} {
		a := authn.Attempt{ID: "a", Request: c.request, Begun: begun}
		if c.typed != "" {
			a.Address, a.Identifier = c.typed, "anna@x.example"
		}
		if got := authn.Next(a, c.facts, authn.Waiting{RequestMaxAge: 10 * time.Minute}, begun.Add(c.after)); got != c.want {
			t.Errorf("%s: %s, want %s", c.story, got, c.want)
		}
	}
}

func TestWhichRequestsAStandingSessionAnswers(t *testing.T) {
	now := time.Date(2026, 11, 24, 8, 0, 0, 0, time.UTC)
	seconds := func(n int) *int { return &n }
	live := authn.Facts{Live: true, Session: session.Session{ID: "s", AuthTime: now.Add(-time.Minute), LastSeen: now.Add(-time.Minute)}}
	idle := live
	idle.Session.Idle, idle.Session.LastSeen = time.Hour, now.Add(-61*time.Minute)
	for _, c := range []struct {
		story   string
		request authn.Request
		facts   authn.Facts
		want    bool
	}{
		{"no session", authn.Request{}, authn.Facts{}, false},
		{"a session", authn.Request{}, live, true},
		{"an idle session", authn.Request{}, idle, false},
		{"prompt=login", authn.Request{Prompt: "login"}, live, false},
		{"prompt=select_account consent", authn.Request{Prompt: "consent select_account"}, live, false},
		{"prompt=none", authn.Request{Prompt: "none"}, live, true},
		{"max_age of an hour", authn.Request{MaxAge: seconds(3600)}, live, true},
		{"max_age of just so long", authn.Request{MaxAge: seconds(60)}, live, true},
		{"max_age of a second less", authn.Request{MaxAge: seconds(59)}, live, false},
		{"max_age=0", authn.Request{MaxAge: seconds(0)}, live, false},
	} {
		if got := authn.SSO(c.request, c.facts, now); got != c.want {
			t.Errorf("%s: %t", c.story, got)
		}
	}
}

// TestTheFirstAppOfAnAdministratorWaitsForAMailedLink holds the rule alone; how she gets there is a test of package app.
func TestTheFirstAppOfAnAdministratorWaitsForAMailedLink(t *testing.T) {
	now := time.Date(2026, 11, 24, 8, 0, 0, 0, time.UTC)
	proven := func(methods ...string) authn.Progress {
		return authn.Progress{Account: "a", Methods: methods, Stage: authn.Enrolling}
	}
	for _, c := range []struct {
		story  string
		proven authn.Progress
		second authn.Second
		want   authn.Step
	}{
		{"an employee with her password", proven(authn.MethodPassword), authn.Second{Password: true}, authn.Enrol},
		{"an administrator with her password", proven(authn.MethodPassword), authn.Second{Password: true, Administers: true}, authn.AskMail},
		{"and a mailed link", proven(authn.MethodPassword, authn.MethodMail), authn.Second{Password: true, Administers: true}, authn.Enrol},
		{"to an address of yesterday", proven(authn.MethodPassword, authn.MethodMail),
			authn.Second{Password: true, Administers: true, AddressChanged: now.AddDate(0, 0, -1)}, authn.AskMail},
		{"to an address of last month", proven(authn.MethodPassword, authn.MethodMail),
			authn.Second{Password: true, Administers: true, AddressChanged: now.AddDate(0, -1, 0)}, authn.Enrol},
		{"with an app already", proven(authn.MethodPassword, authn.MethodOTP), authn.Second{Password: true, Administers: true, Apps: 1, Recovery: true}, authn.Enrol},
	} {
		if got := authn.Needs(authn.Attempt{}, c.proven, c.second, false, now); got != c.want {
			t.Errorf("%s: %s, want %s", c.story, got, c.want)
		}
	}
}
