package app_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// TestATillOfOthersAsksAPersonOnHerPhone lets the npm package openid-client, which is certified by the OpenID Foundation, ask and poll (CIBA).
func TestATillOfOthersAsksAPersonOnHerPhone(t *testing.T) {
	const folder, installed = "../../e2e/clients", "../../e2e/node_modules/openid-client/package.json"
	if _, err := os.Stat(installed); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Skip("openid-client is not installed (e2e/install.sh fetches it)")
	}
	w := on(t)
	h, _ := w.pairBo()
	var polls atomic.Int32
	again, yes := make(chan struct{}), make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/token" {
			if polls.Add(1) == 2 { // the first one was told to wait
				close(again)
				select {
				case <-yes:
				case <-r.Context().Done():
				}
			}
			w.clock.Advance(6 * time.Second)
		}
		w.app.Handler().ServeHTTP(rw, r)
	}))
	t.Cleanup(server.Close)
	in := must(json.Marshal(map[string]any{"issuer": issuer, "server": server.URL, "address": bosAddress, "app": w.till()}))
	cmd := exec.CommandContext(t.Context(), "node", "openid-client-ciba.mjs")
	var out bytes.Buffer
	cmd.Dir, cmd.Stdin, cmd.Stdout, cmd.Stderr = folder, bytes.NewReader(in), &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case <-again:
	case err := <-ended:
		t.Fatalf("before there is an answer: %v\n%s", err, out.String())
	}
	w.deliver()
	h.agrees()
	close(yes)
	if err := <-ended; err != nil || strings.Count(out.String(), "ok ") != 6 {
		t.Errorf("%v\n%s", err, out.String())
	}
}
