package terminal

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode"
)

// Invitation is what a pairing link says (§3), or a key that was typed.
type Invitation struct {
	Issuer string
	Code   string // 26 characters of Crockford's base32
}

const codeLength = 26

// Read reads a pairing link, or a key beside an issuer. A link of another issuer than the one that was named is refused.
func Read(text, issuer string) (Invitation, error) {
	var named string
	if issuer != "" {
		var err error
		if named, err = checkIssuer(issuer); err != nil {
			return Invitation{}, err
		}
	}
	if code := readCode(text); code != "" {
		if named == "" {
			return Invitation{}, ErrNoIssuer
		}
		return Invitation{named, code}, nil
	}
	_, fragment, _ := strings.Cut(strings.TrimSpace(text), "#")
	values, err := url.ParseQuery(fragment)
	code := readCode(values.Get("code"))
	if err != nil || code == "" || values.Get("iss") == "" || !strings.Contains(text, "://") {
		return Invitation{}, ErrLink
	}
	linked, err := checkIssuer(values.Get("iss"))
	if err != nil {
		return Invitation{}, err
	}
	if named != "" && named != linked {
		return Invitation{}, fmt.Errorf("%w: %s", ErrOtherIssuer, linked)
	}
	return Invitation{linked, code}, nil
}

const crockford = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

// readCode reads a code in any case, with or without spaces and hyphens, O as 0 and I and L as 1; "" for what is none.
func readCode(typed string) string {
	var code strings.Builder
	for _, r := range typed {
		if unicode.IsSpace(r) || unicode.Is(unicode.Pd, r) {
			continue
		}
		if 'a' <= r && r <= 'z' {
			r -= 'a' - 'A'
		}
		switch r {
		case 'O':
			r = '0'
		case 'I', 'L':
			r = '1'
		}
		if !strings.ContainsRune(crockford, r) {
			return ""
		}
		code.WriteRune(r)
	}
	if code.Len() != codeLength {
		return ""
	}
	return code.String()
}

// KnownIssuer is the only issuer that has accounts here; "" where there is none, or several.
func (a *Authenticator) KnownIssuer() (issuer string, err error) {
	all, err := a.List()
	for _, one := range all {
		if issuer != "" && one.Issuer != issuer {
			return "", err
		}
		issuer = one.Issuer
	}
	return issuer, err
}

// Pairing is a pairing under way: the person compares the four characters with those in her browser.
type Pairing struct {
	Comparison string

	account  Account
	device   string
	interval time.Duration
}

// The pauses between two questions whether she has approved (RFC 8628 §3.2 and §3.5).
const (
	usualInterval = 5 * time.Second
	slowDown      = 5 * time.Second
	maxName       = 40
)

// Begin claims the code with a new key (§3, number 2).
func (a *Authenticator) Begin(ctx context.Context, i Invitation, name string) (*Pairing, error) {
	account := Account{ID: rand.Text(), Issuer: i.Issuer, Device: cut(name)}
	var err error
	if account.Signing, err = newKey(); err != nil {
		return nil, err
	}
	if account.Decryption, err = newKey(); err != nil {
		return nil, err
	}
	signing, err := readKey(account.Signing)
	if err != nil {
		return nil, err
	}
	decryption, err := readKey(account.Decryption)
	if err != nil {
		return nil, err
	}
	public, err := publicOf(decryption)
	if err != nil {
		return nil, err
	}
	var answer struct {
		Device     string `json:"device_code"`
		Comparison string `json:"comparison"`
		Interval   int    `json:"interval"`
	}
	err = a.do(ctx, i.Issuer, call{method: http.MethodPost, path: "/push/pair", key: signing,
		body: map[string]any{"code": i.Code, "key": public, "name": account.Device, "lang": "en"}}, &answer)
	switch {
	case problem(err, "invalid_code"):
		return nil, ErrCode
	case problem(err, "already_used"):
		return nil, ErrCodeUsed
	case err != nil:
		return nil, err
	}
	p := &Pairing{Comparison: plain(answer.Comparison), account: account, device: answer.Device, interval: time.Duration(answer.Interval) * time.Second}
	if p.interval <= 0 {
		p.interval = usualInterval
	}
	return p, nil
}

// cut shortens a name to what the issuer takes.
func cut(name string) string {
	if r := []rune(strings.TrimSpace(name)); len(r) > maxName {
		return string(r[:maxName])
	}
	return strings.TrimSpace(name)
}

// Await waits until the person has approved or refused (§3, number 3), and keeps the account.
func (a *Authenticator) Await(ctx context.Context, p *Pairing) (Account, error) {
	key, err := readKey(p.account.Signing)
	if err != nil {
		return Account{}, err
	}
	for {
		a.Pause(ctx, p.interval)
		if err := ctx.Err(); err != nil {
			return Account{}, err
		}
		var g grant
		err := a.do(ctx, p.account.Issuer, call{method: http.MethodPost, path: "/token", key: key,
			form: url.Values{"grant_type": {"urn:ietf:params:oauth:grant-type:device_code"}, "client_id": {clientID}, "device_code": {p.device}}}, &g)
		switch {
		case err == nil:
			return a.keep(ctx, p.account, g)
		case problem(err, "slow_down"):
			p.interval += slowDown
		case problem(err, "authorization_pending"), passing(err):
		case problem(err, "access_denied"):
			return Account{}, ErrRefused
		case problem(err, "expired_token"):
			return Account{}, ErrPairingLate
		default:
			return Account{}, err
		}
	}
}

// keep writes the account into the file, and then asks whose it is: keys that nobody has kept could not be unpaired.
func (a *Authenticator) keep(ctx context.Context, account Account, g grant) (Account, error) {
	if err := g.into(&account, a.Now()); err != nil {
		return account, err
	}
	err := a.locked(func(s *state) error {
		s.Accounts = append(s.Accounts, account)
		return nil
	})
	if err != nil {
		return account, err
	}
	return a.Complete(ctx, account)
}

// Complete asks the issuer what stands about the account (§4), and keeps it.
func (a *Authenticator) Complete(ctx context.Context, account Account) (Account, error) {
	var answer struct {
		KeyID    string `json:"key_id"`
		Account  string `json:"account"`
		Name     string `json:"name"`
		Address  string `json:"address"`
		Employer string `json:"employer"`
		Device   string `json:"device"`
		TOTP     string `json:"totp"`
		Now      int64  `json:"now"`
	}
	if err := a.ask(ctx, &account, call{method: http.MethodGet, path: accountPath}, &answer); err != nil {
		return account, err
	}
	key, err := readKey(account.Decryption)
	if err != nil {
		return account, err
	}
	text, err := decrypt(key, answer.TOTP)
	if err != nil {
		return account, err
	}
	var c codes
	if err := json.Unmarshal(text, &c); err != nil {
		return account, errJWE
	}
	return a.update(account.ID, func(inFile *Account) error {
		inFile.KeyID, inFile.Subject, inFile.Name, inFile.Address = answer.KeyID, answer.Account, plain(answer.Name), plain(answer.Address)
		inFile.Employer, inFile.Device, inFile.Codes, inFile.Ahead = plain(answer.Employer), plain(answer.Device), c, answer.Now-a.Now().UnixMilli()
		return nil
	})
}

// AnswerTest waits for the request that comes right after pairing, and approves it. It says whether one came in time.
func (a *Authenticator) AnswerTest(ctx context.Context, account Account, patience time.Duration) (bool, error) {
	waiting, enough := context.WithCancel(ctx)
	defer enough()
	go func() {
		a.Pause(waiting, patience)
		enough()
	}()
	for e := range a.Listen(waiting, account) {
		switch {
		case e.Kind == Removed:
			return false, ErrRemoved
		case e.Kind == Challenge && e.Request.Purpose == Test:
			_, err := a.Answer(ctx, e.Account, e.Request, Approve, "", false)
			return err == nil, err
		}
	}
	return false, ctx.Err()
}

// Remove unpairs an account (§7).
func (a *Authenticator) Remove(ctx context.Context, account Account) error {
	err := a.ask(ctx, &account, call{method: http.MethodDelete, path: accountPath}, nil)
	switch {
	case problem(err, "last"):
		return ErrLast
	case problem(err, "invalid_token"):
		return a.removed(account)
	case err != nil:
		return err
	}
	return a.forget(account.ID)
}
