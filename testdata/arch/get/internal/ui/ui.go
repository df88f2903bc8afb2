// Package ui is a door whose pages are opened by mail scanners too.
package ui

import (
	"net/http"

	"github.com/portvakt/portvakt/internal/recovery"
)

const path = "/recovery/link/{token}"

// Door is the door.
type Door struct{ Recovery user }

// user is what the door wants of the flow: the way leads through an interface.
type user interface{ Use() error }

var _ user = (*recovery.Service)(nil)

// Routes mounts the pages.
func (d *Door) Routes(mux *http.ServeMux) {
	mux.HandleFunc("GET "+path, d.getLink)
	mux.HandleFunc("POST "+path, d.postLink)
	for pattern, h := range map[string]http.HandlerFunc{"GET /help": getHelp, "GET /short/{token}": d.getShort} {
		mux.Handle(pattern, h)
	}
}

func getHelp(http.ResponseWriter, *http.Request) {}

func (d *Door) getShort(w http.ResponseWriter, r *http.Request) { d.getLink(w, r) }

func (d *Door) getLink(w http.ResponseWriter, r *http.Request) { d.consume() }

func (d *Door) postLink(w http.ResponseWriter, r *http.Request) { d.consume() }

func (d *Door) consume() {
	act := d.Recovery.Use
	if err := act(); err != nil {
		panic(err)
	}
}
