package transition

import (
	"fmt"
	"strings"

	"github.com/portvakt/portvakt/internal/account"
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

// checkHash says whether an old password's hash can be verified here.
func checkHash(hash string) error {
	_, err := password.ParseImported(hash)
	return err
}
