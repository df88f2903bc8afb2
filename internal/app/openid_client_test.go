package app_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/portvakt/portvakt/internal/control"
	"github.com/portvakt/portvakt/internal/relyingparty"
	"github.com/portvakt/portvakt/internal/store/storetest"
)

// asksAndPolls runs a script of e2e/clients that is built on the npm package openid-client, which is certified by the OpenID Foundation. It prints "asked", and
// perhaps a code, and polls: the first time it is told to wait, and the second poll is held until the person has answered. Each further line that begins
// with "ok" is a thing that has worked; there must be so many of them.
func (w *world) asksAndPolls(script string, told map[string]any, things int, answers func(code string)) {
	w.t.Helper()
	const folder, installed = "../../e2e/clients", "../../e2e/node_modules/openid-client/package.json"
	if _, err := os.Stat(installed); err != nil {
		if os.Getenv("CI") != "" {
			w.t.Fatal(err)
		}
		w.t.Skip("openid-client is not installed (e2e/install.sh fetches it)")
	}
	var polls atomic.Int32
	again, answered := make(chan struct{}), make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/token" && polls.Add(1) == 2 {
			close(again)
			select {
			case <-answered:
			case <-r.Context().Done():
			}
			w.clock.Advance(6 * time.Second)
		}
		w.app.Handler().ServeHTTP(rw, r)
	}))
	w.t.Cleanup(server.Close)
	told["issuer"], told["server"] = issuer, server.URL
	cmd := exec.CommandContext(w.t.Context(), "node", script)
	var complaints bytes.Buffer
	cmd.Dir, cmd.Stdin, cmd.Stderr = folder, bytes.NewReader(must(json.Marshal(told))), &complaints
	out := must(cmd.StdoutPipe())
	if err := cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	lines := make(chan string)
	go func() {
		defer close(lines)
		for s := bufio.NewScanner(out); s.Scan(); {
			lines <- s.Text()
		}
	}()
	var said []string
	for open := true; open; {
		var line string
		if line, open = <-lines; open {
			said = append(said, line)
		}
		if code, asked := strings.CutPrefix(line, "asked"); asked {
			select {
			case <-again:
				answers(strings.TrimSpace(code))
				close(answered)
			case line, open = <-lines: // it ended, or went on without an answer
				said = append(said, line)
			}
		}
	}
	err := cmd.Wait()
	worked := 0
	for _, line := range said {
		if strings.HasPrefix(line, "ok ") {
			worked++
		}
	}
	if err != nil || worked != things {
		w.t.Errorf("%v, and %d things have worked:\n%s\n%s", err, worked, strings.Join(said, "\n"), complaints.String())
	}
}

func TestATillOfOthersAsksAPersonOnHerPhone(t *testing.T) {
	w := on(t)
	h, _ := w.pairBo()
	w.asksAndPolls("openid-client-ciba.mjs", map[string]any{"address": bosAddress, "app": w.till()}, 6, func(string) {
		w.deliver()
		h.agrees()
	})
}

func TestProgramsOfOthersWithoutABrowser(t *testing.T) {
	t.Parallel()
	w := newWorld(t, storetest.SQLiteFile(t), byToken)
	b, front := w.browser(), newLogin(w.server("Shifts"))
	_, answer := w.redeem(front, front.code(t, b.signIn(front, bosAddress, bosPass)))
	h := w.holder()
	key := map[string]string{"kid": "one", "d": b64(must(h.key.Bytes()))}
	maps.Copy(key, h.jwk)
	app := func(rp control.RP) map[string]string {
		m := map[string]string{"client_id": rp.ClientID, "client_secret": rp.ClientSecret}
		if len(rp.RedirectURIs) > 0 {
			m["redirect_uri"] = rp.RedirectURIs[0]
		}
		return m
	}
	w.asksAndPolls("openid-client-programs.mjs", map[string]any{
		"access": answer["access_token"], "resource": payrollAPI, "key": key, "registrationToken": w.initial(control.RegistrationToken{PKCE: true, Uses: 1}),
		"apps": map[string]any{
			"screen": app(w.screen()), "service": app(w.program(relyingparty.RegisterRead).rp), "gateway": app(w.server("Gateway")),
			"keyed": app(w.signer(h, func(rp *control.RP) {
				rp.Options.GrantTypes = []string{relyingparty.AuthorizationCode, relyingparty.DeviceCode}
			})),
			"mac": app(w.register(control.RP{Name: "Payroll", RedirectURIs: []string{hrmURL + "/payroll"}, PKCE: true,
				Options: control.Options{AuthMethod: "client_secret_jwt"}})),
		}}, 18, func(code string) {
		b.post("/device", "user_code", code).follow().shows("Skiftskärmen")
		b.post(b.at, "answer", "yes").follow().expect(http.StatusOK)
	})
}
