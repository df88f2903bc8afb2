package sms_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/portvakt/portvakt/internal/locale"
	"github.com/portvakt/portvakt/internal/outbound"
	"github.com/portvakt/portvakt/internal/outbox"
	"github.com/portvakt/portvakt/internal/phone"
	"github.com/portvakt/portvakt/internal/secret"
	"github.com/portvakt/portvakt/internal/sms"
	"github.com/portvakt/portvakt/internal/smscode"
)

const (
	bos  = phone.Number("+46701740605")
	code = smscode.Code("048213")
)

var now = time.Date(2026, 11, 24, 8, 0, 0, 0, time.UTC)

// post is a sender with a message for it.
type post struct {
	t       *testing.T
	sender  *sms.Sender
	message outbox.Message
	keys    *secret.Keyring
}

func newPost(t *testing.T, s sms.Settings) *post {
	t.Helper()
	k, err := secret.NewKeyring(map[byte][]byte{1: secret.NewRoot()}, 1)
	if err != nil {
		t.Fatal(err)
	}
	catalogue := locale.New()
	if s.Issuer == "" {
		s.Issuer = "https://login.example.com"
	}
	s.User, s.Password, s.From, s.Name = "u1", "p1", "Portvakt", "Portvakt"
	client := outbound.NewClient([]netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")})
	sender, err := sms.New(s, client, catalogue, k, func() time.Time { return now })
	if err != nil {
		t.Fatal(err)
	}
	m := outbox.New(outbox.SMS, sms.CodeTemplate, bos.Hidden(), now)
	m.Language, m.Expires = "sv", now.Add(smscode.Life)
	m.SealSecret(k, smscode.Pack(bos, code), now)
	return &post{t, sender, m, k}
}

func (p *post) send() error { return p.sender.Send(p.t.Context(), p.message) }

// serve is a gateway.
func serve(t *testing.T, h http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}

func answer(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		io.WriteString(w, body) //nolint:errcheck // the test looks at what came of it
	}
}

const wanted = "048213 är din kod för Portvakt. Den gäller i 10 minuter. Ge den inte till någon.\n\n@login.example.com #048213"

func Test46elksGetsItsForm(t *testing.T) {
	p := newPost(t, sms.Settings{Gateway: "46elks", URL: serve(t, func(w http.ResponseWriter, r *http.Request) {
		user, pass, _ := r.BasicAuth()
		if r.Method != http.MethodPost || r.URL.Path != "/a1/sms" || user != "u1" || pass != "p1" ||
			r.PostFormValue("to") != bos.Reveal() || r.PostFormValue("from") != "Portvakt" || r.PostFormValue("message") != wanted {
			t.Errorf("%s %s %s:%s %q", r.Method, r.URL, user, pass, r.PostForm)
		}
		answer(200, `{"id":"s1","status":"created","to":"+46701740605"}`)(w, r)
	})})
	if err := p.send(); err != nil {
		t.Error(err)
	}
}

func TestTwilioGetsItsForm(t *testing.T) {
	p := newPost(t, sms.Settings{Gateway: "twilio", URL: serve(t, func(w http.ResponseWriter, r *http.Request) {
		user, pass, _ := r.BasicAuth()
		if r.URL.Path != "/2010-04-01/Accounts/u1/Messages.json" || user != "u1" || pass != "p1" ||
			r.PostFormValue("To") != bos.Reveal() || r.PostFormValue("From") != "Portvakt" || r.PostFormValue("Body") != wanted {
			t.Errorf("%s %s:%s %q", r.URL, user, pass, r.PostForm)
		}
		answer(201, `{"sid":"SM1","status":"queued"}`)(w, r)
	})})
	if err := p.send(); err != nil {
		t.Error(err)
	}
}

func TestTheWebhookGetsASignedMessageWithTheSameIDAtEachTry(t *testing.T) {
	var ids []string
	status := 503
	p := newPost(t, sms.Settings{Gateway: "webhook", URL: serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		var l struct {
			ID, To, From, Text string
			Expires            int64
		}
		if err := json.Unmarshal(body, &l); err != nil {
			t.Errorf("%s: %v", body, err)
		}
		var at int64
		var sign string
		if _, err := fmt.Sscanf(r.Header.Get("Portvakt-Signature"), "t=%d,v1=%s", &at, &sign); err != nil || at != now.Unix() {
			t.Errorf("signature %q: %v", r.Header.Get("Portvakt-Signature"), err)
		}
		sum := hmac.New(sha256.New, []byte("p1"))
		fmt.Fprintf(sum, "%d.%s", at, body)
		if sign != hex.EncodeToString(sum.Sum(nil)) {
			t.Error("the signature is another's")
		}
		if l.To != bos.Reveal() || l.From != "Portvakt" || l.Text != wanted || l.Expires != now.Add(10*time.Minute).Unix() || l.ID != r.Header.Get("Idempotency-Key") {
			t.Errorf("%s", body)
		}
		ids = append(ids, l.ID)
		w.WriteHeader(status)
	})})
	if err := p.send(); err == nil || errors.Is(err, outbox.ErrRefused) {
		t.Errorf("a busy gateway: %v", err)
	}
	status = 202
	if err := p.send(); err != nil {
		t.Error(err)
	}
	if len(ids) != 2 || ids[0] != ids[1] || ids[0] != p.message.ID {
		t.Errorf("ids %q", ids)
	}
}

// What the real ones answer when something is wrong: what is final, what is worth another try; and no word of it, which may
// name the number, in the error.
func TestAnAnswerIsUnderstood(t *testing.T) {
	twilio := func(code int) string {
		return fmt.Sprintf(`{"code":%d,"message":"The number %s cannot","more_info":"https://www.twilio.com","status":400}`, code, bos.Reveal())
	}
	for _, c := range []struct {
		gateway string
		status  int
		body    string
		final   bool
		says    string
	}{
		{"46elks", 400, "Invalid parameter to: " + bos.Reveal(), true, "400"},
		{"46elks", 401, "Unauthorized", false, "check sms-user"},
		{"46elks", 403, "Not enough credits", false, "403"},
		{"46elks", 429, "slow down", false, "429"},
		{"46elks", 500, "oops", false, "500"},
		{"46elks", 302, "", false, "check sms-url"},
		{"twilio", 400, twilio(21211), true, "21211"},
		{"twilio", 400, twilio(21614), true, "21614"},
		{"twilio", 400, twilio(21610), true, "21610"},
		{"twilio", 400, twilio(21606), false, "400"}, // the sender: an operator can put it right
		{"twilio", 401, twilio(20003), false, "check sms-user"},
		{"twilio", 429, twilio(20429), false, "429"},
		{"twilio", 503, "<html>", false, "503"},
		{"twilio", 400, "not json", false, "400"},
		{"webhook", 400, "no", true, "400"},
		{"webhook", 422, "no", true, "422"},
		{"webhook", 404, "no", false, "404"},
		{"webhook", 500, "no", false, "500"},
		{"webhook", 307, "", false, "check sms-url"},
	} {
		p := newPost(t, sms.Settings{Gateway: c.gateway, URL: serve(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Location", "http://127.0.0.1:1/")
			answer(c.status, c.body)(w, r)
		})})
		err := p.send()
		if err == nil || errors.Is(err, outbox.ErrRefused) != c.final || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "0605") {
			t.Errorf("%s %d: %v", c.gateway, c.status, err)
		}
		if personal, ok := errors.AsType[outbox.Personal](err); strings.Contains(c.body, "0605") && (!ok || !strings.Contains(personal.Text, "0605")) {
			t.Errorf("%s %d: what the gateway said is lost: %v", c.gateway, c.status, err)
		}
	}
}

// A gateway that accepts and hangs gets the same message again: the same text with the same code.
func TestAGatewayThatHangsAfterAcceptingGetsTheSameAgain(t *testing.T) {
	var got []string
	hang := true
	waited, timeIsUp := context.WithCancel(t.Context()) // as the worker's clock does: not before the gateway has it
	p := newPost(t, sms.Settings{Gateway: "46elks", URL: serve(t, func(w http.ResponseWriter, r *http.Request) {
		got = append(got, r.PostFormValue("message"))
		if hang {
			timeIsUp()
			<-r.Context().Done()
		}
	})})
	if err := p.sender.Send(waited, p.message); err == nil || errors.Is(err, outbox.ErrRefused) || strings.Contains(err.Error(), "/a1/sms") {
		t.Errorf("a gateway that hangs: %v", err)
	}
	hang = false
	if err := p.send(); err != nil {
		t.Error(err)
	}
	if len(got) != 2 || got[0] != got[1] || got[0] != wanted {
		t.Errorf("sent %q", got)
	}
}

func TestNoMoreOfAnAnswerIsReadThanIsNeeded(t *testing.T) {
	p := newPost(t, sms.Settings{Gateway: "twilio", URL: serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(500)
		for range 64 << 10 {
			if _, err := io.WriteString(w, strings.Repeat("x", 1024)); err != nil {
				return // the reader has gone, as it should
			}
		}
	})})
	err := p.send()
	if personal, ok := errors.AsType[outbox.Personal](err); !ok || len(personal.Text) > 300 {
		t.Errorf("%v", err)
	}
}

func TestAGatewayThatIsNotThereIsTriedAgain(t *testing.T) {
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	for _, url := range []string{gone.URL, "http://10.255.255.1:1"} { // the latter: a private network that is not allowed
		if err := newPost(t, sms.Settings{Gateway: "twilio", URL: url}).send(); err == nil || errors.Is(err, outbox.ErrRefused) || strings.Contains(err.Error(), "u1") {
			t.Errorf("%s: %v", url, err)
		}
	}
}

// gsm is the alphabet in which 160 characters are one message (3GPP TS 23.038 §6.2.1).
const gsm = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"

func TestAMessageIsOneAndEndsWithTheLineThatPhonesRead(t *testing.T) {
	for _, issuer := range []string{"https://login.example.com", "https://inloggning.ett-ganska-langt-namn.kommunalforbundet.example:8443", "http://localhost:8080"} {
		for _, lang := range []string{"sv", "en", ""} {
			var got string
			p := newPost(t, sms.Settings{Gateway: "46elks", Issuer: issuer, URL: serve(t, func(_ http.ResponseWriter, r *http.Request) { got = r.PostFormValue("message") })})
			p.message.Language = lang
			if err := p.send(); err != nil {
				t.Fatal(err)
			}
			if n := utf8.RuneCountInString(got); n > 160 || strings.Trim(got, gsm) != "" {
				t.Errorf("%d characters, or others than GSM's: %q", n, got)
			}
			lines := strings.Split(got, "\n")
			host, _, _ := strings.Cut(strings.SplitN(issuer, "://", 2)[1], ":")
			if last := lines[len(lines)-1]; last != "@"+host+" #048213" || !strings.HasPrefix(got, "048213 ") {
				t.Errorf("%q", got)
			}
		}
	}
}

func TestWhatIsNoMessageIsRefusedForGood(t *testing.T) {
	url := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("something was sent") })
	for name, change := range map[string]func(*outbox.Message){
		"another template": func(m *outbox.Message) { m.Template = "sms_poem" },
		"a wiped secret":   func(m *outbox.Message) { m.Secret = nil },
		"another's secret": func(m *outbox.Message) { m.ID = "other" },
	} {
		p := newPost(t, sms.Settings{Gateway: "46elks", URL: url})
		change(&p.message)
		if err := p.send(); !errors.Is(err, outbox.ErrRefused) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := sms.New(sms.Settings{Gateway: "pigeon"}, nil, nil, nil, nil); err == nil {
		t.Error("a pigeon is no gateway")
	}
	if _, _, err := smscode.Unpack("hush"); !errors.Is(err, smscode.ErrNotPacked) {
		t.Errorf("%v", err)
	}
}
