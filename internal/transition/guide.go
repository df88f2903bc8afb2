package transition

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/portvakt/portvakt/internal/administrator"
	"github.com/portvakt/portvakt/internal/audit"
	"github.com/portvakt/portvakt/internal/job"
	"github.com/portvakt/portvakt/internal/organisation"
	"github.com/portvakt/portvakt/internal/relyingparty"
	"github.com/portvakt/portvakt/internal/secret"
)

// Audience is for whom a guide is.
type Audience string

// The audiences.
const (
	Employees      Audience = "employees"
	Administrators Audience = "administrators"
)

// Edition is which of an organisation's guides.
type Edition struct {
	Language string // sv, en
	Audience Audience
}

// Editions are all that an organisation can have, in the order of a list.
func Editions() []Edition {
	return []Edition{{"sv", Employees}, {"en", Employees}, {"sv", Administrators}, {"en", Administrators}}
}

// isOne says whether there is such an edition.
func (e Edition) isOne() bool {
	for _, one := range Editions() {
		if e == one {
			return true
		}
	}
	return false
}

// Guide is an organisation's illustrated guide, drawn from its own pages (step S18 of the design).
type Guide struct {
	Organisation organisation.ID
	Edition
	Drawing string // the job that has drawn it, and what its files are found by
	Subject string // digest of what it was drawn from
	Support string
	Made    time.Time
	Link    string // what stands in its public address; empty: it never had one
	Shared  bool   // the address leads to it
	// Stale says that the organisation's look or policy, or Portvakt itself, has changed since: the pages may look different by now.
	Stale bool
}

// Commission is what a guide is drawn from.
type Commission struct {
	Organisation organisation.Organisation
	Edition
	SMS     bool   // codes can be sent by SMS
	App     string // the app that people meet in the browser, as relyingparty.Faces names it; empty: none
	Mobile  string // and on a phone
	Support string // whom people ask, in the administrator's words; empty: whoever looks after the login at their workplace
}

// Illustrator draws guides. The engine behind it needs a browser.
type Illustrator interface {
	// Begin starts a drawing, which goes on by itself.
	Begin(c Commission) (Drawing, error)
}

// Drawing is one that goes on, or has ended.
type Drawing interface {
	// Wait returns when the drawing has come further, has ended, or when the time is over.
	Wait(d time.Duration) (done, total int, ended bool)
	// Files are what was drawn, by name, when it has ended. It fails where nothing could be drawn.
	Files() (map[string][]byte, error)
	// Stop ends the drawing, if it still goes on, and puts its tools away.
	Stop()
}

// The ways in which a guide cannot be had.
var (
	// ErrNoIllustrator says that there is no browser on this server to draw with.
	ErrNoIllustrator = errors.New("there is no browser on this server to draw a guide with")
	// ErrNoGuide is one answer for a guide, or a file of it, that is not there and one that is somebody else's.
	ErrNoGuide = errors.New("there is no such guide")
	// ErrBadSupport says that the words about whom to ask are too long, or no text.
	ErrBadSupport = errors.New("whom to ask is one line of at most 200 characters")
)

// maxSupport is how many characters the words about whom to ask have at most.
const maxSupport = 200

// The params of a drawing's job.
const (
	paramLanguage = "language"
	paramAudience = "audience"
	paramSupport  = "support"
)

// failedDrawing is why a drawing has failed: the log says more.
const failedDrawing = "drawing"

// countBegun is the count of a drawing's job that says how often it was begun.
const countBegun = "begun"

const (
	drawingBite  = 2 * time.Second  // how long a bite waits for news
	drawingPause = 10 * time.Second // before a drawing that failed is begun once more
	mostFailed   = 2                // a drawing that ends without a guide so often has failed
	mostBegun    = 4                // one that was begun so often, and whose node went down each time, brings them down
)

// easel holds the one drawing that this node has in hand.
type easel struct {
	mu         sync.Mutex
	closing    atomic.Bool // this node stops
	job        string
	commission Commission
	drawing    Drawing
}

// errPutAway says that this node stops: another one, or its next start, begins the drawing anew.
var errPutAway = errors.New("this server stops")

// CanDraw says whether this server can draw guides.
func (s *Service) CanDraw() bool { return s.Illustrator != nil }

// Guides lists an organisation's guides.
func (s *Service) Guides(ctx context.Context, o organisation.Organisation) ([]Guide, error) {
	all, err := s.Store.ListGuides(ctx, o.ID)
	if err != nil {
		return nil, fmt.Errorf("list guides: %w", err)
	}
	now, err := s.commission(ctx, o)
	if err != nil {
		return nil, err
	}
	for i, g := range all {
		all[i].Stale = g.Subject != now.digest(s.Release)
	}
	return all, nil
}

// Drawings lists the organisation's newest drawings: what goes on, and what has become of the last ones.
func (s *Service) Drawings(ctx context.Context, o organisation.ID) ([]job.Job, error) {
	return s.Store.ListJobs(ctx, o, job.Guide, 20)
}

// EditionOf says which guide a drawing is of, and what it tells people to do for help.
func EditionOf(j job.Job) (e Edition, support string) {
	return Edition{j.Params[paramLanguage], Audience(j.Params[paramAudience])}, j.Params[paramSupport]
}

// Draw has a guide drawn by a job. Where the same one is being drawn already, or waits for its turn, it is that job. It fails with
// administrator.ErrForbidden, ErrNoGuide for an edition that there is not, ErrNoIllustrator or ErrBadSupport.
func (s *Service) Draw(ctx context.Context, by administrator.Administrator, o organisation.ID, e Edition, support string) (job.Job, error) {
	support = strings.TrimSpace(support)
	switch {
	case !by.May(o, administrator.Prepare):
		return job.Job{}, administrator.ErrForbidden
	case !e.isOne():
		return job.Job{}, ErrNoGuide
	case s.Illustrator == nil:
		return job.Job{}, ErrNoIllustrator
	case utf8.RuneCountInString(support) > maxSupport || !utf8.ValidString(support) || strings.ContainsFunc(support, func(r rune) bool { return r < ' ' || r == 0x7f }):
		return job.Job{}, ErrBadSupport
	}
	j := job.New(job.Guide, o, by.Account.ID, s.Now())
	j.State = job.Queued
	j.Params = map[string]string{paramLanguage: e.Language, paramAudience: string(e.Audience), paramSupport: support}
	var taken job.Job
	err := s.InTx(ctx, func(tx Tx) error {
		taken = j // also when the transaction runs again
		going, err := tx.ListUnendedJobs(ctx, o, job.Guide)
		if err != nil {
			return fmt.Errorf("list what is being drawn: %w", err)
		}
		for _, one := range going {
			if same, _ := EditionOf(one); same == e {
				taken = one
				return nil
			}
		}
		if err := tx.InsertJob(ctx, j); err != nil {
			return fmt.Errorf("insert job: %w", err)
		}
		return tx.Append(ctx, guideEvent(by, audit.GuideAsked, o, e, s.Now()))
	})
	return taken, err
}

// StopDrawing ends a drawing; what was drawn before stays. It fails with administrator.ErrForbidden. One that has ended meanwhile stays as it is.
func (s *Service) StopDrawing(ctx context.Context, by administrator.Administrator, o organisation.ID, id string) error {
	if !by.May(o, administrator.Prepare) {
		return administrator.ErrForbidden
	}
	return s.InTx(ctx, func(tx Tx) error {
		j, ok, err := tx.FindJobInTx(ctx, o, id)
		if err != nil || !ok || j.Kind != job.Guide {
			return cmp.Or(err, ErrNoGuide)
		}
		if ok, err := tx.MoveJob(ctx, o, id, job.Cancelled, s.Now()); err != nil || !ok {
			return err
		}
		e, _ := EditionOf(j)
		return tx.Append(ctx, guideEvent(by, audit.GuideStopped, o, e, s.Now()))
	})
}

// Share lets a guide for employees be read at its public address, which is the same for good. Mailings link to it from then on. It fails with
// administrator.ErrForbidden or ErrNoGuide.
func (s *Service) Share(ctx context.Context, by administrator.Administrator, o organisation.ID, e Edition) error {
	return s.setShared(ctx, by, o, e, true, audit.GuideShared)
}

// Withdraw ends that: the address leads nowhere, also in mails that are out, until the guide is shared again. It fails with
// administrator.ErrForbidden or ErrNoGuide.
func (s *Service) Withdraw(ctx context.Context, by administrator.Administrator, o organisation.ID, e Edition) error {
	return s.setShared(ctx, by, o, e, false, audit.GuideWithdrawn)
}

func (s *Service) setShared(ctx context.Context, by administrator.Administrator, o organisation.ID, e Edition, shared bool, kind audit.Kind) error {
	if !by.May(o, administrator.Prepare) {
		return administrator.ErrForbidden
	}
	if e.Audience != Employees {
		return ErrNoGuide // administrators read theirs in the console
	}
	return s.InTx(ctx, func(tx Tx) error {
		g, ok, err := tx.FindGuideInTx(ctx, o, e)
		if err != nil || !ok {
			return cmp.Or(err, ErrNoGuide)
		}
		if g.Shared == shared {
			return nil // a second press, a second tab
		}
		if g.Link == "" {
			// Short enough to be read out; nothing in a guide is secret, so that it need not be kept as a hash.
			g.Link = strings.ToLower(secret.Crockford.EncodeToString(secret.Random(10)))
		}
		if err := tx.ShareGuide(ctx, o, e, g.Link, shared); err != nil {
			return fmt.Errorf("share the guide: %w", err)
		}
		return tx.Append(ctx, guideEvent(by, kind, o, e, s.Now()))
	})
}

func guideEvent(by administrator.Administrator, kind audit.Kind, o organisation.ID, e Edition, now time.Time) audit.Event {
	event := by.Event(kind, o, "", now)
	event.Detail["language"], event.Detail["audience"] = e.Language, string(e.Audience)
	return event
}

// FindGuide looks for a guide of the organisation. It fails with ErrNoGuide.
func (s *Service) FindGuide(ctx context.Context, o organisation.ID, e Edition) (Guide, error) {
	g, ok, err := s.Store.FindGuide(ctx, o, e)
	if err == nil && !ok {
		err = ErrNoGuide
	}
	return g, err
}

// FindShared looks for a guide by its public address. It fails with ErrNoGuide.
func (s *Service) FindShared(ctx context.Context, link string) (Guide, error) {
	g, ok, err := s.Store.FindSharedGuide(ctx, strings.ToLower(link))
	if err == nil && !ok {
		err = ErrNoGuide
	}
	return g, err
}

// GuideFile reads a file of a guide. It fails with ErrNoGuide.
func (s *Service) GuideFile(ctx context.Context, g Guide, name string) ([]byte, error) {
	body, ok, err := s.Store.FindGuideFile(ctx, g.Drawing, name)
	if err == nil && !ok {
		err = ErrNoGuide
	}
	return body, err
}

// GuideFiles reads all files of a guide, by name.
func (s *Service) GuideFiles(ctx context.Context, g Guide) (map[string][]byte, error) {
	return s.Store.ListGuideFiles(ctx, g.Drawing)
}

// GuideStep does one bite of a drawing: it begins it, or waits a little for news. It is a job.Step. The drawing itself lives in this process:
// where another node, or the next start, takes the job over, it begins anew, and what was drawn before is kept until the new one is whole.
func (s *Service) GuideStep(ctx context.Context, j job.Job, holder string) (next job.Job, err error) {
	s.easel.mu.Lock()
	defer s.easel.mu.Unlock()
	if s.easel.closing.Load() {
		return j, errPutAway
	}
	if s.easel.job != j.ID {
		return s.beginDrawing(ctx, j, holder)
	}
	done, total, ended := s.easel.drawing.Wait(drawingBite)
	if s.easel.closing.Load() {
		return j, errPutAway // whoever stops this process may have stopped the child as well: that is no failure
	}
	next = j
	next.Position, next.Total = int64(done), int64(total)
	if !ended {
		return next, s.saveDrawing(ctx, next, holder, nil)
	}
	files, err := s.easel.drawing.Files()
	if err != nil || len(files) == 0 {
		return s.drawingFailed(ctx, next, holder)
	}
	next.State = job.Done
	return next, s.saveDrawing(ctx, next, holder, newMade(s.easel.commission, next, s.Release, s.Now(), files))
}

// beginDrawing begins a drawing, after it has noted that it does: a drawing that takes the whole node with it is not begun for ever.
func (s *Service) beginDrawing(ctx context.Context, j job.Job, holder string) (next job.Job, err error) {
	s.easel.clear() // of a job that was stopped, or went to another node
	o, ok, err := s.Store.FindOrganisation(ctx, j.Organisation)
	if err != nil || !ok {
		return j, cmp.Or(err, fmt.Errorf("no organisation %s", j.Organisation))
	}
	c, err := s.commission(ctx, o)
	if err != nil {
		return j, err
	}
	c.Edition, c.Support = EditionOf(j)
	next = j
	next.Position, next.Total, next.Counts = 0, 0, maps.Clone(j.Counts)
	if next.Counts[countBegun]++; next.Counts[countBegun] > mostBegun {
		next.State, next.Reason = job.Failed, failedDrawing
		return next, s.saveDrawing(ctx, next, holder, nil)
	}
	if err := s.saveDrawing(ctx, next, holder, nil); err != nil {
		return j, err
	}
	d, err := s.Illustrator.Begin(c)
	if err != nil {
		return s.drawingFailed(ctx, next, holder)
	}
	s.easel.job, s.easel.commission, s.easel.drawing = j.ID, c, d
	return next, nil
}

// drawingFailed lets a drawing be begun once more after a while, or gives it up.
func (s *Service) drawingFailed(ctx context.Context, j job.Job, holder string) (job.Job, error) {
	next := j
	next.NotBefore = s.Now().Add(drawingPause)
	if j.Counts[countBegun] >= mostFailed {
		next.State, next.Reason, next.NotBefore = job.Failed, failedDrawing, j.NotBefore
	}
	err := s.saveDrawing(ctx, next, holder, nil)
	s.easel.clear()
	return next, err
}

// made is a guide with its files, to be stored.
type made struct {
	guide Guide
	files map[string][]byte
}

func newMade(c Commission, j job.Job, release string, now time.Time, files map[string][]byte) *made {
	return &made{Guide{Organisation: c.Organisation.ID, Edition: c.Edition, Drawing: j.ID, Subject: c.digest(release), Support: c.Support, Made: now}, files}
}

// saveDrawing commits how far a drawing has come; its last bite together with the guide, so that there is the old one or the new one, whole.
// A drawing that has ended, or whose job was stopped or went to another node, is put away.
func (s *Service) saveDrawing(ctx context.Context, j job.Job, holder string, m *made) error {
	err := s.InBulkTx(ctx, func(tx Tx) error {
		if err := tx.SaveJob(ctx, j, holder, s.Now()); err != nil {
			return err
		}
		if !j.State.Ended() {
			return nil
		}
		e, _ := EditionOf(j)
		event := audit.Event{Kind: audit.GuideFailed, At: s.Now(), Actor: "system",
			Detail: map[string]string{"organisation": string(j.Organisation), "language": e.Language, "audience": string(e.Audience), "job": j.ID}}
		if m != nil {
			event.Kind = audit.GuideDrawn
			if err := tx.SaveGuide(ctx, m.guide, m.files); err != nil {
				return fmt.Errorf("save the guide: %w", err)
			}
		}
		return tx.Append(ctx, event)
	})
	if err == nil && j.State.Ended() || errors.Is(err, job.ErrLost) || errors.Is(err, job.ErrStopped) {
		s.easel.clear()
	}
	return err
}

// Closing lets this node begin no drawing any more, and fail none: it stops.
func (s *Service) Closing() { s.easel.closing.Store(true) }

// PutAway ends the drawing that this node has in hand, which stops.
func (s *Service) PutAway() {
	s.Closing()
	s.easel.mu.Lock()
	defer s.easel.mu.Unlock()
	s.easel.clear()
}

func (e *easel) clear() {
	if e.drawing != nil {
		e.drawing.Stop()
	}
	e.job, e.commission, e.drawing = "", Commission{}, nil
}

// commission is what the organisation's guides would be drawn from now, but for whom and in which language.
func (s *Service) commission(ctx context.Context, o organisation.Organisation) (Commission, error) {
	c := Commission{Organisation: o, SMS: s.HasSMS()}
	rps, err := s.Store.ListRPs(ctx)
	if err != nil {
		return c, fmt.Errorf("list relying parties: %w", err)
	}
	c.App, c.Mobile = relyingparty.Faces(rps, o.ID)
	return c, nil
}

// digest names what a guide is drawn from: two with the same one look the same.
func (c Commission) digest(release string) string {
	p := c.Organisation.Policy
	text, err := json.Marshal([]any{release, c.Organisation.Name, c.Organisation.Colour, c.Organisation.Logo.Data, p.MFA, p.From, p.SignIns, p.RememberDays, p.TypedPush, c.SMS, c.App, c.Mobile})
	if err != nil {
		panic(err) // plain values
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:16])
}
