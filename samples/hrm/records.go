package hrm

import (
	"errors"
	"maps"
	"sync"
)

// Why somebody who logged in gets no further.
var (
	errNoRecord = errors.New("no HRM record for this person")
	errTaken    = errors.New("the HRM record belongs to another login")
)

// personClaim names one person of one organisation: the claim urn:portvakt:person
// is an array of them. HRM needs the key alone; employments it knows better.
type personClaim struct {
	Organisation string `json:"organisation"`
	Key          string `json:"key"`
}

// login names an account for good: a subject is unique within its issuer
// (OpenID Connect Core 1.0 §5.7); an address is not, and may change hands.
type login struct{ issuer, subject string }

// records join logins and HRM's employees.
type records struct {
	organisation string
	employees    map[string]Employee
	mu           sync.Mutex
	keys         map[login]string
	logins       map[string]login
}

func newRecords(organisation string, employees map[string]Employee) *records {
	return &records{
		organisation: organisation, employees: maps.Clone(employees),
		keys: map[login]string{}, logins: map[string]login{},
	}
}

// link returns the person key behind a login. At the first sign-in it comes from
// the person claim; afterwards from (iss, sub) alone.
func (r *records) link(who login, people []personClaim) (key string, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if key, known := r.keys[who]; known {
		return key, nil
	}
	key, ok := r.match(people)
	if !ok {
		return "", errNoRecord
	}
	if _, taken := r.logins[key]; taken {
		return "", errTaken
	}
	r.keys[who], r.logins[key] = key, who
	return key, nil
}

// match looks at HRM's own organisation only: another employer may use the same keys.
func (r *records) match(people []personClaim) (key string, ok bool) {
	for _, p := range people {
		if _, known := r.employees[p.Key]; known && p.Organisation == r.organisation {
			return p.Key, true
		}
	}
	return "", false
}
