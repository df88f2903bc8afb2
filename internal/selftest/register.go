package selftest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/portvakt/portvakt/internal/app"
	"github.com/portvakt/portvakt/internal/config"
	"github.com/portvakt/portvakt/internal/control"
	"github.com/portvakt/portvakt/internal/person"
	"github.com/portvakt/portvakt/internal/provisioning"
	"github.com/portvakt/portvakt/internal/totp"
)

// RegisterOptions shape the move of a whole register.
type RegisterOptions struct {
	People   int // rows of the file
	Logins   int // first logins, of those who were mailed; 0: nobody is mailed either
	Parallel int // persons who log in at once
	Samples  int // of each page of the console
	Database string
	Progress io.Writer
	App      app.Options
}

// Phase is what one part of the move has cost. The processor's time is that of the whole process: visitors and mail server are in it,
// the processes of a PostgreSQL are not.
type Phase struct {
	Name      string
	Units     int
	Unit      string
	Took      time.Duration
	Processor time.Duration
	Memory    int64 // the most that was resident meanwhile, in bytes; 0: this system does not tell
	Middle    time.Duration
	High      time.Duration // of a unit's answer, the 95th percentile; zero: a unit has none
}

// The organisation of the test and its administrator.
const (
	company       = "selftest"
	console       = "/admin/organisations/" + company
	administrator = "eva.admin@selftest.example"
	phrase        = "en lång hemlig mening om våren"
)

// move is a register on its way.
type move struct {
	*world
	o     RegisterOptions
	post  *sink
	desk  *control.Client
	key   totp.Key
	admin visitor
	told  func(Phase)
}

// Register moves a made-up register from its file to the first logins, by the console and by mails, and tells of each part as it ends.
func Register(ctx context.Context, o RegisterOptions, told func(Phase)) (err error) {
	if o.People < 1 || o.Logins < 0 || o.Parallel < 1 || o.Samples < 1 {
		return errors.New("at least one person, one login at a time and one sample are needed")
	}
	m := &move{o: o, key: totp.NewKey(), told: told}
	if m.post, err = newSink(); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, m.post.close()) }()
	settings := config.Settings{Database: o.Database, SMTPHost: "127.0.0.1", SMTPPort: m.post.port(), SMTPTLS: "none", MailFrom: "login@selftest.example"}
	if m.world, err = start(ctx, settings, o.App); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, m.close()) }()
	m.desk = control.InProcess(m.app.Control.Handler())
	for _, part := range []func(context.Context) error{m.found, m.fill, m.check, m.pages, m.mail, m.logins} {
		if err := part(ctx); err != nil {
			return err
		}
	}
	return nil
}

// found makes the organisation and its administrator, and logs her in at the console.
func (m *move) found(ctx context.Context) error {
	if err := m.desk.Do(ctx, http.MethodPost, "/organisations", control.Organisation{ID: company, Name: "Selftest", MFA: "off"}, &struct{}{}); err != nil {
		return err
	}
	_, err := m.app.Control.Provisioning.CreateAccount(ctx, provisioning.Newcomer{Address: administrator, Verified: true, GivenName: "Eva", Password: phrase, App: m.key,
		Person: &person.Person{Organisation: company, Key: "eva", GivenName: "Eva", FamilyName: "Admin", Address: administrator}})
	if err != nil {
		return err
	}
	if err := m.desk.Do(ctx, http.MethodPost, "/administrators", control.Administrator{Organisation: company, Address: administrator, Role: "owner"}, &struct{}{}); err != nil {
		return err
	}
	if m.admin, err = newVisitor(m.url, 0); err != nil {
		return err
	}
	m.admin.client.Timeout = 10 * time.Minute
	answer, _, _, err := m.admin.send(ctx, http.MethodGet, console+"/transition", nil, http.StatusSeeOther)
	if err != nil {
		return err
	}
	at := strings.TrimSuffix(answer.Header.Get("Location"), "/continue")
	if _, _, _, err = m.admin.send(ctx, http.MethodPost, at, url.Values{"address": {administrator}}, http.StatusSeeOther); err != nil {
		return err
	}
	if _, _, _, err = m.admin.send(ctx, http.MethodPost, at+"/password", url.Values{"password": {phrase}}, http.StatusSeeOther); err != nil {
		return err
	}
	_, _, _, err = m.admin.send(ctx, http.MethodPost, at+"/second", url.Values{"code": {m.key.Code(time.Now())}}, http.StatusSeeOther)
	return err
}

// Names enough that most people have one of their own, and some share theirs, as in a large register.
var (
	given  = strings.Fields("Anna Bo Cilla David Eva Fredrik Greta Hassan Ida Johan Karin Lars Maria Nils Olga Per Rut Sara Tove Ulf Vera Yasmin Åsa Östen")
	family = strings.Fields("Andersson Berg Carlsson Dahl Ek Fors Gran Holm Ivarsson Jonsson Kvist Lind Moreno Nyström Olsson Persson Rask Svensson Törn Vik Wall Åberg Öman")
)

func familyOf(i int) string { return family[i/3%len(family)] + "-" + family[i/61%len(family)] }

// Of every hundred rows one has no address, and one has that of a storeroom.
func addressOf(i int) string {
	switch i % 100 {
	case 17:
		return ""
	case 58:
		return "lager@selftest.example"
	}
	return fmt.Sprintf("%s.%d@selftest.example", strings.ToLower(strings.NewReplacer("Å", "a", "Ö", "o").Replace(given[i%len(given)])), i)
}

func isMailed(i int) bool { return i%100 != 17 && i%100 != 58 }

func (m *move) file() []byte {
	var b bytes.Buffer
	b.WriteString("Anställningsnummer;Förnamn;Efternamn;E-post;Mobil;Språk;Bolag;Enhet;Anställd från;Anställd till\r\n")
	for i := range m.o.People {
		fmt.Fprintf(&b, "%d;%s;%s;%s;070-174 %02d %02d;sv;Bolag %d;Enhet %d;2020-01-01;\r\n", 10_000_000+i, given[i%len(given)], familyOf(i), addressOf(i),
			i/100%100, i%100, i%3, i%40)
	}
	return b.Bytes()
}

// fill imports the file, twice: the second time nothing has changed.
func (m *move) fill(ctx context.Context) error {
	for _, name := range []string{"import", "the same file again"} {
		err := m.measure(name, m.o.People, "row", func() ([]time.Duration, error) {
			file := m.file()
			var i control.Import
			if err := m.desk.Send(ctx, "/organisations/"+company+"/imports?name=register.csv", bytes.NewReader(file), int64(len(file)), &i); err != nil {
				return nil, err
			}
			if err := m.desk.Do(ctx, http.MethodPost, "/organisations/"+company+"/imports/"+i.ID+"/begin", control.Import{Mapping: i.Mapping}, &i); err != nil {
				return nil, err
			}
			err := m.until(ctx, func() (bool, error) {
				return i.Ended, m.desk.Do(ctx, http.MethodGet, "/organisations/"+company+"/imports/"+i.ID, nil, &i)
			})
			if err == nil && i.Imported != int64(m.o.People) {
				err = fmt.Errorf("%d of %d rows were imported (%s)", i.Imported, m.o.People, i.State)
			}
			return nil, err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// check runs the pre-flight over everybody.
func (m *move) check(ctx context.Context) error {
	return m.measure("pre-flight", m.o.People, "person", func() ([]time.Duration, error) {
		if _, _, _, err := m.admin.send(ctx, http.MethodPost, console+"/preflight", nil, http.StatusSeeOther); err != nil {
			return nil, err
		}
		return nil, m.until(ctx, func() (bool, error) {
			_, page, _, err := m.admin.send(ctx, http.MethodGet, console+"/preflight", nil, http.StatusOK)
			return !bytes.Contains(page, []byte("<progress")), err
		})
	})
}

// pages looks at the console as an administrator does.
func (m *move) pages(ctx context.Context) error {
	for _, page := range []struct {
		name, method, path string
		form               func(i int) url.Values
	}{
		{"page: funnel and list", http.MethodGet, "/transition", nil},
		{"page: list, by first letters", http.MethodGet, "/transition?q=", func(i int) url.Values {
			return url.Values{"": {strings.ToLower(family[i%len(family)][:len(family[i%len(family)])-2])}}
		}},
		{"page: list, one person", http.MethodGet, "/transition?q=", func(i int) url.Values { return url.Values{"": {addressOf(i * 100)}} }},
		{"page: list, who needs help", http.MethodGet, "/transition?attention=on", nil},
		{"page: pre-flight", http.MethodGet, "/preflight", nil},
		{"page: helpdesk, by number", http.MethodPost, "/help", func(i int) url.Values { return url.Values{"q": {strconv.Itoa(10_000_000 + i)}} }},
		{"page: mailings", http.MethodGet, "/mailings", nil},
		{"file: the whole list", http.MethodGet, "/transition.csv", nil},
	} {
		n := m.o.Samples
		if strings.HasPrefix(page.name, "file") {
			n = min(n, 3)
		}
		err := m.measure(page.name, n, "answer", func() (all []time.Duration, err error) {
			for i := range n {
				path, form := console+page.path, url.Values(nil)
				if page.form != nil {
					form = page.form(i)
				}
				if strings.HasSuffix(path, "=") {
					path, form = path+url.QueryEscape(form.Get("")), nil
				}
				_, _, took, err := m.admin.send(ctx, page.method, path, form, http.StatusOK)
				if err != nil {
					return nil, err
				}
				all = append(all, took)
			}
			return all, nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// mail sends to everybody who can be mailed, as quickly as an organisation may, until the last mail has come.
func (m *move) mail(ctx context.Context) error {
	if m.o.Logins == 0 {
		return nil
	}
	want := 0
	for i := range m.o.People {
		if isMailed(i) {
			want++
		}
	}
	if _, _, _, err := m.admin.send(ctx, http.MethodPost, console+"/phase", url.Values{"phase": {"preparation"}, "rate": {"6000"}}, http.StatusSeeOther); err != nil {
		return err
	}
	return m.measure("mailing", want, "mail", func() ([]time.Duration, error) {
		if _, _, _, err := m.admin.send(ctx, http.MethodPost, console+"/bulk", url.Values{"act": {"send"}, "status": {"waiting"}}, http.StatusSeeOther); err != nil {
			return nil, err
		}
		var beside []time.Duration // the list, now and then while the mails go out
		looks := 0
		err := m.until(ctx, func() (bool, error) {
			if looks++; looks%20 != 1 {
				return m.post.count() >= want, nil
			}
			_, _, took, err := m.admin.send(ctx, http.MethodGet, console+"/transition", nil, http.StatusOK)
			beside = append(beside, took)
			return m.post.count() >= want, err
		})
		return beside, err
	})
}

// logins switches, and lets people confirm their addresses with a password and log in for the first time.
func (m *move) logins(ctx context.Context) error {
	if m.o.Logins == 0 {
		return nil
	}
	if _, _, _, err := m.admin.send(ctx, http.MethodPost, console+"/phase", url.Values{"phase": {"switched"}, "rate": {"6000"}}, http.StatusSeeOther); err != nil {
		return err
	}
	var who []int
	for i := range m.o.People {
		if isMailed(i) && len(who) < m.o.Logins {
			who = append(who, i)
		}
	}
	for _, part := range []struct {
		name string
		do   func(visitor, context.Context, int) (time.Duration, error)
	}{{"confirm, with a password", m.confirm}, {"first login", m.login}} {
		err := m.measure(part.name, len(who), "person", func() ([]time.Duration, error) {
			var mu sync.Mutex
			var all []time.Duration
			group, ctx := errgroup.WithContext(ctx)
			group.SetLimit(m.o.Parallel)
			for _, i := range who {
				group.Go(func() error {
					v, err := newVisitor(m.url, i)
					if err != nil {
						return err
					}
					took, err := part.do(v, ctx, i)
					mu.Lock()
					defer mu.Unlock()
					all = append(all, took)
					return err
				})
			}
			return all, group.Wait()
		})
		if err != nil {
			return err
		}
	}
	return m.pages(ctx)
}

// confirm opens the mailed link and presses its button, and times the press.
func (m *move) confirm(v visitor, ctx context.Context, i int) (time.Duration, error) {
	link := m.post.link(addressOf(i))
	if _, _, _, err := v.send(ctx, http.MethodGet, link, nil, http.StatusOK); err != nil {
		return 0, err
	}
	_, body, _, err := v.send(ctx, http.MethodPost, link+"/challenge", nil, http.StatusOK)
	if err != nil {
		return 0, err
	}
	answer, err := solve(body)
	if err != nil {
		return 0, err
	}
	chosen := fmt.Sprintf("min egen mening nummer %d", i)
	_, _, took, err := v.send(ctx, http.MethodPost, link, url.Values{"robot": {answer}, "new_password": {chosen}, "repeat_password": {chosen}}, http.StatusSeeOther)
	return took, err
}

// login logs in with the password, and times its page.
func (m *move) login(v visitor, ctx context.Context, i int) (time.Duration, error) {
	id, err := v.begin(ctx, addressOf(i))
	if err != nil {
		return 0, err
	}
	_, _, took, err := v.send(ctx, http.MethodPost, "/signin/"+id+"/password", url.Values{"password": {fmt.Sprintf("min egen mening nummer %d", i)}}, http.StatusSeeOther)
	if err != nil {
		return took, err
	}
	_, _, _, err = v.send(ctx, http.MethodGet, "/account", nil, http.StatusOK)
	return took, err
}

// until asks again and again.
func (m *move) until(ctx context.Context, done func() (bool, error)) error {
	for {
		ok, err := done()
		if err != nil || ok {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(500 * time.Millisecond):
		}
	}
}

// measure does a part and tells what it has cost.
func (m *move) measure(name string, units int, unit string, do func() ([]time.Duration, error)) error {
	most := highest(func() int64 { return resident(os.Getpid()) })
	begin, used := time.Now(), processorTime()
	all, err := do()
	p := Phase{Name: name, Units: units, Unit: unit, Took: time.Since(begin), Processor: processorTime() - used, Middle: percentile(all, 50), High: percentile(all, 95)}
	p.Memory = most()
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	m.told(p)
	return nil
}
