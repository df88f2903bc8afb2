package store

import (
	"errors"
	"fmt"
	"strings"
)

// address is a parsed Options.URL.
type address struct {
	dialect dialect
	place   string // a file's path, or PostgreSQL's whole URL
}

func parseURL(url string) (address, error) {
	scheme, rest, found := strings.Cut(url, ":")
	switch {
	case url == "":
		return address{}, errors.New("store: no database given: use sqlite:PATH or postgres://…")
	case strings.HasPrefix(url, "postgres://"), strings.HasPrefix(url, "postgresql://"):
		return address{postgresDialect, url}, nil
	case strings.Contains(url, ":memory:"):
		return address{}, errors.New("store: a database in memory would forget every account: give a path")
	case found && scheme == "sqlite":
		rest = strings.TrimPrefix(rest, "//") // sqlite:///var/lib/… is a common way to write it
		if rest == "" {
			return address{}, errors.New("store: sqlite: needs a path, as in sqlite:/var/lib/portvakt/portvakt.db")
		}
		return address{sqliteDialect, rest}, nil
	case strings.Contains(url, "://"):
		return address{}, fmt.Errorf("store: %q is no database that Portvakt knows: use sqlite:PATH or postgres://…", scheme)
	}
	return address{sqliteDialect, url}, nil
}
