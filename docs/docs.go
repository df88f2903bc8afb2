// Package docs is the documentation itself, as it stands in this folder: the binary carries it. How it is shown is internal/docs.
package docs

import "embed"

// Files are the documents. The guide as it was drawn last stays in the repository: its pictures weigh more than all
// else here, and whoever runs the binary draws one in the organisation's own look.
//
//go:embed *.md *.json adr guide/README.md
var Files embed.FS
