package api

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/portvakt/portvakt/internal/account"
	"github.com/portvakt/portvakt/internal/administration"
	"github.com/portvakt/portvakt/internal/administrator"
	"github.com/portvakt/portvakt/internal/authn"
	"github.com/portvakt/portvakt/internal/dkim"
	"github.com/portvakt/portvakt/internal/idempotency"
	"github.com/portvakt/portvakt/internal/organisation"
	"github.com/portvakt/portvakt/internal/preparation"
	"github.com/portvakt/portvakt/internal/provisioning"
	"github.com/portvakt/portvakt/internal/recovery"
	"github.com/portvakt/portvakt/internal/register"
	"github.com/portvakt/portvakt/internal/transition"
	"github.com/portvakt/portvakt/internal/web"
)

// The beginnings of the type and the instance of a problem (RFC 9457 §3.1). The instance ends with the reference number, by which the
// operator finds the request.
const (
	problemType = "urn:portvakt:problem:"
	reference   = "urn:portvakt:reference:"
)

// problem is an answer that refuses. The code is a word for programs, the detail a sentence for whoever writes them.
func problem(status int, code, detail string) *huma.ErrorModel {
	p := &huma.ErrorModel{Status: status, Title: http.StatusText(status), Detail: detail}
	if code != "" {
		p.Type = problemType + strings.ReplaceAll(code, " ", "_")
	}
	return p
}

// errNotFound is the one answer for what is not there and what is somebody else's.
var (
	errNotFound = problem(http.StatusNotFound, "not_found", "there is no such thing here")
	errNoKey    = problem(http.StatusBadRequest, "no_idempotency_key", "this operation makes or sends something: name the request by the header Idempotency-Key")
	errCursor   = problem(http.StatusUnprocessableEntity, "cursor", "the cursor is not one of this list's")
	errChoice   = problem(http.StatusUnprocessableEntity, "choice", "name people, or a filter, or neither for everybody")
	errNobody   = problem(http.StatusUnprocessableEntity, "nobody", "the filter shows nobody whom this mail suits")
	errMapping  = problem(http.StatusUnprocessableEntity, "mapping", "a mapping says for each column which field it holds")
)

// refusals are the errors of the flows, and what a program is told of each: the sentence is the error's own.
var refusals = []struct {
	err    error
	status int
	code   string
}{
	{transition.ErrNoPerson, http.StatusNotFound, "not_found"},
	{preparation.ErrNoMailing, http.StatusNotFound, "not_found"},
	{preparation.ErrNoProposal, http.StatusNotFound, "not_found"},
	{provisioning.ErrNoImport, http.StatusNotFound, "not_found"},
	{provisioning.ErrNoHold, http.StatusNotFound, "not_found"},
	{provisioning.ErrUnknownOrganisation, http.StatusNotFound, "not_found"},
	{preparation.ErrUnknownOrganisation, http.StatusNotFound, "not_found"},
	{dkim.ErrUnknown, http.StatusNotFound, "not_found"},

	{transition.ErrReason, http.StatusUnprocessableEntity, "reason"},
	{recovery.ErrNoReason, http.StatusUnprocessableEntity, "reason"},
	{transition.ErrConnected, http.StatusConflict, "connected"},
	{transition.ErrLately, http.StatusConflict, "disconnected_lately"},
	{transition.ErrNotConnected, http.StatusConflict, "not_connected"},
	{transition.ErrNotFlagged, http.StatusConflict, "not_flagged"},
	{recovery.ErrNoAccount, http.StatusConflict, "not_connected"},
	{recovery.ErrHelpedLately, http.StatusConflict, "helped_lately"},
	{account.ErrNotAnAddress, http.StatusUnprocessableEntity, "address"},
	{preparation.ErrDisconnectedLately, http.StatusConflict, "disconnected_lately"},
	{transition.ErrNotAPhone, http.StatusUnprocessableEntity, "phone"},
	{authn.ErrCountry, http.StatusUnprocessableEntity, "country"},
	{authn.ErrNoSMS, http.StatusConflict, "no_sms"},
	{preparation.ErrNoSheet, http.StatusConflict, "nobody"},
	{preparation.ErrAddressed, http.StatusUnprocessableEntity, "reason"},
	{preparation.ErrManySheets, http.StatusUnprocessableEntity, "too_many"},
	{preparation.ErrEnded, http.StatusConflict, "ended"},
	{preparation.ErrUnchecked, http.StatusConflict, "unchecked"},
	{administration.ErrRole, http.StatusUnprocessableEntity, "role"},
	{administration.ErrNoColleague, http.StatusUnprocessableEntity, "no_colleague"},
	{administration.ErrLastOwner, http.StatusConflict, "last_owner"},

	{organisation.ErrBadName, http.StatusUnprocessableEntity, "name"},
	{organisation.ErrBadColour, http.StatusUnprocessableEntity, "colour"},
	{organisation.ErrBadPolicy, http.StatusUnprocessableEntity, "policy"},
	{organisation.ErrBadNetworks, http.StatusUnprocessableEntity, "networks"},
	{organisation.ErrBadTransition, http.StatusUnprocessableEntity, "transition"},
	{organisation.ErrBadSender, http.StatusUnprocessableEntity, "sender"},
	{organisation.ErrLogoTooLarge, http.StatusUnprocessableEntity, "logo"},
	{organisation.ErrLogoTooWide, http.StatusUnprocessableEntity, "logo"},
	{organisation.ErrLogoKind, http.StatusUnprocessableEntity, "logo"},
	{organisation.ErrLogoBroken, http.StatusUnprocessableEntity, "logo"},
	{organisation.ErrLogoBlank, http.StatusUnprocessableEntity, "logo"},
	{provisioning.ErrNoSender, http.StatusConflict, "no_sender"},
	{provisioning.ErrMostKeys, http.StatusConflict, "most_keys"},
	{dkim.ErrNotPublished, http.StatusConflict, "not_published"},
	{dkim.ErrLookup, http.StatusServiceUnavailable, "dns"},

	{provisioning.ErrNotWaiting, http.StatusConflict, "state"},
	{preparation.ErrNotSo, http.StatusConflict, "state"},
	{register.ErrTooLarge, http.StatusRequestEntityTooLarge, "too_large"},
	{register.ErrTooMany, http.StatusUnprocessableEntity, "too_many"},
	{register.ErrEmpty, http.StatusUnprocessableEntity, "empty"},
	{register.ErrOldExcel, http.StatusUnprocessableEntity, "old_excel"},
	{register.ErrNotATable, http.StatusUnprocessableEntity, "no_table"},
	{register.ErrNoRegister, http.StatusUnprocessableEntity, "no_register"},
	{register.ErrNoKey, http.StatusUnprocessableEntity, "mapping"},
	{register.ErrNoName, http.StatusUnprocessableEntity, "mapping"},
	{register.ErrTwice, http.StatusUnprocessableEntity, "mapping"},
	{register.ErrUnknownField, http.StatusUnprocessableEntity, "mapping"},
	{register.ErrNoColumn, http.StatusUnprocessableEntity, "mapping"},

	{idempotency.ErrKey, http.StatusBadRequest, "idempotency_key"},
	{idempotency.ErrBusy, http.StatusConflict, "busy"},
	{idempotency.ErrOther, http.StatusUnprocessableEntity, "idempotency_key_used"},
}

// problemOf turns an error into what a program is told.
func (d *Door) problemOf(ctx context.Context, err error) *huma.ErrorModel {
	if p, ok := errors.AsType[*huma.ErrorModel](err); ok {
		return p
	}
	if errors.Is(err, administrator.ErrForbidden) {
		return errNotFound
	}
	if errors.As(err, new(*http.MaxBytesError)) {
		return problem(http.StatusRequestEntityTooLarge, "too_large", "the body is too large")
	}
	for _, r := range refusals {
		if errors.Is(err, r.err) {
			return problem(r.status, r.code, r.err.Error())
		}
	}
	return d.internal(ctx, err)
}

// refused is problemOf as a handler returns it: a copy, because the reference goes into it.
func (d *Door) refused(ctx context.Context, err error) error {
	p := *d.problemOf(ctx, err)
	return &p
}

// internal is our own fault, which is logged and named by its number alone.
func (d *Door) internal(ctx context.Context, err error) *huma.ErrorModel {
	d.Log.ErrorContext(ctx, "api: request failed", "reference", web.Reference(ctx), "error", err)
	return problem(http.StatusInternalServerError, "internal", "something went wrong on our side")
}

// referenced puts the reference number into a problem, and a word where none of ours has refused: what is wrong stands in its errors.
func (d *Door) referenced(ctx huma.Context, _ string, v any) (any, error) {
	if p, ok := v.(*huma.ErrorModel); ok {
		if p.Type == "" {
			p.Type = problemType + "request"
		}
		p.Instance = reference + web.Reference(ctx.Context())
		d.note(callOf(ctx.Context()).r, p)
	}
	return v, nil
}

// note tells of a problem, so that the operator finds it by its number. What was sent is not in it: it may be about a person.
func (d *Door) note(r *http.Request, p *huma.ErrorModel) {
	text := strings.TrimPrefix(p.Type, problemType) + ": " + p.Detail
	for _, one := range p.Errors {
		text += "; " + one.Location + ": " + one.Message
	}
	d.Kit.RefusedProgram(r, p.Status, r.Pattern, text)
}

// writeProblem answers a problem before an operation has begun.
func (d *Door) writeProblem(w http.ResponseWriter, r *http.Request, p *huma.ErrorModel) {
	copied := *p
	copied.Instance = reference + web.Reference(r.Context())
	d.note(r, p)
	body, err := json.Marshal(copied)
	if err != nil {
		panic(err) // it is made of texts
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(p.Status)
	w.Write(body) //nolint:errcheck // the client has gone away
}
