package app_test

import (
	"bytes"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/maxmind/mmdbwriter"
	"github.com/maxmind/mmdbwriter/mmdbtype"

	"github.com/portvakt/portvakt/internal/app"
)

// withPlaces gives the world a database in which everything of 8.8.8.0/24, and of two networks that are not public, is Swedish.
func (w *world) withPlaces() {
	w.t.Helper()
	tree, err := mmdbwriter.New(mmdbwriter.Options{DatabaseType: "Test-Country", IncludeReservedNetworks: true})
	if err != nil {
		w.t.Fatal(err)
	}
	for _, network := range []string{"8.8.8.0/24", "10.0.0.0/8", "198.51.100.0/24"} {
		_, n, err := net.ParseCIDR(network)
		if err != nil {
			w.t.Fatal(err)
		}
		if err := tree.Insert(n, mmdbtype.Map{"country_code": mmdbtype.String("SE")}); err != nil {
			w.t.Fatal(err)
		}
	}
	var b bytes.Buffer
	if _, err := tree.WriteTo(&b); err != nil {
		w.t.Fatal(err)
	}
	w.settings.GeoDatabase = filepath.Join(w.t.TempDir(), "country.mmdb")
	if err := os.WriteFile(w.settings.GeoDatabase, b.Bytes(), 0o600); err != nil {
		w.t.Fatal(err)
	}
	w.restart()
}

func TestTheCountryIsNamedInMailsAndOnTheAccountWhereTheOperatorGaveADatabase(t *testing.T) {
	w := on(t)
	w.withPlaces()
	b := w.browser()
	b.ip = "8.8.8.8"
	b.signIn(newLogin(w.hrm), bosAddress, bosPass)
	b.get("/account").expect(200).shows("Land: Sverige")
	app, _ := b.post("/account/apps/add").enrol()
	b.follow()
	w.deliver()
	if mails := w.post.to(bosAddress); len(mails) != 2 || !strings.Contains(mails[0], "Land: Sverige") || !strings.Contains(mails[1], "Land: Sverige") {
		t.Errorf("mails: %q", mails)
	}
	w.browser().get(notMePattern.FindStringSubmatch(w.post.to(bosAddress)[0])[1]).expect(200).shows("Land Sverige")
	b = w.browser()
	b.ip = "8.8.8.8"
	b.toCode(newLogin(w.hrm))
	b.post(b.action("/signin/"), "code", app.code(), "remember", "on").follow()
	b.get("/account").expect(200)
	if n := strings.Count(plain(b.body), "Land: Sverige"); n != 3 {
		t.Errorf("%d places; two devices and a remembered browser have one", n)
	}
	inside := w.browser() // the file is wrong about it
	inside.ip = "10.1.2.3"
	inside.toCode(newLogin(w.hrm))
	inside.post(inside.action("/signin/"), "code", app.code()).follow()
	inside.get("/account").expect(200)
	if n := strings.Count(plain(inside.body), "Land: Sverige"); n != 3 {
		t.Errorf("%d places; the private address has none", n)
	}
}

func TestABrokenDatabaseOfCountriesStopsTheStart(t *testing.T) {
	w := on(t)
	w.settings.GeoDatabase = filepath.Join(t.TempDir(), "missing.mmdb")
	w.app.Close()
	_, err := app.New(t.Context(), w.settings, app.Options{})
	if err == nil || !strings.Contains(err.Error(), "geo-database") {
		t.Errorf("%v", err)
	}
}
