package session_test

import (
	"testing"
	"time"

	"github.com/portvakt/portvakt/internal/session"
)

func TestTheLadderOfAssurance(t *testing.T) {
	ladder := session.Ladder()
	for i, have := range ladder {
		for j, want := range ladder {
			if got := have.Satisfies(want); got != (i >= j) {
				t.Errorf("%s satisfies %s: %t", have, want, got)
			}
		}
		if have.Satisfies("urn:unknown") || session.ACR("").Satisfies(have) {
			t.Errorf("an unknown class compares with %s", have)
		}
	}
}

func TestWhenASessionStands(t *testing.T) {
	now := time.Date(2026, 11, 24, 8, 0, 0, 0, time.UTC)
	good := session.Session{ID: "s", Epoch: 3, Expires: now.Add(time.Hour), LastSeen: now, Idle: time.Hour}
	ended, expired := good, good
	ended.Ended, expired.Expires = now, now
	for name, c := range map[string]struct {
		s     session.Session
		epoch int64
		want  bool
	}{"good": {good, 3, true}, "ended": {ended, 3, false}, "expired": {expired, 3, false}, "older epoch": {good, 4, false}, "none": {session.Session{}, 0, false}} {
		if c.s.IsLive(c.epoch, now) != c.want {
			t.Errorf("%s: want %t", name, c.want)
		}
	}
	if good.IsIdle(now.Add(time.Hour)) || !good.IsIdle(now.Add(time.Hour+time.Millisecond)) {
		t.Error("the idle limit is not an hour")
	}
	good.Idle = 0
	if good.IsIdle(now.Add(1000 * time.Hour)) {
		t.Error("a session without an idle limit became idle")
	}
}
