package web

import "net/http"

// Mux is a ServeMux that remembers its patterns, for `portvakt routes`.
type Mux struct {
	http.ServeMux
	Patterns []string
}

// Handle mounts a handler.
func (m *Mux) Handle(pattern string, h http.Handler) {
	m.Patterns = append(m.Patterns, pattern)
	m.ServeMux.Handle(pattern, h)
}
