package store

import (
	"context"

	"github.com/portvakt/portvakt/internal/job"
	"github.com/portvakt/portvakt/internal/organisation"
	"github.com/portvakt/portvakt/internal/transition"
)

const (
	guideColumns = `organisation_id, language, audience, drawing, subject, support, made_at, link, shared`

	listGuides statement = `SELECT ` + guideColumns + ` FROM guides WHERE organisation_id = $1 ORDER BY audience DESC, language DESC`

	findGuide statement = `SELECT ` + guideColumns + ` FROM guides WHERE organisation_id = $1 AND language = $2 AND audience = $3`

	findSharedGuide statement = `SELECT ` + guideColumns + ` FROM guides WHERE link = $1 AND link <> '' AND shared`

	findGuideFile statement = `SELECT body FROM guide_files WHERE drawing = $1 AND name = $2`

	listGuideFiles statement = `SELECT name, body FROM guide_files WHERE drawing = $1 ORDER BY name`

	listGuideLinks statement = `
SELECT language, link FROM guides WHERE organisation_id = $1 AND audience = 'employees' AND shared`

	shareGuide statement = `
UPDATE guides SET link = $4, shared = $5 WHERE organisation_id = $1 AND language = $2 AND audience = $3`

	deleteGuideFiles statement = `
DELETE FROM guide_files WHERE drawing IN (SELECT drawing FROM guides WHERE organisation_id = $1 AND language = $2 AND audience = $3)`

	saveGuide statement = `
INSERT INTO guides (organisation_id, language, audience, drawing, subject, support, made_at, link, shared) VALUES ($1, $2, $3, $4, $5, $6, $7, '', FALSE)
ON CONFLICT (organisation_id, language, audience) DO UPDATE SET drawing = excluded.drawing, subject = excluded.subject, support = excluded.support, made_at = excluded.made_at`

	insertGuideFile statement = `INSERT INTO guide_files (drawing, name, body) VALUES ($1, $2, $3)`

	listUnendedJobs statement = `
SELECT id, kind, organisation_id, created_by, state, position, total, counts, params, reason, created_at, started_at, finished_at, not_before
FROM jobs WHERE organisation_id = $1 AND kind = $2 AND state IN ('waiting', 'queued', 'running', 'paused') ORDER BY created_at, id`
)

func scanGuide(scan scan) (g transition.Guide, err error) {
	var made int64
	err = scan(&g.Organisation, &g.Language, &g.Audience, &g.Drawing, &g.Subject, &g.Support, &made, &g.Link, &g.Shared)
	g.Made = fromMS(made)
	return g, err
}

func firstGuide(q query) (transition.Guide, bool, error) {
	found, err := list(q, scanGuide)
	if len(found) == 0 {
		return transition.Guide{}, false, err
	}
	return found[0], true, nil
}

// ListGuides lists an organisation's guides.
func (db *DB) ListGuides(ctx context.Context, o organisation.ID) ([]transition.Guide, error) {
	return list(db.query(ctx, listGuides, string(o)), scanGuide)
}

// FindGuide looks for a guide of the organisation.
func (db *DB) FindGuide(ctx context.Context, o organisation.ID, e transition.Edition) (transition.Guide, bool, error) {
	return firstGuide(db.query(ctx, findGuide, string(o), e.Language, string(e.Audience)))
}

// FindGuideInTx is FindGuide inside a transaction that may share it.
func (tx *Tx) FindGuideInTx(ctx context.Context, o organisation.ID, e transition.Edition) (transition.Guide, bool, error) {
	return firstGuide(tx.query(ctx, findGuide, string(o), e.Language, string(e.Audience)))
}

// FindSharedGuide looks for a guide by its public address.
func (db *DB) FindSharedGuide(ctx context.Context, link string) (transition.Guide, bool, error) {
	return firstGuide(db.query(ctx, findSharedGuide, link))
}

// FindGuideFile reads a file of a drawing.
func (db *DB) FindGuideFile(ctx context.Context, drawing, name string) (body []byte, found bool, err error) {
	found, err = db.query(ctx, findGuideFile, drawing, name).one(&body)
	return body, found, err
}

// ListGuideFiles reads all files of a drawing, by name.
func (db *DB) ListGuideFiles(ctx context.Context, drawing string) (map[string][]byte, error) {
	files := map[string][]byte{}
	_, err := list(db.query(ctx, listGuideFiles, drawing), func(scan scan) (none struct{}, err error) {
		var name string
		var body []byte
		err = scan(&name, &body)
		files[name] = body
		return none, err
	})
	return files, err
}

// ListGuideLinks are what stands in the public addresses of the organisation's guides for employees, by language.
func (db *DB) ListGuideLinks(ctx context.Context, o organisation.ID) (map[string]string, error) {
	links := map[string]string{}
	_, err := list(db.query(ctx, listGuideLinks, string(o)), func(scan scan) (none struct{}, err error) {
		var language, link string
		err = scan(&language, &link)
		links[language] = link
		return none, err
	})
	return links, err
}

// ShareGuide gives a guide its public address, and says whether it leads to it.
func (tx *Tx) ShareGuide(ctx context.Context, o organisation.ID, e transition.Edition, link string, shared bool) error {
	return tx.write(ctx, shareGuide, string(o), e.Language, string(e.Audience), link, shared)
}

// SaveGuide stores a guide and its files in place of the one before. Its public address stays what it is.
func (tx *Tx) SaveGuide(ctx context.Context, g transition.Guide, files map[string][]byte) error {
	if err := tx.write(ctx, deleteGuideFiles, string(g.Organisation), g.Language, string(g.Audience)); err != nil {
		return err
	}
	if err := tx.write(ctx, saveGuide, string(g.Organisation), g.Language, string(g.Audience), g.Drawing, g.Subject, g.Support, ms(g.Made)); err != nil {
		return err
	}
	for name, body := range files {
		if err := tx.write(ctx, insertGuideFile, g.Drawing, name, body); err != nil {
			return err
		}
	}
	return nil
}

// ListUnendedJobs lists the jobs of the kind in the organisation that have not ended.
func (tx *Tx) ListUnendedJobs(ctx context.Context, o organisation.ID, k job.Kind) ([]job.Job, error) {
	return list(tx.query(ctx, listUnendedJobs, string(o), string(k)), scanJob)
}
