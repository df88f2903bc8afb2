package admin

import (
	"net/url"
	"time"

	"github.com/portvakt/portvakt/internal/secret"
	"github.com/portvakt/portvakt/internal/transition"
)

// How a search stands in an address: sealed to its organisation, for as long as somebody may leave a page open.
const (
	searchPurpose = secret.Purpose("console search")
	searchLife    = 24 * time.Hour
	maxSearch     = 200 // bytes
)

// readFilter reads a filter from the address. A search that cannot be opened is none.
func (d *Door) readFilter(v visit) transition.Filter {
	q := v.r.URL.Query()
	words, err := d.Visitor.Keys.Open(searchPurpose, string(v.org.ID), q.Get("search"), searchLife, d.Now())
	if err != nil {
		words = nil
	}
	return filterOf(q, string(words))
}

// formFilter reads a filter from a form.
func formFilter(v visit) transition.Filter { return filterOf(v.r.PostForm, v.r.PostFormValue("q")) }

func filterOf(q url.Values, words string) transition.Filter {
	f := transition.Filter{Status: transition.Status(q.Get("status")), Attention: q.Get("attention") == "on", Words: words}
	if !f.Status.IsStatus() {
		f.Status = ""
	}
	if len(f.Words) > maxSearch {
		f.Words = f.Words[:maxSearch]
	}
	return f
}

// filterQuery is a filter as it stands in an address.
func (d *Door) filterQuery(v visit, f transition.Filter) url.Values {
	q := url.Values{}
	if f.Status != "" {
		q.Set("status", string(f.Status))
	}
	if f.Attention {
		q.Set("attention", "on")
	}
	if f.Words != "" {
		q.Set("search", d.Visitor.Keys.Seal(searchPurpose, string(v.org.ID), []byte(f.Words), d.Now()))
	}
	return q
}
