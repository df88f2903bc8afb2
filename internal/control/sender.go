package control

import (
	"context"
	"net/http"
	"time"

	"github.com/portvakt/portvakt/internal/administrator"
	"github.com/portvakt/portvakt/internal/dkim"
	"github.com/portvakt/portvakt/internal/organisation"
)

// Sender is in whose name mails go, as the command line reads and prints it.
type Sender struct {
	Address string `json:"address"`
	Name    string `json:"name,omitempty"`
	// Of an answer alone.
	Own  bool      `json:"own"` // mails go in this name
	Keys []DKIMKey `json:"keys,omitempty"`
}

// DKIMKey is a key that signs mails, or will, and the record that the domain publishes for it.
type DKIMKey struct {
	ID        string    `json:"id"`
	Domain    string    `json:"domain"`
	Record    string    `json:"record"` // its name
	TXT       string    `json:"txt"`
	Created   time.Time `json:"created"`
	Activated time.Time `json:"activated,omitzero"`
}

// Activation lets a key sign.
type Activation struct {
	Unseen bool `json:"unseen,omitempty"` // the record is published, whatever the name servers here say
}

// senderRoutes are the same for the operator's own sender and an organisation's: without an id, they are the operator's.
func (d *Door) senderRoutes(mux *http.ServeMux) {
	mux.Handle("GET /organisations/{id}/sender", answer(d, d.showSender))
	mux.Handle("PUT /organisations/{id}/sender", answer(d, d.setSender))
	mux.Handle("GET /keys/dkim", answer(d, d.showSender))
	for _, place := range []string{"/organisations/{id}/sender/keys", "/keys/dkim"} {
		mux.Handle("POST "+place, answer(d, d.makeSenderKey))
		mux.Handle("POST "+place+"/{key}/activate", answer(d, d.activateSenderKey))
		mux.Handle("DELETE "+place+"/{key}", answer(d, d.removeSenderKey))
	}
}

func owner(r *http.Request) organisation.ID { return organisation.ID(r.PathValue("id")) }

func (d *Door) showSender(ctx context.Context, r *http.Request, _ struct{}) (Sender, error) {
	s, err := d.Provisioning.Sender(ctx, administrator.CommandLine, owner(r))
	out := Sender{Address: s.Address, Name: s.Name, Own: s.Own, Keys: []DKIMKey{}}
	for _, k := range s.Keys {
		out.Keys = append(out.Keys, shownDKIMKey(k))
	}
	return out, err
}

func (d *Door) setSender(ctx context.Context, r *http.Request, in Sender) (Sender, error) {
	err := d.Provisioning.SetSender(ctx, administrator.CommandLine, owner(r), organisation.Sender{Address: in.Address, Name: in.Name})
	if err != nil {
		return in, err
	}
	return d.showSender(ctx, r, struct{}{})
}

func (d *Door) makeSenderKey(ctx context.Context, r *http.Request, _ struct{}) (DKIMKey, error) {
	k, err := d.Provisioning.MakeSenderKey(ctx, administrator.CommandLine, owner(r))
	return shownDKIMKey(k), err
}

func (d *Door) activateSenderKey(ctx context.Context, r *http.Request, in Activation) (DKIMKey, error) {
	k, err := d.Provisioning.ActivateSenderKey(ctx, administrator.CommandLine, owner(r), r.PathValue("key"), in.Unseen)
	return shownDKIMKey(k), err
}

func (d *Door) removeSenderKey(ctx context.Context, r *http.Request, _ struct{}) (DKIMKey, error) {
	k, err := d.Provisioning.RemoveSenderKey(ctx, administrator.CommandLine, owner(r), r.PathValue("key"))
	return shownDKIMKey(k), err
}

func shownDKIMKey(k dkim.Key) DKIMKey {
	out := DKIMKey{ID: k.ID, Domain: k.Domain, Record: k.Name(), TXT: k.Record(), Created: k.Created.UTC()}
	if k.Active() {
		out.Activated = k.Verified.UTC()
	}
	return out
}
