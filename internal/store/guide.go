package store

import (
	"context"

	"github.com/portvakt/portvakt/internal/job"
	"github.com/portvakt/portvakt/internal/organisation"
	"github.com/portvakt/portvakt/internal/transition"
)

const (
	listGuides statement = `
SELECT language, audience, drawing, subject, support, made_at, link FROM guides WHERE organisation_id = $1 ORDER BY audience DESC, language DESC`

	findGuide statement = `
SELECT language, audience, drawing, subject, support, made_at, link FROM guides WHERE organisation_id = $1 AND language = $2 AND audience = $3`

	findGuideFile statement = `
SELECT f.body, g.drawing FROM guides g JOIN guide_files f ON f.drawing = g.drawing AND f.name = $4
WHERE g.organisation_id = $1 AND g.language = $2 AND g.audience = $3`

	listGuideFiles statement = `
SELECT f.name, f.body FROM guides g JOIN guide_files f ON f.drawing = g.drawing
WHERE g.organisation_id = $1 AND g.language = $2 AND g.audience = $3 ORDER BY f.name`

	findSharedFile statement = `
SELECT f.body, g.drawing FROM guides g JOIN guide_files f ON f.drawing = g.drawing AND f.name = $2 WHERE g.link = $1 AND g.link <> ''`

	listGuideLinks statement = `
SELECT language, link FROM guides WHERE organisation_id = $1 AND audience = 'employees' AND link <> ''`

	setGuideLink statement = `
UPDATE guides SET link = $4 WHERE organisation_id = $1 AND language = $2 AND audience = $3`

	deleteGuideFiles statement = `
DELETE FROM guide_files WHERE drawing IN (SELECT drawing FROM guides WHERE organisation_id = $1 AND language = $2 AND audience = $3)`

	saveGuide statement = `
INSERT INTO guides (organisation_id, language, audience, drawing, subject, support, made_at, link) VALUES ($1, $2, $3, $4, $5, $6, $7, '')
ON CONFLICT (organisation_id, language, audience) DO UPDATE SET drawing = excluded.drawing, subject = excluded.subject, support = excluded.support, made_at = excluded.made_at`

	insertGuideFile statement = `INSERT INTO guide_files (drawing, name, body) VALUES ($1, $2, $3)`

	findUnendedJob statement = `
SELECT id, kind, organisation_id, created_by, state, position, total, counts, params, reason, created_at, started_at, finished_at, not_before
FROM jobs WHERE organisation_id = $1 AND kind = $2 AND state IN ('waiting', 'queued', 'running', 'paused') ORDER BY created_at, id LIMIT 1`
)

func scanGuide(o organisation.ID) func(scan scan) (transition.Guide, error) {
	return func(scan scan) (g transition.Guide, err error) {
		var made int64
		g.Organisation = o
		err = scan(&g.Language, &g.Audience, &g.Drawing, &g.Subject, &g.Support, &made, &g.Link)
		g.Made = fromMS(made)
		return g, err
	}
}

// ListGuides lists an organisation's guides.
func (db *DB) ListGuides(ctx context.Context, o organisation.ID) ([]transition.Guide, error) {
	return list(db.query(ctx, listGuides, string(o)), scanGuide(o))
}

// FindGuideInTx looks for a guide of the organisation.
func (tx *Tx) FindGuideInTx(ctx context.Context, o organisation.ID, e transition.Edition) (transition.Guide, bool, error) {
	found, err := list(tx.query(ctx, findGuide, string(o), e.Language, string(e.Audience)), scanGuide(o))
	if len(found) == 0 {
		return transition.Guide{}, false, err
	}
	return found[0], true, nil
}

// FindGuideFile reads a file of an organisation's guide.
func (db *DB) FindGuideFile(ctx context.Context, o organisation.ID, e transition.Edition, name string) (body []byte, drawing string, found bool, err error) {
	found, err = db.query(ctx, findGuideFile, string(o), e.Language, string(e.Audience), name).one(&body, &drawing)
	return body, drawing, found, err
}

// FindSharedFile reads a file of a guide by its public address.
func (db *DB) FindSharedFile(ctx context.Context, link, name string) (body []byte, drawing string, found bool, err error) {
	found, err = db.query(ctx, findSharedFile, link, name).one(&body, &drawing)
	return body, drawing, found, err
}

// ListGuideFiles reads all files of an organisation's guide, by name.
func (db *DB) ListGuideFiles(ctx context.Context, o organisation.ID, e transition.Edition) (map[string][]byte, error) {
	files := map[string][]byte{}
	_, err := list(db.query(ctx, listGuideFiles, string(o), e.Language, string(e.Audience)), func(scan scan) (none struct{}, err error) {
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

// SetGuideLink gives a guide its public address, or takes it away.
func (tx *Tx) SetGuideLink(ctx context.Context, o organisation.ID, e transition.Edition, link string) error {
	_, err := tx.exec(ctx, setGuideLink, string(o), e.Language, string(e.Audience), link)
	return err
}

// SaveGuide stores a guide and its files in place of the one before. Its public address stays what it is.
func (tx *Tx) SaveGuide(ctx context.Context, g transition.Guide, files map[string][]byte) error {
	if _, err := tx.exec(ctx, deleteGuideFiles, string(g.Organisation), g.Language, string(g.Audience)); err != nil {
		return err
	}
	if _, err := tx.exec(ctx, saveGuide, string(g.Organisation), g.Language, string(g.Audience), g.Drawing, g.Subject, g.Support, ms(g.Made)); err != nil {
		return err
	}
	for name, body := range files {
		if _, err := tx.exec(ctx, insertGuideFile, g.Drawing, name, body); err != nil {
			return err
		}
	}
	return nil
}

// FindUnendedJob looks for a job of the kind in the organisation that has not ended.
func (tx *Tx) FindUnendedJob(ctx context.Context, o organisation.ID, k job.Kind) (job.Job, bool, error) {
	return firstJob(tx.query(ctx, findUnendedJob, string(o), string(k)))
}
