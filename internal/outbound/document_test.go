package outbound

import (
	"errors"
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
	d := NewDocuments(server.Client())
	done := make(chan error, maxAtOnce)
	for range maxAtOnce {
		go func() {
			got, err := d.Fetch(t.Context(), server.URL)
			if err == nil && got != "all of it" {
				err = errors.New(got)
			}
			done <- err
		}()
	}
	for range maxAtOnce {
		<-hangs
	}
	if _, err := d.Fetch(t.Context(), server.URL); !errors.Is(err, ErrDocument) {
		t.Errorf("one more: %v", err)
	}
	close(goOn)
	for range maxAtOnce {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	if _, err := d.Fetch(t.Context(), server.URL+"/large"); !errors.Is(err, ErrDocument) {
		t.Errorf("a large one: %v", err)
	}
}
