package admin

import (
	"errors"
	"net/http"
	"strings"

	"github.com/portvakt/portvakt/internal/account"
	"github.com/portvakt/portvakt/internal/dkim"
	"github.com/portvakt/portvakt/internal/organisation"
	"github.com/portvakt/portvakt/internal/provisioning"
)

// getSender handles GET /sender: in whose name the organisation's mails go.
func (d *Door) getSender(v visit) error { return d.senderPage(v, http.StatusOK, "", "", "") }

func (d *Door) senderPage(v visit, status int, problem, address, name string) error {
	s, err := d.Provisioning.Sender(v.r.Context(), v.by, v.org.ID)
	if err != nil {
		return err
	}
	view := Sender{Frame: d.frame(v, "/settings"), Action: v.url("/sender"), KeyAction: v.url("/sender/keys"), Address: s.Address, Name: s.Sender.Name, Own: s.Own,
		HasAddress: s.Address != "", Problem: problem, BackURL: v.url("/settings"), Operators: d.Provisioning.Operator.Address}
	if problem != "" && address+name != "" {
		view.Address, view.Name = address, name
	}
	for _, k := range s.Keys {
		view.Keys = append(view.Keys, SenderKey{ID: k.ID, Record: k.Name(), Value: k.Record(), Active: k.Active(), At: k.Created})
	}
	return d.page(v, status, "sender", view)
}

// senderProblems are the texts for why a sender, or its key, is refused.
var senderProblems = []struct {
	err error
	key string
}{
	{account.ErrNotAnAddress, "admin.administrators.problem_address"},
	{organisation.ErrBadSender, "admin.sender.problem"},
	{provisioning.ErrNoSender, "admin.sender.problem_none"},
	{provisioning.ErrMostKeys, "admin.sender.problem_keys"},
	{dkim.ErrNotPublished, "admin.sender.problem_published"},
	{dkim.ErrLookup, "admin.sender.problem_lookup"},
	{dkim.ErrUnknown, "admin.sender.problem_unknown"},
}

func (d *Door) senderDone(v visit, err error) error {
	if err == nil {
		return v.back("/sender", "saved")
	}
	for _, p := range senderProblems {
		if errors.Is(err, p.err) {
			return d.senderPage(v, http.StatusUnprocessableEntity, p.key, v.r.PostFormValue("address"), v.r.PostFormValue("name"))
		}
	}
	return err
}

// postSender handles POST /sender.
func (d *Door) postSender(v visit) error {
	if done, err := d.fresh(v); done {
		return err
	}
	s := organisation.Sender{Address: strings.TrimSpace(v.r.PostFormValue("address")), Name: strings.TrimSpace(v.r.PostFormValue("name"))}
	return d.senderDone(v, d.Provisioning.SetSender(v.r.Context(), v.by, v.org.ID, s))
}

// postSenderKey handles POST /sender/keys: makes a key, lets one sign, or takes one away.
func (d *Door) postSenderKey(v visit) error {
	if done, err := d.fresh(v); done {
		return err
	}
	ctx, id := v.r.Context(), v.r.PostFormValue("key")
	var err error
	switch v.r.PostFormValue("want") {
	case "make":
		_, err = d.Provisioning.MakeSenderKey(ctx, v.by, v.org.ID)
	case "activate":
		_, err = d.Provisioning.ActivateSenderKey(ctx, v.by, v.org.ID, id, false)
	case "remove":
		_, err = d.Provisioning.RemoveSenderKey(ctx, v.by, v.org.ID, id)
	default:
		return errNotFound
	}
	return d.senderDone(v, err)
}
