package terminal_test

import (
	"errors"
	"net/http"
)

// cutting is a network that breaks at one path.
type cutting struct {
	next   http.RoundTripper
	path   string
	before func()
}

// RoundTrip implements http.RoundTripper.
func (c *cutting) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Path != c.path {
		return c.next.RoundTrip(r)
	}
	if c.before != nil {
		c.before()
	}
	return nil, errors.New("cut off")
}
