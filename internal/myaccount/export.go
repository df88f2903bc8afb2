package myaccount

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/portvakt/portvakt/internal/account"
	"github.com/portvakt/portvakt/internal/audit"
	"github.com/portvakt/portvakt/internal/authn"
)

// ExportFormat names the keys of an export, which docs/export.md lists. What is added keeps it; what changes its meaning
// gets another one.
const ExportFormat = "portvakt-export-1"

// Export is all that Portvakt keeps about a person, but for keys, hashes and codes (GDPR articles 15 and 20). Times are UTC; one
// that never was is left out. The lines of the audit log follow in the same object, under "activity".
type Export struct {
	Format             string            `json:"format"`
	Made               time.Time         `json:"made_at"`
	Account            ExportedAccount   `json:"account"`
	Pending            *ExportedPending  `json:"pending_address,omitempty"`
	Employers          []ExportedPerson  `json:"employers"`
	Password           *ExportedPassword `json:"password,omitempty"`
	Apps               []ExportedApp     `json:"authenticator_apps"`
	RecoveryCode       *ExportedCode     `json:"recovery_code,omitempty"`
	Phone              *ExportedPhone    `json:"phone,omitempty"`
	Sessions           []ExportedSession `json:"sessions"`
	RememberedBrowsers []ExportedBrowser `json:"remembered_browsers"`
	Access             []ExportedGrant   `json:"app_access"`
	SectorNames        []ExportedName    `json:"sector_names,omitempty"`
	Links              []ExportedLink    `json:"links"`
	Messages           []ExportedMessage `json:"messages"`
}

// ExportedAccount is the account itself.
type ExportedAccount struct {
	Subject    account.ID `json:"sub"`
	Address    string     `json:"address"`
	Login      string     `json:"login,omitempty"` // what names it, where there is no address
	Verified   time.Time  `json:"address_verified_at,omitzero"`
	GivenName  string     `json:"given_name"`
	FamilyName string     `json:"family_name"`
	Language   string     `json:"language"`
	Created    time.Time  `json:"created_at"`
}

// ExportedPending is an address that waits to be confirmed.
type ExportedPending struct {
	Address   string    `json:"address"`
	Requested time.Time `json:"requested_at"`
	Expires   time.Time `json:"expires_at"`
}

// ExportedPerson is a row of an employer's register that is connected to the account.
type ExportedPerson struct {
	Organisation string          `json:"organisation"`
	Name         string          `json:"organisation_name"`
	Key          string          `json:"person_key"`
	GivenName    string          `json:"given_name"`
	FamilyName   string          `json:"family_name"`
	Address      string          `json:"address"`
	Employments  json.RawMessage `json:"employments"`
	Connected    time.Time       `json:"connected_at"`
}

// ExportedPassword says that there is a password.
type ExportedPassword struct {
	Changed   time.Time `json:"changed_at"`
	Suspended time.Time `json:"suspended_at,omitzero"`
}

// ExportedApp is an authenticator app.
type ExportedApp struct {
	Name  string    `json:"name"`
	Added time.Time `json:"added_at"`
	Used  time.Time `json:"used_at,omitzero"`
	// Paired says that it is a phone that approves sign-ins, and Language what it is spoken to in.
	Paired   bool   `json:"paired"`
	Language string `json:"language,omitempty"`
}

// ExportedCode says that there is a recovery code.
type ExportedCode struct {
	Made time.Time `json:"made_at"`
}

// ExportedSession is a device that is or was signed in.
type ExportedSession struct {
	ID        string    `json:"id"`
	UserAgent string    `json:"user_agent"`
	IP        string    `json:"ip"`
	ACR       string    `json:"acr"`
	AMR       []string  `json:"amr"`
	Proven    time.Time `json:"signed_in_at"`
	Created   time.Time `json:"created_at"`
	Seen      time.Time `json:"last_seen_at"`
	Expires   time.Time `json:"expires_at"`
	Ended     time.Time `json:"ended_at,omitzero"`
	EndedBy   string    `json:"ended_by,omitempty"`
}

// ExportedBrowser is a browser that skips the second proof.
type ExportedBrowser struct {
	UserAgent string    `json:"user_agent"`
	IP        string    `json:"ip"`
	Created   time.Time `json:"created_at"`
	Expires   time.Time `json:"expires_at"`
}

// ExportedName is a name by which the apps of one sector know the person.
type ExportedName struct {
	Sector  string    `json:"sector"`
	Subject string    `json:"sub"`
	Created time.Time `json:"created_at"`
}

// ExportedGrant is what an app may do, or could until lately.
type ExportedGrant struct {
	ClientID string    `json:"client_id"`
	App      string    `json:"app"`
	Scope    string    `json:"scope"`
	Offline  bool      `json:"outlives_session"`
	Session  string    `json:"session"`
	Created  time.Time `json:"created_at"`
	Used     time.Time `json:"used_at"`
	Expires  time.Time `json:"expires_at"`
	Ended    time.Time `json:"ended_at,omitzero"`
}

// ExportedLink is a one-time link that was asked for.
type ExportedLink struct {
	Purpose string    `json:"purpose"`
	Created time.Time `json:"created_at"`
	Expires time.Time `json:"expires_at"`
	Used    time.Time `json:"used_at,omitzero"`
}

// ExportedMessage is a mail or another message to the person.
type ExportedMessage struct {
	Channel  string    `json:"channel"`
	Template string    `json:"template"`
	To       string    `json:"to"`
	Created  time.Time `json:"created_at"`
	State    string    `json:"state"`
	Finished time.Time `json:"finished_at,omitzero"`
	// Answer is what the other side said as it took the message; BounceReason, of a mail that came back, what was said then.
	Answer       string    `json:"answer,omitempty"`
	Bounced      time.Time `json:"bounced_at,omitzero"`
	BounceReason string    `json:"bounce_reason,omitempty"`
}

// exportedLine is a line of the audit log.
type exportedLine struct {
	At       time.Time         `json:"at"`
	Kind     audit.Kind        `json:"kind"`
	Actor    string            `json:"actor"`
	App      string            `json:"app,omitempty"`
	ClientID string            `json:"client_id,omitempty"`
	Session  string            `json:"session,omitempty"`
	Detail   map[string]string `json:"detail,omitempty"`
	Personal map[string]string `json:"personal,omitempty"`
}

// ExportStore is the part of Store about the export.
type ExportStore interface {
	// FindExport reads all of an export but the account and the lines of the audit log.
	FindExport(ctx context.Context, acc account.Account) (Export, error)
}

// WriteExport writes the owner's data as one JSON object; begin is called before the first byte of it. It fails with
// authn.ErrStale. After begin a failure leaves half an object.
func (s *Service) WriteExport(ctx context.Context, o authn.Owner, begin func() io.Writer) error {
	_, acc, _, err := s.Authn.Fresh(ctx, o)
	if err != nil {
		return err
	}
	err = s.InTx(ctx, func(tx Tx) error {
		return tx.Append(ctx, audit.Event{Kind: audit.Exported, At: s.Now(), Actor: "account", Account: acc.ID,
			Personal: audit.From(o.Browser.Device.Address, o.Browser.Device.UserAgent)})
	})
	if err != nil {
		return err
	}
	export, err := s.Store.FindExport(ctx, acc)
	if err != nil {
		return fmt.Errorf("find export: %w", err)
	}
	if export.Phone, err = s.exportedPhone(ctx, acc.ID); err != nil {
		return err
	}
	export.Format, export.Made = ExportFormat, s.Now().UTC()
	head, err := json.MarshalIndent(export, "", "  ")
	if err != nil {
		return fmt.Errorf("encode export: %w", err)
	}
	return s.stream(ctx, acc.ID, head[:len(head)-len("\n}")], begin())
}

// stream writes the object that head begins, and in it the account's lines, newest first, a bite at a time: an account may have
// a great many.
func (s *Service) stream(ctx context.Context, id account.ID, head []byte, w io.Writer) error {
	if _, err := w.Write(append(head, ",\n  \"activity\": ["...)); err != nil {
		return err
	}
	between := "\n    "
	for after := (Place{}); ; {
		lines, err := s.Store.ListLines(ctx, id, after, activityBite)
		if err != nil {
			return fmt.Errorf("list lines: %w", err)
		}
		for _, l := range lines {
			after = Place{At: l.At, ID: l.ID}
			text, err := json.Marshal(exportedLine{At: l.At, Kind: l.Kind, Actor: l.Actor, App: l.App, ClientID: l.Client, Session: l.Session,
				Detail: l.Detail, Personal: l.Personal})
			if err != nil {
				return fmt.Errorf("encode line: %w", err)
			}
			if _, err := io.WriteString(w, between+string(text)); err != nil {
				return err
			}
			between = ",\n    "
		}
		if len(lines) < activityBite {
			_, err := io.WriteString(w, "\n  ]\n}\n")
			return err
		}
	}
}
