package web

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"path"
	"slices"
	"strings"
)

// assets are the static files. One hash of them all stands in their URLs, rather than one for each: so a script can import
// its neighbour by a relative name, without a build step that rewrites names.
type assets struct {
	files fs.FS
	hash  string
}

func readAssets(files fs.FS) (*assets, error) {
	sum := sha256.New()
	err := fs.WalkDir(files, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		f, err := files.Open(name)
		if err != nil {
			return err
		}
		defer f.Close()
		fmt.Fprintf(sum, "%s\n", name)
		_, err = io.Copy(sum, f)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("web: read static files: %w", err)
	}
	return &assets{files: files, hash: hex.EncodeToString(sum.Sum(nil))[:12]}, nil
}

// Overlay is the files of all given trees: of two with one name, the first counts. The doors have their own files, and share
// the look.
func Overlay(trees ...fs.FS) fs.FS { return overlay(trees) }

type overlay []fs.FS

// Open opens the first file of that name.
func (o overlay) Open(name string) (fs.File, error) {
	for _, tree := range o {
		f, err := tree.Open(name)
		if !errors.Is(err, fs.ErrNotExist) {
			return f, err
		}
	}
	return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
}

// ReadDir lists a folder of all trees, sorted by name.
func (o overlay) ReadDir(name string) ([]fs.DirEntry, error) {
	var all []fs.DirEntry
	found := false
	for _, tree := range o {
		entries, err := fs.ReadDir(tree, name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		found = true
		for _, e := range entries {
			if !slices.ContainsFunc(all, func(have fs.DirEntry) bool { return have.Name() == e.Name() }) {
				all = append(all, e)
			}
		}
	}
	if !found {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	slices.SortFunc(all, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return all, nil
}

// url is {{asset "app.css"}} in a template. A missing file stops the rendering, and thereby the test of every template.
func (a *assets) url(name string) (string, error) {
	if _, err := fs.Stat(a.files, name); err != nil {
		return "", fmt.Errorf("web: asset: %w", err)
	}
	return "/static/" + a.hash + "/" + name, nil
}

// mediaTypes are written down because the machine's own table may lack one or say something else.
var mediaTypes = map[string]string{
	".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml",
	".png": "image/png", ".ico": "image/x-icon", ".woff2": "font/woff2", ".webmanifest": "application/manifest+json",
	".txt": "text/plain; charset=utf-8",
}

// Static serves GET /static/{hash}/{file...}. Under the current hash a file may be kept for ever; under another one (a page
// of the release before, or of another node during an upgrade) the present file is served and kept by nobody.
func (k *Kit) Static() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		hash, name, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/static/"), "/")
		mediaType, known := mediaTypes[path.Ext(name)]
		info, err := fs.Stat(k.static.files, name)
		if err != nil || info.IsDir() || !known {
			k.NotFound().ServeHTTP(w, r)
			return
		}
		w.Header().Set("Content-Type", mediaType)
		w.Header().Set("Cache-Control", "no-store")
		if hash == k.static.hash && !k.options.Reload {
			w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
		}
		http.ServeFileFS(w, r, k.static.files, name)
	})
}
