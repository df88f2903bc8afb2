package api

import (
	"context"
	"io"
	"net/http"
	"net/netip"
	"time"

	"github.com/portvakt/portvakt/internal/administrator"
	"github.com/portvakt/portvakt/internal/dkim"
	"github.com/portvakt/portvakt/internal/organisation"
	"github.com/portvakt/portvakt/internal/provisioning"
	"github.com/portvakt/portvakt/internal/relyingparty"
)

// Organisation is an organisation's settings.
type Organisation struct {
	ID       string   `json:"id"`
	Name     string   `json:"name"`
	Colour   string   `json:"colour" doc:"As chosen, #rrggbb; pages correct its contrast. Empty: Portvakt's own."`
	Logo     *Logo    `json:"logo,omitempty"`
	Policy   Policy   `json:"policy"`
	Networks []string `json:"networks" nullable:"false" doc:"Its own networks (CIDR), whose budget of failures grows with the number of people."`
	Accounts int      `json:"accounts" doc:"How many accounts are connected with it."`
	Second   int      `json:"second" doc:"How many of them have two-factor authentication."`
}

// Logo is a picture as it is stored.
type Logo struct {
	MediaType string `json:"media_type"`
	Bytes     int    `json:"bytes"`
}

// Policy is what an organisation asks of its people's logins.
type Policy struct {
	MFA          string `json:"mfa" enum:"off,optional,recommended,required"`
	From         string `json:"from,omitempty" format:"date" doc:"The day from which required holds; absent: at once."`
	SignIns      int    `json:"sign_ins,omitempty" doc:"How many logins without it a person has before that day; 0: the day alone counts."`
	TypedPush    bool   `json:"typed_push" doc:"Six typed digits, where a phone would be asked for one tap."`
	MinPassword  int    `json:"min_password,omitempty" doc:"How many characters a new password has at least; 0: as everywhere."`
	RememberDays int    `json:"remember_days" doc:"How many days a browser may skip the second proof."`
}

// Change is a change to an organisation. What is absent stays as it is.
type Change struct {
	Name     *string   `json:"name,omitempty"`
	Colour   *string   `json:"colour,omitempty" doc:"Empty: Portvakt's own."`
	Policy   *Policy   `json:"policy,omitempty" doc:"In place of the whole policy."`
	Networks *[]string `json:"networks,omitempty"`
	Reason   string    `json:"reason,omitempty" maxLength:"400" doc:"For the log."`
}

// Sender is in whose name an organisation's mails go.
type Sender struct {
	Address string      `json:"address" doc:"Empty: the operator's."`
	Name    string      `json:"name,omitempty"`
	Own     bool        `json:"own" doc:"Mails go in this name: there is an active key of its domain."`
	Keys    []SenderKey `json:"keys" nullable:"false"`
}

// SenderKey is a DKIM key. Its record must be published before it can be activated.
type SenderKey struct {
	ID      string    `json:"id"`
	Record  string    `json:"record" doc:"The name of the TXT record."`
	Value   string    `json:"value"`
	Active  bool      `json:"active"`
	Created time.Time `json:"created_at"`
}

// SenderChange is another sender.
type SenderChange struct {
	Address string `json:"address" doc:"Empty: the operator's own again."`
	Name    string `json:"name,omitempty"`
}

type inKey struct {
	About
	Key string `path:"key"`
}

// organisations are the operations about settings, look and sender.
func (d *Door) organisations(b *builder) {
	read := rule{scope: relyingparty.OrganisationRead, rights: rights(administrator.Set)}
	write := rule{scope: relyingparty.OrganisationWrite, rights: rights(administrator.Set)}
	made, logo := write, write
	made.once, logo.large = true, organisation.MaxLogo+1
	add(b, operation{id: "list-organisations", method: "GET", path: "/organisations", summary: "List the organisations that the service may see", rule: read}, d.listOrganisations)
	add(b, operation{id: "get-organisation", method: "GET", path: "/organisations/{organisation}", summary: "Read an organisation's settings", rule: read}, d.getOrganisation)
	add(b, operation{id: "change-organisation", method: "PATCH", path: "/organisations/{organisation}", summary: "Change policy, name, colour and networks", rule: write}, d.changeOrganisation)
	add(b, operation{id: "set-logo", method: "PUT", path: "/organisations/{organisation}/logo", summary: "Set the logo", rule: logo,
		accepts: []string{"image/png", "image/jpeg", "image/webp", "image/svg+xml"}}, d.setLogo)
	do(b, operation{id: "remove-logo", method: "DELETE", path: "/organisations/{organisation}/logo", summary: "Take the logo away", rule: write}, d.removeLogo)
	add(b, operation{id: "get-sender", method: "GET", path: "/organisations/{organisation}/sender", summary: "Read in whose name mails go", rule: read}, d.getSender)
	add(b, operation{id: "set-sender", method: "PUT", path: "/organisations/{organisation}/sender", summary: "Set in whose name mails go", rule: write}, d.setSender)
	add(b, operation{id: "make-sender-key", method: "POST", path: "/organisations/{organisation}/sender/keys", summary: "Make a DKIM key", rule: made, status: http.StatusCreated}, d.makeKey)
	add(b, operation{id: "activate-sender-key", method: "POST", path: "/organisations/{organisation}/sender/keys/{key}/activate",
		summary: "Let a DKIM key sign, once its record is in the DNS", rule: write, more: []int{http.StatusConflict, http.StatusServiceUnavailable}}, d.activateKey)
	do(b, operation{id: "remove-sender-key", method: "DELETE", path: "/organisations/{organisation}/sender/keys/{key}", summary: "Take a DKIM key away", rule: write}, d.removeKey)
}

func (d *Door) listOrganisations(ctx context.Context, c call, _ *struct{}) (Page[Organisation], error) {
	out := Page[Organisation]{Items: []Organisation{}}
	for _, id := range c.all {
		o, ok, err := d.Provisioning.Store.FindOrganisation(ctx, id)
		if err != nil {
			return out, err
		}
		if ok {
			shown, err := d.shown(ctx, o)
			if err != nil {
				return out, err
			}
			out.Items = append(out.Items, shown)
		}
	}
	return out, nil
}

func (d *Door) getOrganisation(ctx context.Context, c call, _ *About) (Organisation, error) {
	return d.shown(ctx, c.org)
}

// shown is an organisation as programs read it.
func (d *Door) shown(ctx context.Context, o organisation.Organisation) (out Organisation, err error) {
	p := o.Policy
	out = Organisation{ID: string(o.ID), Name: o.Name, Colour: o.Colour, Networks: []string{}, Policy: Policy{MFA: string(p.MFA), SignIns: p.SignIns, TypedPush: p.TypedPush,
		MinPassword: p.MinPassword, RememberDays: p.RememberDays}}
	if !p.From.IsZero() {
		out.Policy.From = p.From.UTC().Format(time.DateOnly)
	}
	if o.Logo.MediaType != "" {
		out.Logo = &Logo{o.Logo.MediaType, len(o.Logo.Data)}
	}
	for _, n := range o.Networks {
		out.Networks = append(out.Networks, n.String())
	}
	out.Accounts, out.Second, err = d.Provisioning.Store.CountSecond(ctx, o.ID)
	return out, err
}

func (d *Door) changeOrganisation(ctx context.Context, c call, in *with[Change]) (Organisation, error) {
	o, change := c.org, in.Body
	if change.Name != nil {
		o.Name = *change.Name
	}
	if change.Colour != nil {
		o.Colour = *change.Colour
	}
	if p := change.Policy; p != nil {
		o.Policy = organisation.Policy{MFA: organisation.MFA(p.MFA), TypedPush: p.TypedPush, MinPassword: p.MinPassword, RememberDays: p.RememberDays}
		if p.From != "" && o.Policy.MFA == organisation.Required {
			day, err := time.Parse(time.DateOnly, p.From)
			if err != nil {
				return Organisation{}, organisation.ErrBadPolicy
			}
			o.Policy.From, o.Policy.SignIns = day, p.SignIns
		}
	}
	if change.Networks != nil {
		o.Networks = nil
		for _, text := range *change.Networks {
			n, err := netip.ParsePrefix(text)
			if err != nil {
				return Organisation{}, organisation.ErrBadNetworks
			}
			o.Networks = append(o.Networks, n.Masked())
		}
	}
	o, err := d.Provisioning.ReplaceOrganisation(ctx, c.by, o, change.Reason)
	if err != nil {
		return Organisation{}, err
	}
	return d.shown(ctx, o)
}

func (d *Door) setLogo(ctx context.Context, c call, _ *About) (Organisation, error) {
	data, err := io.ReadAll(c.r.Body)
	if err != nil {
		return Organisation{}, err
	}
	o := c.org
	if o.Logo, err = organisation.ParseLogo(data); err != nil {
		return Organisation{}, err
	}
	if o, err = d.Provisioning.ReplaceOrganisation(ctx, c.by, o, ""); err != nil {
		return Organisation{}, err
	}
	return d.shown(ctx, o)
}

func (d *Door) removeLogo(ctx context.Context, c call, _ *About) error {
	o := c.org
	o.Logo = organisation.Logo{}
	_, err := d.Provisioning.ReplaceOrganisation(ctx, c.by, o, "")
	return err
}

func (d *Door) getSender(ctx context.Context, c call, _ *About) (Sender, error) {
	s, err := d.Provisioning.Sender(ctx, c.by, c.org.ID)
	return shownSender(s), err
}

func shownSender(s provisioning.SenderStatus) Sender {
	out := Sender{Address: s.Address, Name: s.Name, Own: s.Own, Keys: []SenderKey{}}
	for _, k := range s.Keys {
		out.Keys = append(out.Keys, shownKey(k))
	}
	return out
}

func shownKey(k dkim.Key) SenderKey {
	return SenderKey{ID: k.ID, Record: k.Name(), Value: k.Record(), Active: k.Active(), Created: instant(k.Created)}
}

func (d *Door) setSender(ctx context.Context, c call, in *with[SenderChange]) (Sender, error) {
	if err := d.Provisioning.SetSender(ctx, c.by, c.org.ID, organisation.Sender{Address: in.Body.Address, Name: in.Body.Name}); err != nil {
		return Sender{}, err
	}
	return d.getSender(ctx, c, nil)
}

func (d *Door) makeKey(ctx context.Context, c call, _ *About) (SenderKey, error) {
	k, err := d.Provisioning.MakeSenderKey(ctx, c.by, c.org.ID)
	if err != nil {
		return SenderKey{}, err
	}
	return shownKey(k), nil
}

func (d *Door) activateKey(ctx context.Context, c call, in *inKey) (SenderKey, error) {
	k, err := d.Provisioning.ActivateSenderKey(ctx, c.by, c.org.ID, in.Key, false)
	if err != nil {
		return SenderKey{}, err
	}
	return shownKey(k), nil
}

func (d *Door) removeKey(ctx context.Context, c call, in *inKey) error {
	_, err := d.Provisioning.RemoveSenderKey(ctx, c.by, c.org.ID, in.Key)
	return err
}
