package e2e

import (
	"testing"

	"github.com/portvakt/portvakt/e2e/journey"
)

// lookAtDocs looks at the documentation's first page and at two with wide tables and code. It is in English for everybody.
func lookAtDocs(t *testing.T, w *world, o journey.Options, _ func(*journey.Person, string, string), _ func(string) string) {
	b := w.bo(o)
	for page, text := range map[string]string{"": "Portvakt's documentation", "install": "From the Debian package", "configuration": "What is wrong is said at the start"} {
		b.Open(w.Portvakt + "/docs/" + page)
		b.See(text)
		inspect(t, b.Browser, "document-"+page)
	}
}
