package api

import (
	"encoding/base64"
	"strings"
)

// Paged is where a list goes on, and how much of it is asked for.
type Paged struct {
	Limit  int    `query:"limit" minimum:"1" maximum:"200" default:"50" doc:"How many items at most."`
	Cursor string `query:"cursor" maxLength:"4000" doc:"Where the list goes on: what the answer before this one called next."`
}

// Page is a part of a list.
type Page[T any] struct {
	Items []T    `json:"items" nullable:"false"`
	Next  string `json:"next,omitempty" doc:"The cursor of the next page; absent on the last one."`
}

// page makes a part of a list of rows, of which there is one more than asked for where the list goes on. place says where that is.
func page[Row, T any](p Paged, rows []Row, show func(Row) T, place func(Row) []string) Page[T] {
	out := Page[T]{Items: []T{}}
	if len(rows) > p.Limit {
		rows = rows[:p.Limit]
		out.Next = cursor(place(rows[p.Limit-1])...)
	}
	for _, r := range rows {
		out.Items = append(out.Items, show(r))
	}
	return out
}

// cursor writes a place down. Its parts are nobody's business but ours.
func cursor(parts ...string) string {
	for i := range parts {
		parts[i] = base64.RawURLEncoding.EncodeToString([]byte(parts[i]))
	}
	return strings.Join(parts, ".")
}

// place reads a cursor of so many parts; nil for the beginning. It fails with errCursor.
func (p Paged) place(n int) ([]string, error) {
	if p.Cursor == "" {
		return nil, nil
	}
	parts := strings.Split(p.Cursor, ".")
	if len(parts) != n {
		return nil, errCursor
	}
	for i := range parts {
		b, err := base64.RawURLEncoding.DecodeString(parts[i])
		if err != nil {
			return nil, errCursor
		}
		parts[i] = string(b)
	}
	return parts, nil
}
