package webpush_test

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/portvakt/portvakt/internal/outbound"
	"github.com/portvakt/portvakt/internal/outbox"
	"github.com/portvakt/portvakt/internal/push"
	"github.com/portvakt/portvakt/internal/secret"
	"github.com/portvakt/portvakt/internal/store"
	"github.com/portvakt/portvakt/internal/store/storetest"
	"github.com/portvakt/portvakt/internal/vapid"
	"github.com/portvakt/portvakt/internal/webpush"
)

// capability stands in every address of these tests: it must be found in no log, no error and no row.
const capability = "capability-7f3a"

type scene struct {
	t      *testing.T
	url    string // of the database
	db     *store.DB
	ring   *secret.Keyring
	sender *webpush.Sender
	worker *outbox.Worker
	now    time.Time
	log    bytes.Buffer
	gone   []string

	phone *ecdh.PrivateKey
	auth  []byte
}

var thisMachine = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}

func newScene(t *testing.T, allowed []netip.Prefix) *scene {
	t.Helper()
	s := &scene{t: t, now: time.Now().Truncate(time.Second), url: "sqlite:" + storetest.SQLiteFile(t), auth: secret.Random(16)}
	var err error
	if s.ring, err = secret.NewKeyring(map[byte][]byte{1: secret.NewRoot()}, 1); err != nil {
		t.Fatal(err)
	}
	if s.phone, err = ecdh.P256().NewPrivateKey(secret.Random(32)); err != nil {
		t.Fatal(err)
	}
	master, err := secret.ParseMaster(secret.NewMasterKey())
	if err != nil {
		t.Fatal(err)
	}
	s.start(master, allowed)
	t.Cleanup(func() {
		s.db.Close()
		if strings.Contains(s.log.String(), capability) {
			t.Errorf("the log names an address:\n%s", s.log.String())
		}
	})
	return s
}

// start is a process on the database.
func (s *scene) start(master *secret.Master, allowed []netip.Prefix) {
	s.t.Helper()
	clock := func() time.Time { return s.now }
	db, err := store.Open(context.Background(), store.Options{URL: s.url})
	if err != nil {
		s.t.Fatal(err)
	}
	s.db = db
	keys := &vapid.Keys{Store: db, InTx: store.InTx[vapid.Tx](db), Master: master, Now: clock}
	if err := keys.Tend(s.t.Context()); err != nil {
		s.t.Fatal(err)
	}
	log := slog.New(slog.NewJSONHandler(&s.log, nil))
	s.sender = &webpush.Sender{Client: outbound.NewClient(allowed), Forbidden: outbound.ErrForbidden, Keys: keys, Ring: s.ring, Contact: "https://login.example.com",
		Gone: func(_ context.Context, keyID, endpoint string) error {
			s.gone = append(s.gone, keyID+" "+endpoint)
			return nil
		}, Now: clock, Log: log}
	s.worker = &outbox.Worker{Store: db, Now: clock, Log: log, Senders: map[outbox.Channel]outbox.Sender{outbox.Push: s.sender}}
}

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// subscription is the phone's at that address.
func (s *scene) subscription(endpoint string) push.Subscription {
	s.t.Helper()
	id, _, err := s.sender.Keys.Current(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	return push.Subscription{Endpoint: endpoint, P256DH: b64(s.phone.PublicKey().Bytes()), Auth: b64(s.auth), VAPID: id}
}

const topic = "7k3m0000000000000000000000"

// message is a challenge on its way to the subscription.
func (s *scene) message(to push.Subscription, payload string) outbox.Message {
	m := outbox.New(outbox.Push, "push_challenge", "", s.now)
	m.Lane, m.Expires = outbox.Urgent, s.now.Add(2*time.Minute)
	m.Params["key_id"], m.Params["topic"] = "key-1", topic
	m.SealSecret(s.ring, push.Parcel{Subscription: to, Payload: []byte(payload)}.Pack(), s.now)
	return m
}

func (s *scene) enqueue(m outbox.Message) {
	s.t.Helper()
	if err := store.InTx[outbox.Enqueuer](s.db)(s.t.Context(), func(tx outbox.Enqueuer) error { return tx.Enqueue(s.t.Context(), m) }); err != nil {
		s.t.Fatal(err)
	}
}

func (s *scene) round() int {
	s.t.Helper()
	n, err := s.worker.Round(s.t.Context(), "one")
	if err != nil {
		s.t.Fatal(err)
	}
	return n
}

// service is a push service that keeps what it gets and answers as it is told.
type service struct {
	*httptest.Server
	answer http.HandlerFunc
	got    []*http.Request
	bodies [][]byte
}

func newService(t *testing.T, answer http.HandlerFunc) *service {
	t.Helper()
	p := &service{answer: answer}
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		p.got, p.bodies = append(p.got, r), append(p.bodies, body)
		p.answer(w, r)
	}))
	t.Cleanup(p.Close)
	return p
}

func (p *service) endpoint() string { return p.URL + "/send/" + capability }

func status(code int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
}

// open decrypts a message as an authenticator does, by the text of RFC 8291 §3.4 and RFC 8188 §2.
func open(t *testing.T, body []byte, private *ecdh.PrivateKey, auth []byte) ([]byte, error) {
	t.Helper()
	if len(body) < 86 || body[20] != 65 {
		return nil, errors.New("no header")
	}
	salt, rs, sender := body[:16], binary.BigEndian.Uint32(body[16:20]), body[21:86]
	if uint32(len(body)-86) > rs {
		return nil, errors.New("the record is longer than it says")
	}
	public, err := ecdh.P256().NewPublicKey(sender)
	if err != nil {
		return nil, err
	}
	shared, err := private.ECDH(public)
	if err != nil {
		return nil, err
	}
	derive := func(ikm, salt []byte, info string, n int) []byte {
		out, err := hkdf.Key(sha256.New, ikm, salt, info, n)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	ikm := derive(shared, auth, "WebPush: info\x00"+string(private.PublicKey().Bytes())+string(sender), 32)
	key, nonce := derive(ikm, salt, "Content-Encoding: aes128gcm\x00", 16), derive(ikm, salt, "Content-Encoding: nonce\x00", 12)
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		return nil, err
	}
	plain, err := gcm.Open(nil, nonce, body[86:], nil)
	if err != nil {
		return nil, err
	}
	plain, ended := bytes.CutSuffix(bytes.TrimRight(plain, "\x00"), []byte{2})
	if !ended {
		return nil, errors.New("no end")
	}
	return plain, nil
}

// TestTheExampleOfRFC8291IsOpened by what opens our own messages below.
func TestTheExampleOfRFC8291IsOpened(t *testing.T) {
	decode := func(text string) []byte {
		b, err := base64.RawURLEncoding.DecodeString(text)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	private, err := ecdh.P256().NewPrivateKey(decode("q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94"))
	if err != nil {
		t.Fatal(err)
	}
	body := decode("DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPT" +
		"pK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN")
	plain, err := open(t, body, private, decode("BTBZMqHH6r4Tts7J_aSIgg"))
	if err != nil || string(plain) != "When I grow up, I want to be a watermelon" {
		t.Errorf("%q %v", plain, err)
	}
}

func TestAPhoneReadsWhatIsSentAndNobodyElse(t *testing.T) {
	s := newScene(t, thisMachine)
	p := newService(t, status(http.StatusCreated))
	for _, payload := range []string{`{"type":"challenge"}`, strings.Repeat("x", 1900)} {
		if err := s.sender.Send(t.Context(), s.message(s.subscription(p.endpoint()), payload)); err != nil {
			t.Fatal(err)
		}
		body := p.bodies[len(p.bodies)-1]
		plain, err := open(t, body, s.phone, s.auth)
		if err != nil || string(plain) != payload {
			t.Errorf("%q %v", plain, err)
		}
		if _, err := open(t, body, s.phone, secret.Random(16)); err == nil {
			t.Error("opened without the phone's secret")
		}
	}
	if len(p.bodies[0]) != len(p.bodies[1]) {
		t.Errorf("lengths tell the messages apart: %d and %d", len(p.bodies[0]), len(p.bodies[1]))
	}
}

func TestAMessageSaysHowUrgentItIsHowLongItLivesAndWhatItReplaces(t *testing.T) {
	s := newScene(t, thisMachine)
	p := newService(t, status(http.StatusCreated))
	m := s.message(s.subscription(p.endpoint()), "{}")
	s.now = s.now.Add(30 * time.Second)
	if err := s.sender.Send(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	s.now = m.Expires.Add(-time.Millisecond)
	m.Params["topic"] = strings.Repeat("x", 33)
	if err := s.sender.Send(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	for header, want := range map[string]string{"TTL": "90", "Urgency": "high", "Topic": topic, "Content-Encoding": "aes128gcm"} {
		if got := p.got[0].Header.Get(header); got != want {
			t.Errorf("%s: %q, want %q", header, got, want)
		}
	}
	if got := p.got[1].Header; got.Get("TTL") != "1" || got.Get("Topic") != "" {
		t.Errorf("at the last moment, with a topic that is too long: %v", got)
	}
}

// TestTheServiceIsToldWhoSends (RFC 8292 §2 and §3).
func TestTheServiceIsToldWhoSends(t *testing.T) {
	s := newScene(t, thisMachine)
	p := newService(t, status(http.StatusCreated))
	for contact, want := range map[string]string{"https://login.example.com": "https://login.example.com", "mailto:login@example.com": "mailto:login@example.com"} {
		s.sender.Contact = contact
		if err := s.sender.Send(t.Context(), s.message(s.subscription(p.endpoint()), "{}")); err != nil {
			t.Fatal(err)
		}
		token, key, _ := strings.Cut(strings.TrimPrefix(p.got[len(p.got)-1].Header.Get("Authorization"), "vapid t="), ", k=")
		_, public, err := s.sender.Keys.Current(t.Context())
		if err != nil || key != b64(public) {
			t.Fatalf("k=%s %v", key, err)
		}
		parts := strings.Split(token, ".")
		signature, err := base64.RawURLEncoding.DecodeString(parts[2])
		if err != nil || len(signature) != 64 {
			t.Fatal(token, err)
		}
		sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
		signer, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), public)
		if err != nil || !ecdsa.Verify(signer, sum[:], new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:])) {
			t.Errorf("the signature is not the key's: %v", err)
		}
		var claims struct {
			Audience string `json:"aud"`
			Subject  string `json:"sub"`
			Expires  int64  `json:"exp"`
		}
		b, err := base64.RawURLEncoding.DecodeString(parts[1])
		if err != nil || json.Unmarshal(b, &claims) != nil {
			t.Fatal(string(b), err)
		}
		if claims.Audience != p.URL || claims.Subject != want {
			t.Errorf("%+v", claims)
		}
		if left := time.Until(time.Unix(claims.Expires, 0)); left <= 0 || left > 12*time.Hour+time.Second {
			t.Errorf("it holds for %s", left)
		}
	}
}

func TestEachAnswerIsUnderstood(t *testing.T) {
	s := newScene(t, thisMachine)
	p := newService(t, nil)
	type outcome struct{ failed, final, gone bool }
	for code, want := range map[int]outcome{
		200: {}, 201: {}, 202: {}, 204: {},
		404: {true, true, true}, 410: {true, true, true},
		400: {true, true, false}, 401: {true, true, false}, 403: {true, true, false}, 413: {true, true, false}, 406: {true, true, false},
		429: {true, false, false}, 500: {true, false, false}, 502: {true, false, false}, 503: {true, false, false}, 408: {true, false, false},
	} {
		p.answer, s.gone = status(code), nil
		s.log.Reset()
		err := s.sender.Send(t.Context(), s.message(s.subscription(p.endpoint()), "{}"))
		got := outcome{err != nil, errors.Is(err, outbox.ErrRefused), len(s.gone) > 0}
		if got != want {
			t.Errorf("%d: %+v, want %+v: %v", code, got, want, err)
		}
		if err != nil && strings.Contains(err.Error(), capability) {
			t.Errorf("the error names the address: %v", err)
		}
		if want.gone && s.gone[0] != "key-1 "+p.endpoint() {
			t.Errorf("gone: %v", s.gone)
		}
		if refused := strings.Contains(s.log.String(), "refused for good"); refused != (want.final && !want.gone) {
			t.Errorf("%d: the log: %s", code, s.log.String())
		}
	}
}

func TestASubscriptionThatCannotBeTakenAwayIsTriedAgain(t *testing.T) {
	s := newScene(t, thisMachine)
	p := newService(t, status(http.StatusGone))
	s.sender.Gone = func(context.Context, string, string) error { return errors.New("database down") }
	if err := s.sender.Send(t.Context(), s.message(s.subscription(p.endpoint()), "{}")); err == nil || errors.Is(err, outbox.ErrRefused) {
		t.Error(err)
	}
}

func TestABusyServiceIsAskedAgainWhenItWants(t *testing.T) {
	s := newScene(t, thisMachine)
	p := newService(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "20")
		w.WriteHeader(http.StatusTooManyRequests)
	})
	s.enqueue(s.message(s.subscription(p.endpoint()), "{}"))
	s.round()
	p.answer = status(http.StatusCreated)
	s.now = s.now.Add(19 * time.Second)
	if n := s.round(); n != 0 {
		t.Error("asked before it wants to be asked")
	}
	s.now = s.now.Add(time.Second)
	s.round()
	if len(p.got) != 2 || p.got[1].Header.Get("TTL") != "100" {
		t.Errorf("%d tries", len(p.got))
	}
	for value, want := range map[string]time.Duration{"": 0, "soon": 0, "-1": 0, s.now.Add(time.Minute).UTC().Format(http.TimeFormat): time.Minute, "Mon, 02 Jan 2006 15:04:05 GMT": 0} {
		p.answer = func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", value)
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		err := s.sender.Send(t.Context(), s.message(s.subscription(p.endpoint()), "{}"))
		if later, ok := errors.AsType[outbox.Later](err); !ok || (later.After-want).Abs() > time.Second {
			t.Errorf("%q: %v %v", value, later.After, err)
		}
	}
}

// TestAMessageSurvivesARestart between its enqueueing and its sending.
func TestAMessageSurvivesARestart(t *testing.T) {
	s := newScene(t, thisMachine)
	p := newService(t, status(http.StatusCreated))
	s.enqueue(s.message(s.subscription(p.endpoint()), "after the restart"))
	master := s.sender.Keys.Master
	if err := s.db.Close(); err != nil {
		t.Fatal(err)
	}
	s.start(master, thisMachine)
	s.round()
	if len(p.bodies) != 1 {
		t.Fatalf("%d messages", len(p.bodies))
	}
	if plain, err := open(t, p.bodies[0], s.phone, s.auth); err != nil || string(plain) != "after the restart" {
		t.Errorf("%q %v", plain, err)
	}
	if n := s.round(); n != 0 || len(p.bodies) != 1 {
		t.Error("sent twice")
	}
}

func TestAnExpiredMessageIsNotSent(t *testing.T) {
	s := newScene(t, thisMachine)
	p := newService(t, status(http.StatusCreated))
	s.enqueue(s.message(s.subscription(p.endpoint()), "{}"))
	s.now = s.now.Add(2 * time.Minute)
	s.round()
	if len(p.got) != 0 {
		t.Error("sent")
	}
}

func TestAnAddressThatLeadsInsideIsNotDialled(t *testing.T) {
	s := newScene(t, nil)
	inside := newService(t, status(http.StatusCreated))
	for _, endpoint := range []string{inside.endpoint(), "http://169.254.169.254/latest/" + capability, "http://[fd00:ec2::254]/latest/" + capability,
		strings.Replace(inside.endpoint(), "127.0.0.1", "localhost", 1)} {
		err := s.sender.Send(t.Context(), s.message(s.subscription(endpoint), "{}"))
		if !errors.Is(err, outbox.ErrRefused) || !errors.Is(err, outbound.ErrForbidden) || strings.Contains(err.Error(), capability) {
			t.Errorf("%s: %v", endpoint, err)
		}
	}
	if len(inside.got) != 0 {
		t.Error("reached")
	}
}

func TestARedirectIsNotFollowed(t *testing.T) {
	s := newScene(t, thisMachine)
	inside := newService(t, status(http.StatusCreated))
	for _, code := range []int{301, 302, 303, 307, 308} {
		p := newService(t, http.RedirectHandler(inside.URL+"/"+capability, code).ServeHTTP)
		if err := s.sender.Send(t.Context(), s.message(s.subscription(p.endpoint()), "{}")); !errors.Is(err, outbox.ErrRefused) {
			t.Errorf("%d: %v", code, err)
		}
	}
	if len(inside.got) != 0 {
		t.Error("followed")
	}
}

// TestAServiceThatAnswersWithAGigabyteIsNotListenedTo: the handler ends only when the other side hangs up.
func TestAServiceThatAnswersWithAGigabyteIsNotListenedTo(t *testing.T) {
	s := newScene(t, thisMachine)
	written := make(chan int, 1)
	p := newService(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", fmt.Sprint(1<<30))
		w.WriteHeader(http.StatusCreated)
		n := 0
		for chunk := make([]byte, 1<<10); r.Context().Err() == nil && n < 1<<30; n += len(chunk) {
			if _, err := w.Write(chunk); err != nil {
				break
			}
			w.(http.Flusher).Flush()
		}
		written <- n
	})
	if err := s.sender.Send(t.Context(), s.message(s.subscription(p.endpoint()), "{}")); err != nil {
		t.Error(err)
	}
	if n := <-written; n >= 1<<30 {
		t.Error("all of it was taken")
	}
}

func TestAServiceThatCannotBeReachedIsTriedAgain(t *testing.T) {
	s := newScene(t, thisMachine)
	p := newService(t, status(http.StatusCreated))
	endpoint := p.endpoint()
	p.Close()
	err := s.sender.Send(t.Context(), s.message(s.subscription(endpoint), "{}"))
	if err == nil || errors.Is(err, outbox.ErrRefused) || strings.Contains(err.Error(), capability) {
		t.Error(err)
	}
	hangsUp := newService(t, func(w http.ResponseWriter, _ *http.Request) {
		c, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		c.Close()
	})
	err = s.sender.Send(t.Context(), s.message(s.subscription(hangsUp.endpoint()), "{}"))
	if err == nil || errors.Is(err, outbox.ErrRefused) || strings.Contains(err.Error(), capability) {
		t.Error(err)
	}
}

func TestWhatCannotBeSentIsRefused(t *testing.T) {
	s := newScene(t, thisMachine)
	p := newService(t, status(http.StatusCreated))
	good := s.subscription(p.endpoint())
	bad := good
	bad.P256DH = b64(make([]byte, 65))
	foreign := s.message(good, "{}")
	foreign.ID = secret.NewID() // the secret of another message
	for name, m := range map[string]outbox.Message{"too long": s.message(good, strings.Repeat("x", 4096)), "no key": s.message(bad, "{}"), "another's secret": foreign} {
		if err := s.sender.Send(t.Context(), m); !errors.Is(err, outbox.ErrRefused) || strings.Contains(err.Error(), capability) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if len(p.got) != 0 {
		t.Error("sent")
	}
}

// TestASubscriptionWhoseKeyHasRetiredIsTakenAway: no service would take what another key signs.
func TestASubscriptionWhoseKeyHasRetiredIsTakenAway(t *testing.T) {
	s := newScene(t, thisMachine)
	p := newService(t, status(http.StatusCreated))
	to := s.subscription(p.endpoint())
	to.VAPID = "retired"
	if err := s.sender.Send(t.Context(), s.message(to, "{}")); !errors.Is(err, outbox.ErrRefused) || len(s.gone) != 1 || len(p.got) != 0 {
		t.Errorf("%v %v", err, s.gone)
	}
}
