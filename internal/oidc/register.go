package oidc

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"

	"github.com/portvakt/portvakt/internal/clientregistration"
	"github.com/portvakt/portvakt/internal/grant"
	"github.com/portvakt/portvakt/internal/relyingparty"
	"github.com/portvakt/portvakt/internal/secret"
	"github.com/portvakt/portvakt/internal/web"
)

// Apps that register themselves (RFC 7591, OIDC Registration), and look after what they have registered (RFC 7592).

const (
	registerPath = "/register"
	// maxMetadata is the largest registration in bytes: a JWK Set may be in it.
	maxMetadata = 64 << 10
)

// registerRoutes mounts the endpoints, where the operator lets apps register themselves.
func (d *Door) registerRoutes(mux interface {
	Handle(pattern string, h http.Handler)
}) {
	if !d.registers() {
		return
	}
	own := registerPath + "/{client}"
	mux.Handle("POST "+registerPath, web.AnyOrigin(d.postRegister))
	mux.Handle("GET "+own, web.AnyOrigin(d.getRegistered))
	mux.Handle("PUT "+own, web.AnyOrigin(d.putRegistered))
	mux.Handle("DELETE "+own, web.AnyOrigin(d.deleteRegistered))
	for path, methods := range map[string]string{registerPath: "POST", own: "GET, PUT, DELETE"} {
		mux.Handle("OPTIONS "+path, web.AnyOrigin(func(http.ResponseWriter, *http.Request) {}))
		mux.Handle(path, web.AnyOrigin(d.wrongMethod(methods+", OPTIONS")))
	}
}

func (d *Door) registers() bool {
	return d.Registration != nil && (d.Registration.Admission == clientregistration.ByToken || d.Registration.Admission == clientregistration.Anybody)
}

// information is the answer about an app (RFC 7591 §3.2.1, RFC 7592 §3).
type information struct {
	ClientID      string `json:"client_id"`
	Issued        int64  `json:"client_id_issued_at"`
	Secret        string `json:"client_secret,omitempty"`            // at the registration alone: nobody has it afterwards
	SecretExpires *int64 `json:"client_secret_expires_at,omitempty"` // beside a secret; 0: never
	Access        string `json:"registration_access_token"`
	URI           string `json:"registration_client_uri"`
	clientregistration.Metadata
}

// postRegister handles POST /register (RFC 7591 §3.1).
func (d *Door) postRegister(w http.ResponseWriter, r *http.Request) {
	members, ok := d.readMetadata(w, r)
	if !ok {
		return
	}
	var rp relyingparty.RP
	public, err := clientregistration.Say(&rp, members)
	var made clientregistration.Itself
	if err == nil {
		made, err = d.Registration.Register(r.Context(), rp, public, bearer(r), d.Visitor.Browser(r).Network)
	}
	if err != nil {
		d.refuseRegistration(w, r, err)
		return
	}
	d.inform(w, http.StatusCreated, made)
}

// getRegistered handles GET of a registration (RFC 7592 §2.1).
func (d *Door) getRegistered(w http.ResponseWriter, r *http.Request) {
	access := bearer(r)
	rp, err := d.Registration.Find(r.Context(), r.PathValue("client"), access)
	if err != nil {
		d.refuseRegistration(w, r, err)
		return
	}
	d.inform(w, http.StatusOK, clientregistration.Itself{RP: rp, Access: access})
}

// putRegistered handles PUT of a registration (RFC 7592 §2.2): what is not there is taken away.
func (d *Door) putRegistered(w http.ResponseWriter, r *http.Request) {
	members, ok := d.readMetadata(w, r)
	if !ok {
		return
	}
	access, id := bearer(r), r.PathValue("client")
	if _, err := d.Registration.Find(r.Context(), id, access); err != nil {
		d.refuseRegistration(w, r, err)
		return
	}
	var named struct {
		ClientID string       `json:"client_id"`
		Secret   secret.Token `json:"client_secret"`
	}
	err := clientregistration.Decode(map[string]json.RawMessage{"client_id": members["client_id"], "client_secret": members["client_secret"]}, &named)
	for _, ours := range []string{"registration_access_token", "registration_client_uri", "client_secret_expires_at", "client_id_issued_at"} {
		if _, there := members[ours]; there && err == nil {
			err = faulty(ours + " is not the client's to say")
		}
	}
	if err == nil && named.ClientID != id {
		err = faulty("client_id is another one, or missing")
	}
	var rp relyingparty.RP
	if err == nil {
		rp, err = d.Registration.Replace(r.Context(), id, access, named.Secret, func(rp *relyingparty.RP) error {
			was := rp.IsPublic()
			public, err := clientregistration.Say(rp, members)
			if err == nil && public != was {
				err = faulty(clientregistration.ErrSecretKind.Error())
			}
			return err
		})
	}
	if err != nil {
		d.refuseRegistration(w, r, err)
		return
	}
	d.inform(w, http.StatusOK, clientregistration.Itself{RP: rp, Access: access})
}

// deleteRegistered handles DELETE of a registration (RFC 7592 §2.3).
func (d *Door) deleteRegistered(w http.ResponseWriter, r *http.Request) {
	if err := d.Registration.Withdraw(r.Context(), r.PathValue("client"), bearer(r)); err != nil {
		d.refuseRegistration(w, r, err)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusNoContent)
}

// inform answers about an app.
func (d *Door) inform(w http.ResponseWriter, status int, it clientregistration.Itself) {
	rp := it.RP
	info := information{ClientID: rp.ClientID, Issued: rp.Created.Unix(), Secret: it.Secret.Reveal(), Access: it.Access.Reveal(), URI: d.Issuer + registerPath + "/" + rp.ClientID,
		Metadata: clientregistration.Said(rp)}
	if it.Secret != "" {
		info.SecretExpires = new(int64)
	}
	web.JSON(w, status, info)
}

func faulty(why string) error { return fmt.Errorf("%w: %s", clientregistration.ErrMetadata, why) }

// bearer is the token of the request; empty where there is none, or two.
func bearer(r *http.Request) secret.Token {
	scheme, token := web.Presented(r)
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return secret.Token(token)
}

// readMetadata reads the body, or answers what is wrong with it.
func (d *Door) readMetadata(w http.ResponseWriter, r *http.Request) (map[string]json.RawMessage, bool) {
	media, params, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if charset := params["charset"]; media != "application/json" || charset != "" && !strings.EqualFold(charset, "utf-8") {
		d.refuseRegistration(w, r, faulty("the body must be application/json, in UTF-8"))
		return nil, false
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxMetadata+1))
	switch {
	case errors.As(err, new(*http.MaxBytesError)), len(body) > maxMetadata:
		web.Drain(r)
		d.refuse(w, r, http.StatusRequestEntityTooLarge, grant.Error{Code: "invalid_client_metadata", Description: "the body is larger than 64 KB"})
		return nil, false
	case err != nil:
		d.refuseRegistration(w, r, faulty("the body cannot be read"))
		return nil, false
	}
	members, err := readObject(body)
	if err != nil {
		d.refuseRegistration(w, r, err)
		return nil, false
	}
	return members, true
}

// refuseRegistration answers by the book (RFC 7591 §3.2.2, RFC 6750 §3.1).
func (d *Door) refuseRegistration(w http.ResponseWriter, r *http.Request, err error) {
	e := grant.Error{Description: described(err)}
	switch {
	case errors.Is(err, clientregistration.ErrToken):
		challenge := web.Challenge{Code: "invalid_token", Description: "the token does not count here"}
		challenge.Write(w.Header())
		d.refuse(w, r, http.StatusUnauthorized, grant.Error{Code: challenge.Code, Description: challenge.Description})
		return
	case errors.Is(err, clientregistration.ErrThrottled):
		e = grant.Error{Code: "temporarily_unavailable", Description: "too many registrations"}
		d.refuse(w, r, http.StatusTooManyRequests, e)
		return
	case errors.Is(err, clientregistration.ErrMeanwhile):
		e.Code = "temporarily_unavailable"
		d.refuse(w, r, http.StatusConflict, e)
		return
	case errors.Is(err, clientregistration.ErrStatement):
		e.Code = "unapproved_software_statement"
	case errors.Is(err, clientregistration.ErrRedirectURI):
		e.Code = "invalid_redirect_uri"
	case errors.Is(err, clientregistration.ErrMetadata):
		e.Code = "invalid_client_metadata"
	default:
		d.fail(w, r, err)
		return
	}
	d.fail(w, r, e)
}

// described is a fault in the characters of error_description (RFC 6749 §5.2), and no longer than anybody reads.
func described(err error) string {
	text := strings.Map(func(c rune) rune {
		switch {
		case c == '\n':
			return ' '
		case c == '"':
			return '\''
		case c < 0x20 || c > 0x7e || c == '\\':
			return '?'
		}
		return c
	}, err.Error())
	return text[:min(len(text), 300)]
}
