package e2e

import (
	"regexp"
	"slices"
	"testing"

	"github.com/portvakt/portvakt/e2e/journey"
)

// wrongPassword is what somebody types who does not know.
const wrongPassword = "det här är alldeles fel"

// What a browser notes of answers that a journey asks for: a note is no complaint of a page.
const (
	refusedRefresh = `status of 400 \(Bad Request\) .*/token$`
	refusedForm    = `status of 422 \(Unprocessable Entity\) `
	goneLink       = `status of 410 \(Gone\) `
	notFound       = `status of 404 \(Not Found\) `
	badRequest     = `status of 400 \(Bad Request\) `
	tooMany        = `status of 429 \(Too Many Requests\) `
)

// firstNonce is how a program that binds its tokens learns its first nonce: by a refusal (RFC 9449 §8). Each opening of HRM
// Mobile has one.
const firstNonce = refusedRefresh

// quiet asks the console: a policy that stops a page says so there.
func quiet(t *testing.T, b *journey.Browser, expected ...string) {
	t.Helper()
	expected = append(expected, firstNonce)
	for _, said := range b.Complaints() {
		if !slices.ContainsFunc(expected, func(e string) bool { return regexp.MustCompile(e).MatchString(said) }) {
			t.Errorf("the console says %q", said)
		}
	}
}
