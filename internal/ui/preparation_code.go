package ui

import (
	"errors"
	"net/http"

	"github.com/portvakt/portvakt/internal/authn"
	"github.com/portvakt/portvakt/internal/preparation"
)

// getSheetCode handles GET /sheet, the short address on a printed sheet: there its code is typed where nothing can scan it.
func (d *Door) getSheetCode(w http.ResponseWriter, r *http.Request) error {
	return d.Kit.Page(w, r, http.StatusOK, "preparation_code", PreparationCode{Action: "/sheet"})
}

// postSheetCode handles POST /sheet. A code leads to its link's page, whether it works still or not: the page says so.
func (d *Door) postSheetCode(w http.ResponseWriter, r *http.Request) error {
	typed := r.PostFormValue("code")
	token, err := d.Preparation.ReadCode(r.Context(), typed, d.Visitor.Browser(r))
	if err != nil && !errors.Is(err, preparation.ErrNoCode) {
		return tooManyOr(err)
	}
	if err == nil {
		opened, err := d.Preparation.Look(r.Context(), token, "")
		if err != nil && !errors.Is(err, authn.ErrNoLink) {
			return err
		}
		if opened.Purpose != "" {
			return see(w, r, "/preparation/"+token.Reveal())
		}
		reset, err := d.Recovery.Look(r.Context(), token, nil)
		if err != nil && !errors.Is(err, authn.ErrNoLink) {
			return err
		}
		if reset.Link.ID != "" {
			return see(w, r, "/recovery/link/"+token.Reveal())
		}
	}
	if len(typed) > maxCode {
		typed = ""
	}
	return d.Kit.Page(w, r, http.StatusUnprocessableEntity, "preparation_code", PreparationCode{Action: "/sheet", Code: typed, Problem: ProblemSheetCode})
}

// maxCode is the longest text that the page repeats.
const maxCode = 100
