package outbound

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"
)

const someKeys = `{"keys":[{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}]}` // RFC 7515 A.3.1

// TestAServerThatHangsKeepsNobodyWaitingWhoHasWhatHeNeeds: one asks again, and the others go by the keys that were read before.
func TestAServerThatHangsKeepsNobodyWaitingWhoHasWhatHeNeeds(t *testing.T) {
	var asked atomic.Int32
	hangs, goOn := make(chan struct{}), make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if asked.Add(1) > 1 {
			close(hangs)
			<-goOn
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		w.Write([]byte(someKeys)) //nolint:errcheck // a test's server
	}))
	defer server.Close()
	var now atomic.Int64
	k := &KeySets{Client: server.Client(), Now: func() time.Time { return time.Unix(now.Load(), 0) }}
	now.Store(1_800_000_000)
	if _, err := k.Fetch(t.Context(), server.URL, false); err != nil {
		t.Fatal(err)
	}
	now.Add(int64((keySetLife + time.Second) / time.Second))
	first := make(chan error, 1)
	go func() { _, err := k.Fetch(t.Context(), server.URL, false); first <- err }()
	<-hangs
	for range 20 {
		if _, err := k.Fetch(t.Context(), server.URL, false); err != nil {
			t.Errorf("beside the one who waits: %v", err)
		}
	}
	close(goOn)
	if err := <-first; err != nil {
		t.Errorf("keys that could not be read anew are forgotten at once: %v", err)
	}
	if _, err := k.Fetch(t.Context(), server.URL, true); err != nil || asked.Load() != 2 {
		t.Errorf("right after a try that failed it asks again: %d times, %v", asked.Load(), err)
	}
	now.Add(int64(keySetStale / time.Second))
	server.Close()
	if _, err := k.Fetch(t.Context(), server.URL, false); !errors.Is(err, ErrKeySet) {
		t.Errorf("after an hour without an answer: %v", err)
	}
}
