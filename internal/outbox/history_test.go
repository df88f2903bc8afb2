package outbox_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/portvakt/portvakt/internal/outbox"
	"github.com/portvakt/portvakt/internal/secret"
)

// talker is a mail server that says something when it takes a mail.
type talker struct {
	words string
	err   error
}

func (s *talker) Send(context.Context, outbox.Message) error { return s.err }

func (s *talker) SendAndListen(context.Context, outbox.Message) (string, error) {
	return s.words, s.err
}

// about makes the message one about a person of a register.
func about(m *outbox.Message) { m.Person = "p1" }

// history is what is kept of the person's newest mail, with its turns on one line each.
func (s *scene) history() (outbox.Record, []string) {
	s.t.Helper()
	all, err := s.db.ListPersonMails(s.t.Context(), "p1", 10)
	if err != nil || len(all) == 0 {
		s.t.Fatal(all, err)
	}
	var lines []string
	for _, t := range all[0].Turns {
		lines = append(lines, string(t.Kind)+" "+t.Words)
	}
	return all[0], lines
}

func TestWhatBecomesOfAMailCanBeToldTurnByTurn(t *testing.T) {
	each(t, func(t *testing.T, s *scene) {
		post := &talker{err: outbox.Personal{Text: "greylisted, anna@x.example", Err: errors.New("the mail server answered 451")}}
		s.worker.Senders[outbox.Mail] = post
		s.enqueue("news", about)
		s.round()
		post.err, post.words = nil, "2.0.0 OK:\x07 queued as\r\n 4FxK2"
		s.now = s.now.Add(time.Hour)
		s.round()
		r, lines := s.history()
		want := []string{"postponed the mail server answered 451: greylisted, anna@x.example", "accepted 2.0.0 OK: queued as 4FxK2"}
		if !slices.Equal(lines, want) {
			t.Errorf("told %q", lines)
		}
		if r.State != outbox.Sent || r.Answer != "2.0.0 OK: queued as 4FxK2" || r.To != "anna@x.example" || !r.Finished.Equal(s.now) {
			t.Errorf("%+v", r)
		}
		for _, b := range []outbox.Bounce{{Message: r.ID, Status: "4.4.1", Reason: "no answer from host"},
			{Message: r.ID, Failed: true, Status: "5.1.1", Reason: "no such user"}, {Message: r.ID, Failed: true, Status: "5.0.0", Reason: "again"},
			{Message: "nobody's", Failed: true}} {
			s.now = s.now.Add(time.Minute)
			if err := s.db.Bounced(t.Context(), b, s.now); err != nil {
				t.Fatal(err)
			}
		}
		r, lines = s.history()
		want = append(want, "delayed 4.4.1 no answer from host", "bounced 5.1.1 no such user", "bounced 5.0.0 again")
		if !slices.Equal(lines, want) || r.Status != "5.1.1" || r.Reason != "no such user" || !r.Bounced.Equal(s.now.Add(-2*time.Minute)) {
			t.Errorf("told %q, %+v", lines, r)
		}
	})
}

func TestHowAMailEndsStandsInItsHistory(t *testing.T) {
	for ending, play := range map[string]func(*scene, *talker){
		"refused refused for good: 550: no such user anna@x.example": func(s *scene, p *talker) {
			p.err = fmt.Errorf("%w: %w", outbox.ErrRefused, outbox.Personal{Text: "no such user anna@x.example", Err: errors.New("550")})
			s.enqueue("a", about)
		},
		"dropped nothing to send: nobody": func(s *scene, _ *talker) {
			s.worker.Preparers = map[string]outbox.Preparer{"note": clerk{fmt.Errorf("%w: nobody", outbox.ErrDrop)}}
			s.enqueue("a", about)
		},
		"expired its time has passed": func(s *scene, _ *talker) { s.enqueue("a", about); s.now = s.now.Add(25 * time.Hour) },
	} {
		t.Run(strings.Fields(ending)[0], func(t *testing.T) {
			each(t, func(t *testing.T, s *scene) {
				post := &talker{}
				s.worker.Senders[outbox.Mail] = post
				play(s, post)
				s.round()
				if r, lines := s.history(); !slices.Equal(lines, []string{ending}) || r.Answer != "" {
					t.Errorf("told %q, %+v", lines, r)
				}
			})
		})
	}
}

func TestAServerThatIsDownForADayFillsNobodysHistory(t *testing.T) {
	each(t, func(t *testing.T, s *scene) {
		post := &talker{err: errors.New("down")}
		s.worker.Senders[outbox.Mail] = post
		s.enqueue("a", about)
		for range 40 {
			s.round()
			s.now = s.now.Add(16 * time.Minute)
		}
		post.err = nil
		s.round()
		r, lines := s.history()
		if len(lines) != 21 || lines[20] != "accepted " {
			t.Errorf("%d turns: %q", len(lines), lines)
		}
		for range 60 {
			s.now = s.now.Add(time.Second)
			if err := s.db.Bounced(t.Context(), outbox.Bounce{Message: r.ID, Status: "4.0.0"}, s.now); err != nil {
				t.Fatal(err)
			}
		}
		if _, lines = s.history(); len(lines) != 21 {
			t.Errorf("%d turns", len(lines))
		}
	})
}

func TestOfAMailThatIsAboutNobodyNoWordsAreKept(t *testing.T) {
	each(t, func(t *testing.T, s *scene) {
		var id string
		s.worker.Senders[outbox.Mail] = &talker{words: "anna@x.example is glad"}
		s.enqueue("a", func(m *outbox.Message) { id = m.ID })
		s.round()
		if err := s.db.Bounced(t.Context(), outbox.Bounce{Message: id, Failed: true, Reason: "anna@x.example has left"}, s.now); err != nil {
			t.Fatal(err)
		}
		all, err := s.db.ListAccountMails(t.Context(), "", 10)
		if err != nil || len(all) != 1 || len(all[0].Turns) != 2 {
			t.Fatalf("%+v %v", all, err)
		}
		if text := fmt.Sprintf("%+v", all); strings.Contains(text, "anna") {
			t.Errorf("kept: %s", text)
		}
	})
}

func TestStrangersWordsAreOneLineOfBoundedLength(t *testing.T) {
	for said, want := range map[string]string{
		"":                             "",
		" 550\t5.1.1\r\n no  user ":    "550 5.1.1 no user",
		"a\x00b\x1b[31mc\u202ed\ufffd": "ab[31mcd",
		strings.Repeat("å", 501):       strings.Repeat("å", 499) + "…",
		strings.Repeat("å", 500):       strings.Repeat("å", 500),
	} {
		if got := outbox.Words(said); got != want {
			t.Errorf("%q became %q", said, got)
		}
	}
}

func TestAReturnAddressNamesItsMessageAndCannotBeMade(t *testing.T) {
	k, err := secret.NewKeyring(map[byte][]byte{1: secret.NewRoot()}, 1)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 11, 24, 8, 0, 0, 0, time.UTC)
	r := outbox.NewReturnPath(strings.Repeat("b", outbox.LongestReturn)+"@Portvakt.example", k)
	m, other := outbox.New(outbox.Mail, "note", "a@b.example", now), outbox.New(outbox.Mail, "note", "a@b.example", now)
	address := r.For(m)
	if local, _, _ := strings.Cut(address, "@"); len(local) != 64 {
		t.Errorf("%s has %d characters before the @", address, len(local))
	}
	for name, a := range map[string]string{"as it was": address, "in capitals": strings.ToUpper(address), "in small letters": strings.ToLower(address)} {
		if id, ok := r.Parse(a, now.Add(30*24*time.Hour)); !ok || id != m.ID {
			t.Errorf("%s: %q %t", name, id, ok)
		}
	}
	for name, a := range map[string]string{
		"of another message": strings.Replace(address, m.ID, other.ID, 1),
		"at another domain":  strings.Replace(address, "Portvakt", "portvarkt", 1),
		"without its tag":    strings.Split(address, ".")[0] + "@portvakt.example",
		"the mailbox itself": strings.Repeat("b", outbox.LongestReturn) + "@portvakt.example",
		"with more":          strings.Replace(address, "@", "0@", 1),
		"empty":              "", "an at sign": "@", "a tag alone": "+.@portvakt.example",
	} {
		if id, ok := r.Parse(a, now); ok {
			t.Errorf("%s: taken for %s", name, id)
		}
	}
	if _, ok := r.Parse(address, now.Add(40*24*time.Hour)); ok {
		t.Error("it holds for ever")
	}
}
