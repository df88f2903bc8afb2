package webpush_test

import (
	"bufio"
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/portvakt/portvakt/internal/push"
)

// others is a push service that others have written: the npm package web-push-testing, which checks VAPID with jsonwebtoken and
// decrypts with http_ece. It is a process of its own, and speaks real HTTP.
type others struct {
	t      *testing.T
	origin string
}

const pushService = "testdata/pushservice"

func startOthers(t *testing.T) *others {
	t.Helper()
	node, err := exec.LookPath("node")
	if err == nil {
		_, err = os.Stat(pushService + "/node_modules/web-push-testing/package.json")
	}
	if err != nil {
		missing := "no push service to test with (" + err.Error() + "): it needs node, and " + pushService + "/install.sh"
		if os.Getenv("CI") != "" {
			t.Fatal(missing)
		}
		t.Skip(missing)
	}
	cmd := exec.Command(node, "serve.js")
	cmd.Dir = pushService
	stdin, err := cmd.StdinPipe() // it ends with its input
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stdin.Close()
		cmd.Wait() //nolint:errcheck // it has served
	})
	for lines := bufio.NewScanner(stdout); lines.Scan(); {
		if origin, ok := strings.CutPrefix(lines.Text(), "at "); ok {
			return &others{t, origin}
		}
	}
	t.Fatal("the push service did not start")
	return nil
}

// ask posts a form and decodes the data of the answer.
func (o *others) ask(path string, form url.Values, data any) {
	o.t.Helper()
	answer, err := http.PostForm(o.origin+path, form)
	if err != nil {
		o.t.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		o.t.Fatalf("%s: %s", path, answer.Status)
	}
	if data == nil {
		return
	}
	if err := json.NewDecoder(answer.Body).Decode(&struct {
		Data any `json:"data"`
	}{data}); err != nil {
		o.t.Fatal(err)
	}
}

// subscribe is what a browser does there, with the key that it was given.
func (o *others) subscribe(s *scene) (sub push.Subscription, hash string) {
	o.t.Helper()
	id, public, err := s.sender.Keys.Current(o.t.Context())
	if err != nil {
		o.t.Fatal(err)
	}
	var made struct {
		Endpoint string `json:"endpoint"`
		Keys     struct {
			P256DH string `json:"p256dh"`
			Auth   string `json:"auth"`
		} `json:"keys"`
		Hash string `json:"clientHash"`
	}
	o.ask("/subscribe", url.Values{"userVisibleOnly": {"true"}, "applicationServerKey": {b64(public)}}, &made)
	// It writes its keys in the other base64; browsers do not.
	text := strings.NewReplacer("+", "-", "/", "_")
	sub, err = push.ParseSubscription(made.Endpoint, text.Replace(made.Keys.P256DH), text.Replace(made.Keys.Auth), true)
	if err != nil {
		o.t.Fatalf("%v: %+v", err, made)
	}
	sub.VAPID = id
	return sub, made.Hash
}

func (o *others) received(hash string) (messages []string) {
	o.t.Helper()
	var data struct {
		Messages []string `json:"messages"`
	}
	o.ask("/get-notifications", url.Values{"clientHash": {hash}}, &data)
	return data.Messages
}

func TestAPushServiceOfOthersTakesAndReadsOurMessages(t *testing.T) {
	o := startOthers(t)
	s := newScene(t, thisMachine)
	before, first := o.subscribe(s)
	if _, err := s.sender.Keys.Rotate(t.Context()); err != nil {
		t.Fatal(err)
	}
	after, second := o.subscribe(s)
	for _, payload := range []string{`{"type":"challenge","app":"Lön & tid"}`, `{"type":"gone"}`} {
		s.enqueue(s.message(before, payload))
		s.enqueue(s.message(after, payload))
		for s.round() > 0 {
		}
	}
	for name, hash := range map[string]string{"before the key was rotated": first, "afterwards": second} {
		if got := strings.Join(o.received(hash), " "); got != `{"type":"challenge","app":"Lön & tid"} {"type":"gone"}` {
			t.Errorf("%s: %s", name, got)
		}
	}

	mixed := before // a signature by the new key, for a subscription of the old one
	mixed.VAPID = after.VAPID
	if err := s.sender.Send(t.Context(), s.message(mixed, "{}")); err == nil {
		t.Error("it takes any key's signature, and so it has proven nothing")
	}

	o.ask("/expire-subscription/"+first, nil, nil)
	s.enqueue(s.message(before, "{}"))
	for s.round() > 0 {
	}
	if len(s.gone) != 1 || s.gone[0] != "key-1 "+before.Endpoint || len(o.received(first)) != 2 {
		t.Errorf("the expired subscription: %v", s.gone)
	}
	if err := s.sender.Send(t.Context(), s.message(after, "still here")); err != nil {
		t.Errorf("its neighbour: %v", err)
	}
}
