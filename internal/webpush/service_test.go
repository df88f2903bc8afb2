package webpush_test

import (
	"strings"
	"testing"

	"github.com/portvakt/portvakt/internal/push"
	"github.com/portvakt/portvakt/internal/webpush/pushtest"
)

const pushService = "testdata/pushservice"

// subscribe is what a browser does at the service, and our own reading of it.
func (s *scene) subscribe(at *pushtest.Service) (push.Subscription, pushtest.Subscription) {
	s.t.Helper()
	id, public, err := s.sender.Keys.Current(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	made := at.Subscribe(public)
	sub, err := push.ParseSubscription(made.Endpoint, made.P256DH, made.Auth, true)
	if err != nil {
		s.t.Fatalf("%v: %+v", err, made)
	}
	sub.VAPID = id
	return sub, made
}

func TestAPushServiceOfOthersTakesAndReadsOurMessages(t *testing.T) {
	o := pushtest.Start(t, pushService)
	s := newScene(t, thisMachine)
	before, first := s.subscribe(o)
	if _, err := s.sender.Keys.Rotate(t.Context()); err != nil {
		t.Fatal(err)
	}
	after, second := s.subscribe(o)
	for _, payload := range []string{`{"type":"challenge","app":"Lön & tid"}`, `{"type":"gone"}`} {
		s.enqueue(s.message(before, payload))
		s.enqueue(s.message(after, payload))
		for s.round() > 0 {
		}
	}
	for name, sub := range map[string]pushtest.Subscription{"before the key was rotated": first, "afterwards": second} {
		if got := strings.Join(o.Received(sub), " "); got != `{"type":"challenge","app":"Lön & tid"} {"type":"gone"}` {
			t.Errorf("%s: %s", name, got)
		}
	}

	mixed := before // a signature by the new key, for a subscription of the old one
	mixed.VAPID = after.VAPID
	if err := s.sender.Send(t.Context(), s.message(mixed, "{}")); err == nil {
		t.Error("it takes any key's signature, and so it has proven nothing")
	}

	o.Expire(first)
	s.enqueue(s.message(before, "{}"))
	for s.round() > 0 {
	}
	if len(s.gone) != 1 || s.gone[0] != "key-1 "+before.Endpoint || len(o.Received(first)) != 2 {
		t.Errorf("the expired subscription: %v", s.gone)
	}
	if err := s.sender.Send(t.Context(), s.message(after, "still here")); err != nil {
		t.Errorf("its neighbour: %v", err)
	}
}
