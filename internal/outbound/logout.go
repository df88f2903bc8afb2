package outbound

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/portvakt/portvakt/internal/outbox"
	"github.com/portvakt/portvakt/internal/session"
)

// Logout delivers back-channel logouts (OpenID Connect Back-Channel Logout 1.0 §2.5).
type Logout struct {
	Clients Clients
	// Token signs the logout token of a client, a subject and a session, and says where the client hears of it and whether it registered itself.
	// It is asked at each try: a token lives two minutes, and a client that does not answer may be given another address meanwhile.
	Token func(ctx context.Context, clientID, subject string, id session.ID) (token, to string, itself bool, err error)
}

var _ outbox.Sender = Logout{}

// Send posts the logout token to the RP. A 400 is the RP's last word (§2.8): it has understood and refuses.
func (l Logout) Send(ctx context.Context, m outbox.Message) error {
	token, to, itself, err := l.Token(ctx, m.Params["client_id"], string(m.Account), session.ID(m.Params["session"]))
	if err != nil {
		return fmt.Errorf("sign logout token: %w", err)
	}
	body := strings.NewReader(url.Values{"logout_token": {token}}.Encode())
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, to, body)
	if err != nil {
		return fmt.Errorf("%w: %w", outbox.ErrRefused, err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	answer, err := l.Clients.For(itself).Do(req)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	io.Copy(io.Discard, io.LimitReader(answer.Body, maxBody)) //nolint:errcheck // read only to reuse the connection
	switch {
	case answer.StatusCode < 300:
		return nil
	case answer.StatusCode == http.StatusBadRequest:
		return fmt.Errorf("%w: the RP answered %s", outbox.ErrRefused, answer.Status)
	}
	return fmt.Errorf("the RP answered %s", answer.Status)
}
