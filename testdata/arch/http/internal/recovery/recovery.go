// Package recovery is a flow that knows HTTP.
package recovery

import "net/http"

// Status is an answer that a door should have chosen.
const Status = http.StatusTeapot
