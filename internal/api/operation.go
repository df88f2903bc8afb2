package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/portvakt/portvakt/internal/administrator"
	"github.com/portvakt/portvakt/internal/idempotency"
	"github.com/portvakt/portvakt/internal/organisation"
)

// rule is what an operation asks of whoever calls it.
type rule struct {
	scope  string
	rights []administrator.Right // what the service has in the organisation while the operation runs
	once   bool                  // it makes or sends something: the caller names the request by an idempotency key
	large  int64                 // how large a file its body may be; 0: it has JSON, or nothing
}

func rights(all ...administrator.Right) []administrator.Right { return all }

// operation is an operation as it is written down.
type operation struct {
	id, method, path string
	summary          string
	rule
	more    []int    // errors that it answers besides those that all do
	status  int      // 0: 200, or 204 without a body
	accepts []string // media types of a body that is a file
}

// conflict is the error of what cannot be done as things stand.
var conflict = []int{http.StatusConflict}

// call is one request of a service about one organisation.
type call struct {
	by  administrator.Administrator
	org organisation.Organisation
	all []organisation.ID // the service's
	r   *http.Request
}

type callKey struct{}

func callOf(ctx context.Context) call {
	c, _ := ctx.Value(callKey{}).(call)
	return c
}

// builder mounts operations. Towards huma it is a mux: each handler goes behind the rule of its pattern.
type builder struct {
	door  *Door
	api   huma.API
	to    mux
	rules map[string]rule
	about string // what the operations that are mounted now are about, as the document groups them
}

// HandleFunc mounts a handler behind its rule.
func (b *builder) HandleFunc(pattern string, h func(http.ResponseWriter, *http.Request)) {
	b.to.Handle(pattern, b.door.guarded(b.rules[pattern], http.HandlerFunc(h)))
}

// ServeHTTP makes it one of huma's muxes; requests come by the mux that it mounts on.
func (b *builder) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	w.WriteHeader(http.StatusNotFound)
}

// describe is the operation as huma has it.
func (b *builder) describe(o operation) huma.Operation {
	path := base + o.path
	b.rules[o.method+" "+path] = o.rule
	op := huma.Operation{OperationID: o.id, Method: o.method, Path: path, Summary: o.summary, Tags: []string{b.about}, DefaultStatus: o.status,
		Security: []map[string][]string{{security: {o.scope}}}, Errors: []int{http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusUnprocessableEntity}}
	op.Errors = append(op.Errors, o.more...)
	if o.method != http.MethodGet {
		op.Errors = append(op.Errors, http.StatusBadRequest, http.StatusRequestEntityTooLarge)
	}
	if o.method != http.MethodGet && o.large == 0 {
		op.Errors = append(op.Errors, http.StatusUnsupportedMediaType)
	}
	if o.once {
		op.Errors = append(op.Errors, http.StatusConflict)
		op.Parameters = append(op.Parameters, &huma.Param{Name: "Idempotency-Key", In: "header", Required: true, Schema: &huma.Schema{Type: "string", MaxLength: new(idempotency.MaxKey)},
			Description: "A name for this request: the same one again, within 24 hours, gets the same answer and does nothing."})
	}
	if o.large > 0 {
		op.RequestBody = &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{}}
		for _, media := range o.accepts {
			op.RequestBody.Content[media] = &huma.MediaType{Schema: &huma.Schema{Type: "string", Format: "binary"}}
		}
	}
	return op
}

// answer is an answer with a body.
type answer[T any] struct {
	Body T
}

// add mounts an operation that answers something.
func add[In, Out any](b *builder, o operation, use func(context.Context, call, *In) (Out, error)) {
	huma.Register(b.api, b.describe(o), func(ctx context.Context, in *In) (*answer[Out], error) {
		out, err := use(ctx, callOf(ctx), in)
		if err != nil {
			return nil, b.door.refused(ctx, err)
		}
		return &answer[Out]{out}, nil
	})
}

// do mounts an operation that answers nothing but that it is done.
func do[In any](b *builder, o operation, use func(context.Context, call, *In) error) {
	huma.Register(b.api, b.describe(o), func(ctx context.Context, in *In) (*struct{}, error) {
		if err := use(ctx, callOf(ctx), in); err != nil {
			return nil, b.door.refused(ctx, err)
		}
		return nil, nil
	})
}

// About is the organisation that an operation is about.
type About struct {
	Organisation string `path:"organisation" doc:"The organisation's short name."`
}

// with is an operation's input of an organisation and a body.
type with[T any] struct {
	About
	Body T
}
