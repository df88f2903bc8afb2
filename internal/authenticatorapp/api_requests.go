package authenticatorapp

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/portvakt/portvakt/internal/authn"
	"github.com/portvakt/portvakt/internal/web"
)

var errStreams = fault{http.StatusTooManyRequests, "too_many", "the account has too many streams"}

// getChallenges handles GET /push/challenges.
func (d *Door) getChallenges(c call) error {
	all, err := d.Signin.ListWaiting(c.r.Context(), c.key)
	if err != nil {
		return err
	}
	challenges := make([]any, 0, len(all))
	for _, one := range all {
		challenges = append(challenges, one)
	}
	web.JSON(c.w, http.StatusOK, map[string]any{"challenges": challenges, "now": d.now()})
	return nil
}

// gone is what a phone hears of a challenge that it cannot answer any more.
type gone struct {
	ID        string `json:"id"`
	How       string `json:"how"`
	Elsewhere bool   `json:"elsewhere"` // another phone has answered
}

// postAnswer handles POST /push/challenges/{id}.
func (d *Door) postAnswer(c call) error {
	var in struct {
		Answer string `json:"answer"`
	}
	if err := read(c.w, c.r, &in); err != nil {
		return err
	}
	id := c.r.PathValue("id")
	result, err := d.Signin.Answer(c.r.Context(), c.key, id, in.Answer, phone(c.r))
	if errors.Is(err, authn.ErrAsked) {
		result, err = d.Grant.AnswerAsk(c.r.Context(), c.key, id, in.Answer, phone(c.r))
	}
	if errors.Is(err, authn.ErrGone) {
		g, err := d.Signin.Gone(c.r.Context(), c.key, id)
		if err != nil {
			return err
		}
		web.JSON(c.w, http.StatusConflict, map[string]any{"error": "gone", "error_description": "the request was answered, has expired or was withdrawn",
			"reference": web.Reference(c.r.Context()), "id": g.ID, "how": g.How, "elsewhere": g.Elsewhere})
		return nil
	}
	if err != nil {
		return err
	}
	web.JSON(c.w, http.StatusOK, map[string]string{"result": result})
	return nil
}

// getEvents handles GET /push/events: what waits, and what is new, until the token has expired.
func (d *Door) getEvents(c call) error {
	rung, stop, ok := d.Signin.Authn.Bell.Wait(string(c.key.Account))
	if !ok {
		return errStreams
	}
	defer stop()
	ctx, cancel := context.WithTimeout(c.r.Context(), c.ends.Sub(d.Enrolment.Now()))
	defer cancel()
	s, err := web.NewStream(c.w)
	if err != nil {
		return err
	}
	ping := time.NewTicker(web.StreamPing)
	defer ping.Stop()
	shown := map[string]bool{}
	for d.Enrolment.Now().Before(c.ends) {
		there, err := d.tell(ctx, s, c.key, shown)
		if err != nil || !there {
			return d.ended(c.r, err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-d.Signin.Authn.Bell.Closed():
			return nil
		case <-rung:
		case <-ping.C:
			if s.Ping() != nil {
				return nil
			}
		}
	}
	return nil
}

// ended is for a stream whose answer has begun: an error can only be logged.
func (d *Door) ended(r *http.Request, err error) error {
	if err != nil && r.Context().Err() == nil {
		d.Log.WarnContext(r.Context(), "authenticatorapp: stream ended", "reference", web.Reference(r.Context()), "error", err)
	}
	return nil
}

// tell sends the phone what is new since the last time: shown are the challenges that it has been told of. It returns false once the
// phone has been removed.
func (d *Door) tell(ctx context.Context, s *web.Stream, k authn.PushKey, shown map[string]bool) (bool, error) {
	_, there, err := d.Enrolment.Authenticator(ctx, k.Grant)
	if err != nil {
		return true, err
	}
	if !there {
		return false, s.Event("removed", struct{}{})
	}
	waiting, err := d.Signin.ListWaiting(ctx, k)
	if err != nil {
		return true, err
	}
	still := map[string]bool{}
	for _, c := range waiting {
		still[c.ID] = true
	}
	for id := range shown { // first: one that was withdrawn makes room for the one that took its place
		if still[id] {
			continue
		}
		delete(shown, id)
		g, err := d.Signin.Gone(ctx, k, id)
		if err != nil {
			return true, err
		}
		if err := s.Event("gone", gone(g)); err != nil {
			return true, err
		}
	}
	for _, c := range waiting {
		if shown[c.ID] {
			continue
		}
		shown[c.ID] = true
		if err := s.Event("challenge", c); err != nil {
			return true, err
		}
	}
	return true, nil
}
