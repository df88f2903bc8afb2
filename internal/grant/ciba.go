package grant

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/portvakt/portvakt/internal/account"
	"github.com/portvakt/portvakt/internal/authn"
	"github.com/portvakt/portvakt/internal/outbox"
	"github.com/portvakt/portvakt/internal/relyingparty"
	"github.com/portvakt/portvakt/internal/secret"
	"github.com/portvakt/portvakt/internal/session"
	"github.com/portvakt/portvakt/internal/signingkey"
	"github.com/portvakt/portvakt/internal/throttle"
	"github.com/portvakt/portvakt/internal/token"
)

// An app asks a person on her phone, without a browser (OpenID Connect Client-Initiated Backchannel Authentication Core 1.0, CIBA). What it polls
// with is kept beside device codes. Whether there is such a person is decided after the answer, in the outbox worker (see asked.go): the app cannot
// tell somebody who is not there from somebody who does not answer (ADR 32).

// CIBAPath is where an app asks.
const CIBAPath = "/backchannel_authentication"

// How long a question waits: what the app wishes, within limits; else as long as other pushes do.
const (
	minAsk     = 30 * time.Second
	defaultAsk = 2 * time.Minute
	maxAsk     = 5 * time.Minute
	// askRest is what is left for the app's poll after the last moment for an answer.
	askRest = 2 * token.DevicePoll
)

// maxMessage is how long a binding message may be, in characters: it is compared at a glance.
const maxMessage = 20

const (
	askBudget   = secret.Purpose("question budget")
	pingPurpose = secret.Purpose("ping")
)

// AskTemplate and PingTemplate are the outbox messages of a question: to the person, and to the app that waits for her answer.
const (
	AskTemplate  = "ciba_ask"
	PingTemplate = "ciba_ping"
)

// Question is the answer to an app that asks (CIBA Core §7.3). Times are in seconds.
type Question struct {
	ID        string `json:"auth_req_id"`
	ExpiresIn int    `json:"expires_in"`
	Interval  int    `json:"interval"`
}

// ask is what an app asks.
type ask struct {
	device token.Device
	// Whom: by her identifier, or as the subject of an ID token that the app has had.
	Identifier account.Identifier `json:"identifier,omitempty"`
	Account    account.ID         `json:"account,omitempty"`
	Message    string             `json:"message"`
	Address    string             `json:"address"` // IP address of the app's server
	life       time.Duration
	whom       account.Identifier // as Identifier, also of an ID token's account
	notify     string             // its token for pings; empty: it polls
}

// Ask takes a question to a person. It fails with an Error and authn.ErrThrottled. address is where the app's server is.
func (s *Service) Ask(ctx context.Context, c Client, u Use, form url.Values, address string) (Question, error) {
	rp, err := s.authenticate(ctx, c)
	switch {
	case err != nil:
		return Question{}, err
	case !rp.Options.MayUse(relyingparty.CIBA) || rp.IsPublic():
		return Question{}, Error{"unauthorized_client", "this client is not registered to ask people on their phones"}
	}
	if err := checkProofs(rp.Options, u); err != nil {
		return Question{}, err
	}
	jkt, err := s.prove(u)
	if err != nil {
		return Question{}, err
	}
	q, err := s.readAsk(ctx, rp, form)
	if err != nil {
		return Question{}, err
	}
	now, code := s.Now(), secret.NewToken()
	d := &q.device
	d.ID, d.Code, d.ClientID, d.JKT, d.Created, d.Interval = secret.NewID(), code.Hash(), rp.ClientID, jkt, now, token.DevicePoll
	d.Delivery, d.Expires, q.Address = rp.Options.Delivery, now.Add(q.life), address
	if q.notify != "" {
		d.Notify = s.Keys.Seal(pingPurpose, d.ID, []byte(code.Reveal()+" "+q.notify+" "+rp.Options.NotifyURI), now)
	}
	what, err := json.Marshal(q)
	if err != nil {
		return Question{}, err
	}
	m := outbox.New(outbox.Ask, AskTemplate, "", now)
	m.Lane, m.Expires, m.Params = outbox.Urgent, d.Expires.Add(-askRest), map[string]string{"question": d.ID, "client_id": rp.ClientID}
	m.SealSecret(s.Keys, secret.Token(what), now)
	whom := s.Keys.Pseudonym(askBudget, rp.ClientID, string(q.whom))
	err = s.InTx(ctx, func(tx Tx) error {
		// The same for everybody, whoever it is, and whether there is somebody.
		if err := takeSlot(ctx, tx, now, s.askSlot(rp), throttle.Slot{Key: whom, Budget: throttle.Questions}); err != nil {
			return err
		}
		if err := tx.InsertDevice(ctx, *d); err != nil {
			return fmt.Errorf("insert question: %w", err)
		}
		return tx.Enqueue(ctx, m)
	})
	return Question{ID: code.Reveal(), ExpiresIn: int(q.life / time.Second), Interval: int(d.Interval / time.Second)}, err
}

// askSlot is the app's own budget of questions.
func (s *Service) askSlot(rp relyingparty.RP) throttle.Slot {
	return throttle.Slot{Key: s.Keys.Pseudonym(askBudget, rp.ClientID), Budget: throttle.Requests}
}

// readAsk judges what an app asks (CIBA Core §7.1, §7.2). It fails with an Error.
func (s *Service) readAsk(ctx context.Context, rp relyingparty.RP, form url.Values) (ask, error) {
	bad := func(code, why string) (ask, error) { return ask{}, Error{code, why} }
	form, err := s.unpackAsk(ctx, rp, form)
	if err != nil {
		return ask{}, err
	}
	// There is no browser in which she could say for which company she comes.
	means := slices.DeleteFunc(Scopes(), func(one string) bool { return one == "company" })
	q := ask{device: token.Device{Scope: known(form.Get("scope"), means)}, Message: form.Get("binding_message"), life: defaultAsk}
	r := authn.Request{Scope: q.device.Scope, ACRValues: form.Get("acr_values"), Floor: session.ACR(rp.RequireACR)}
	if v := form.Get("claims"); v != "" {
		if readClaims(v, &r) != nil {
			return bad("invalid_request", "claims is not what OpenID Connect Core 5.5 describes")
		}
		q.device.Scope = r.Scope
	}
	switch {
	case !hasScope(q.device.Scope, "openid"):
		return bad("invalid_scope", "the scope openid is missing")
	case !r.IsAnsweredBy(session.Pwd), r.Asserted(session.Pwd) != session.Pwd:
		return ask{}, errUnmet // what one answer on a phone is worth is known beforehand
	case r.Subject != "":
		return bad("invalid_request", "the hint names the person: claims does not")
	case form.Get("resource") != "":
		return ask{}, errAskedTarget
	case !isMessage(q.Message):
		return bad("invalid_binding_message", "binding_message is required: 1 to 20 letters, digits, spaces and -.:#/")
	}
	if v := form.Get("requested_expiry"); v != "" {
		n, err := strconv.Atoi(v)
		if err != nil || n <= 0 {
			return bad("invalid_request", "requested_expiry is not a number of seconds")
		}
		q.life = max(minAsk, min(time.Duration(min(n, 86400))*time.Second, maxAsk))
	}
	if rp.Options.Delivery == relyingparty.Ping {
		if q.notify = form.Get("client_notification_token"); len(q.notify) > maxNotify || !bearerToken.MatchString(q.notify) {
			return bad("invalid_request", "client_notification_token is required: a bearer token (RFC 6750 2.1) of at most 1024 characters")
		}
	}
	return s.readWhom(ctx, rp, form, q)
}

// readWhom reads the one hint at the person (CIBA Core §7.1).
func (s *Service) readWhom(ctx context.Context, rp relyingparty.RP, form url.Values, q ask) (ask, error) {
	address, idToken := form.Get("login_hint"), form.Get("id_token_hint")
	switch {
	case form.Get("login_hint_token") != "":
		return q, Error{"invalid_request", "login_hint_token is not supported: name the person by login_hint or id_token_hint"}
	case (address == "") == (idToken == ""):
		return q, Error{"invalid_request", "one of login_hint and id_token_hint is needed"}
	case address != "":
		var err error
		if _, q.Identifier, err = account.ParseAddress(address); err != nil {
			return q, Error{"invalid_request", "login_hint is not an e-mail address"}
		}
		q.whom = q.Identifier
		return q, nil
	}
	hint, ok := s.readHint(idToken)
	if !ok || hint.Audience != rp.ClientID {
		return q, Error{"invalid_request", "id_token_hint is no ID token that this client was given here"}
	}
	subject, err := s.accountOf(ctx, rp, hint.Subject)
	if err != nil {
		return q, err
	}
	acc, err := s.Store.FindAccountByID(ctx, account.ID(subject))
	switch {
	case err != nil:
		return q, fmt.Errorf("find account: %w", err)
	case acc.ID == "" || !acc.IsOpen(): // no news to an app that has had her before it, and costs it as much as a question
		if err := s.InTx(ctx, func(tx Tx) error { return takeSlot(ctx, tx, s.Now(), s.askSlot(rp)) }); err != nil {
			return q, err
		}
		return q, Error{"unknown_user_id", "the account of id_token_hint is closed"}
	}
	q.Account, q.whom = acc.ID, acc.Identifier
	return q, nil
}

// unpackAsk returns the parameters of what an app asks: those that it has signed and no others, where it signs (CIBA Core §7.1.1).
func (s *Service) unpackAsk(ctx context.Context, rp relyingparty.RP, form url.Values) (url.Values, error) {
	rp.Options.ObjectAlg = rp.Options.AskAlg
	object := form.Get("request")
	if object == "" {
		if rp.Options.AskAlg != "" || rp.Options.RequireSigned {
			return nil, Error{"invalid_request", "this client signs what it asks (CIBA Core 7.1.1)"}
		}
		return form, nil
	}
	for name := range form {
		if !slices.Contains([]string{"request", "client_id", "client_secret", "client_assertion", "client_assertion_type"}, name) {
			return nil, Error{"invalid_request", "beside a signed request there is no other parameter: " + ascii(name)}
		}
	}
	read, _, fault := s.unpack(ctx, form, rp)
	if fault != nil {
		return nil, Error{"invalid_request", fault.Description}
	}
	// unpack has checked what is there; here all of it must be.
	c, _ := signingkey.Peek[assertionClaims](object)
	if c.Issuer == "" || len(c.Audience.names) == 0 || c.Expires == nil || c.NotBefore == nil || c.Issued == nil || c.ID == "" {
		return nil, Error{"invalid_request", "a signed request has iss, aud, exp, iat, nbf and jti (CIBA Core 7.1.1)"}
	}
	return read, nil
}

// maxNotify is the longest token of an app's that its pings can have (CIBA Core §7.1).
const maxNotify = 1024

// bearerToken is a b64token (RFC 6750 §2.1).
var bearerToken = regexp.MustCompile(`^[A-Za-z0-9._~+/-]+=*$`)

// isMessage says whether a text can stand on a phone for itself: nothing in it hides, turns around or looks like something else than it is.
func isMessage(text string) bool {
	if text == "" || utf8.RuneCountInString(text) > maxMessage || strings.TrimSpace(text) != text || !utf8.ValidString(text) {
		return false
	}
	seen := false
	for i, c := range text {
		// Digits of ASCII alone: those of other scripts look alike, or run from right to left. Letters that are neither large nor small are strokes.
		isWord := c >= '0' && c <= '9' || unicode.Is(unicode.Latin, c) && (unicode.IsUpper(c) || unicode.IsLower(c))
		if c == ' ' && text[i-1] == ' ' {
			return false // a page shows one
		}
		if seen = seen || isWord; !isWord && !strings.ContainsRune(" -.:#/", c) {
			return false
		}
	}
	return seen
}
