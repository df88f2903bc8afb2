package web

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"time"
)

// HandlerFunc is a handler that may fail. Before it has written anything it may return a Fault, which becomes a page that
// explains and leads on, or any other error, which becomes the page of an internal fault.
type HandlerFunc func(w http.ResponseWriter, r *http.Request) error

// Link is a way on from a page.
type Link struct {
	URL  string
	Key  string         // of its text
	Data map[string]any // for the text's placeholders
}

// Fault is an error that has something to say to a person.
type Fault struct {
	Status int            // HTTP status
	Key    string         // prefix of two texts: Key+".title" and Key+".text"
	Data   map[string]any // for their placeholders
	Cause  error          // for the log only, never shown; a Fault without one is the person's affair and not logged
	On     *Link          // the way on; nil leads to Options.WayOn
}

// Error describes the fault for a log.
func (f *Fault) Error() string {
	if f.Cause != nil {
		return f.Key + ": " + f.Cause.Error()
	}
	return f.Key
}

// Unwrap returns the cause.
func (f *Fault) Unwrap() error { return f.Cause }

// faultView is what the page error sees.
type faultView struct {
	Title string
	Text  string
	On    struct{ URL, Text string }

	key, cause string
}

// Handle makes a handler of h. It reads a form's body first, so that h can use r.PostFormValue without asking whether the
// body was too large or broken, and turns errors and panics into pages.
func (k *Kit) Handle(h HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer k.rescue(w, r)
		w.Header().Set("Cache-Control", "no-store")
		err := r.ParseForm()
		if err == nil {
			err = h(w, r)
		} else {
			err = bodyFault(err)
		}
		if err != nil {
			k.Fail(w, r, err)
		}
	})
}

// uploadTime is how long an upload may take, also over a slow line.
const uploadTime = 10 * time.Minute

// Upload is Handle for a body that is larger than a form. h makes room for it by Roomy once it knows who sends it, and reads it itself, as
// it comes: until then the limits and the time are those of a form.
func (k *Kit) Upload(h HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer k.rescue(w, r)
		w.Header().Set("Cache-Control", "no-store")
		if err := h(w, r); err != nil {
			k.Fail(w, r, err)
		}
	})
}

// Roomy lets a request have a body of up to limit bytes, and the time that it takes to send it.
func Roomy(w http.ResponseWriter, r *http.Request, limit int64) {
	if body := stateOf(r.Context()).body; body != nil {
		r.Body = http.MaxBytesReader(w, body, limit)
	}
	c := http.NewResponseController(w)
	_ = c.SetReadDeadline(time.Now().Add(uploadTime)) // where there is no connection, there is no deadline
	_ = c.SetWriteDeadline(time.Now().Add(uploadTime))
}

// NotFound is the answer to an address that leads nowhere.
func (k *Kit) NotFound() http.Handler {
	return k.Handle(func(http.ResponseWriter, *http.Request) error {
		return &Fault{Status: http.StatusNotFound, Key: "error.not_found"}
	})
}

// bodyFault says what is wrong with a body or query that cannot be read as a form.
func bodyFault(err error) *Fault {
	if errors.As(err, new(*http.MaxBytesError)) {
		return &Fault{Status: http.StatusRequestEntityTooLarge, Key: "error.too_large"}
	}
	return &Fault{Status: http.StatusBadRequest, Key: "error.bad_request"}
}

// Fail answers with the page of an error. It is for doors that meet an error outside Handle.
func (k *Kit) Fail(w http.ResponseWriter, r *http.Request, err error) {
	fault := faultOf(err)
	if fault.Cause != nil {
		level := slog.LevelInfo
		if fault.Status >= 500 {
			level = slog.LevelError
		}
		k.options.Logger.LogAttrs(r.Context(), level, "fault", slog.String("reference", Reference(r.Context())),
			slog.Int("status", fault.Status), slog.String("key", fault.Key), slog.String("pattern", r.Pattern),
			slog.String("cause", fault.Cause.Error()))
	}
	if fault.Status == http.StatusRequestEntityTooLarge {
		Drain(r)
	}
	p := k.options.Catalogue.Printer(k.language(r))
	view := faultView{Title: p.T(fault.Key+".title", fault.Data), Text: p.T(fault.Key+".text", fault.Data), key: fault.Key}
	if fault.Cause != nil {
		view.cause = fault.Cause.Error()
	}
	on := Link{URL: k.options.WayOn, Key: "error.on"}
	if fault.On != nil {
		on = *fault.On
	}
	view.On.URL, view.On.Text = on.URL, p.T(on.Key, on.Data)
	if err := k.Page(w, r, fault.Status, "error", view); err != nil {
		k.options.Logger.ErrorContext(r.Context(), "error page", "reference", Reference(r.Context()), "cause", err.Error())
		http.Error(w, view.Title+" ("+Reference(r.Context())+")", fault.Status)
	}
}

// faultOf finds the Fault in an error; an error without one is ours, and the page says nothing of what it was.
func faultOf(err error) *Fault {
	var fault *Fault
	switch {
	case errors.As(err, &fault):
		if fault.Status == 0 {
			fault = &Fault{Status: http.StatusInternalServerError, Key: fault.Key, Data: fault.Data, Cause: err, On: fault.On}
		}
		return fault
	case errors.As(err, new(*http.MaxBytesError)):
		return bodyFault(err)
	}
	return &Fault{Status: http.StatusInternalServerError, Key: "error.internal", Cause: err}
}

// rescue turns a panic into the page of an internal fault. An abort on purpose goes on up to the server.
func (k *Kit) rescue(w http.ResponseWriter, r *http.Request) {
	thrown := recover()
	if thrown == nil {
		return
	}
	if err, ok := thrown.(error); ok && errors.Is(err, http.ErrAbortHandler) {
		panic(thrown)
	}
	k.options.Logger.ErrorContext(r.Context(), "panic", "reference", Reference(r.Context()), "pattern", r.Pattern,
		"stack", string(debug.Stack()))
	if begun, ok := w.(*response); ok && begun.status != 0 {
		panic(http.ErrAbortHandler) // half an answer is out: breaking the connection is the only honest end
	}
	k.Fail(w, r, fmt.Errorf("panic: %v", thrown))
}
