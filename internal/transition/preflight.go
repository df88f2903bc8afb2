package transition

import (
	"context"
	"fmt"
	"strings"

	"github.com/portvakt/portvakt/internal/account"
	"github.com/portvakt/portvakt/internal/administrator"
	"github.com/portvakt/portvakt/internal/audit"
	"github.com/portvakt/portvakt/internal/organisation"
	"github.com/portvakt/portvakt/internal/password"
	"github.com/portvakt/portvakt/internal/person"
)

// Kind is a kind of finding.
type Kind string

// The kinds of findings. The first six are flags: no mailed link confirms such an address (RULES §7).
const (
	Missing    Kind = Kind(person.Missing)
	Malformed  Kind = Kind(person.Malformed)
	Duplicate  Kind = Kind(person.Duplicate)
	Shared     Kind = Kind(person.Shared)
	Role       Kind = Kind(person.Role)
	Disposable Kind = Kind(person.Disposable)

	Twice     Kind = "twice"     // the register has the same person a second time, by name and address, phone or old user id
	Companies Kind = "companies" // and in another company, under another key
	Hash      Kind = "hash"      // the old password cannot be verified
	Phone     Kind = "phone"     // there is no address, and no mobile phone that could stand in for it

	PhoneShared  Kind = "phone_shared"  // there is no address, and somebody else has the phone too
	PhoneCountry Kind = "phone_country" // there is no address, and no message goes to the phone's country
	ByPhone      Kind = "by_phone"      // there is no address: the person is reached by SMS
)

// Kinds are all kinds, in the order of the report.
func Kinds() []Kind {
	return []Kind{Missing, Phone, PhoneShared, PhoneCountry, ByPhone, Malformed, Duplicate, Shared, Role, Disposable, Twice, Companies, Hash}
}

// Blocks says whether a finding keeps a person from being mailed.
func (k Kind) Blocks() bool {
	switch k {
	case Missing, Malformed, Duplicate, Shared, Role, Disposable:
		return true
	}
	return false
}

// Finding is what is wrong with one person's row.
type Finding struct {
	Kind   Kind
	Detail string
}

// Found is a finding with its person, for the report.
type Found struct {
	Finding
	Person  string
	Name    string
	Address string
}

// Checked is a person as the pre-flight reads her.
type Checked struct {
	person.Person
	Identifier            account.Identifier
	SameMobile            int // how many others have the same mobile phone
	SameAddress, SameName int // how many persons of the organisation have it, she among them; of a name, two are enough to know
	Connected             bool
	Vouched               account.Identifier // of which an administrator says that it is her own; empty: none
}

// bite is how many persons one transaction takes (RULES §10).
const bite = 500

// Preflight looks at all persons of an organisation anew, and says how many it has looked at. It writes in bites, gives way to
// everybody, and may be run again at any time: it finds the same.
func (s *Service) Preflight(ctx context.Context, by administrator.Administrator, o organisation.ID) (int, error) {
	if !by.May(o, administrator.Prepare) {
		return 0, administrator.ErrForbidden
	}
	n, err := s.check(ctx, o, true)
	if err != nil {
		return n, err
	}
	e := by.Event(audit.PreflightRun, o, "", s.Now())
	e.Detail["persons"] = fmt.Sprint(n)
	return n, s.InTx(ctx, func(tx Tx) error { return tx.Append(ctx, e) })
}

// RecheckBite looks at the next persons after the given one whom the pre-flight has not seen as they are now, or who share an address with
// such a person: after an import, where nobody has asked for it. It returns the last of them; empty: there are no more.
func (s *Service) RecheckBite(ctx context.Context, o organisation.ID, after string) (last string, err error) {
	persons, err := s.Store.ListUnchecked(ctx, o, after, bite, false)
	if err != nil || len(persons) == 0 {
		return "", err
	}
	return persons[len(persons)-1].ID, s.checkBite(ctx, o, persons)
}

// check looks at persons in bites: all, or those whom it has not seen as they are now.
func (s *Service) check(ctx context.Context, o organisation.ID, all bool) (n int, err error) {
	for after := ""; ; {
		persons, err := s.Store.ListUnchecked(ctx, o, after, bite, all)
		if err != nil || len(persons) == 0 {
			return n, err
		}
		if err := s.checkBite(ctx, o, persons); err != nil {
			return n, err
		}
		n, after = n+len(persons), persons[len(persons)-1].ID
	}
}

func (s *Service) checkBite(ctx context.Context, o organisation.ID, persons []Checked) error {
	type result struct {
		flag     person.Flag
		findings []Finding
	}
	results := make([]result, len(persons))
	for i, c := range persons {
		var twins []Checked
		if c.SameAddress > 1 || c.SameName > 1 {
			var err error
			if twins, err = s.Store.ListTwins(ctx, o, c); err != nil {
				return fmt.Errorf("list twins: %w", err)
			}
		}
		results[i].flag, results[i].findings = judge(c, twins, s.mayText)
	}
	return s.InBulkTx(ctx, func(tx Tx) error {
		for i, c := range persons {
			if err := tx.SaveChecked(ctx, c, results[i].flag, results[i].findings, s.Now()); err != nil {
				return fmt.Errorf("save what was found: %w", err)
			}
		}
		return nil
	})
}

// manyShare is from how many persons on an address is one that several people read, and not a slip of the pen.
const manyShare = 3

// judge is the pre-flight as a pure function: what is wrong with one person's row, given those with the same address or name. The
// flag is empty where she is connected: her address has been confirmed.
func judge(c Checked, twins []Checked, mayText func(account.Identifier) error) (person.Flag, []Finding) {
	var all []Finding
	add := func(k Kind, detail string) { all = append(all, Finding{k, detail}) }
	switch {
	case strings.TrimSpace(c.Address) == "":
		if k := byPhone(c, mayText); k == ByPhone {
			add(ByPhone, "")
		} else {
			add(Missing, "")
			if k != "" {
				add(k, c.Person.Phone)
			}
		}
	case c.Identifier == "":
		add(Malformed, c.Address)
	default:
		if n := c.SameAddress; n >= manyShare {
			add(Shared, fmt.Sprint(n))
		} else if n == 2 {
			add(Duplicate, nameOf(twins, func(t Checked) bool { return t.Identifier == c.Identifier }))
		}
		vouched := c.Vouched == c.Identifier
		if isRole(c.Identifier) && !vouched {
			add(Role, "")
		}
		if isDisposable(c.Identifier) && !vouched {
			add(Disposable, c.Identifier.Domain())
		}
	}
	for _, t := range twins {
		if !isSame(c, t) {
			continue
		}
		if company(c.Person) != company(t.Person) && company(c.Person) != "" && company(t.Person) != "" {
			add(Companies, company(t.Person))
		} else {
			add(Twice, t.Name())
		}
		break
	}
	if c.ImportedHash != "" {
		if err := checkHash(c.ImportedHash); err != nil {
			add(Hash, "")
		}
	}
	if c.Connected {
		return "", all
	}
	for _, f := range all {
		if f.Kind.Blocks() {
			return person.Flag(f.Kind), all
		}
	}
	return "", all
}

func nameOf(twins []Checked, which func(Checked) bool) string {
	for _, t := range twins {
		if which(t) {
			return t.Name()
		}
	}
	return ""
}

// isSame says whether two rows are one person, as far as a register can tell: the same name, and something else in common.
func isSame(a, b Checked) bool {
	if person.Fold(a.Name()) != person.Fold(b.Name()) || a.Name() == "" {
		return false
	}
	return a.Identifier != "" && a.Identifier == b.Identifier || a.Person.Phone != "" && digits(a.Person.Phone) == digits(b.Person.Phone) ||
		a.LegacyID != "" && a.LegacyID == b.LegacyID
}

func company(p person.Person) string {
	for _, e := range p.Employments {
		return e.Company
	}
	return ""
}

func digits(text string) string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, text)
}

// roles are names before the @ that belong to a task and not to a person, in Swedish and English.
var roles = words(`admin administration administrator anmalan arende bestallning bokning bokforing booking butik butiken chef contact drift
	ekonomi enquiries expedition expeditionen faktura fakturor finance forsaljning helpdesk hello help hr hej info information inkop invoice it itsupport
	jobb jobs kansli kassa kassan kontakt kontor kontoret konferens kundservice kundtjanst kok koket lager lagret lon loner lonekontor mail mailbox marketing
	marknad no-reply noreply office order orders personal personalen post postmaster press produktion reception receptionen registrator sales salj
	security service skola skolan skolskoterska styrelse styrelsen support team transport vaktmastare vaktmastaren verkstad verkstaden webmaster`)

func words(list string) map[string]bool {
	all := map[string]bool{}
	for _, w := range strings.Fields(list) {
		all[w] = true
	}
	return all
}

// plainLetters writes å, ä and ö as addresses usually have them.
var plainLetters = strings.NewReplacer("å", "a", "ä", "a", "ö", "o", "é", "e")

func isRole(id account.Identifier) bool {
	local, _, _ := strings.Cut(string(id), "@")
	local, _, _ = strings.Cut(plainLetters.Replace(local), "+")
	if roles[local] {
		return true
	}
	// lager.goteborg@, info-sverige@, kassa2@
	first := strings.FieldsFunc(local, func(r rune) bool { return r == '.' || r == '-' || r == '_' })
	return len(first) > 0 && len(first) <= 2 && roles[strings.TrimRight(first[0], "0123456789")]
}

// disposable are domains that lend addresses for minutes, and some of their kin.
var disposable = words(`10minutemail.com 10minutemail.net guerrillamail.com guerrillamail.info guerrillamail.net guerrillamail.org mailinator.com maildrop.cc
	mailnesia.com mintemail.com mohmal.com sharklasers.com spam4.me temp-mail.org tempail.com tempmail.com tempmail.net throwawaymail.com trashmail.com
	trashmail.de yopmail.com yopmail.fr yopmail.net getnada.com dispostable.com fakeinbox.com emailondeck.com moakt.com mytemp.email tempinbox.com discard.email
	burnermail.io grr.la mailcatch.com spamgourmet.com tmpmail.org`)

func isDisposable(id account.Identifier) bool { return disposable[id.Domain()] }

// Report is what the pre-flight has found.
type Report struct {
	Counts    map[Kind]int
	Unchecked int // persons whom it has not seen as they are now
	Total     int
}

// Report counts what was found last.
func (s *Service) Report(ctx context.Context, o organisation.ID) (Report, error) {
	counts, err := s.Store.CountFindings(ctx, o)
	if err != nil {
		return Report{}, fmt.Errorf("count findings: %w", err)
	}
	unchecked, err := s.Unchecked(ctx, o)
	if err != nil {
		return Report{}, err
	}
	persons, err := s.Store.CountPersons(ctx, o, s.Now())
	return Report{Counts: counts, Unchecked: unchecked, Total: persons.Total}, err
}

// Unchecked counts the persons whom the pre-flight has not seen as they are now. A report counts everybody besides, which costs more.
func (s *Service) Unchecked(ctx context.Context, o organisation.ID) (int, error) {
	n, err := s.Store.CountUnchecked(ctx, o)
	if err != nil {
		return 0, fmt.Errorf("count the unchecked: %w", err)
	}
	return n, nil
}

// Findings lists up to n findings of a kind (” all) after a person's id.
func (s *Service) Findings(ctx context.Context, o organisation.ID, kind Kind, after string, n int) ([]Found, error) {
	return s.Store.ListFindings(ctx, o, kind, after, n)
}

// Outlook is who would get in today, and why not the others.
type Outlook struct {
	Password  int // by a password of ours
	Imported  int // by the old one, which is checked at the first login
	Link      int // by a mailed link: the address is confirmed, and there is no password
	Confirm   int // after confirming the address, which the login page offers to whoever asks for a link
	Bounced   int // not: the mail came back
	Flags     map[Kind]int
	Exempt    int
	Left      int
	Total     int
	Switched  bool
	Unchecked int
}

// In is how many would get in.
func (o Outlook) In() int {
	n := o.Password + o.Imported + o.Link
	if o.Switched {
		n += o.Confirm
	}
	return n
}

// Simulate says how many would get in today, in the phase that is asked for. It changes nothing.
func (s *Service) Simulate(ctx context.Context, o organisation.ID, switched bool) (Outlook, error) {
	c, err := s.Store.CountPersons(ctx, o, s.Now())
	if err != nil {
		return Outlook{}, fmt.Errorf("count persons: %w", err)
	}
	unchecked, err := s.Unchecked(ctx, o)
	if err != nil {
		return Outlook{}, err
	}
	look := Outlook{Imported: c.Imported, Link: c.Of(Verified) - c.Imported, Bounced: c.Of(Bounced), Flags: map[Kind]int{}, Exempt: c.Of(Exempt), Left: c.Of(Left),
		Total: c.Total, Switched: switched, Unchecked: unchecked}
	look.Password = c.Of(Password) + c.Of(SignedIn) + c.Of(Second)
	look.Confirm = c.Of(Waiting) + c.Of(Mailed) + c.Of(Delivered) + c.Of(Opened)
	for flag, n := range c.Flags {
		look.Flags[Kind(flag)] = n
	}
	return look, nil
}

// checkHash says whether an old password's hash can be verified here.
func checkHash(hash string) error {
	_, err := password.ParseImported(hash)
	return err
}
