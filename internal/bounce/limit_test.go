package bounce

import (
	"net"
	"testing"
	"time"
)

func TestOneNetworkTakesNotAllConnections(t *testing.T) {
	l := newLimit(nil, 5, 2, time.Hour)
	var free []func()
	take := func(from string) bool {
		f := l.take(from)
		if f != nil {
			free = append(free, f)
		}
		return f != nil
	}
	for i, want := range []bool{true, true, false} {
		if take("192.0.2.1") != want {
			t.Errorf("connection %d of one network", i)
		}
	}
	for i, want := range []bool{true, true, false} {
		if take("192.0.2.2") != want {
			t.Errorf("connection %d of another network", i)
		}
	}
	if !take("192.0.2.3") || take("192.0.2.4") {
		t.Error("the slots of all are counted wrongly")
	}
	for _, f := range free {
		f()
	}
	if len(l.open) != 0 || len(l.slots) != 0 || !take("192.0.2.1") {
		t.Error("what was taken was not given back")
	}
}

func TestOneNetworkHasItsShareOfMailsInAMinute(t *testing.T) {
	now := time.Date(2026, 11, 24, 8, 0, 0, 0, time.UTC)
	s := &senders{now: func() time.Time { return now }}
	for range maxMails {
		if !s.mayMail("192.0.2.1") {
			t.Fatal("refused within its share")
		}
	}
	if s.mayMail("192.0.2.1") || !s.mayMail("192.0.2.2") {
		t.Error("the share is not one network's")
	}
	now = now.Add(time.Minute)
	if !s.mayMail("192.0.2.1") {
		t.Error("the next minute is another's")
	}
}

func TestANetworkIsAnAddressOrWhatACustomerHasOfIPv6(t *testing.T) {
	for at, want := range map[string]string{"192.0.2.1:25": "192.0.2.1", "[::ffff:192.0.2.1]:25": "192.0.2.1", "[2001:db8:1:2:3::4]:25": "2001:db8:1:2::/64"} {
		a, err := net.ResolveTCPAddr("tcp", at)
		if err != nil {
			t.Fatal(err)
		}
		if got := network(a); got != want {
			t.Errorf("%s: %s", at, got)
		}
	}
}
