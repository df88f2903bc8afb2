package web

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

// Stream is an answer of server-sent events (HTML Standard §9.2), which stays open.
type Stream struct {
	w       http.ResponseWriter
	control *http.ResponseController
}

// streamWrite is how long one event may take to leave; whoever does not read for so long is gone.
const streamWrite = 10 * time.Second

// StreamPing is how often something is said on a stream, so that nothing on the way takes it for dead.
const StreamPing = 15 * time.Second

// NewStream begins the answer. The server's limits for a whole request do not hold for it.
func NewStream(w http.ResponseWriter) (*Stream, error) {
	s := &Stream{w: w, control: http.NewResponseController(w)}
	// A read deadline that passes would end the request's context.
	if err := s.control.SetReadDeadline(time.Time{}); err != nil {
		return nil, fmt.Errorf("stream: %w", err)
	}
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no") // some proxies would keep events until there are many
	w.WriteHeader(http.StatusOK)
	return s, s.write(": \n\n")
}

// Event sends one event with its data as JSON.
func (s *Stream) Event(name string, v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("stream: %w", err)
	}
	return s.write("event: " + name + "\ndata: " + string(data) + "\n\n")
}

// Ping says that the stream is there.
func (s *Stream) Ping() error { return s.write(": \n\n") }

func (s *Stream) write(text string) error {
	if err := s.control.SetWriteDeadline(time.Now().Add(streamWrite)); err != nil {
		return err
	}
	if _, err := s.w.Write([]byte(text)); err != nil {
		return err
	}
	return s.control.Flush()
}
