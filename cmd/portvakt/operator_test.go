package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// desk is an operator at an installation.
type desk struct {
	t    *testing.T
	file string
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	dir := t.TempDir()
	if out, err := portvakt(t, "init", "--issuer", issuer, "--data", dir); err != nil {
		t.Fatal(out, err)
	}
	return &desk{t, filepath.Join(dir, "portvakt.toml")}
}

// says runs a command that must do, and returns both of its streams.
func (d *desk) says(args ...string) (out, beside string) {
	d.t.Helper()
	var stdout, stderr bytes.Buffer
	if err := run(d.t.Context(), append(args, "--config", d.file), &stdout, &stderr); err != nil {
		d.t.Fatalf("portvakt %s: %v", strings.Join(args, " "), err)
	}
	return stdout.String(), stderr.String()
}

// prints is says for a command whose output is JSON and nothing else.
func (d *desk) prints(out any, args ...string) (beside string) {
	d.t.Helper()
	text, beside := d.says(args...)
	decoder := json.NewDecoder(strings.NewReader(text))
	if err := decoder.Decode(out); err != nil || decoder.More() {
		d.t.Fatalf("portvakt %s does not print JSON alone (%v):\n%s", strings.Join(args, " "), err, text)
	}
	return beside
}

func (d *desk) refused(text string, args ...string) {
	d.t.Helper()
	refused(d.t, append(args, "--config", d.file), text)
}

type printedRP struct {
	ID            string   `json:"client_id"`
	Secret        string   `json:"client_secret"`
	Name          string   `json:"client_name"`
	Public        bool     `json:"public"`
	RequireDPoP   bool     `json:"dpop_bound_access_tokens"`
	PKCE          bool     `json:"pkce"`
	RedirectURIs  []string `json:"redirect_uris"`
	PostLogout    []string `json:"post_logout_redirect_uris"`
	Organisations []string `json:"organisations"`
	ResponseTypes []string `json:"response_types"`
}

// operations are what an operator does with apps and organisations, in whatever way the command reaches the database.
func (d *desk) operations() {
	t := d.t
	t.Helper()
	const noStart, nobody = "without --initiate-login-uri", "belongs to no organisation"
	var public printedRP
	beside := d.prints(&public, "rp", "create", "--name", "Telefonen", "--public", "--redirect-uri", "https://m.example.com/callback")
	if public.Secret != "" || !public.Public || !public.PKCE || !strings.Contains(beside, noStart) || !strings.Contains(beside, nobody) {
		t.Errorf("public: %+v\n%s", public, beside)
	}

	var organisation struct{ ID, Name, Colour, MFA string }
	if beside = d.prints(&organisation, "org", "set", "foretaget", "--name", "Företaget AB", "--colour", "#1f5d4c"); !strings.Contains(beside, "made organisation foretaget") {
		t.Errorf("a new short name: %q", beside)
	}
	organisation.Colour = ""
	if beside = d.prints(&organisation, "org", "set", "foretaget", "--no-colour"); beside != "" || organisation.Colour != "" || organisation.Name != "Företaget AB" {
		t.Errorf("a known short name: %q %+v", beside, organisation)
	}
	if out, _ := d.says("org", "list"); !strings.Contains(out, "SHORT NAME") || !strings.Contains(out, "Företaget AB") || !strings.Contains(out, "recommended") {
		t.Errorf("org list:\n%s", out)
	}
	var organisations []struct{ ID string }
	if d.prints(&organisations, "org", "list", "--json"); len(organisations) != 1 || organisations[0].ID != "foretaget" {
		t.Errorf("org list --json: %+v", organisations)
	}

	var hrm printedRP
	beside = d.prints(&hrm, "rp", "create", "--name", "HRM, \"lön\"", "--pkce=false", "--initiate-login-uri", "https://hrm.example.com/login",
		"--redirect-uri", "https://hrm.example.com/a,b", "--redirect-uri", "https://hrm.example.com/c", "--post-logout-redirect-uri", "https://hrm.example.com/")
	if hrm.Secret == "" || hrm.PKCE || hrm.Public || len(hrm.RedirectURIs) != 2 || hrm.RedirectURIs[0] != "https://hrm.example.com/a,b" ||
		len(hrm.PostLogout) != 1 || len(hrm.Organisations) != 1 || beside != "" {
		t.Errorf("confidential: %+v\n%s", hrm, beside)
	}
	d.refused("there twice", "rp", "create", "--name", "HRM", "--redirect-uri", "https://hrm.example.com/a", "--redirect-uri", "https://hrm.example.com/a")

	var old printedRP
	d.prints(&old, "rp", "create", "--name", "Gammal", "--redirect-uri", "https://old.example.com/a", "--response-type", "code id_token", "--response-type", "code")
	if !slices.Equal(old.ResponseTypes, []string{"code id_token", "code"}) {
		t.Errorf("response types: %q", old.ResponseTypes)
	}
	d.says("rp", "delete", old.ID)

	var changed printedRP
	if beside = d.prints(&changed, "rp", "set", public.ID, "--org", "foretaget", "--initiate-login-uri", "https://m.example.com/login"); beside != "" ||
		changed.Name != "Telefonen" || !changed.Public || len(changed.RedirectURIs) != 1 || len(changed.Organisations) != 1 {
		t.Errorf("rp set: %+v\n%s", changed, beside)
	}
	if beside = d.prints(&changed, "rp", "set", public.ID, "--name", "Mobilen", "--redirect-uri", "https://m.example.com/b", "--initiate-login-uri", ""); !strings.Contains(beside, noStart) ||
		changed.Name != "Mobilen" || changed.RedirectURIs[0] != "https://m.example.com/b" || len(changed.Organisations) != 1 {
		t.Errorf("rp set: %+v\n%s", changed, beside)
	}
	for _, bound := range []bool{true, false} {
		flag := map[bool]string{true: "--require-dpop", false: "--no-require-dpop"}[bound]
		changed = printedRP{}
		if d.prints(&changed, "rp", "set", public.ID, flag); changed.RequireDPoP != bound || changed.Name != "Mobilen" {
			t.Errorf("rp set %s: %+v", flag, changed)
		}
		changed = printedRP{}
		if d.prints(&changed, "rp", "set", public.ID, "--name", "Mobilen"); changed.RequireDPoP != bound {
			t.Errorf("rp set without the flag, after %s: %+v", flag, changed)
		}
	}
	var service struct {
		printedRP
		Scopes []string `json:"scopes"`
	}
	if beside = d.prints(&service, "rp", "create", "--service", "--name", "Lön", "--scope", "register:read", "--scope", "audit:read"); beside != "" || service.Secret == "" ||
		len(service.Scopes) != 2 || len(service.RedirectURIs) != 0 || len(service.Organisations) != 1 {
		t.Errorf("a service: %+v\n%s", service, beside)
	}
	if d.prints(&service, "rp", "set", service.ID, "--scope", "audit:read"); len(service.Scopes) != 1 {
		t.Errorf("rp set of a service: %+v", service)
	}
	if out, _ := d.says("rp", "list"); !strings.Contains(out, "service") {
		t.Errorf("rp list:\n%s", out)
	}
	d.refused("a service needs --scope", "rp", "create", "--service", "--name", "Lön")
	d.refused("--scope belongs to --service", "rp", "create", "--name", "Lön", "--redirect-uri", "https://hrm.example.com/a", "--scope", "audit:read")
	d.refused("an app needs --redirect-uri", "rp", "create", "--name", "Lön")
	d.refused("one of its scopes", "rp", "create", "--service", "--name", "Lön", "--scope", "openid")
	d.refused("it asks nobody", "rp", "set", service.ID, "--ciba", "poll")
	d.says("rp", "delete", service.ID)

	var till struct {
		printedRP
		GrantTypes []string `json:"grant_types"`
		Delivery   string   `json:"backchannel_token_delivery_mode"`
		Notify     string   `json:"backchannel_client_notification_endpoint"`
	}
	const ciba, notify = "urn:openid:params:grant-type:ciba", "https://till.example.com/answered"
	if beside = d.prints(&till, "rp", "create", "--name", "Kassan", "--org", "foretaget", "--refresh-tokens", "--ciba", "poll"); beside != "" || till.Secret == "" || till.Delivery != "poll" ||
		!slices.Equal(till.GrantTypes, []string{"refresh_token", ciba}) {
		t.Errorf("an app that asks people on their phones: %+v\n%s", till, beside)
	}
	if d.prints(&till, "rp", "set", till.ID, "--ciba", "ping", "--ciba-notification-endpoint", notify); till.Delivery != "ping" || till.Notify != notify || len(till.GrantTypes) != 2 {
		t.Errorf("an app that is called: %+v", till)
	}
	d.refused("ping needs", "rp", "set", till.ID, "--ciba-notification-endpoint", "")
	d.refused("poll or ping", "rp", "set", till.ID, "--ciba", "push")
	d.refused("must be one of", "rp", "create", "--name", "Kassan", "--ciba", "push")
	d.refused("belongs to the grant type", "rp", "create", "--name", "Kassan", "--redirect-uri", "https://till.example.com/", "--ciba-notification-endpoint", notify)
	d.says("rp", "delete", till.ID)
	till.GrantTypes, till.Notify = nil, ""
	d.prints(&till, "rp", "create", "--name", "Kassan", "--org", "foretaget", "--redirect-uri", "https://till.example.com/", "--initiate-login-uri", "https://till.example.com/login", "--ciba", "poll")
	if !slices.Equal(till.GrantTypes, []string{"refresh_token", "authorization_code", ciba}) {
		t.Errorf("an app that people log in to as well: %+v", till)
	}
	till.GrantTypes, till.Delivery = nil, ""
	if d.prints(&till, "rp", "set", till.ID, "--ciba", ""); slices.Contains(till.GrantTypes, ciba) || len(till.GrantTypes) != 2 || till.Delivery != "" {
		t.Errorf("an app that asks nobody any more: %+v", till)
	}
	d.says("rp", "delete", till.ID)

	metadata := filepath.Join(t.TempDir(), "screen.json")
	if err := os.WriteFile(metadata, []byte(`{"grant_types": ["urn:ietf:params:oauth:grant-type:device_code"]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	var screen printedRP
	if d.prints(&screen, "rp", "create", "--name", "Skärmen", "--public", "--metadata", metadata); len(screen.RedirectURIs) != 0 {
		t.Errorf("an app on a device without a browser: %+v", screen)
	}
	d.says("rp", "delete", screen.ID)

	d.refused("wildcards", "rp", "set", public.ID, "--redirect-uri", "https://*.example.com/")
	d.refused("1 to 100 characters", "rp", "set", public.ID, "--name", "")
	d.refused("no relying party", "rp", "set", "nobody", "--name", "x")

	if out, _ := d.says("rp", "list"); !strings.Contains(out, hrm.ID) || !strings.Contains(out, public.ID) || strings.Contains(out, hrm.Secret) {
		t.Errorf("rp list:\n%s", out)
	}
	var listed []printedRP
	if d.prints(&listed, "rp", "list", "--json"); len(listed) != 2 || listed[0].Secret+listed[1].Secret != "" {
		t.Errorf("rp list --json: %+v", listed)
	}

	var subject struct {
		Name, MFA, Issuer, App, Mobile string
		SMS                            bool
	}
	if d.prints(&subject, "guide", "--org", "foretaget", "--print-subject"); subject.Name != "Företaget AB" || subject.MFA != "recommended" || subject.SMS ||
		subject.Issuer != issuer || subject.App != hrm.Name || subject.Mobile != "Mobilen" {
		t.Errorf("what a guide is drawn from: %+v", subject)
	}
	d.refused("portvakt org list shows them", "guide", "--org", "nobody", "--print-subject")

	var rotated printedRP
	if d.prints(&rotated, "rp", "rotate-secret", hrm.ID); rotated.ID != hrm.ID || rotated.Secret == "" || rotated.Secret == hrm.Secret {
		t.Errorf("rotated: %+v", rotated)
	}
	d.refused("no secret", "rp", "rotate-secret", public.ID)
	d.refused("no relying party", "rp", "rotate-secret", "nobody")
	if out, _ := d.says("rp", "delete", hrm.ID); !strings.Contains(out, hrm.ID) {
		t.Errorf("deleted: %s", out)
	}
	d.refused("no relying party", "rp", "delete", hrm.ID)
	if d.prints(&listed, "rp", "list", "--json"); len(listed) != 1 {
		t.Errorf("after a deletion: %+v", listed)
	}
}

func TestOperationsWhileNoServerRuns(t *testing.T) { newDesk(t).operations() }

// TestOperationsBesideARunningServer goes through its socket: the database belongs to the server.
func TestOperationsBesideARunningServer(t *testing.T) {
	h := newHouse(t)
	p := h.serve()
	(&desk{t, h.file}).operations()
	if err := p.stop(); err != nil {
		t.Error(err)
	}
}

func TestAClientIDThatIsNoneIsAnErrorOfUsage(t *testing.T) {
	d := newDesk(t)
	for _, id := range []string{"", "..", ".", "a/b", "a b", "%2e"} {
		d.refused("portvakt rp list shows them", "rp", "delete", id)
		d.refused("portvakt rp list shows them", "rp", "rotate-secret", id)
		d.refused("portvakt rp list shows them", "rp", "set", id, "--name", "x")
	}
}

func TestALogoFileIsReadAsFarAsItMatters(t *testing.T) {
	d := newDesk(t)
	file := func(text string) string {
		path := filepath.Join(t.TempDir(), "logo")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	d.refused("this file is empty", "org", "set", "foretaget", "--logo", file(""))
	d.refused("at most 256 KB", "org", "set", "foretaget", "--logo", file(strings.Repeat("x", 3<<20)))
	d.refused("PNG, JPEG, WebP or SVG", "org", "set", "foretaget", "--logo", file("GIF89a"))
	d.refused("can't be used together", "org", "set", "foretaget", "--no-logo", "--logo", file("GIF89a"))
	var o struct {
		Type  string `json:"logo_type"`
		Bytes int    `json:"logo_bytes"`
	}
	d.prints(&o, "org", "set", "foretaget", "--logo", file(`<svg xmlns="http://www.w3.org/2000/svg"><path d="M0 0h1" style="fill:#1f5d4c"/></svg>`))
	if o.Type != "image/svg+xml" || o.Bytes == 0 {
		t.Errorf("%+v", o)
	}
	if out, _ := d.says("org", "list"); !strings.Contains(out, "image/svg+xml") {
		t.Error(out)
	}
	o.Type = ""
	if d.prints(&o, "org", "set", "foretaget", "--no-logo"); o.Type != "" {
		t.Error("the logo is still there")
	}
}

func TestTheOperatorRotatesTheKeyOfPushServices(t *testing.T) {
	d := newDesk(t)
	type key struct{ ID, Public, Created string }
	var before, after []key
	d.prints(&before, "keys", "vapid", "list", "--json")
	var made key
	d.prints(&made, "keys", "vapid", "rotate")
	d.prints(&after, "keys", "vapid", "list", "--json")
	if len(before) != 1 || len(after) != 2 || after[0] != made || after[1] != before[0] || len(made.Public) != 87 {
		t.Errorf("before %v, made %v, after %v", before, made, after)
	}
	if out, _ := d.says("keys", "vapid", "list"); !strings.Contains(out, made.ID) || strings.Index(out, made.ID) > strings.Index(out, before[0].ID) {
		t.Errorf("the newest does not come first:\n%s", out)
	}
}
