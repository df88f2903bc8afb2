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
INSERT INTO audit_events (id, at, kind, actor, account_id, client_id, session_id, message_id, detail, salt, fields, block)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 0)`

	appendPersonal statement = `
INSERT INTO audit_personal (event_id, field, salt, value) VALUES ($1, $2, $3, $4)`

	appendTwoPersonal statement = `
INSERT INTO audit_personal (event_id, field, salt, value) VALUES ($1, $2, $3, $4), ($1, $5, $6, $7)`

	appendOrganisation statement = `
INSERT INTO audit_organisations (organisation_id, at, event_id) VALUES ($1, $2, $3)`
)

// Append adds one line to the audit log, its personal fields apart. It is sealed later, by package auditing.
func (tx *Tx) Append(ctx context.Context, e audit.Event) error {
	detail, err := json.Marshal(e.Detail)
	if err != nil {
		return err
	}
	id, salts, fields := secret.NewOrderedID(e.At), map[string][]byte{}, audit.Fields{}
	for field, value := range e.Personal {
		if value != "" {
			salts[field] = secret.Random(16)
			fields[field] = audit.CommitField(field, salts[field], stored(value))
		}
	}
	err = tx.write(ctx, appendEvent, id, ms(e.At), string(e.Kind), e.Actor, string(e.Account), e.Client, e.Session, e.Message,
		string(detail), secret.Random(16), fields.Text())
	for some := range slices.Chunk(slices.Sorted(maps.Keys(fields)), 2) {
		text, args := appendPersonal, []any{id}
		for _, field := range some {
			args = append(args, field, salts[field], e.Personal[field])
		}
		if len(some) == 2 {
			text = appendTwoPersonal // an address and a browser, as nearly always
		}
		if err == nil {
			err = tx.write(ctx, text, args...)
		}
	}
	if o := e.Detail["organisation"]; o != "" && err == nil {
		err = tx.write(ctx, appendOrganisation, o, ms(e.At), id)
	}
	return err
}

// stored is the text as it comes back: what a stranger sent may be none that a database takes.
func stored(text string) string { return storable([]any{text})[0].(string) }
