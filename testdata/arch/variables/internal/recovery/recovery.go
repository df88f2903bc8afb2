// Package recovery keeps state where nobody sees it.
package recovery

import (
	"errors"
	"sync"
)

// ErrGone is as it should be: nobody changes it.
var ErrGone = errors.New("gone")

var names = map[string]string{"reset": "a new password"}

var later int

var lock = new(sync.Mutex)

var seen = map[string]bool{}

func init() { lock.Lock() }

// Name reads a table.
func Name(purpose string) string { return names[purpose] }

// Once changes one.
func Once(link string) bool {
	first := !seen[link]
	seen[link] = true
	return first
}
