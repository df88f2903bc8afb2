package e2e

import (
	"context"
	"hash/fnv"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"github.com/portvakt/portvakt/e2e/journey"
	"github.com/portvakt/portvakt/internal/app"
	"github.com/portvakt/portvakt/internal/demo"
	"github.com/portvakt/portvakt/internal/organisation"
	"github.com/portvakt/portvakt/internal/password"
	"github.com/portvakt/portvakt/internal/store/pgtest"
)

// The people of the stories.
const (
	anna = "anna.svensson@foretaget.example"
	bo   = "bo.lind@foretaget.example"
	// chosen is the password that Anna chooses.
	chosen = "tre gula kanoter i regn"
)

// clock goes as the real one does, and can be moved on.
type clock struct{ ahead atomic.Int64 }

func (c *clock) now() time.Time           { return time.Now().Add(time.Duration(c.ahead.Load())) }
func (c *clock) move(ahead time.Duration) { c.ahead.Add(int64(ahead)) }

// world is a whole demo of its own, for one test.
type world struct {
	*demo.World
	t     *testing.T
	clock *clock
}

// cheap are costs that a test can pay often: the steps are the same with the real ones.
var cheap = app.Options{Hashing: password.Params{Memory: 64, Time: 1, Threads: 1}, Robot: 500, Illustrator: sketch{}}

// begin starts a world. Its mails without JavaScript wait a minute, as in the demo; its
// clock is moved for them.
func begin(t *testing.T, change ...func(*demo.Options)) *world {
	t.Helper()
	if chromium == nil {
		t.Skip(why)
	}
	c := &clock{}
	o := demo.Options{Lang: "sv", PlainDelay: time.Minute, App: cheap}
	for _, f := range change {
		f(&o)
	}
	o.App.Now, o.App.Log = c.now, slog.New(slog.NewJSONHandler(&logs, &slog.HandlerOptions{Level: slog.LevelDebug}))
	started, err := demo.Start(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{World: started, t: t, clock: c}
	w.policy(organisation.Policy{MFA: organisation.Optional}) // most stories are not about the offer
	t.Cleanup(func() {
		w.keepMailSecrets()
		if err := started.Stop(); err != nil {
			t.Errorf("the world ended with %v", err)
		}
	})
	return w
}

// policy sets what Företaget AB asks of its people.
func (w *world) policy(p organisation.Policy) {
	w.t.Helper()
	if _, err := w.App.Control.Provisioning.SetOrganisation(w.t.Context(), organisation.Organisation{ID: "foretaget", Policy: p}); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) addresses() journey.World {
	return journey.World{Portvakt: w.Portvakt, HRM: w.HRM, HRMMobile: w.HRMMobile, Inbox: w.Inbox}
}

// process is the browser's: the light one, or for a phone with the authenticator the full one.
func (w *world) process(o journey.Options) *journey.Chromium {
	w.t.Helper()
	if o.Agent != journey.Android {
		return chromium
	}
	full, err := phones()
	if err != nil {
		w.t.Fatal(err)
	}
	return full
}

// person gives somebody of the demo a browser in this world.
func (w *world) person(o journey.Options, address, name string) *journey.Person {
	w.t.Helper()
	p := w.process(o).Person(w.t, w.addresses(), o, address, name)
	w.t.Cleanup(func() { w.keepSecrets(p.Browser); p.Close() })
	return p
}

// elsewhere gives the same person another browser.
func (w *world) elsewhere(p *journey.Person, o journey.Options) *journey.Person {
	w.t.Helper()
	return p.In(w.browser(o))
}

// browser opens a browser in which nobody is signed in.
func (w *world) browser(o journey.Options) *journey.Browser {
	w.t.Helper()
	b := w.process(o).Browser(w.t, o)
	w.t.Cleanup(func() { w.keepSecrets(b); b.Close() })
	return b
}

func (w *world) anna(o journey.Options) *journey.Person {
	w.t.Helper()
	return w.person(o, anna, "Anna")
}

func (w *world) bo(o journey.Options) *journey.Person {
	w.t.Helper()
	return w.person(o, bo, "Bo")
}

// onBothEngines tells a story once with SQLite and once with PostgreSQL.
func onBothEngines(t *testing.T, story func(t *testing.T, w *world), change ...func(*demo.Options)) {
	t.Helper()
	t.Run("SQLite", func(t *testing.T) {
		t.Parallel()
		story(t, begin(t, change...))
	})
	t.Run("PostgreSQL", func(t *testing.T) {
		t.Parallel()
		database := pgtest.Database(t)
		story(t, begin(t, append(change[:len(change):len(change)], func(o *demo.Options) { o.Database = database })...))
	})
}

// onEitherEngine tells a story on one of the engines, always the same one, as its name falls: the engine is no matter of the page,
// and package app tells what matters on both.
func onEitherEngine(t *testing.T, story func(t *testing.T, w *world), change ...func(*demo.Options)) {
	t.Helper()
	name := fnv.New32()
	name.Write([]byte(t.Name())) //nolint:errcheck // a hash cannot fail
	if name.Sum32()%2 == 1 {
		database := pgtest.Database(t)
		change = append(change[:len(change):len(change)], func(o *demo.Options) { o.Database = database })
	}
	story(t, begin(t, change...))
}

// onSQLite and onPostgreSQL tell a story on one engine, where the engine matters to the house and not to the browser: the same is
// tested below the browser on both (package app).
func onSQLite(t *testing.T, story func(t *testing.T, w *world)) {
	t.Helper()
	story(t, begin(t))
}

func onPostgreSQL(t *testing.T, story func(t *testing.T, w *world)) {
	t.Helper()
	database := pgtest.Database(t)
	story(t, begin(t, func(o *demo.Options) { o.Database = database }))
}

// inEachWay tells a story in Swedish with SQLite, in English with PostgreSQL, and without JavaScript.
func inEachWay(t *testing.T, story func(t *testing.T, w *world, o journey.Options)) {
	t.Helper()
	inEitherLanguage(t, story)
	t.Run("without JavaScript", func(t *testing.T) {
		t.Parallel()
		story(t, begin(t), journey.Options{NoScript: true})
	})
}

// inEitherLanguage tells a story in Swedish with SQLite and in English with PostgreSQL.
func inEitherLanguage(t *testing.T, story func(t *testing.T, w *world, o journey.Options)) {
	t.Helper()
	t.Run("Swedish", func(t *testing.T) {
		t.Parallel()
		story(t, begin(t), journey.Options{Lang: "sv"})
	})
	t.Run("English", func(t *testing.T) {
		t.Parallel()
		database := pgtest.Database(t)
		story(t, begin(t, func(o *demo.Options) { o.Database = database }), journey.Options{Lang: "en"})
	})
}
