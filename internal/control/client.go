package control

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"time"
)

// Client calls the door from the command line.
type Client struct {
	http http.Client
}

// Dial connects to the socket of a running server; false if none answers there.
func Dial(socket string) (*Client, bool) {
	conn, err := net.DialTimeout("unix", socket, time.Second)
	if err != nil {
		return nil, false
	}
	conn.Close()
	var d net.Dialer
	return &Client{http.Client{Timeout: time.Minute, Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return d.DialContext(ctx, "unix", socket) },
	}}}, true
}

// InProcess calls the handler itself, while no server runs.
func InProcess(h http.Handler) *Client {
	return &Client{http.Client{Transport: handlerTransport{h}}}
}

// Do sends in to the operation and decodes the answer into out.
func (c *Client) Do(ctx context.Context, method, path string, in, out any) error {
	var body io.Reader = http.NoBody
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://control"+path, body)
	if err != nil {
		return err
	}
	return c.send(&c.http, req, out)
}

// Send sends a file to the operation, however long that takes, and decodes the answer into out.
func (c *Client) Send(ctx context.Context, path string, file io.Reader, size int64, out any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://control"+path, file)
	if err != nil {
		return err
	}
	req.ContentLength = size
	return c.send(&http.Client{Transport: c.http.Transport}, req, out)
}

func (c *Client) send(by *http.Client, req *http.Request, out any) error {
	answer, err := by.Do(req)
	if err != nil {
		return fmt.Errorf("the running server does not answer: %w", err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		var f failure
		if err := json.NewDecoder(answer.Body).Decode(&f); err != nil || f.Error == "" {
			return fmt.Errorf("the server answered %s", answer.Status)
		}
		return errors.New(f.Error)
	}
	return json.NewDecoder(answer.Body).Decode(out)
}

// Listen opens the socket, readable by its owner alone. One that a killed server left behind is replaced; one that
// answers is not.
func Listen(socket string) (net.Listener, error) {
	if _, alive := Dial(socket); alive {
		return nil, fmt.Errorf("another server answers at %s", socket)
	}
	if err := os.Remove(socket); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	l, err := net.Listen("unix", socket)
	if err != nil {
		return nil, err
	}
	return l, os.Chmod(socket, 0o600)
}

// handlerTransport answers requests by a handler, without a network.
type handlerTransport struct{ handler http.Handler }

// RoundTrip implements http.RoundTripper.
func (t handlerTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	w := &recorder{header: http.Header{}, status: http.StatusOK}
	t.handler.ServeHTTP(w, r)
	return &http.Response{StatusCode: w.status, Status: http.StatusText(w.status), Header: w.header, Request: r,
		Body: io.NopCloser(&w.body)}, nil
}

type recorder struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (w *recorder) Header() http.Header         { return w.header }
func (w *recorder) WriteHeader(status int)      { w.status = status }
func (w *recorder) Write(b []byte) (int, error) { return w.body.Write(b) }
