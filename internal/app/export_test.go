package app_test

import (
	"encoding/json"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/portvakt/portvakt/internal/audit"
	"github.com/portvakt/portvakt/internal/store"
)

// export downloads the browser's account.
func (b *browser) export() map[string]any {
	b.w.t.Helper()
	b.post("/account/export").expect(http.StatusOK)
	if got := b.last.Header.Get("Content-Disposition"); !strings.HasPrefix(got, `attachment; filename="portvakt-20`) ||
		b.last.Header.Get("Cache-Control") != "no-store" || b.last.Header.Get("Content-Type") != "application/json" {
		b.w.t.Errorf("not a file that nobody keeps: %q %v", got, b.last.Header)
	}
	var all map[string]any
	if err := json.Unmarshal([]byte(b.body), &all); err != nil {
		b.w.t.Fatalf("%v\n%s", err, b.body)
	}
	return all
}

func keysOf(object any) []string {
	var keys []string
	for _, k := range reflect.ValueOf(object).MapKeys() {
		keys = append(keys, k.String())
	}
	slices.Sort(keys)
	return keys
}

func TestTheExportHoldsWhatIsKeptAndNoSecret(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		b := w.browser()
		b.tokens(w.mobile)
		w.browser().askForLink(newLogin(w.hrm), bosAddress, "login")
		link := w.link(bosAddress)
		b.post("/account/address", "address", bosOther).expect(http.StatusSeeOther)
		all := b.export()
		want := []string{"account", "activity", "app_access", "authenticator_apps", "employers", "format", "links", "made_at", "messages",
			"password", "pending_address", "remembered_browsers", "sessions"}
		if got := keysOf(all); !slices.Equal(got, want) {
			t.Errorf("keys %v, want %v", got, want)
		}
		for key, inside := range map[string][]string{
			"account":         {`"address":"bo.lind@foretaget.example"`, `"given_name":"Bo"`, `"sub":"` + string(w.bo().ID)},
			"pending_address": {bosOther},

			"employers":  {`"organisation_name":"Företaget AB"`, `"person_key":"1002"`, `"unit":"Lager"`},
			"sessions":   {`"ip":"198.51.100.7"`, `"user_agent":"Mozilla/5.0 (iPhone`},
			"app_access": {`"app":"HRM Mobile"`, `"scope":"email openid person profile"`},
			"links":      {`"purpose":"signin"`},
			"messages":   {`"template":"recovery_login"`, `"to":"bo.lind@foretaget.example"`},
			"activity":   {`"kind":"myaccount.exported"`, `"kind":"signin.succeeded"`, `"ip":"198.51.100.7"`},
		} {
			text, err := json.Marshal(all[key])
			if err != nil {
				t.Fatal(err)
			}
			for _, one := range inside {
				if !strings.Contains(string(text), one) {
					t.Errorf("%s has no %s:\n%s", key, one, text)
				}
			}
		}
		secrets := []string{"argon2", strings.TrimPrefix(link, "/recovery/link/"), "verifier", "sealed", "secret", "hash"}
		for _, value := range b.cookies() {
			secrets = append(secrets, value)
		}
		for _, one := range secrets {
			if strings.Contains(b.body, one) {
				t.Errorf("the file holds %q", one)
			}
		}
	})
}

func TestTheExportAsksForAFreshProof(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		b := w.browser()
		b.signIn(newLogin(w.hrm), bosAddress, bosPass)
		b.get("/account/export").expect(http.StatusNotFound) // nothing answers it to a GET
		w.clock.Advance(6 * time.Minute)
		b.post("/account/export").expect(http.StatusSeeOther).follow().expect(http.StatusOK)
		b.post(b.action("/signin/"), "password", bosPass).follow().shows("Nu vet vi att det är du.")
		b.export()
		stranger := w.browser()
		if stranger.post("/account/export").expect(http.StatusSeeOther); strings.Contains(stranger.body, "Lind") {
			t.Error("somebody who is not signed in gets something")
		}
	})
}

// TestALongExportIsWhole: the lines come in bites, and several share a millisecond.
func TestALongExportIsWhole(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		bo, now := w.bo().ID, w.clock.Now()
		err := store.InTx[*store.Tx](w.app.DB)(t.Context(), func(tx *store.Tx) error {
			for i := range 450 {
				if err := tx.Append(t.Context(), audit.Event{Kind: audit.AppRenamed, At: now.Add(-time.Duration(i/90) * time.Hour), Actor: "account",
					Account: bo}); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		b := w.browser()
		b.signIn(newLogin(w.hrm), bosAddress, bosPass)
		b.export()
		if n := strings.Count(b.body, string(audit.AppRenamed)); n != 450 {
			t.Errorf("%d lines of 450", n)
		}
	})
}

// Whether somebody else has an address is said by mail, to its owner (RULES §2). An export must not say it either.
func TestTheExportDoesNotTellWhetherANewAddressIsTaken(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		var got [2]string
		for i, address := range []string{annas, "nobody@foretaget.example"} {
			b := w.atAccount()
			b.post("/account/address", "address", address).expect(http.StatusSeeOther)
			w.deliver()
			all := b.export()
			for _, part := range []string{"links", "messages"} {
				for _, one := range all[part].([]any) {
					row := one.(map[string]any)
					if row["purpose"] == "address" || row["template"] == "address_confirm" {
						got[i] += part + " "
					}
				}
			}
			w.clock.Advance(time.Hour)
		}
		if got[0] != got[1] {
			t.Errorf("an address of somebody's shows as %q, one of nobody's as %q", got[0], got[1])
		}
	})
}
