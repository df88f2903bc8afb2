package outbound

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"

	"github.com/portvakt/portvakt/internal/outbox"
	"github.com/portvakt/portvakt/internal/secret"
)

// Ping tells apps that a person has answered (OpenID Connect CIBA Core §10.2). It does not say what: the app fetches that.
type Ping struct {
	Clients Clients
	// Of is what a message says: which request has an answer, and by which token the app knows that it is we who say so; where it hears
	// it now; and whether it registered itself.
	Of func(ctx context.Context, m outbox.Message) (id string, bearer secret.Token, to string, itself bool, err error)
}

var _ outbox.Sender = Ping{}

// Send posts the ping.
func (p Ping) Send(ctx context.Context, m outbox.Message) error {
	id, bearer, to, itself, err := p.Of(ctx, m)
	if err != nil {
		return err
	}
	body, err := json.Marshal(map[string]string{"auth_req_id": id})
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, to, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("%w: %w", outbox.ErrRefused, err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+bearer.Reveal())
	answer, err := p.Clients.For(itself).Do(req)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	io.Copy(io.Discard, io.LimitReader(answer.Body, maxBody)) //nolint:errcheck // read only to reuse the connection
	switch {
	case answer.StatusCode < 300:
		return nil
	case answer.StatusCode < 500 && answer.StatusCode != http.StatusTooManyRequests: // also where it leads elsewhere (§10.2)
		return fmt.Errorf("%w: the app answered %d", outbox.ErrRefused, answer.StatusCode)
	}
	return fmt.Errorf("the app answered %d", answer.StatusCode)
}
