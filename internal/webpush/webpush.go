// Package webpush is the engine that hands the pushes of outbox messages to push services (RFC 8030): encrypted to the
// authenticator (RFC 8291), in this installation's name (RFC 8292). It decides nothing: who is woken, and by which words, was
// decided before. It speaks to any service that takes such messages, those of browsers and UnifiedPush alike.
//
// Delivery is at least once: a service that accepts a message and then does not answer gets it again, under the same topic,
// by which it replaces the first.
package webpush

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	library "github.com/SherClockHolmes/webpush-go"

	"github.com/portvakt/portvakt/internal/outbox"
	"github.com/portvakt/portvakt/internal/push"
	"github.com/portvakt/portvakt/internal/secret"
	"github.com/portvakt/portvakt/internal/vapid"
)

// recordSize is what every message is filled up to, so that its length tells nothing. Services take 4,096 bytes.
const recordSize = 2048

// Sender hands messages to push services.
type Sender struct {
	Client *http.Client // reaches no private network and follows no redirect
	// Forbidden is what the client answers for an address that may not be called.
	Forbidden error
	Keys      *vapid.Keys
	Ring      *secret.Keyring
	// Contact is whom a push service may ask about this installation: an address of mail, or a page.
	Contact string
	// Gone takes a subscription away that its service has ended. It must be the one of that address still: the authenticator
	// may have subscribed anew.
	Gone func(ctx context.Context, keyID, endpoint string) error
	Now  func() time.Time
	Log  *slog.Logger
}

var _ outbox.Sender = (*Sender)(nil)

// patience is how long a push service may take to accept a message: other people's phones wait behind it.
const patience = 4 * time.Second

// Send hands one message over. No error of it names the address: who has it can push.
func (s *Sender) Send(ctx context.Context, m outbox.Message) error {
	sealed, err := m.OpenSecret(s.Ring, s.Now())
	if err != nil {
		return fmt.Errorf("%w: %w", outbox.ErrRefused, err)
	}
	parcel, err := push.Unpack(sealed)
	if err != nil {
		return fmt.Errorf("%w: %w", outbox.ErrRefused, err)
	}
	key, err := s.Keys.Find(ctx, parcel.VAPID)
	if errors.Is(err, vapid.ErrUnknown) {
		return s.gone(ctx, m, parcel, err) // nobody can push to it any more
	}
	if err != nil {
		return err
	}
	answer, err := s.post(ctx, m, parcel, key)
	if err != nil {
		return s.failed(m, err)
	}
	answer.Body.Close() // unread: its words are the service's own, and may repeat the address
	return s.judge(ctx, m, parcel, answer)
}

func (s *Sender) post(ctx context.Context, m outbox.Message, p push.Parcel, key vapid.Key) (*http.Response, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel() // the answer's body is not read
	left := m.Expires.Sub(s.Now())
	return library.SendNotificationWithContext(ctx, p.Payload,
		&library.Subscription{Endpoint: p.Endpoint, Keys: library.Keys{P256dh: p.P256DH, Auth: p.Auth}},
		&library.Options{HTTPClient: s.Client, RecordSize: recordSize, TTL: max(1, int(left/time.Second)), Urgency: library.UrgencyHigh,
			Topic: topic(m), Subscriber: strings.TrimPrefix(s.Contact, "mailto:"),
			VAPIDPublicKey: text(key.Public()), VAPIDPrivateKey: text(key.Private())})
}

func text(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

var topics = regexp.MustCompile(`^[A-Za-z0-9_-]{1,32}$`)

// topic is by what a newer message replaces an older one (RFC 8030 §5.4): the request that both are about.
func topic(m outbox.Message) string {
	if t := m.Params["topic"]; topics.MatchString(t) {
		return t
	}
	return ""
}

// failed is what became of a message that reached nobody.
func (s *Sender) failed(m outbox.Message, err error) error {
	if sent, ok := errors.AsType[*url.Error](err); ok {
		err = sent.Err // it names the address
		if s.Forbidden == nil || !errors.Is(err, s.Forbidden) {
			return fmt.Errorf("the push service cannot be reached: %w", err)
		}
	}
	// Not sent at all: the message is too long, the address may not be called.
	return s.refused(m, "not sent", err)
}

// judge reads the service's answer (RFC 8030 §5, RFC 8292 §2). Some services answer 200 or 204 where the RFC says 201.
func (s *Sender) judge(ctx context.Context, m outbox.Message, p push.Parcel, answer *http.Response) error {
	err := fmt.Errorf("the push service answered %d", answer.StatusCode)
	switch code := answer.StatusCode; {
	case code < 300:
		return nil
	case code == http.StatusNotFound, code == http.StatusGone:
		return s.gone(ctx, m, p, err)
	case code == http.StatusTooManyRequests, code == http.StatusRequestTimeout, code == http.StatusTooEarly, code >= 500:
		return outbox.Later{Err: err, After: s.retryAfter(answer)}
	}
	return s.refused(m, p.String(), err)
}

// retryAfter reads when the service wants to be asked again (RFC 9110 §10.2.3); 0 where it does not say.
func (s *Sender) retryAfter(answer *http.Response) time.Duration {
	value := answer.Header.Get("Retry-After")
	if n, err := strconv.ParseUint(value, 10, 31); err == nil {
		return time.Duration(n) * time.Second
	}
	if at, err := http.ParseTime(value); err == nil {
		return max(0, at.Sub(s.Now()))
	}
	return 0
}

// gone takes the subscription away: its service knows it no more.
func (s *Sender) gone(ctx context.Context, m outbox.Message, p push.Parcel, cause error) error {
	if err := s.Gone(ctx, m.Params["key_id"], p.Endpoint); err != nil {
		return fmt.Errorf("take a subscription away: %w", err)
	}
	return fmt.Errorf("%w: the subscription has ended: %w", outbox.ErrRefused, cause)
}

// refused ends a message that will never be taken, and says so: it is the operator's to mend.
func (s *Sender) refused(m outbox.Message, where string, cause error) error {
	s.Log.Warn("webpush: refused for good", "message", m.ID, "service", where, "error", cause)
	return fmt.Errorf("%w: %w", outbox.ErrRefused, cause)
}
