package preparation

import (
	"testing"
	"time"

	"github.com/portvakt/portvakt/internal/account"
	"github.com/portvakt/portvakt/internal/job"
	"github.com/portvakt/portvakt/internal/organisation"
	"github.com/portvakt/portvakt/internal/person"
)

const davids = "david.ek@foretaget.example"

var now = time.Date(2026, 11, 24, 8, 0, 0, 0, time.UTC)

// invited is David with a link that works, and what a test changes of it.
func invited(change ...func(*Invitation)) Invitation {
	i := Invitation{
		Link: Link{ID: "l", Purpose: Confirm, Person: "p", Identifier: davids, Created: now.Add(-time.Hour), Expires: now.Add(time.Hour)},
		Person: person.Person{ID: "p", Organisation: "foretaget", Address: "David.Ek@foretaget.example",
			Employments: []person.Employment{{Company: "Företaget AB", From: "2020-01-01"}}},
		Transition: organisation.Transition{Phase: organisation.Preparation},
	}
	for _, f := range change {
		f(&i)
	}
	return i
}

// proposed is the same with a proposal that counts.
func proposed(purpose Purpose, change ...func(*Invitation)) Invitation {
	return invited(append([]func(*Invitation){func(i *Invitation) {
		i.Link.Purpose, i.Link.Identifier, i.Link.Proposal = purpose, "david@hemma.example", "r"
		i.Proposal = Proposal{ID: "r", Person: "p", Address: "David@hemma.example", Identifier: "david@hemma.example", Created: now.Add(-80 * time.Hour),
			Settled: now.Add(-8 * time.Hour), Confirmed: now.Add(-70 * time.Hour), Approved: now.Add(-time.Hour)}
	}}, change...)...)
}

// TestWhenALinkWorks reads like RULES §7.
func TestWhenALinkWorks(t *testing.T) {
	for name, test := range map[string]struct {
		invitation Invitation
		want       bool
	}{
		"a fresh one":                     {invited(), true},
		"one that is too old":             {invited(func(i *Invitation) { i.Link.Expires = now }), false},
		"a used one":                      {invited(func(i *Invitation) { i.Link.Consumed = now.Add(-time.Minute) }), false},
		"of somebody who is connected":    {invited(func(i *Invitation) { i.Connected.ID = "a" }), false},
		"of somebody who was taken out":   {invited(func(i *Invitation) { i.Person.Exempt = now.Add(-time.Minute) }), false},
		"of a register that has changed":  {invited(func(i *Invitation) { i.Person.Address = "d.ek@foretaget.example" }), false},
		"of a register without address":   {invited(func(i *Invitation) { i.Person.Address = "" }), false},
		"of a flagged address":            {invited(func(i *Invitation) { i.Person.Flag = person.Shared }), false},
		"of an address that two have":     {invited(func(i *Invitation) { i.Shared = true }), false},
		"after the switch":                {invited(func(i *Invitation) { i.Transition.Phase = organisation.Switched }), true},
		"after the end":                   {invited(func(i *Invitation) { i.Transition.Phase = organisation.Ended }), false},
		"from before an end":              {invited(func(i *Invitation) { i.Transition.Ended = now.Add(-time.Minute) }), false},
		"from after an end":               {invited(func(i *Invitation) { i.Transition.Ended = now.Add(-2 * time.Hour) }), true},
		"to an address with an account":   {invited(func(i *Invitation) { i.Holder.ID = "a" }), true}, // its page connects
		"no link":                         {Invitation{}, false},
		"to an approved address":          {proposed(Confirm), true},
		"before anybody approved":         {proposed(Confirm, func(i *Invitation) { i.Proposal.Approved = time.Time{} }), false},
		"before its own mail":             {proposed(Confirm, func(i *Invitation) { i.Proposal.Confirmed = time.Time{} }), false},
		"while the old one may object":    {proposed(Confirm, func(i *Invitation) { i.Proposal.Settled = now.Add(time.Minute) }), false},
		"of a proposal that was stopped":  {proposed(Confirm, func(i *Invitation) { i.Proposal.Ended = now }), false},
		"to confirm a proposed address":   {proposed(Proposed, func(i *Invitation) { i.Proposal.Confirmed = time.Time{} }), true},
		"to confirm it twice":             {proposed(Proposed), false},
		"to object":                       {proposed(Object), true},
		"to object to what is over":       {proposed(Object, func(i *Invitation) { i.Proposal.Ended = now }), false},
		"to object once she is connected": {proposed(Object, func(i *Invitation) { i.Connected.ID = "a" }), false},
	} {
		if got := test.invitation.stands(now); got != test.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestWhoGetsAMail(t *testing.T) {
	candidate := func(change ...func(*Candidate)) Candidate {
		c := Candidate{Invitation: invited()}
		for _, f := range change {
			f(&c)
		}
		return c
	}
	mailed := func(c *Candidate) { c.MailedAt = now.Add(-24 * time.Hour) }
	for name, test := range map[string]struct {
		candidate Candidate
		params    map[string]string
		want      string
	}{
		"nobody has mailed her":           {candidate(), nil, ""},
		"somebody has":                    {candidate(mailed), nil, "mailed_before"},
		"at another address":              {candidate(mailed, func(c *Candidate) { c.Stale = true }), nil, ""},
		"picked although she was mailed":  {candidate(mailed), map[string]string{paramChosen: "yes"}, ""},
		"a reminder":                      {candidate(mailed), map[string]string{paramReminder: "yes"}, ""},
		"a reminder of nothing":           {candidate(), map[string]string{paramReminder: "yes"}, "never_mailed"},
		"a second reminder by one job":    {candidate(func(c *Candidate) { c.MailedAt = now }), map[string]string{paramReminder: "yes"}, "never_mailed"},
		"picked and connected":            {candidate(func(c *Candidate) { c.Connected.ID = "a" }), map[string]string{paramChosen: "yes"}, "connected"},
		"picked and taken out":            {candidate(func(c *Candidate) { c.Person.Exempt = now }), map[string]string{paramChosen: "yes"}, "exempt"},
		"picked and flagged":              {candidate(func(c *Candidate) { c.Person.Flag = person.Role }), map[string]string{paramChosen: "yes"}, "flagged"},
		"an address that cannot be one":   {candidate(func(c *Candidate) { c.Person.Address = "david" }), nil, "no_address"},
		"her last employment has ended":   {candidate(func(c *Candidate) { c.Person.Employments[0].To = "2026-11-23" }), nil, "left"},
		"it ends today":                   {candidate(func(c *Candidate) { c.Person.Employments[0].To = "2026-11-24" }), nil, ""},
		"she has an account of her own":   {candidate(func(c *Candidate) { c.Holder = account.Account{ID: "a"} }), nil, ""},
		"her address is somebody's, too":  {candidate(func(c *Candidate) { c.Shared = true }), nil, "flagged"},
		"the register knows no employers": {candidate(func(c *Candidate) { c.Person.Employments = nil }), nil, ""},
	} {
		j := job.Job{Params: test.params, Created: now}
		if got := test.candidate.skip(j, now); got != test.want {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
}

func TestAnOldLinkIsRenewedToTheSameAddressAlone(t *testing.T) {
	i := invited(func(i *Invitation) { i.Link.Expires = now })
	if i.stands(now) || i.mayRenew(now) != true {
		t.Error("an old link is renewed, and does not work")
	}
	i.Person.Address = "somebody.else@foretaget.example"
	if i.mayRenew(now) {
		t.Error("a link to an address that the register does not have is renewed")
	}
}
