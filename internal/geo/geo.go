// Package geo is the engine that names the country of an IP address, from a file in MaxMind's format that the operator gave.
// A country is a hint for a person who looks at her devices. Nothing is decided on it.
package geo

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/oschwald/maxminddb-golang/v2"
	"golang.org/x/text/language"
	"golang.org/x/text/language/display"
)

// ErrNoCountries says that a file can be read and names no country: that of another kind of database.
var ErrNoCountries = errors.New("the file names no countries; a country or city database is wanted")

const (
	// lookAgain is how old a look at the file may be. A new file is noticed by the first question after it.
	lookAgain = 5 * time.Second
	// maxFile is the size in bytes beyond which a file is not read: the largest city databases have a fifth of it.
	maxFile = 1 << 30
	// firstNetworks are asked when a file is opened, to tell a country database from another one.
	firstNetworks = 200
)

// Places names the countries of addresses. It is safe for concurrent use.
type Places struct {
	path   string
	public func(netip.Addr) bool
	now    func() time.Time
	log    *slog.Logger

	reader atomic.Pointer[maxminddb.Reader]
	mu     sync.Mutex // of who looks at the file
	looked time.Time
	state  string // of the file at that time
}

// Open reads the file for the first time: what is wrong with it stops the start. public says which addresses belong to the
// open internet; others have no country, whatever a file says.
func Open(path string, public func(netip.Addr) bool, now func() time.Time, log *slog.Logger) (*Places, error) {
	p := &Places{path: path, public: public, now: now, log: log, looked: now(), state: stateOf(path)}
	r, err := read(path)
	if err != nil {
		return nil, err
	}
	p.reader.Store(r)
	return p, nil
}

// read takes the whole file into memory: a mapped one that is overwritten in place would kill the process.
func read(path string) (*maxminddb.Reader, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Size() > maxFile {
		return nil, fmt.Errorf("%s has %d bytes; at most %d are read", path, info.Size(), maxFile)
	}
	all, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	r, err := maxminddb.OpenBytes(all)
	if err != nil {
		return nil, fmt.Errorf("%s is not in MaxMind's format: %w", path, err)
	}
	left := firstNetworks
	for one := range r.Networks() {
		found, err := decode(one)
		switch {
		case err != nil:
			return nil, fmt.Errorf("%s is broken: %w", path, err)
		case found.Code != "":
			return r, nil
		}
		if left--; left == 0 {
			break
		}
	}
	return nil, fmt.Errorf("%s: %w", path, ErrNoCountries)
}

// country is one as a file tells it.
type country struct {
	Code  string            `maxminddb:"iso_code"`
	Names map[string]string `maxminddb:"names"`
}

// decode reads a record in the form of GeoIP2, GeoLite2 and DB-IP, or in the plain one of lists that have a country_code alone.
func decode(r maxminddb.Result) (country, error) {
	var c country
	if err := r.DecodePath(&c, "country"); err == nil && c.Code != "" {
		return c, nil
	}
	var plain any // some files keep something else under this name
	if err := r.DecodePath(&plain, "country_code"); err != nil {
		return country{}, err
	}
	code, _ := plain.(string)
	return country{Code: code}, nil
}

// Country is the name of the address's country in a language (a BCP 47 tag), "" where nobody knows.
func (p *Places) Country(address, lang string) string {
	if p == nil {
		return ""
	}
	addr, err := netip.ParseAddr(address)
	if err != nil || !p.public(addr.Unmap()) {
		return ""
	}
	p.look()
	found, err := decode(p.reader.Load().Lookup(addr.Unmap()))
	if err != nil {
		p.log.Debug("the place of an address cannot be read", "error", err)
		return ""
	}
	return found.in(lang)
}

// in names the country: the file's own name, or the world's, or its code.
func (c country) in(lang string) string {
	if name := c.Names[lang]; name != "" || c.Code == "" {
		return name
	}
	region, err := language.ParseRegion(c.Code)
	if err != nil || !region.IsCountry() {
		return cmp.Or(c.Names["en"], c.Code)
	}
	return cmp.Or(display.Regions(language.Make(lang)).Name(region), c.Code)
}

// look takes a file that has changed. Of one that cannot be used, perhaps because it is half written yet, it complains once and
// keeps the one before: the next change is the next chance. Whoever asks meanwhile does not wait.
func (p *Places) look() {
	if !p.mu.TryLock() {
		return
	}
	defer p.mu.Unlock()
	now := p.now()
	if now.Sub(p.looked) < lookAgain {
		return
	}
	p.looked = now
	state := stateOf(p.path)
	if state == p.state {
		return
	}
	p.state = state
	r, err := read(p.path)
	if err != nil {
		p.log.Warn("the geo database has changed and cannot be used: the former one is kept", "error", err)
		return
	}
	p.reader.Store(r)
	p.log.Info("the geo database was read again", "made", time.Unix(int64(r.Metadata.BuildEpoch), 0).UTC())
}

// stateOf tells whether the file has changed: by time and size, because looking must cost nothing.
func stateOf(path string) string {
	info, err := os.Stat(path)
	if err != nil {
		return err.Error()
	}
	return fmt.Sprint(info.ModTime().UnixNano(), " ", info.Size())
}
