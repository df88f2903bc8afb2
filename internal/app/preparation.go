package app

import (
	"context"
	"errors"
	"time"

	"github.com/portvakt/portvakt/internal/authn"
	"github.com/portvakt/portvakt/internal/config"
	"github.com/portvakt/portvakt/internal/job"
	"github.com/portvakt/portvakt/internal/outbox"
	"github.com/portvakt/portvakt/internal/password"
	"github.com/portvakt/portvakt/internal/preparation"
	"github.com/portvakt/portvakt/internal/recovery"
	"github.com/portvakt/portvakt/internal/robot"
	"github.com/portvakt/portvakt/internal/store"
)

// newPreparation puts the preparation together.
func newPreparation(s config.Settings, o Options, db *store.DB, k keys, funnel *authn.Service, hasher *password.Hasher) *preparation.Service {
	return &preparation.Service{Store: db, InTx: store.InTx[preparation.Tx](db), InBulk: store.InBulkTx[preparation.Tx](db), Authn: funnel,
		Hasher: hasher, Keys: k.ring, Robot: robot.Puzzle{Keys: k.ring, Max: o.Robot}, Now: o.Now, PlainDelay: s.PlainDelay, LinkLife: time.Duration(s.PreparationLinkDays) * 24 * time.Hour}
}

// joinPreparation gives the workers what the preparation has for them.
func joinPreparation(p *preparation.Service, preparers map[string]outbox.Preparer, jobs *job.Worker) {
	for _, template := range []string{preparation.ConfirmTemplate, preparation.ProposedTemplate, preparation.ApprovedTemplate} {
		preparers[template] = p
	}
	for _, template := range []string{recovery.ResetTemplate, recovery.SigninTemplate} {
		preparers[template] = orStraggler{preparers[template], p}
	}
	jobs.Steps[job.Mailing] = p.Mail
}

// orStraggler prepares a requested link; where there is no account, perhaps somebody can be helped to one (RULES §7).
type orStraggler struct {
	first  outbox.Preparer
	helper *preparation.Service
}

// Prepare implements outbox.Preparer.
func (o orStraggler) Prepare(ctx context.Context, m outbox.Message) (outbox.Message, error) {
	prepared, err := o.first.Prepare(ctx, m)
	if errors.Is(err, recovery.ErrNoAccount) {
		return o.helper.Straggle(ctx, m)
	}
	return prepared, err
}
