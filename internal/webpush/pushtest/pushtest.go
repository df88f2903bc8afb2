// Package pushtest starts a push service that others have written, for tests: the npm package web-push-testing, which checks VAPID
// with jsonwebtoken and decrypts with http_ece. It is a process of its own, and speaks real HTTP.
package pushtest

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// Service is a running push service.
type Service struct {
	t      testing.TB
	origin string
}

// Subscription is what a browser gets there, and what its authenticator sends on.
type Subscription struct {
	Endpoint, P256DH, Auth string
	Name                   string // by which the service is asked about it
}

// Start starts the service that stands in the folder, and ends it with the test. Where it is not installed, the test is skipped.
func Start(t testing.TB, folder string) *Service {
	t.Helper()
	node, err := exec.LookPath("node")
	if err == nil {
		_, err = os.Stat(folder + "/node_modules/web-push-testing/package.json")
	}
	if err != nil {
		missing := "no push service to test with (" + err.Error() + "): it needs node, and " + folder + "/install.sh"
		if os.Getenv("CI") != "" {
			t.Fatal(missing)
		}
		t.Skip(missing)
	}
	cmd := exec.Command(node, "serve.js")
	cmd.Dir = folder
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
			return &Service{t, origin}
		}
	}
	t.Fatal("the push service did not start")
	return nil
}

// ask posts a form and decodes the data of the answer.
func (s *Service) ask(path string, form url.Values, data any) {
	s.t.Helper()
	answer, err := http.PostForm(s.origin+path, form)
	if err != nil {
		s.t.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		s.t.Fatalf("%s: %s", path, answer.Status)
	}
	if data == nil {
		return
	}
	if err := json.NewDecoder(answer.Body).Decode(&struct {
		Data any `json:"data"`
	}{data}); err != nil {
		s.t.Fatal(err)
	}
}

// Subscribe is what a browser does there, with the public key that it was given.
func (s *Service) Subscribe(key []byte) Subscription {
	s.t.Helper()
	var made struct {
		Endpoint string `json:"endpoint"`
		Keys     struct {
			P256DH string `json:"p256dh"`
			Auth   string `json:"auth"`
		} `json:"keys"`
		Hash string `json:"clientHash"`
	}
	s.ask("/subscribe", url.Values{"userVisibleOnly": {"true"}, "applicationServerKey": {base64.RawURLEncoding.EncodeToString(key)}}, &made)
	// It writes its keys in the other base64; browsers do not.
	text := strings.NewReplacer("+", "-", "/", "_")
	return Subscription{made.Endpoint, text.Replace(made.Keys.P256DH), text.Replace(made.Keys.Auth), made.Hash}
}

// Received are the messages that the subscription has got: their signatures were checked, and they were decrypted.
func (s *Service) Received(sub Subscription) []string {
	s.t.Helper()
	var data struct {
		Messages []string `json:"messages"`
	}
	s.ask("/get-notifications", url.Values{"clientHash": {sub.Name}}, &data)
	return data.Messages
}

// Expire ends a subscription: what comes for it is answered with 410.
func (s *Service) Expire(sub Subscription) {
	s.t.Helper()
	s.ask("/expire-subscription/"+sub.Name, nil, nil)
}
