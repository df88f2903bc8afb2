// Package docs is the door for readers: it serves the documentation at /docs, as pages in Portvakt's look. It calls no flow, knows
// nobody, and shows the same to everybody.
//
// The documents are the files of the folder docs, written so that they read as well in the repository: links lead from file to
// file there, and from page to page here.
package docs

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"sync"
	"time"

	texts "github.com/portvakt/portvakt/docs"
	"github.com/portvakt/portvakt/internal/web"
)

// root is where the documentation stands.
const root = "/docs/"

//go:embed templates static
var files embed.FS

// Templates returns the templates, embedded in the binary, for web.Options.
func Templates() fs.FS { return sub("templates") }

// Static returns the stylesheet.
func Static() fs.FS { return sub("static") }

func sub(dir string) fs.FS {
	s, err := fs.Sub(files, dir)
	if err != nil {
		panic(err) // the folder is embedded by this file: it cannot be missing
	}
	return s
}

// Door is the door for readers.
type Door struct{ Kit *web.Kit }

// Routes mounts the documentation. A page is made when somebody reads it first: no start waits for it.
func (d *Door) Routes(mux interface {
	Handle(pattern string, h http.Handler)
}) {
	l := &library{files: texts.Files, pages: map[string]func() (*page, error){}, tags: map[string]func() (string, error){}}
	l.contents = sync.OnceValues(l.readContents)
	err := fs.WalkDir(texts.Files, ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil || entry.IsDir():
		case path.Ext(name) == ".md":
			l.pages[address(name)] = sync.OnceValues(func() (*page, error) { return l.read(name) })
		case mediaTypes[path.Ext(name)] != "":
			l.tags[root+name] = sync.OnceValues(func() (string, error) { return l.tag(name) })
		}
		return err
	})
	if err != nil {
		panic(err) // the files are in the binary
	}
	mux.Handle("GET /docs", http.RedirectHandler(root, http.StatusPermanentRedirect))
	mux.Handle("GET "+root+"{path...}", d.Kit.Handle(func(w http.ResponseWriter, r *http.Request) error { return d.get(w, r, l) }))
}

// get handles GET /docs/…: a page, or a file that a page shows.
func (d *Door) get(w http.ResponseWriter, r *http.Request, l *library) error {
	at := r.URL.Path
	if read := l.pages[at]; read != nil {
		p, err := read()
		if err != nil {
			return err
		}
		contents, err := l.contents()
		if err != nil {
			return err
		}
		return d.Kit.Publish(w, r, "document", Document{Title: p.title, Body: p.body, Groups: opened(contents, at, p.sections)})
	}
	tag := l.tags[at]
	if tag == nil {
		return &web.Fault{Status: http.StatusNotFound, Key: "error.not_found", On: &web.Link{URL: root, Key: "docs.on"}}
	}
	return l.serve(w, r, at, tag)
}

// mediaTypes are the files that are served beside the pages.
var mediaTypes = map[string]string{".json": "application/json", ".png": "image/png", ".svg": "image/svg+xml"}

func (l *library) serve(w http.ResponseWriter, r *http.Request, at string, tag func() (string, error)) error {
	name := strings.TrimPrefix(at, root)
	etag, err := tag()
	if err != nil {
		return err
	}
	body, err := fs.ReadFile(l.files, name)
	if err != nil {
		return fmt.Errorf("read a document's file: %w", err)
	}
	h := w.Header()
	h.Set("Content-Type", mediaTypes[path.Ext(name)])
	h.Set("Cache-Control", "no-cache")
	h.Set("ETag", etag)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(body))
	return nil
}

func (l *library) tag(name string) (string, error) {
	body, err := fs.ReadFile(l.files, name)
	sum := sha256.Sum256(body)
	return `"` + hex.EncodeToString(sum[:16]) + `"`, err
}
