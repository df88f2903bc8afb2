package e2e

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/portvakt/portvakt/e2e/journey"
	"github.com/portvakt/portvakt/internal/control"
	"github.com/portvakt/portvakt/internal/demo"
	"github.com/portvakt/portvakt/internal/relyingparty"
)

// begunDevice is the address that a screen without a browser shows, with its code in it.
func begunDevice(t *testing.T, w *world) (page string) {
	t.Helper()
	var made control.RP
	err := control.InProcess(w.App.Control.Handler()).Do(t.Context(), http.MethodPost, "/relying-parties", control.RP{Name: "HRM", Public: true, PKCE: true,
		Options: control.Options{Metadata: relyingparty.Metadata{GrantTypes: []string{relyingparty.DeviceCode}}}}, &made)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.Post(w.Portvakt+"/device_authorization", "application/x-www-form-urlencoded", strings.NewReader(url.Values{"client_id": {made.ClientID}}.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	var got struct {
		Page string `json:"verification_uri_complete"`
	}
	if err := json.NewDecoder(answer.Body).Decode(&got); err != nil || got.Page == "" {
		t.Fatalf("no code: %v", err)
	}
	return got.Page
}

func lookAtDevice(t *testing.T, w *world, o journey.Options, look func(*journey.Person, string, string), say func(string) string) {
	b := w.bo(o)
	b.SignIn(demo.Password)
	b.Open(w.Portvakt + "/device")
	b.Fill(say("device.code.label"), "BCDF-GHJK")
	b.Press(say("signin.next"))
	look(b, "device_code-problem", "device.problem.code")
	b.Open(begunDevice(t, w))
	look(b, "device_code", "device.code.text")
	b.Press(say("signin.next"))
	look(b, "device_confirm", "device.confirm.title")
	b.Press(say("device.confirm.yes"))
	look(b, "device_done", "device.done.later")

	b.Open(begunDevice(t, w))
	b.Press(say("signin.next"))
	b.Press(say("device.confirm.no"))
	look(b, "device_done-denied", "device.done.title_denied")
}
