package geo_test

import (
	"bytes"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/maxmind/mmdbwriter"
	"github.com/maxmind/mmdbwriter/mmdbtype"

	"github.com/portvakt/portvakt/internal/geo"
)

// everywhere lets every address have a country.
func everywhere(netip.Addr) bool { return true }

// write makes a file in which each network has its record.
func write(t *testing.T, path string, networks map[string]mmdbtype.DataType) {
	t.Helper()
	tree, err := mmdbwriter.New(mmdbwriter.Options{DatabaseType: "Test-Country", IncludeReservedNetworks: true})
	if err != nil {
		t.Fatal(err)
	}
	for network, record := range networks {
		_, n, err := net.ParseCIDR(network)
		if err != nil {
			t.Fatal(err)
		}
		if err := tree.Insert(n, record); err != nil {
			t.Fatal(err)
		}
	}
	var b bytes.Buffer
	if _, err := tree.WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
}

// named is a record as MaxMind makes them.
func named(code string, names map[string]string) mmdbtype.Map {
	all := mmdbtype.Map{}
	for lang, name := range names {
		all[mmdbtype.String(lang)] = mmdbtype.String(name)
	}
	return mmdbtype.Map{"country": mmdbtype.Map{"iso_code": mmdbtype.String(code), "names": all}}
}

// plain is a record of a list that knows codes alone.
func plain(code string) mmdbtype.Map { return mmdbtype.Map{"country_code": mmdbtype.String(code)} }

func open(t *testing.T, path string, public func(netip.Addr) bool) *geo.Places {
	t.Helper()
	p, err := geo.Open(path, public, time.Now, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestACountryIsNamedInTheReadersLanguage(t *testing.T) {
	path := filepath.Join(t.TempDir(), "country.mmdb")
	write(t, path, map[string]mmdbtype.DataType{
		"193.10.0.0/16":  plain("SE"),
		"8.8.8.0/24":     named("US", map[string]string{"en": "United States"}),
		"81.2.69.0/24":   named("GB", map[string]string{"sv": "Storbritannien (filens eget)", "en": "United Kingdom"}),
		"2001:6b0::/32":  plain("SE"),
		"185.1.1.0/24":   plain("XK"),
		"185.1.2.0/24":   plain("nowhere"),
		"185.1.3.0/24":   mmdbtype.Map{"country": mmdbtype.String("Sweden"), "country_code": mmdbtype.String("SE")},
		"185.1.4.0/24":   mmdbtype.Map{"asn": mmdbtype.Uint32(1)},
		"185.1.128.0/17": named("", nil),
	})
	p := open(t, path, everywhere)
	for _, c := range []struct{ address, sv, en string }{
		{"193.10.255.1", "Sverige", "Sweden"},
		{"::ffff:193.10.255.1", "Sverige", "Sweden"},
		{"2001:6b0::1", "Sverige", "Sweden"},
		{"8.8.8.8", "USA", "United States"},
		{"81.2.69.142", "Storbritannien (filens eget)", "United Kingdom"},
		{"185.1.1.1", "Kosovo", "Kosovo"},
		{"185.1.2.1", "nowhere", "nowhere"},
		{"185.1.3.1", "Sverige", "Sweden"},
		{"185.1.4.1", "", ""},
		{"185.1.200.1", "", ""},
		{"1.1.1.1", "", ""},
		{"not an address", "", ""},
		{"", "", ""},
	} {
		if sv, en := p.Country(c.address, "sv"), p.Country(c.address, "en"); sv != c.sv || en != c.en {
			t.Errorf("%s: %q and %q, want %q and %q", c.address, sv, en, c.sv, c.en)
		}
	}
}

func TestAnAddressThatIsNotPublicHasNoCountry(t *testing.T) {
	path := filepath.Join(t.TempDir(), "country.mmdb")
	write(t, path, map[string]mmdbtype.DataType{"0.0.0.0/0": plain("SE")})
	p := open(t, path, func(a netip.Addr) bool { return !a.IsPrivate() })
	if got := p.Country("10.1.2.3", "sv"); got != "" {
		t.Errorf("10.1.2.3 lies in %q", got)
	}
	if got := p.Country("9.1.2.3", "sv"); got != "Sverige" {
		t.Errorf("9.1.2.3 lies in %q", got)
	}
	var none *geo.Places // no file was given
	if got := none.Country("9.1.2.3", "sv"); got != "" {
		t.Errorf("without a file: %q", got)
	}
}

func TestWhatCannotBeUsedIsSaidAtTheStart(t *testing.T) {
	dir := t.TempDir()
	log := slog.New(slog.DiscardHandler)
	if _, err := geo.Open(filepath.Join(dir, "missing"), everywhere, time.Now, log); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a missing file: %v", err)
	}
	broken := filepath.Join(dir, "broken.mmdb")
	if err := os.WriteFile(broken, []byte("a page that says 404"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := geo.Open(broken, everywhere, time.Now, log); err == nil || !strings.Contains(err.Error(), "MaxMind") {
		t.Errorf("a broken file: %v", err)
	}
	asn := filepath.Join(dir, "asn.mmdb")
	write(t, asn, map[string]mmdbtype.DataType{"1.0.0.0/8": mmdbtype.Map{"autonomous_system_number": mmdbtype.Uint32(1)}})
	if _, err := geo.Open(asn, everywhere, time.Now, log); !errors.Is(err, geo.ErrNoCountries) {
		t.Errorf("a database of other things: %v", err)
	}
}

func TestANewFileIsTakenAndABrokenOneIsNot(t *testing.T) {
	path := filepath.Join(t.TempDir(), "country.mmdb")
	write(t, path, map[string]mmdbtype.DataType{"8.8.8.0/24": plain("SE")})
	now := time.Date(2026, 11, 24, 8, 0, 0, 0, time.UTC)
	var said bytes.Buffer
	p, err := geo.Open(path, everywhere, func() time.Time { return now }, slog.New(slog.NewTextHandler(&said, nil)))
	if err != nil {
		t.Fatal(err)
	}
	replace := func(content func()) {
		content()
		now = now.Add(5 * time.Second)
		if err := os.Chtimes(path, now, now); err != nil {
			t.Fatal(err)
		}
	}
	replace(func() { write(t, path, map[string]mmdbtype.DataType{"8.8.8.0/24": plain("NO")}) })
	if got := p.Country("8.8.8.8", "sv"); got != "Norge" {
		t.Errorf("after a change: %q", got)
	}
	replace(func() { os.WriteFile(path, []byte("half"), 0o600) }) //nolint:errcheck // the next look tells
	for range 3 {
		if got := p.Country("8.8.8.8", "sv"); got != "Norge" {
			t.Errorf("after a broken file: %q", got)
		}
	}
	if n := strings.Count(said.String(), "cannot be used"); n != 1 {
		t.Errorf("it complained %d times: %s", n, said.String())
	}
	replace(func() { write(t, path, map[string]mmdbtype.DataType{"8.8.8.0/24": plain("DK")}) })
	if got := p.Country("8.8.8.8", "sv"); got != "Danmark" {
		t.Errorf("after the repair: %q", got)
	}
}
