package authn_test

import (
	"slices"
	"testing"
	"time"

	"github.com/portvakt/portvakt/internal/authn"
	"github.com/portvakt/portvakt/internal/organisation"
	"github.com/portvakt/portvakt/internal/session"
)

// RULES §3 as a table.
func TestWhatProofsAreWorth(t *testing.T) {
	for _, c := range []struct {
		proofs, amr []string
		acr         session.ACR
	}{
		{[]string{"mail"}, []string{"mail"}, session.Mail},
		{[]string{"pwd"}, []string{"pwd"}, session.Pwd},
		{[]string{"mail", "otp"}, []string{"mail", "otp"}, session.Pwd},
		{[]string{"pwd", "otp"}, []string{"pwd", "otp", "mfa"}, session.AAL2},
		{[]string{"mail", "sms"}, []string{"mail", "sms"}, session.Pwd},
		{[]string{"pwd", "sms"}, []string{"pwd", "sms", "mfa"}, session.AAL2},
		{[]string{"pwd", "recovery", "sms"}, []string{"pwd", "recovery", "sms"}, session.Pwd},
		{[]string{"pwd", "recovery"}, []string{"pwd", "recovery"}, session.Pwd},
		{[]string{"mail", "recovery"}, []string{"mail", "recovery"}, session.Pwd},
		{[]string{"pwd", "recovery", "otp"}, []string{"pwd", "recovery", "otp"}, session.Pwd},
	} {
		if acr, amr := authn.Worth(c.proofs); acr != c.acr || !slices.Equal(amr, c.amr) {
			t.Errorf("%v: %s %v, want %s %v", c.proofs, acr, amr, c.acr, c.amr)
		}
	}
}

// The second half of the guide, as a table: what stands between what has been proven and a session.
func TestTheStepsAfterTheFirstProof(t *testing.T) {
	free, required := organisation.Free, organisation.Policy{MFA: organisation.Required}
	later := organisation.Policy{MFA: organisation.Required, From: now.Add(time.Hour)}
	counted := organisation.Policy{MFA: organisation.Required, From: now.Add(time.Hour), SignIns: 3}
	both := authn.Second{Apps: 1, Recovery: true, Policy: free}
	for _, c := range []struct {
		story      string
		proofs     []string
		stage      authn.Stage
		second     authn.Second
		remembered bool
		want       authn.Step
	}{
		{"Bo has a password and no more", []string{"pwd"}, "", authn.Second{Policy: free}, false, authn.Complete},
		{"he has an app", []string{"pwd"}, "", both, false, authn.AskCode},
		{"this browser is remembered", []string{"pwd"}, "", both, true, authn.Complete},
		{"he has typed its code", []string{"pwd", "otp"}, "", both, false, authn.Complete},
		{"he has typed a code that came by SMS", []string{"pwd", "sms"}, "", both, false, authn.Complete},
		{"he has a phone and no app: it counts beside an app alone", []string{"pwd"}, "", authn.Second{Phone: true, Policy: free}, false, authn.Complete},
		{"his first app works: is there a phone?", []string{"pwd", "otp"}, authn.Phoning, authn.Second{Apps: 1, Policy: free}, false, authn.AskPhone},
		{"he has skipped it, or added it", []string{"pwd", "otp"}, "", authn.Second{Apps: 1, Phone: true, Policy: free}, false, authn.ShowRecovery},
		{"he changes his number", []string{"pwd", "otp"}, authn.Phoning, both, false, authn.AskPhone},
		{"he wants to, and has not shown his app", []string{"pwd"}, authn.Phoning, both, false, authn.AskCode},
		{"his app went meanwhile", []string{"pwd", "otp"}, authn.Phoning, authn.Second{Policy: free}, false, authn.Complete},
		{"he came by a mailed link", []string{"mail"}, "", both, false, authn.AskCode},
		{"he never saved a recovery code", []string{"pwd", "otp"}, "", authn.Second{Apps: 1, Policy: free}, false, authn.ShowRecovery},
		{"he used his recovery code", []string{"pwd", "recovery"}, "", authn.Second{Apps: 1, Policy: free}, false, authn.ShowRecovery},
		{"and saved the next one", []string{"pwd", "recovery"}, "", both, false, authn.AskApp},
		{"and has his app still", []string{"pwd", "recovery"}, authn.Kept, both, false, authn.Complete},
		{"and policy wants to see it", []string{"pwd", "recovery"}, authn.Kept, authn.Second{Apps: 1, Recovery: true, Policy: required}, false, authn.AskCode},
		{"and shows it", []string{"pwd", "recovery", "otp"}, authn.Kept, authn.Second{Apps: 1, Recovery: true, Policy: required}, false, authn.Complete},
		{"and his app is gone", []string{"pwd", "recovery"}, authn.Enrolling, authn.Second{Recovery: true, Policy: free}, false, authn.Enrol},
		{"and he has added another one", []string{"pwd", "recovery", "otp"}, "", both, false, authn.Complete},
		{"policy requires what Anna does not have", []string{"pwd"}, "", authn.Second{Policy: required}, false, authn.Offer},
		{"policy will require it in an hour", []string{"pwd"}, "", authn.Second{Policy: later}, false, authn.Offer},
		{"and she wants it later", []string{"pwd"}, authn.Later, authn.Second{Policy: later}, false, authn.Complete},
		{"the time after that", []string{"pwd"}, "", authn.Second{Policy: later, Silent: 2}, false, authn.Complete},
		{"she has no sign-in left", []string{"pwd"}, authn.Later, authn.Second{Policy: counted, Spent: 3}, false, authn.Offer},
		{"she has the last one", []string{"pwd"}, authn.Later, authn.Second{Policy: counted, Spent: 2}, false, authn.Complete},
		{"policy recommends it", []string{"mail"}, "", authn.Second{Policy: organisation.Policy{MFA: organisation.Recommended}}, false, authn.Offer},
		{"policy has no opinion", []string{"mail"}, "", authn.Second{Policy: organisation.Policy{MFA: organisation.Optional}}, false, authn.Complete},
		{"policy has it off", []string{"pwd"}, "", authn.Second{Policy: organisation.Policy{MFA: organisation.Off}}, false, authn.Complete},
		{"she turns it on", []string{"pwd"}, authn.Enrolling, authn.Second{Policy: required}, false, authn.Enrol},
		{"her app's first code is right", []string{"pwd", "otp"}, "", authn.Second{Apps: 1, Policy: required}, false, authn.ShowRecovery},
		{"she has saved her recovery code", []string{"pwd", "otp"}, "", authn.Second{Apps: 1, Recovery: true, Policy: required}, false, authn.Complete},
		{"she adds a second app", []string{"pwd", "otp"}, authn.Enrolling, both, false, authn.Enrol},
		{"his old password was right, and too short", []string{"pwd"}, "", authn.Second{MustReplace: true, Policy: required}, false, authn.AskNewPassword},
		{"he has an app beside it", []string{"pwd"}, "", authn.Second{Apps: 1, Recovery: true, MustReplace: true, Policy: free}, false, authn.AskCode},
		{"and shows its code", []string{"pwd", "otp"}, "", authn.Second{Apps: 1, Recovery: true, MustReplace: true, Policy: free}, false, authn.AskNewPassword},
		{"this browser is remembered, and he has an old password", []string{"pwd"}, "", authn.Second{Apps: 1, Recovery: true, MustReplace: true, Policy: free}, true, authn.AskNewPassword},
		{"he used his recovery code, whose successor is shown first", []string{"pwd", "recovery"}, authn.Renewing, authn.Second{Apps: 1, Recovery: true, MustReplace: true, Policy: free}, false, authn.ShowRecovery},
		{"he came by a mailed link: the old password opens nothing anyway", []string{"mail"}, "", authn.Second{MustReplace: true, Policy: free}, false, authn.Complete},
		{"she wants another recovery code", []string{"pwd", "otp"}, authn.Renewing, both, false, authn.ShowRecovery},
	} {
		p := authn.Progress{Attempt: "a", Methods: c.proofs, Stage: c.stage}
		if got := authn.Needs(authn.Attempt{}, p, c.second, c.remembered, now); got != c.want {
			t.Errorf("%s: %s, want %s", c.story, got, c.want)
		}
	}
}
