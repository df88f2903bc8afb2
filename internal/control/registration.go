package control

import (
	"context"
	"net/http"
	"time"

	"github.com/portvakt/portvakt/internal/clientregistration"
	"github.com/portvakt/portvakt/internal/organisation"
)

// RegistrationToken lets somebody register apps without the operator (RFC 7591 §3).
type RegistrationToken struct {
	ID           string `json:"id,omitempty"`
	Organisation string `json:"organisation,omitempty"`
	PKCE         bool   `json:"pkce"` // false: apps with a secret are exempt
	Uses         int    `json:"uses"`
	Days         int    `json:"days,omitempty"` // of a request alone: how long it counts
	// Of an answer alone.
	Token   string    `json:"token,omitempty"` // once
	Created time.Time `json:"created,omitzero"`
	Expires time.Time `json:"expires,omitzero"`
}

func (d *Door) registrationRoutes(mux *http.ServeMux) {
	mux.Handle("POST /registration-tokens", answer(d, d.makeRegistrationToken))
	mux.Handle("GET /registration-tokens", answer(d, func(ctx context.Context, _ *http.Request, _ struct{}) ([]RegistrationToken, error) {
		return d.listRegistrationTokens(ctx)
	}))
	mux.Handle("DELETE /registration-tokens/{id}", answer(d, d.revokeRegistrationToken))
}

func (d *Door) makeRegistrationToken(ctx context.Context, _ *http.Request, in RegistrationToken) (RegistrationToken, error) {
	t := clientregistration.InitialToken{Organisation: organisation.ID(in.Organisation), RequirePKCE: in.PKCE, Uses: in.Uses}
	made, plain, err := d.Registration.MakeInitialToken(ctx, t, time.Duration(in.Days)*24*time.Hour)
	out := shownRegistrationToken(made)
	out.Token = plain.Reveal()
	return out, err
}

func (d *Door) listRegistrationTokens(ctx context.Context) ([]RegistrationToken, error) {
	all, err := d.Registration.ListInitialTokens(ctx)
	out := make([]RegistrationToken, 0, len(all))
	for _, t := range all {
		out = append(out, shownRegistrationToken(t))
	}
	return out, err
}

func (d *Door) revokeRegistrationToken(ctx context.Context, r *http.Request, _ struct{}) (map[string]string, error) {
	id := r.PathValue("id")
	return map[string]string{"id": id}, d.Registration.RevokeInitialToken(ctx, id)
}

func shownRegistrationToken(t clientregistration.InitialToken) RegistrationToken {
	return RegistrationToken{ID: t.ID, Organisation: string(t.Organisation), PKCE: t.RequirePKCE, Uses: t.Uses, Created: t.Created.UTC(), Expires: t.Expires.UTC()}
}
