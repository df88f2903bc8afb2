package organisation_test

import (
	"testing"
	"time"

	"github.com/portvakt/portvakt/internal/organisation"
)

func TestTheStrictestPolicyHolds(t *testing.T) {
	day := time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)
	policy := func(mfa organisation.MFA, from time.Time, days int) organisation.Policy {
		return organisation.Policy{MFA: mfa, From: from, RememberDays: days}
	}
	for _, c := range []struct {
		story string
		all   []organisation.Policy
		want  organisation.Policy
	}{
		{"nobody's", nil, organisation.Free},
		{"one", []organisation.Policy{policy(organisation.Off, time.Time{}, 90)}, policy(organisation.Off, time.Time{}, 90)},
		{"two", []organisation.Policy{policy(organisation.Optional, time.Time{}, 7), policy(organisation.Required, day, 30)}, policy(organisation.Required, day, 7)},
		{"the earlier day", []organisation.Policy{policy(organisation.Required, day, 30), policy(organisation.Required, day.AddDate(0, 0, -1), 0)},
			policy(organisation.Required, day.AddDate(0, 0, -1), 0)},
		{"at once is the earliest", []organisation.Policy{policy(organisation.Required, day, 30), policy(organisation.Required, time.Time{}, 30)},
			policy(organisation.Required, time.Time{}, 30)},
	} {
		if got := organisation.Strictest(c.all); got != c.want {
			t.Errorf("%s: %+v, want %+v", c.story, got, c.want)
		}
	}
	required := policy(organisation.Required, day, 30)
	if required.IsRequired(9, day.Add(-time.Second)) || !required.IsRequired(0, day) || policy(organisation.Recommended, time.Time{}, 0).IsRequired(9, day) {
		t.Error("the day is misjudged")
	}
}
