package outbound

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
)

// Documents fetches small documents that RPs keep at addresses they have registered: request objects (OIDC Core §6.2), lists of redirect URIs
// (§8.1). Nothing is kept. It is safe for concurrent use.
type Documents struct {
	Client *http.Client
	// busy bounds how many are fetched at once: a server that hangs keeps its own visitors waiting and no more.
	busy chan struct{}
}

// maxAtOnce is how many documents a node fetches at once, maxDocument how many bytes of one it reads.
const (
	maxAtOnce   = 32
	maxDocument = 64 << 10
)

// ErrDocument says that a document could not be fetched.
var ErrDocument = errors.New("the document was not fetched")

// NewDocuments returns one that fetches by the client.
func NewDocuments(client *http.Client) *Documents {
	return &Documents{Client: client, busy: make(chan struct{}, maxAtOnce)}
}

// Fetch returns the document at an address. It fails with ErrDocument, at once where too many are being fetched.
func (d *Documents) Fetch(ctx context.Context, address string) (string, error) {
	select {
	case d.busy <- struct{}{}:
		defer func() { <-d.busy }()
	default:
		return "", fmt.Errorf("%w: %d others are being fetched", ErrDocument, maxAtOnce)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrDocument, err)
	}
	answer, err := d.Client.Do(req)
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrDocument, err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(io.LimitReader(answer.Body, maxDocument+1))
	switch {
	case err != nil:
		return "", fmt.Errorf("%w: %w", ErrDocument, err)
	case answer.StatusCode != http.StatusOK:
		return "", fmt.Errorf("%w: status %d", ErrDocument, answer.StatusCode)
	case len(body) > maxDocument:
		return "", fmt.Errorf("%w: it is larger than 64 KB", ErrDocument)
	}
	return string(body), nil
}
