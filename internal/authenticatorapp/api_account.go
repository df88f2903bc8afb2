package authenticatorapp

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/portvakt/portvakt/internal/enrolment"
	"github.com/portvakt/portvakt/internal/signingkey"
	"github.com/portvakt/portvakt/internal/web"
)

// postPair handles POST /push/pair: a phone comes with a binding code and its keys.
func (d *Door) postPair(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Code string          `json:"code"`
		Key  json.RawMessage `json:"key"`
		Name string          `json:"name"`
		Lang string          `json:"lang"`
	}
	claimed, err := func() (enrolment.Claimed, error) {
		u := d.use(r)
		u.Token = "" // there is none yet
		jkt, jwk, err := d.Grant.ProveKey(r.Context(), u)
		if err != nil {
			return enrolment.Claimed{}, err
		}
		if err := read(w, r, &in); err != nil {
			return enrolment.Claimed{}, err
		}
		if _, err := signingkey.EncryptTo(in.Key, nil); err != nil { // or nobody could read the account's key for codes
			return enrolment.Claimed{}, fault{http.StatusBadRequest, "invalid_request", "key is not a public P-256 key"}
		}
		return d.Enrolment.Claim(r.Context(), enrolment.Claim{Code: in.Code, JKT: jkt, Signing: jwk, Wrapping: in.Key, Name: in.Name, Language: d.language(in.Lang)})
	}()
	if err != nil {
		d.refuse(w, r, err)
		return
	}
	web.JSON(w, http.StatusOK, map[string]any{"device_code": claimed.DeviceCode.Reveal(), "comparison": claimed.Comparison,
		"expires_in": int(claimed.Expires / time.Second), "interval": int(claimed.Interval / time.Second)})
}

// language is the language that we speak of those that a phone names.
func (d *Door) language(named string) string {
	if named == "" {
		return ""
	}
	return string(d.Catalogue.Match(named))
}

// postLost handles POST /push/lost.
func (d *Door) postLost(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Token string `json:"token"`
	}
	err := read(w, r, &in)
	if err == nil {
		var ok bool
		if ok, err = d.Enrolment.Lost(r.Context(), in.Token); err == nil && !ok {
			err = fault{http.StatusNotFound, "not_found", "the token is none of ours"}
		}
	}
	if err != nil {
		d.refuse(w, r, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// account is what an authenticator shows of its account.
type account struct {
	Key        string `json:"key_id"`
	Account    string `json:"account"`
	Name       string `json:"name"`
	Address    string `json:"address"`
	Employer   string `json:"employer"`
	Device     string `json:"device"`
	Codes      string `json:"totp"`
	VAPID      vapid  `json:"vapid"`
	Subscribed bool   `json:"subscribed"`
	LostToken  string `json:"lost_token"`
	Now        int64  `json:"now"`
}

type vapid struct {
	ID  string `json:"id"`
	Key string `json:"key"`
}

// getAccount handles GET /push/account.
func (d *Door) getAccount(c call) error {
	p, err := d.Enrolment.Paired(c.r.Context(), c.key)
	if err != nil {
		return err
	}
	web.JSON(c.w, http.StatusOK, account{Key: c.key.ID, Account: string(p.Account.ID), Name: strings.TrimSpace(p.Account.GivenName + " " + p.Account.FamilyName),
		Address: p.Account.Login(), Employer: p.Employer, Device: c.key.Name, Codes: p.Codes,
		VAPID:      vapid{p.VAPID, base64.RawURLEncoding.EncodeToString(p.VAPIDKey)},
		Subscribed: len(c.key.Subscription) > 0, LostToken: p.Lost, Now: d.now()})
	return nil
}

// deleteAccount handles DELETE /push/account.
func (d *Door) deleteAccount(c call) error {
	if err := d.Enrolment.Leave(c.r.Context(), c.key, phone(c.r)); err != nil {
		return err
	}
	c.w.WriteHeader(http.StatusNoContent)
	return nil
}

// putSubscription handles PUT /push/subscription.
func (d *Door) putSubscription(c call) error {
	var in struct {
		Endpoint string `json:"endpoint"`
		Keys     struct {
			P256DH string `json:"p256dh"`
			Auth   string `json:"auth"`
		} `json:"keys"`
		VAPID string `json:"vapid"`
		Lang  string `json:"lang"`
	}
	if err := read(c.w, c.r, &in); err != nil {
		return err
	}
	sub := enrolment.Subscription{Endpoint: in.Endpoint, P256DH: in.Keys.P256DH, Auth: in.Keys.Auth, VAPID: in.VAPID, Language: d.language(in.Lang)}
	if err := d.Enrolment.Subscribe(c.r.Context(), c.key, sub); err != nil {
		return err
	}
	c.w.WriteHeader(http.StatusNoContent)
	return nil
}

// deleteSubscription handles DELETE /push/subscription.
func (d *Door) deleteSubscription(c call) error {
	if err := d.Enrolment.Unsubscribe(c.r.Context(), c.key); err != nil {
		return err
	}
	c.w.WriteHeader(http.StatusNoContent)
	return nil
}
