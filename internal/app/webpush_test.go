package app_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/portvakt/portvakt/internal/app"
	"github.com/portvakt/portvakt/internal/config"
	"github.com/portvakt/portvakt/internal/webpush/pushtest"
)

// nearby lets push services stand on this machine without a certificate, as in the demo.
func nearby(s *config.Settings) { s.Demo = true }

func startPushService(t *testing.T) *pushtest.Service {
	t.Helper()
	return pushtest.Start(t, "../webpush/testdata/pushservice")
}

// subscribe is what a phone does at a push service, and at Portvakt afterwards.
func (h *handset) subscribe(at *pushtest.Service) pushtest.Subscription {
	h.w.t.Helper()
	sub := at.Subscribe(unb64(h.know().body["vapid"].(map[string]any)["key"].(string)))
	h.wakeAt(sub, h.vapid())
	return sub
}

// vapid is the id of the key that a subscription is made with.
func (h *handset) vapid() string { return h.know().body["vapid"].(map[string]any)["id"].(string) }

// wakeAt says where the phone is to be woken.
func (h *handset) wakeAt(sub pushtest.Subscription, vapid string) {
	h.w.t.Helper()
	out := h.request(http.MethodPut, "/push/subscription", map[string]any{"endpoint": sub.Endpoint, "vapid": vapid,
		"keys": map[string]string{"p256dh": sub.P256DH, "auth": sub.Auth}})
	if out.status != http.StatusNoContent {
		h.w.t.Fatalf("subscribe: %d %v", out.status, out.body)
	}
	if h.know().body["subscribed"] != true {
		h.w.t.Error("the account does not know of it")
	}
}

// anotherPhone pairs a second phone with Bo's account.
func (w *world) anotherPhone(one *handset) *handset {
	w.t.Helper()
	b := w.browser()
	b.toPush(newLogin(w.hrm))
	one.answer(one.newest(), "approve", b.number())
	b.onward()
	b.post("/account/apps/add")
	other := w.secondPhone(b, one)
	w.deliver()
	return other
}

// working runs the outbox as a server does, until the test ends. Pushes go out when they are rung for, and not by chance.
func (w *world) working(a *app.App) {
	w.t.Helper()
	a.Outbox.Idle = time.Hour
	ctx, stop := context.WithCancel(w.t.Context())
	ended := make(chan error, 1)
	go func() { ended <- a.Outbox.Run(ctx) }()
	w.t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			w.t.Error(err)
		}
	})
}

// until waits for what other goroutines do. Its end is for a machine that hangs: it measures nothing.
func until(t *testing.T, is func() bool) {
	t.Helper()
	for hang := time.Now().Add(time.Minute); !is(); time.Sleep(time.Millisecond) {
		if time.Now().After(hang) {
			t.Fatal("waited in vain")
		}
	}
}

// reads asserts what a phone has been woken with, in this order.
func reads(t *testing.T, at *pushtest.Service, sub pushtest.Subscription, want ...map[string]any) {
	t.Helper()
	var got []string
	until(t, func() bool { got = at.Received(sub); return len(got) >= len(want) })
	if len(got) != len(want) {
		t.Fatalf("the phone was woken with %q", got)
	}
	for i, text := range got {
		var message map[string]any
		if err := json.Unmarshal([]byte(text), &message); err != nil || !reflect.DeepEqual(message, want[i]) {
			t.Errorf("the phone reads %s, want %v", text, want[i])
		}
	}
}

// called, gone and removed are the messages of the protocol, with nothing else in them: no number above all.
func (h *handset) called(c map[string]any, app string) map[string]any {
	return map[string]any{"type": "challenge", "key_id": h.id, "id": c["id"], "app": app, "purpose": c["purpose"]}
}

func (h *handset) gone(c map[string]any) map[string]any {
	return map[string]any{"type": "gone", "key_id": h.id, "id": c["id"]}
}

func (h *handset) removed() map[string]any { return map[string]any{"type": "removed", "key_id": h.id} }

// keepsQuiet looks for subscriptions in the log and in every row of the database.
func (w *world) keepsQuiet(t *testing.T, subs ...pushtest.Subscription) {
	t.Helper()
	for _, sub := range subs {
		for _, part := range []string{sub.Endpoint, sub.Name, sub.P256DH, sub.Auth} {
			if part == "" {
				continue
			}
			if places := found(t, w.raw(), part); len(places) > 0 {
				t.Errorf("the database holds it in the clear: %v", places)
			}
			if strings.Contains(w.log.String(), part) {
				t.Error("the log holds it")
			}
		}
	}
}

// TestAPushWakesEachPhoneAtOnceAndTellsNoNumber: a service of others checks our signatures and decrypts. All phones are called; when one
// has answered the other is told, and one that is removed is told, too.
func TestAPushWakesEachPhoneAtOnceAndTellsNoNumber(t *testing.T) {
	service := startPushService(t)
	each(t, func(t *testing.T, w *world) {
		one, _ := w.pairBo()
		other := w.anotherPhone(one)
		ones, others := one.subscribe(service), other.subscribe(service)
		w.working(w.app)

		b, l := w.browser(), newLogin(w.hrm)
		b.toPush(l)
		c := one.newest()
		reads(t, service, ones, one.called(c, "HRM"))
		reads(t, service, others, other.called(c, "HRM"))
		if out := other.answer(c, "approve", b.number()); out.text("result") != "approved" {
			t.Fatalf("answer: %v", out.body)
		}
		reads(t, service, ones, one.called(c, "HRM"), one.gone(c))
		b.onward()
		l.code(t, b.leads())

		if _, err := w.app.Control.Enrolment.RemoveFor(t.Context(), bosAddress, one.id, "sold"); err != nil {
			t.Fatal(err)
		}
		reads(t, service, ones, one.called(c, "HRM"), one.gone(c), one.removed())
		reads(t, service, others, other.called(c, "HRM"))
		w.keepsQuiet(t, ones, others)
	}, nearby)
}

// TestAPushIsSentByTheNextProcess: the one that enqueued it has ended before it could.
func TestAPushIsSentByTheNextProcess(t *testing.T) {
	service := startPushService(t)
	each(t, func(t *testing.T, w *world) {
		h, _ := w.pairBo()
		sub := h.subscribe(service)
		b, l := w.browser(), newLogin(w.hrm)
		b.toPush(l)
		c := h.newest()
		w.keepsQuiet(t, sub) // while it waits
		w.restart()
		h.app, b.app = w.app, w.app
		w.working(w.app)
		reads(t, service, sub, h.called(c, "HRM"))
		if out := h.answer(c, "approve", b.number()); out.text("result") != "approved" {
			t.Fatalf("answer: %v", out.body)
		}
		b.onward()
		l.code(t, b.leads())
		w.keepsQuiet(t, sub)
	}, nearby)
}

const messagesOff = "Meddelanden är av"

// TestASubscriptionThatItsServiceHasEndedIsGone: the account's page says so, and the phone learns it when it is opened. One that the phone
// has made meanwhile stays.
func TestASubscriptionThatItsServiceHasEndedIsGone(t *testing.T) {
	service := startPushService(t)
	each(t, func(t *testing.T, w *world) {
		h, _ := w.pairBo()
		mine := w.browser()
		mine.toPush(newLogin(w.hrm), "acr_values", "urn:portvakt:aal2")
		h.answer(h.newest(), "approve", mine.number())
		mine.onward()
		mine.get("/account").expect(http.StatusOK).shows(messagesOff) // it has never subscribed
		old := h.subscribe(service)
		if mine.get("/account"); strings.Contains(plain(mine.body), messagesOff) {
			t.Error("the page says that messages are off")
		}
		service.Expire(old)
		b := w.browser()
		b.toPush(newLogin(w.hrm))
		w.deliver()
		mine.get("/account").expect(http.StatusOK).shows(messagesOff)
		if h.know().body["subscribed"] != false {
			t.Error("the phone does not learn it")
		}
		if out := h.answer(h.newest(), "approve", b.number()); out.text("result") != "approved" {
			t.Errorf("an app that is opened: %v", out.body)
		}
		b.onward()

		late := h.subscribe(service)
		service.Expire(late)
		again := w.browser()
		again.toPush(newLogin(w.hrm)) // enqueued for the one that has ended
		fresh := h.subscribe(service)
		w.deliver()
		if mine.get("/account"); strings.Contains(plain(mine.body), messagesOff) || h.know().body["subscribed"] != true {
			t.Error("the new subscription went with the old one")
		}
		again.post(again.action("/signin/" + attemptOf(again.at) + "/push/ask")).expect(http.StatusSeeOther)
		w.deliver()
		reads(t, service, fresh, h.called(h.newest(), "HRM"))
		w.keepsQuiet(t, old, late, fresh)
	}, nearby)
}

// TestAPushServiceThatHangsDelaysNobody: neither the page that waits nor the stream of an open app, and not the other phone's message.
func TestAPushServiceThatHangsDelaysNobody(t *testing.T) {
	service := startPushService(t)
	each(t, func(t *testing.T, w *world) {
		one, _ := w.pairBo()
		other := w.anotherPhone(one)
		others := other.subscribe(service)
		var asked atomic.Int32
		release := make(chan struct{})
		hanging := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
			asked.Add(1)
			<-release
		}))
		t.Cleanup(hanging.Close)
		w.working(w.app)
		t.Cleanup(func() { close(release) }) // before the workers are waited for
		one.wakeAt(pushtest.Subscription{Endpoint: hanging.URL + "/hangs-4711", P256DH: others.P256DH, Auth: others.Auth}, one.vapid())

		node := behindServer(t, w.app)
		ringing := one.listens(t.Context(), node)
		b, l := w.browser(), newLogin(w.hrm)
		b.toPush(l)
		page := b.listens(t.Context(), node)
		comes(t, ringing, "challenge")
		c := one.newest()
		reads(t, service, others, other.called(c, "HRM"))
		until(t, func() bool { return asked.Load() > 0 })
		if out := one.answer(c, "approve", b.number()); out.text("result") != "approved" {
			t.Fatalf("answer: %v", out.body)
		}
		comes(t, page, "changed")
		b.onward()
		l.code(t, b.leads())
		reads(t, service, others, other.called(c, "HRM"), other.gone(c))
	}, nearby)
}

// TestAPushServiceThatFailsIsAskedAgainWhileTheRequestLives, and no longer; the page waits for the phone all the same.
func TestAPushServiceThatFailsIsAskedAgainWhileTheRequestLives(t *testing.T) {
	service := startPushService(t)
	each(t, func(t *testing.T, w *world) {
		h, _ := w.pairBo()
		var asked atomic.Int32
		failing := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			asked.Add(1)
			http.Error(rw, "out of order: "+r.URL.Path, http.StatusServiceUnavailable)
		}))
		t.Cleanup(failing.Close)
		good := h.subscribe(service)
		bad := pushtest.Subscription{Endpoint: failing.URL + "/fails-4711", Name: "fails-4711", P256DH: good.P256DH, Auth: good.Auth}
		h.wakeAt(bad, h.vapid())
		b := w.browser()
		b.toPush(newLogin(w.hrm))
		for range 10 {
			w.deliver()
			w.clock.Advance(15 * time.Second)
		}
		if n := asked.Load(); n < 4 || n > 8 { // 15 s apart at the most; the request lives for two minutes
			t.Errorf("asked %d times", n)
		}
		before := asked.Load()
		w.clock.Advance(time.Minute)
		w.deliver()
		if asked.Load() != before {
			t.Error("asked for what is over")
		}
		if h.know().body["subscribed"] != true {
			t.Error("a service out of order costs the subscription")
		}
		b.get(b.at).shows("Skicka igen")
		b.post(b.action("/signin/" + attemptOf(b.at) + "/push/ask")).follow().expect(http.StatusOK)
		if out := h.answer(h.newest(), "approve", b.number()); out.text("result") != "approved" {
			t.Errorf("an app that is opened: %v", out.body)
		}
		w.keepsQuiet(t, bad)
		if strings.Contains(w.log.String(), "out of order") {
			t.Error("the service's own words are in the log")
		}
	}, nearby)
}
