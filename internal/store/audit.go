package store

import (
	"context"
	"encoding/json"
	"maps"
	"slices"

	"github.com/portvakt/portvakt/internal/audit"
	"github.com/portvakt/portvakt/internal/secret"
)

const (
	appendEvent statement = `
INSERT INTO audit_events (id, at, kind, actor, account_id, client_id, session_id, detail, salt)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`

	appendPersonal statement = `
INSERT INTO audit_personal (event_id, field, salt, value) VALUES ($1, $2, $3, $4)`
)

// Append adds one line to the audit log, its personal fields apart.
func (tx *Tx) Append(ctx context.Context, e audit.Event) error {
	detail, err := json.Marshal(e.Detail)
	if err != nil {
		return err
	}
	id := secret.NewID()
	_, err = tx.exec(ctx, appendEvent, id, ms(e.At), string(e.Kind), e.Actor, string(e.Account), e.Client, e.Session, string(detail),
		secret.Random(16))
	for _, field := range slices.Sorted(maps.Keys(e.Personal)) {
		if err == nil && e.Personal[field] != "" {
			_, err = tx.exec(ctx, appendPersonal, id, field, secret.Random(16), e.Personal[field])
		}
	}
	return err
}
