// Package dkim holds the noun DKIM key: by such a key a mail proves that it comes from its sender's domain (RFC 6376). It keeps
// the keys of the operator and of organisations, says what each domain must publish, and lets a key sign only after that was
// found. It renders no mail and asks no name server by itself.
package dkim

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/portvakt/portvakt/internal/administrator"
	"github.com/portvakt/portvakt/internal/audit"
	"github.com/portvakt/portvakt/internal/organisation"
	"github.com/portvakt/portvakt/internal/secret"
)

// Stored is a key at rest: its private half sealed under the master key.
type Stored struct {
	ID           string
	Organisation organisation.ID // "": the operator's
	Domain       string          // in ASCII
	Selector     string
	Sealed       []byte
	Public       []byte // PKIX
	Created      time.Time
	Verified     time.Time // zero: it does not sign yet
}

// Store is what reads the keys.
type Store interface {
	// ListDKIMKeys lists all keys by age, the oldest first.
	ListDKIMKeys(ctx context.Context) ([]Stored, error)
}

// Tx is what changes them.
type Tx interface {
	audit.Appender
	// InsertDKIMKey stores a key.
	InsertDKIMKey(ctx context.Context, k Stored) error
	// VerifyDKIMKey lets a key sign; false if there is no such key, or it does already.
	VerifyDKIMKey(ctx context.Context, id string, now time.Time) (bool, error)
	// DeleteDKIMKey removes a key; false if there is no such key.
	DeleteDKIMKey(ctx context.Context, id string) (bool, error)
}

// bits is the size of a key: every verifier takes it (RFC 8301 §3.2), and its record fits a DNS answer.
const bits = 2048

// The ways in which it fails.
var (
	ErrUnknown      = errors.New("there is no such DKIM key")
	ErrNotPublished = errors.New("the record is not in the DNS yet, or not as it should be; name servers may take a day to tell of a new one")
	ErrLookup       = errors.New("the name servers do not answer")
)

// Key is a key as people look at it.
type Key struct {
	Stored
}

// Name is where its record stands in the DNS.
func (k Key) Name() string { return k.Selector + "._domainkey." + k.Domain }

// Record is the TXT record to publish there.
func (k Key) Record() string {
	return "v=DKIM1; k=rsa; p=" + base64.StdEncoding.EncodeToString(k.Public)
}

// Active says whether it signs.
func (k Key) Active() bool { return !k.Verified.IsZero() }

// String leaves the private half out, sealed as it is.
func (k Key) String() string { return "DKIM key " + k.Name() }

// GoString hides it from %#v.
func (k Key) GoString() string { return k.String() }

// LogValue hides it from slog.
func (k Key) LogValue() slog.Value { return slog.StringValue(k.String()) }

// Signer is a key that signs.
type Signer struct {
	Domain, Selector string
	Private          crypto.Signer
}

// String leaves the private half out.
func (s Signer) String() string { return "DKIM signer " + s.Selector + "._domainkey." + s.Domain }

// GoString hides it from %#v.
func (s Signer) GoString() string { return s.String() }

// Keys are this installation's. They are safe for concurrent use; a node knows within a minute what another has done.
type Keys struct {
	Store  Store
	InTx   func(context.Context, func(Tx) error) error
	Master *secret.Master
	// Lookup asks the DNS for the texts of a name.
	Lookup func(ctx context.Context, name string) ([]string, error)
	Now    func() time.Time

	kept secret.Kept[Stored]
	mu   sync.Mutex
	open map[string]crypto.Signer // by id; a key never changes
}

// Make makes a key for a domain. It signs nothing before Activate.
func (k *Keys) Make(ctx context.Context, org organisation.ID, domain string, by administrator.Administrator) (Key, error) {
	private, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		return Key{}, fmt.Errorf("make a DKIM key: %w", err)
	}
	public, err := x509.MarshalPKIXPublicKey(private.Public())
	if err != nil {
		return Key{}, err
	}
	now, id := k.Now(), secret.NewID()
	fresh := Stored{ID: id, Organisation: org, Domain: strings.ToLower(domain), Selector: selector(now, id), Public: public,
		Sealed: k.Master.Seal(row(id), x509.MarshalPKCS1PrivateKey(private)), Created: now}
	err = k.InTx(ctx, func(tx Tx) error {
		if err := tx.InsertDKIMKey(ctx, fresh); err != nil {
			return err
		}
		return tx.Append(ctx, fresh.event(audit.DKIMKeyMade, by, now))
	})
	if err != nil {
		return Key{}, fmt.Errorf("make a DKIM key: %w", err)
	}
	k.kept.Forget()
	return Key{fresh}, nil
}

// selector is new for every key: two keys of a domain stand beside each other in its DNS while mails of the former are under way.
func selector(now time.Time, id string) string { return "pv" + now.UTC().Format("200601") + id[:4] }

func row(id string) string { return "dkim_keys|" + id }

func (s Stored) event(kind audit.Kind, by administrator.Administrator, now time.Time) audit.Event {
	e := by.Event(kind, s.Organisation, "", now)
	e.Detail["key"], e.Detail["domain"], e.Detail["selector"] = s.ID, s.Domain, s.Selector
	return e
}

// List lists the keys of an organisation, or the operator's, the newest first.
func (k *Keys) List(ctx context.Context, org organisation.ID) ([]Key, error) {
	stored, err := k.list(ctx, true)
	var all []Key
	for _, one := range slices.Backward(stored) {
		if one.Organisation == org {
			all = append(all, Key{one})
		}
	}
	return all, err
}

// find is a key of that organisation; another's is none.
func (k *Keys) find(ctx context.Context, org organisation.ID, id string) (Key, error) {
	all, err := k.List(ctx, org)
	if err != nil {
		return Key{}, err
	}
	for _, one := range all {
		if one.ID == id {
			return one, nil
		}
	}
	return Key{}, ErrUnknown
}

// Activate lets a key sign, once its record is found: whoever can publish it has the domain in hand. unseen is for an operator
// whose own name servers answer otherwise than the world's.
func (k *Keys) Activate(ctx context.Context, org organisation.ID, id string, unseen bool, by administrator.Administrator) (Key, error) {
	key, err := k.find(ctx, org, id)
	if err != nil {
		return key, err
	}
	if !unseen {
		if err := k.isPublished(ctx, key); err != nil {
			return key, err
		}
	}
	now := k.Now()
	err = k.InTx(ctx, func(tx Tx) error {
		done, err := tx.VerifyDKIMKey(ctx, id, now)
		if err != nil || !done {
			return err
		}
		return tx.Append(ctx, key.event(audit.DKIMKeyActivated, by, now))
	})
	if err != nil {
		return key, fmt.Errorf("activate a DKIM key: %w", err)
	}
	k.kept.Forget()
	return k.find(ctx, org, id)
}

// isPublished compares the key itself: what else stands in the record, and in which order, is the domain's own business, but a
// revoked or a foreign key is not ours.
func (k *Keys) isPublished(ctx context.Context, key Key) error {
	texts, err := k.Lookup(ctx, key.Name())
	if err != nil {
		return fmt.Errorf("%w: %s: %w", ErrLookup, key.Name(), err)
	}
	want := base64.StdEncoding.EncodeToString(key.Public)
	for _, text := range texts {
		for tag := range strings.SplitSeq(text, ";") {
			name, value, _ := strings.Cut(tag, "=")
			if strings.TrimSpace(name) == "p" && strings.Join(strings.Fields(value), "") == want {
				return nil
			}
		}
	}
	return fmt.Errorf("%w: %s", ErrNotPublished, key.Name())
}

// Remove takes a key away. Its record should stay in the DNS for a week: mails that it has signed are still read.
func (k *Keys) Remove(ctx context.Context, org organisation.ID, id string, by administrator.Administrator) (Key, error) {
	key, err := k.find(ctx, org, id)
	if err != nil {
		return key, err
	}
	err = k.InTx(ctx, func(tx Tx) error {
		gone, err := tx.DeleteDKIMKey(ctx, id)
		if err != nil || !gone {
			return err
		}
		return tx.Append(ctx, key.event(audit.DKIMKeyRemoved, by, k.Now()))
	})
	if err != nil {
		return key, fmt.Errorf("remove a DKIM key: %w", err)
	}
	k.kept.Forget()
	return key, nil
}

// Signer is the newest active key of an organisation, or the operator's, for a domain; false where there is none.
func (k *Keys) Signer(ctx context.Context, org organisation.ID, domain string) (Signer, bool, error) {
	stored, err := k.list(ctx, false)
	if err != nil {
		return Signer{}, false, err
	}
	domain = strings.ToLower(domain)
	for _, one := range slices.Backward(stored) {
		if one.Organisation != org || one.Domain != domain || one.Verified.IsZero() {
			continue
		}
		private, err := k.private(one)
		if err != nil {
			return Signer{}, false, fmt.Errorf("DKIM key %s: %w", one.ID, err)
		}
		return Signer{Domain: one.Domain, Selector: one.Selector, Private: private}, true, nil
	}
	return Signer{}, false, nil
}

// private opens a key, once: to read an RSA key takes longer than to sign with it.
func (k *Keys) private(s Stored) (crypto.Signer, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if one := k.open[s.ID]; one != nil {
		return one, nil
	}
	b, err := k.Master.Open(row(s.ID), s.Sealed)
	if err != nil {
		return nil, err
	}
	private, err := x509.ParsePKCS1PrivateKey(b)
	if err != nil {
		return nil, err
	}
	if k.open == nil {
		k.open = map[string]crypto.Signer{}
	}
	k.open[s.ID] = private
	return private, nil
}

// list is what this node knows.
func (k *Keys) list(ctx context.Context, anew bool) ([]Stored, error) {
	return k.kept.List(k.Now(), anew, func() ([]Stored, error) {
		all, err := k.Store.ListDKIMKeys(ctx)
		if err != nil {
			return nil, fmt.Errorf("list DKIM keys: %w", err)
		}
		return all, nil
	})
}
