// Package ui is the door for people: it speaks HTML to a browser, calls one use case per request, and answers with a page.
// It is not where a rule lives; rules belong to the flows behind it.
//
// The files views_WORD.go are the contract between the handlers (Go) and the pages (templates/): one struct per page, one page
// per template.
// A template sees its struct and nothing else; language, brand and reference number come from the layout (package web).
package ui

import (
	"embed"
	"io/fs"
)

// "all:" takes the shared parts too, whose names begin with an underscore.
//
//go:embed all:templates
var templates embed.FS

//go:embed static
var static embed.FS

// Templates returns the page templates, embedded in the binary, for web.Options.
func Templates() fs.FS { return sub(templates, "templates") }

// Static returns the stylesheet, scripts and pictures, embedded in the binary, for web.Options.
func Static() fs.FS { return sub(static, "static") }

func sub(f embed.FS, dir string) fs.FS {
	s, err := fs.Sub(f, dir)
	if err != nil {
		panic(err) // the folder is embedded by this file: it cannot be missing
	}
	return s
}
