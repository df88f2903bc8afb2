package transition

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/portvakt/portvakt/internal/administrator"
	"github.com/portvakt/portvakt/internal/audit"
	"github.com/portvakt/portvakt/internal/job"
	"github.com/portvakt/portvakt/internal/organisation"
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
	Link    string // what stands in its public address; empty: there is none
	// Stale says that the organisation's look or policy, or Portvakt itself, has changed since: the pages may look different by now.
	Stale bool
}

// Commission is what a guide is drawn from.
type Commission struct {
	Organisation organisation.Organisation
	Edition
	SMS     bool   // codes can be sent by SMS
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

// Why a drawing has failed.
const (
	failedDrawing = "drawing" // the log says why
	failedLate    = "late"
)

const (
	drawingBite = 2 * time.Second  // how long a bite waits for news
	drawingMost = 15 * time.Minute // after which a drawing is given up
)

// easel holds the one drawing that this node has in hand.
type easel struct {
	mu      sync.Mutex
	job     string
	drawing Drawing
	begun   time.Time
}

// CanDraw says whether this server can draw guides.
func (s *Service) CanDraw() bool { return s.Illustrator != nil }

// Guides lists an organisation's guides.
func (s *Service) Guides(ctx context.Context, o organisation.Organisation) ([]Guide, error) {
	all, err := s.Store.ListGuides(ctx, o.ID)
	if err != nil {
		return nil, fmt.Errorf("list guides: %w", err)
	}
	for i, g := range all {
		all[i].Stale = g.Subject != s.commission(o, g.Edition, g.Support).digest(s.Release)
	}
	return all, nil
}

// Drawings lists the organisation's newest drawings: what goes on, and what has become of the last ones.
func (s *Service) Drawings(ctx context.Context, o organisation.ID) ([]job.Job, error) {
	return s.Store.ListJobs(ctx, o, job.Guide, 5)
}

// EditionOf says which guide a drawing is of, and what it tells people to do for help.
func EditionOf(j job.Job) (e Edition, support string) {
	return Edition{j.Params[paramLanguage], Audience(j.Params[paramAudience])}, j.Params[paramSupport]
}

// Draw has a guide drawn by a job. Where one of the organisation's is being drawn already, it is that one. It fails with
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
	return j, s.InTx(ctx, func(tx Tx) error {
		going, ok, err := tx.FindUnendedJob(ctx, o, job.Guide)
		if err != nil {
			return fmt.Errorf("find what is being drawn: %w", err)
		}
		if ok {
			j = going
			return nil
		}
		if err := tx.InsertJob(ctx, j); err != nil {
			return fmt.Errorf("insert job: %w", err)
		}
		return tx.Append(ctx, guideEvent(by, audit.GuideAsked, o, e, s.Now()))
	})
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

// Share gives a guide for employees a public address, which stays the same when it is drawn anew. Mailings link to it from then on. It fails
// with administrator.ErrForbidden or ErrNoGuide.
func (s *Service) Share(ctx context.Context, by administrator.Administrator, o organisation.ID, e Edition) error {
	// Short enough to be read out; nothing in a guide is secret, so that it need not be kept as a hash.
	return s.setLink(ctx, by, o, e, strings.ToLower(secret.Crockford.EncodeToString(secret.Random(10))), audit.GuideShared)
}

// Withdraw takes a guide's public address away: it leads nowhere from then on, also in mails that are out. It fails with
// administrator.ErrForbidden or ErrNoGuide.
func (s *Service) Withdraw(ctx context.Context, by administrator.Administrator, o organisation.ID, e Edition) error {
	return s.setLink(ctx, by, o, e, "", audit.GuideWithdrawn)
}

func (s *Service) setLink(ctx context.Context, by administrator.Administrator, o organisation.ID, e Edition, link string, kind audit.Kind) error {
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
		if (g.Link == "") == (link == "") {
			return nil // a second press, a second tab
		}
		if err := tx.SetGuideLink(ctx, o, e, link); err != nil {
			return fmt.Errorf("set the guide's link: %w", err)
		}
		return tx.Append(ctx, guideEvent(by, kind, o, e, s.Now()))
	})
}

func guideEvent(by administrator.Administrator, kind audit.Kind, o organisation.ID, e Edition, now time.Time) audit.Event {
	event := by.Event(kind, o, "", now)
	event.Detail["language"], event.Detail["audience"] = e.Language, string(e.Audience)
	return event
}

// GuideFile reads a file of an organisation's guide, and the drawing that it is of. It fails with ErrNoGuide.
func (s *Service) GuideFile(ctx context.Context, o organisation.ID, e Edition, name string) (body []byte, drawing string, err error) {
	body, drawing, ok, err := s.Store.FindGuideFile(ctx, o, e, name)
	if err == nil && !ok {
		err = ErrNoGuide
	}
	return body, drawing, err
}

// GuideFiles reads all files of an organisation's guide, by name. It fails with ErrNoGuide.
func (s *Service) GuideFiles(ctx context.Context, o organisation.ID, e Edition) (map[string][]byte, error) {
	all, err := s.Store.ListGuideFiles(ctx, o, e)
	if err == nil && len(all) == 0 {
		err = ErrNoGuide
	}
	return all, err
}

// SharedFile reads a file of a guide by its public address, and the drawing that it is of. It fails with ErrNoGuide.
func (s *Service) SharedFile(ctx context.Context, link, name string) (body []byte, drawing string, err error) {
	if link == "" {
		return nil, "", ErrNoGuide
	}
	body, drawing, ok, err := s.Store.FindSharedFile(ctx, strings.ToLower(link), name)
	if err == nil && !ok {
		err = ErrNoGuide
	}
	return body, drawing, err
}

// GuideStep does one bite of a drawing: it waits a little for news. It is a job.Step. The drawing itself lives in this process: where another
// node, or the next start, takes the job over, it begins anew, and what was drawn before is kept until the new one is whole.
func (s *Service) GuideStep(ctx context.Context, j job.Job, holder string) (job.Job, error) {
	s.easel.mu.Lock()
	defer s.easel.mu.Unlock()
	o, ok, err := s.Store.FindOrganisation(ctx, j.Organisation)
	if err != nil || !ok {
		return j, cmp.Or(err, fmt.Errorf("no organisation %s", j.Organisation))
	}
	e, support := EditionOf(j)
	c := s.commission(o, e, support)
	next := j
	if s.easel.job != j.ID {
		s.easel.clear() // of a job that was stopped, or went to another node
		d, err := s.Illustrator.Begin(c)
		if err != nil {
			next.State, next.Reason = job.Failed, failedDrawing
			return next, s.saveDrawing(ctx, next, holder, nil)
		}
		s.easel.job, s.easel.drawing, s.easel.begun = j.ID, d, s.Now()
	}
	done, total, ended := s.easel.drawing.Wait(drawingBite)
	next.Position, next.Total = int64(done), int64(total)
	var files map[string][]byte
	switch {
	case ended:
		next.State = job.Done
		if files, err = s.easel.drawing.Files(); err != nil || len(files) == 0 {
			next.State, next.Reason = job.Failed, failedDrawing
		}
	case s.Now().After(s.easel.begun.Add(drawingMost)):
		next.State, next.Reason = job.Failed, failedLate
	}
	var made *made
	if next.State == job.Done {
		made = newMade(c, next, s.Release, s.Now(), files)
	}
	err = s.saveDrawing(ctx, next, holder, made)
	if err == nil && next.State.Ended() || errors.Is(err, job.ErrLost) || errors.Is(err, job.ErrStopped) {
		s.easel.clear()
	}
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
func (s *Service) saveDrawing(ctx context.Context, j job.Job, holder string, m *made) error {
	return s.InBulkTx(ctx, func(tx Tx) error {
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
}

// PutAway ends the drawing that this node has in hand. Its job goes on elsewhere, or begins anew.
func (s *Service) PutAway() {
	s.easel.mu.Lock()
	defer s.easel.mu.Unlock()
	s.easel.clear()
}

func (e *easel) clear() {
	if e.drawing != nil {
		e.drawing.Stop()
	}
	e.job, e.drawing = "", nil
}

func (s *Service) commission(o organisation.Organisation, e Edition, support string) Commission {
	return Commission{Organisation: o, Edition: e, SMS: s.HasSMS(), Support: support}
}

// digest names what a guide is drawn from: two with the same one look the same.
func (c Commission) digest(release string) string {
	p := c.Organisation.Policy
	text, err := json.Marshal([]any{release, c.Organisation.Name, c.Organisation.Colour, c.Organisation.Logo.Data, p.MFA, p.From, p.SignIns, p.RememberDays, p.TypedPush, c.SMS})
	if err != nil {
		panic(err) // plain values
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:16])
}
