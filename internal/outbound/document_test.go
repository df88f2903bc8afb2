package outbound

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestManyThatHangKeepNobodyElse: what is over the bound is refused at once.
func TestManyThatHangKeepNobodyElse(t *testing.T) {
	hangs, goOn := make(chan struct{}, maxAtOnce), make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/large" {
			w.Write([]byte(strings.Repeat("x", maxDocument+1))) //nolint:errcheck // a test's server
			return
		}
		hangs <- struct{}{}
		<-goOn
		w.Write([]byte("all of it")) //nolint:errcheck // a test's server
	}))
	defer server.Close()
	d := NewDocuments(&http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, server.Listener.Addr().String()) // whatever the host's name
	}}})
	done := make(chan error, maxAtOnce)
	for i := range maxAtOnce {
		go func() {
			got, err := d.Fetch(t.Context(), fmt.Sprintf("http://host%d.example/", i/maxAtHost))
			if err == nil && got != "all of it" {
				err = errors.New(got)
			}
			done <- err
		}()
		<-hangs
		if i == maxAtHost-1 {
			if _, err := d.Fetch(t.Context(), "http://host0.example/"); !errors.Is(err, ErrDocument) {
				t.Errorf("one more at a host that hangs: %v", err)
			}
		}
	}
	if _, err := d.Fetch(t.Context(), "http://another.example/"); !errors.Is(err, ErrDocument) {
		t.Errorf("one more: %v", err)
	}
	close(goOn)
	for range maxAtOnce {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	if _, err := d.Fetch(t.Context(), "http://host0.example/large"); !errors.Is(err, ErrDocument) {
		t.Errorf("a large one: %v", err)
	}
}
