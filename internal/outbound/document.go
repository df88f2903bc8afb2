package outbound

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sync"
)

// Documents fetches small documents that RPs keep at addresses they have registered: request objects (OIDC Core §6.2), lists of redirect URIs
// (§8.1). Nothing is kept. It is safe for concurrent use.
type Documents struct {
	Client *http.Client
	// busy bounds how many are fetched at once: a server that hangs keeps its own visitors waiting and no more.
	busy chan struct{}
	mu   sync.Mutex
	at   map[string]int // how many are fetched at a host
}

// maxAtOnce is how many documents a node fetches at once, maxDocument how many bytes of one it reads.
const (
	maxAtOnce   = 32
	maxAtHost   = 4
	maxDocument = 64 << 10
)

// ErrDocument says that a document could not be fetched.
var ErrDocument = errors.New("the document was not fetched")

// NewDocuments returns one that fetches by the client.
func NewDocuments(client *http.Client) *Documents {
	return &Documents{Client: client, busy: make(chan struct{}, maxAtOnce), at: map[string]int{}}
}

// Fetch returns the document at an address. It fails with ErrDocument, at once where too many are being fetched.
func (d *Documents) Fetch(ctx context.Context, address string) (string, error) {
	select {
	case d.busy <- struct{}{}:
		defer func() { <-d.busy }()
	default:
		return "", fmt.Errorf("%w: %d others are being fetched", ErrDocument, maxAtOnce)
	}
	host := hostOf(address)
	if !d.enter(host) {
		return "", fmt.Errorf("%w: %d others are being fetched there", ErrDocument, maxAtHost)
	}
	defer d.leave(host)
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

func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Host
}

func (d *Documents) enter(host string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.at[host] >= maxAtHost {
		return false
	}
	d.at[host]++
	return true
}

func (d *Documents) leave(host string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.at[host]--; d.at[host] == 0 {
		delete(d.at, host)
	}
}
