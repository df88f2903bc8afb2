// Package docs is the documentation itself, as it stands in this folder: the binary carries it. How it is shown is internal/docs.
package docs

import "embed"

// Files are the documents with their pictures, and the guide as it was drawn last.
//
//go:embed *.md *.json adr guide pictures
var Files embed.FS
