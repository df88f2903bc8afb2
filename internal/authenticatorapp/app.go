package authenticatorapp

import "net/http"

// mountApp mounts the files of the web app.
func (d *Door) mountApp(mux interface {
	Handle(pattern string, h http.Handler)
}) {
}
