package store

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/portvakt/portvakt/internal/account"
	"github.com/portvakt/portvakt/internal/authn"
	"github.com/portvakt/portvakt/internal/organisation"
	"github.com/portvakt/portvakt/internal/person"
	"github.com/portvakt/portvakt/internal/transition"
)

// TestTheStatementAndTheRuleAgreeOnHowFarAPersonHasCome: of every combination of what can have happened.
func TestTheStatementAndTheRuleAgreeOnHowFarAPersonHasCome(t *testing.T) {
	eachEngine(t, func(t *testing.T, db *DB) {
		ctx := context.Background()
		now := time.UnixMilli(1_800_000_000_000).UTC()
		times := []string{"exempt_at", "until_at", "mailed_at", "accepted_at", "bounced_at", "opened_at", "attention_at"}
		accounts := []string{"none", "verified", "password", "signed_in", "second"}
		err := InTx[*Tx](db)(ctx, func(tx *Tx) error {
			return tx.SaveOrganisation(ctx, organisation.Organisation{ID: "foretaget", Name: "Företaget AB", Policy: organisation.Policy{MFA: organisation.Off}}, now)
		})
		if err != nil {
			t.Fatal(err)
		}
		type stage struct {
			has, flag string
			bits      int
		}
		var stages []stage
		for i, has := range accounts {
			for bits := range 1 << len(times) {
				if i > 0 && bits >= 1<<2 && bits != 1<<len(times)-1 {
					continue // with an account, of the times only whether she is exempt or has left makes a difference, and all of them together
				}
				stages = append(stages, stage{has, "", bits}, stage{has, "role", bits})
			}
		}
		n := len(stages)
		for from := 0; from < n; from += 64 {
			err := InTx[*Tx](db)(ctx, func(tx *Tx) error {
				for i, s := range stages[from:min(from+64, n)] {
					if err := insertAtStage(ctx, tx, from+i, s.has, s.flag, times, s.bits, now); err != nil {
						return err
					}
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		counts, err := db.CountPersons(ctx, "foretaget", now)
		if err != nil || counts.Total != n {
			t.Fatalf("%d of %d counted: %v", counts.Total, n, err)
		}
		seen, attention := map[transition.Status]int{}, 0
		for after := (transition.Place{}); ; {
			rows, err := db.ListPersons(ctx, "foretaget", transition.Filter{}, after, 500, now)
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range rows {
				if got := r.Status(now); got != r.StatusName {
					t.Fatalf("%+v: the statement says %s, the rule %s", r, r.StatusName, got)
				}
				seen[r.StatusName]++
				if r.NeedsAttention(now) {
					attention++
				}
			}
			if len(rows) < 500 {
				break
			}
			after = transition.Place{SortKey: rows[len(rows)-1].SortKey, ID: rows[len(rows)-1].ID}
		}
		for _, s := range transition.Statuses() {
			if seen[s] == 0 || seen[s] != counts.Of(s) {
				t.Errorf("%s: %d listed, %d counted", s, seen[s], counts.Of(s))
			}
			rows, err := db.ListPersons(ctx, "foretaget", transition.Filter{Status: s}, transition.Place{}, n, now)
			if err != nil || len(rows) != seen[s] {
				t.Errorf("%s: %d by the filter, %d in all: %v", s, len(rows), seen[s], err)
			}
		}
		rows, err := db.ListPersons(ctx, "foretaget", transition.Filter{Attention: true}, transition.Place{}, n, now)
		if err != nil || len(rows) != attention || counts.Attention != attention {
			t.Errorf("attention: %d by the filter, %d counted, %d by the rule: %v", len(rows), counts.Attention, attention, err)
		}
	})
}

// insertAtStage makes a person to whom some things have happened: the n-th bit of bits says whether the n-th of times has.
func insertAtStage(ctx context.Context, tx *Tx, n int, has, flag string, times []string, bits int, now time.Time) error {
	id := fmt.Sprint("p", n)
	p := person.Person{ID: id, Organisation: "foretaget", Source: "hr", Key: person.Key(id), GivenName: "Anna", FamilyName: fmt.Sprint("Nr", n)}
	if _, err := tx.InsertPerson(ctx, p, now); err != nil {
		return err
	}
	if _, err := tx.exec(ctx, statement(`UPDATE persons SET flag = $2 WHERE id = $1`), id, flag); err != nil {
		return err
	}
	for i, column := range times {
		if bits>>i&1 == 1 {
			if _, err := tx.exec(ctx, statement(`UPDATE persons SET `+column+` = $2 WHERE id = $1`), id, ms(now.Add(-time.Hour))+int64(i)); err != nil {
				return err
			}
		}
	}
	if has == "none" {
		return nil
	}
	acc := account.Account{ID: account.ID(id), Identifier: account.Identifier(id + "@foretaget.example"), Address: id + "@foretaget.example", Verified: now, Epoch: 1, Created: now}
	if _, err := tx.InsertAccount(ctx, acc); err != nil {
		return err
	}
	if has != "verified" {
		if err := tx.InsertVerifier(ctx, acc.ID, "v", true, now); err != nil {
			return err
		}
	}
	if has == "signed_in" || has == "second" {
		if _, err := tx.exec(ctx, noteFirstSignIn, id, ms(now)); err != nil {
			return err
		}
	}
	if has == "second" {
		if _, err := tx.InsertApp(ctx, authn.App{ID: "a" + id, Account: acc.ID, Sealed: []byte{1}, Created: now}, 5); err != nil {
			return err
		}
	}
	return tx.Connect(ctx, id, acc.ID, now)
}
