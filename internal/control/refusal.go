package control

import (
	"context"
	"errors"
	"net/http"
	"time"
)

// Refusal is an answer that refused something, by the number that stood on the page or in the JSON.
type Refusal struct {
	Reference string    `json:"reference"`
	At        time.Time `json:"at"`
	Status    int       `json:"status"`          // of HTTP
	Page      string    `json:"page"`            // a page, the key of an error, or the path of an endpoint
	Problem   string    `json:"problem"`         // what it said; of a program's the error and its description
	Client    string    `json:"client_id"`       // "" where the request named none
	Address   string    `json:"typed,omitempty"` // what a person had typed
}

var errNoRefusal = errors.New("no refusal of the last two weeks has this number")

func (d *Door) findRefusal(ctx context.Context, r *http.Request, _ struct{}) (Refusal, error) {
	found, ok, err := d.Transition.LookUpRefusal(ctx, r.PathValue("number"))
	if err != nil {
		return Refusal{}, err
	}
	if !ok {
		return Refusal{}, errNoRefusal
	}
	return Refusal{Reference: found.Reference, At: found.At, Status: found.Status, Page: found.Page, Problem: found.Problem, Client: found.Client,
		Address: string(found.Identifier)}, nil
}
