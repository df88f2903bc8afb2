package hrm

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode"
)

// What a change of the bank account asks of a sign-in: two factors, shown within
// the last five minutes. Whoever finds an unlocked computer must not be able to
// send somebody's pay elsewhere.
const (
	stepUpACR = "urn:portvakt:aal2"
	stepUpAge = 5 * time.Minute
)

// ladder are the login service's classes that are worth at least stepUpACR.
var ladder = []string{stepUpACR, "urn:portvakt:phr"}

// errStepUp is RFC 9470's name for a sign-in that is good, but not good enough.
const errStepUp = "insufficient_user_authentication"

// bankAccounts are where people's pay goes, by person key. They live in memory,
// as all of HRM's records.
type bankAccounts struct {
	mu    sync.Mutex
	byKey map[string]string
}

func newBankAccounts() *bankAccounts { return &bankAccounts{byKey: map[string]string{}} }

func (b *bankAccounts) of(key string) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	if account, changed := b.byKey[key]; changed {
		return account
	}
	return fmt.Sprintf("8327-9%03d%03d%03d", number(key, "bank1", 1000), number(key, "bank2", 1000), number(key, "bank3", 1000))
}

func (b *bankAccounts) set(key, account string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.byKey[key] = account
}

// errNoAccount says that a text cannot be a bank account.
var errNoAccount = errors.New("no bank account")

// parseAccount reads a Swedish account as people write it: clearing number and
// account number, with spaces and dashes anywhere.
func parseAccount(typed string) (string, error) {
	digits := strings.Map(func(r rune) rune {
		if r == '-' || r == '–' || unicode.IsSpace(r) {
			return -1
		}
		return r
	}, typed)
	if len(digits) < 10 || len(digits) > 16 || strings.ContainsFunc(digits, func(r rune) bool { return r < '0' || r > '9' }) {
		return "", errNoAccount
	}
	return digits[:4] + "-" + digits[4:], nil
}

// masked shows the end of an account: enough to recognise one's own.
func masked(account string) string { return "•••• " + account[max(0, len(account)-4):] }

// api are the addresses that HRM's own pages call, and an app of HRM's could. The
// pages are one caller among others: they are told of a step-up as anybody is.
func (a *App) api() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/bank-account", a.getBankAccount)
	mux.HandleFunc("PUT /api/bank-account", a.putBankAccount)
	return mux
}

type bankAccount struct {
	Account string `json:"account"`
}

func (a *App) getBankAccount(w http.ResponseWriter, r *http.Request) {
	s, in := a.current(r)
	if _, known := a.records.employees[s.Key]; !in || !known {
		challenge(w, "", "")
		return
	}
	answerJSON(w, http.StatusOK, bankAccount{masked(a.bank.of(s.Key))})
}

func (a *App) putBankAccount(w http.ResponseWriter, r *http.Request) {
	s, in := a.current(r)
	if _, known := a.records.employees[s.Key]; !in || !known {
		challenge(w, "", "")
		return
	}
	if !s.provenEnough(a.cfg.Now()) {
		challenge(w, errStepUp, "a change of the bank account needs two factors, shown within five minutes")
		return
	}
	var in2 bankAccount
	err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<10)).Decode(&in2)
	account, problem := parseAccount(in2.Account)
	if err != nil || problem != nil {
		answerJSON(w, http.StatusUnprocessableEntity, map[string]string{"error": "invalid_account"})
		return
	}
	a.bank.set(s.Key, account)
	w.WriteHeader(http.StatusNoContent)
}

// provenEnough judges by what the id token told of the sign-in: its acr and its
// auth_time (RFC 9470 §6 leaves open how; there is no access token to look into).
func (s session) provenEnough(now time.Time) bool {
	enough := false
	for _, class := range ladder {
		enough = enough || s.ACR == class
	}
	age := now.Sub(s.AuthTime)
	return enough && age <= stepUpAge && age >= -clockSkew
}

// challenge answers 401 (RFC 6750 §3, RFC 9470 §3): with what is missing, where
// something is.
func challenge(w http.ResponseWriter, code, description string) {
	value := "Bearer"
	if code != "" {
		value = fmt.Sprintf(`Bearer error=%q, error_description=%q, acr_values=%q, max_age="%d"`, code, description, stepUpACR, int(stepUpAge.Seconds()))
	}
	w.Header().Set("WWW-Authenticate", value)
	if code == "" {
		code = "unauthorized"
	}
	answerJSON(w, http.StatusUnauthorized, map[string]string{"error": code})
}

func answerJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // the caller has gone away
}

// demand is what a challenge asks for.
type demand struct {
	ACR    string `json:"a"`
	MaxAge int    `json:"m"` // seconds; -1: none
}

// readChallenge finds a demand for a step-up in an answer of the API; false if it
// holds none.
func readChallenge(header string) (d demand, ok bool) {
	parameters, isBearer := strings.CutPrefix(header, "Bearer ")
	d.MaxAge = -1
	found := map[string]string{}
	for isBearer && parameters != "" {
		name, rest, hasValue := strings.Cut(parameters, "=")
		if !hasValue {
			break
		}
		value, after, quoted := unquote(rest)
		if !quoted {
			return demand{}, false
		}
		found[strings.Trim(name, " ,")] = value
		parameters = after
	}
	if found["error"] != errStepUp {
		return demand{}, false
	}
	d.ACR = found["acr_values"]
	if age, err := strconv.Atoi(found["max_age"]); err == nil && age >= 0 {
		d.MaxAge = age
	}
	return d, true
}

// unquote takes a quoted string from the beginning of a header's rest (RFC 9110 §5.6.4).
func unquote(s string) (value, after string, ok bool) {
	quoted, err := strconv.QuotedPrefix(s)
	if err != nil {
		return "", "", false
	}
	value, err = strconv.Unquote(quoted)
	return value, s[len(quoted):], err == nil
}
