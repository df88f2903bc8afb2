// Package sms is the engine that hands outbox messages with codes, links and news to the operator's SMS gateway: 46elks, Twilio, or any
// program that takes a signed JSON over HTTP. It decides nothing: who gets what was decided before.
//
// Delivery is at least once. A gateway that accepts a message and then does not answer gets it again, with the same text and the
// same code; the generic webhook can tell by the message's id. A message expires with its code.
package sms

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/portvakt/portvakt/internal/locale"
	"github.com/portvakt/portvakt/internal/outbox"
	"github.com/portvakt/portvakt/internal/phone"
	"github.com/portvakt/portvakt/internal/secret"
)

// Settings say which gateway sends, and in whose name.
type Settings struct {
	Gateway  string // "46elks", "twilio" or "webhook"
	URL      string // of the webhook; of 46elks or Twilio where it is not their own
	User     string // 46elks: API username; Twilio: account SID; webhook: none
	Password string // 46elks: API password; Twilio: auth token; webhook: the key that signs
	From     string // what the phone shows as sender
	Issuer   string // links lead there, and its host is what phones fill codes in for
	Name     string // of this installation in the text
}

// text is a finished message on its way to a gateway.
type text struct {
	id      string
	to      phone.Number
	body    string
	expires time.Time
}

// gateway is one kind of other side.
type gateway interface {
	// request makes the call that sends the message.
	request(ctx context.Context, t text) (*http.Request, error)
	// judge says what an answer means: accepted, refused for good (ErrRefused), or worth another try.
	judge(status int, body []byte) error
}

// Sender renders and delivers messages. It is safe for concurrent use.
type Sender struct {
	settings  Settings
	host      string
	gateway   gateway
	client    *http.Client
	catalogue *locale.Catalogue
	keys      *secret.Keyring
	now       func() time.Time
}

var _ outbox.Sender = (*Sender)(nil)

// CodeTemplate is the template of a message that carries a code.
const CodeTemplate = "sms_code"

// New checks the settings. The client is the one that reaches no private network.
func New(s Settings, client *http.Client, c *locale.Catalogue, k *secret.Keyring, now func() time.Time) (*Sender, error) {
	issuer, err := url.Parse(s.Issuer)
	if err != nil {
		return nil, fmt.Errorf("sms: issuer: %w", err)
	}
	made := &Sender{settings: s, host: issuer.Hostname(), client: client, catalogue: c, keys: k, now: now}
	switch s.Gateway {
	case "46elks":
		made.gateway = elks{s}
	case "twilio":
		made.gateway = twilio{s}
	case "webhook":
		made.gateway = webhook{s, now}
	default:
		return nil, fmt.Errorf("sms: gateway %q: want 46elks, twilio or webhook", s.Gateway)
	}
	return made, nil
}

// Send renders the message and hands it to the gateway. An answer that is final for this number wraps outbox.ErrRefused;
// everything else is worth another try.
func (s *Sender) Send(ctx context.Context, m outbox.Message) error {
	t, err := s.compose(m)
	if err != nil {
		return fmt.Errorf("%w: %w", outbox.ErrRefused, err)
	}
	req, err := s.gateway.request(ctx, t)
	if err != nil {
		return fmt.Errorf("%w: %w", outbox.ErrRefused, err)
	}
	answer, err := s.client.Do(req)
	if err != nil {
		// The address may hold the name of an account at the gateway: the log gets the cause alone.
		if wrapped, ok := errors.AsType[*url.Error](err); ok {
			err = wrapped.Err
		}
		return fmt.Errorf("the SMS gateway was not reached: %w", err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer))
	if err != nil {
		return fmt.Errorf("the SMS gateway's answer was not read: %w", err)
	}
	if answer.StatusCode >= 300 && answer.StatusCode < 400 {
		return fmt.Errorf("the SMS gateway answered %d, to another address: no redirect is followed; check sms-url", answer.StatusCode)
	}
	return s.gateway.judge(answer.StatusCode, body)
}

// maxAnswer is how much of an answer is read, in bytes; real ones have a few hundred.
const maxAnswer = 16 << 10

// again says that an answer is worth another try. The gateway's words may name the number: they stay apart.
func again(status int, words []byte) error {
	err := fmt.Errorf("the SMS gateway answered %d", status)
	if status == http.StatusUnauthorized || status == http.StatusForbidden {
		err = fmt.Errorf("the SMS gateway answered %d: check sms-user and sms-password", status)
	}
	return outbox.Personal{Text: clip(words), Err: err}
}

// refused says that an answer is final for this message.
func refused(status, code int, words []byte) error {
	err := fmt.Errorf("%w: the SMS gateway answered %d", outbox.ErrRefused, status)
	if code != 0 {
		err = fmt.Errorf("%w, error %d", err, code)
	}
	return outbox.Personal{Text: clip(words), Err: err}
}

const maxWords = 300 // bytes of a gateway's answer that are kept

func clip(words []byte) string {
	return strings.ToValidUTF8(string(words[:min(len(words), maxWords)]), "?")
}
