package register

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// Field is what a column holds.
type Field string

// The fields of an entry.
const (
	Ignore       Field = ""
	PersonKey    Field = "person_key"
	Source       Field = "source"
	LegacyID     Field = "legacy_id"
	GivenName    Field = "given_name"
	FamilyName   Field = "family_name"
	FullName     Field = "full_name"
	Address      Field = "address"
	Phone        Field = "phone"
	Language     Field = "language"
	Company      Field = "company"
	Unit         Field = "unit"
	From         Field = "from"
	To           Field = "to"
	PasswordHash Field = "password_hash"
)

// Fields lists all fields in the order in which a person is asked for them.
func Fields() []Field {
	return []Field{PersonKey, GivenName, FamilyName, FullName, Address, Phone, Language, LegacyID, Company, Unit, From, To, Source, PasswordHash}
}

// IsField says whether there is such a field.
func (f Field) IsField() bool { return slices.Contains(Fields(), f) }

// Mapping says for each column which field it holds.
type Mapping []Field

// Why a mapping is refused.
var (
	ErrNoKey        = errors.New("no column holds the person key")
	ErrNoName       = errors.New("no column holds the name")
	ErrTwice        = errors.New("two columns hold the same field")
	ErrUnknownField = errors.New("there is no such field")
	ErrNoColumn     = errors.New("the file has no such column")
)

// Check refuses a mapping that cannot lead to persons.
func (m Mapping) Check(columns int) error {
	if len(m) > columns {
		return ErrNoColumn
	}
	seen := map[Field]bool{Ignore: true}
	for _, f := range Fields() {
		seen[f] = false
	}
	for _, f := range m {
		there, known := seen[f]
		switch {
		case !known:
			return fmt.Errorf("%w: %q", ErrUnknownField, f)
		case there && f != Ignore:
			return fmt.Errorf("%w: %s", ErrTwice, f)
		}
		seen[f] = true
	}
	switch {
	case !seen[PersonKey]:
		return ErrNoKey
	case !seen[GivenName] && !seen[FamilyName] && !seen[FullName]:
		return ErrNoName
	}
	return nil
}

// With puts a column to a field by the column's name, in place of what the mapping had there.
func (m Mapping) With(f Field, column string, header []string) (Mapping, error) {
	out := make(Mapping, len(header))
	copy(out, m)
	at := -1
	for i, name := range header {
		if plain(name) == plain(column) {
			at = i
			break
		}
	}
	if at < 0 {
		return nil, fmt.Errorf("%w: %q", ErrNoColumn, column)
	}
	for i := range out {
		if out[i] == f {
			out[i] = Ignore
		}
	}
	out[at] = f
	return out, nil
}

// Fingerprint is the same for two files with the same columns, by which a mapping is remembered.
func Fingerprint(header []string) string {
	var all []string
	for _, name := range header {
		all = append(all, plain(name))
	}
	sum := sha256.Sum256([]byte(strings.Join(all, "\n")))
	return hex.EncodeToString(sum[:])
}

// plain is a column's name without what differs between two exports of one system: case, spaces and signs.
func plain(name string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, norm.NFC.String(name))
}

// usual are names that columns have in Swedish and English exports, without spaces and signs. The earlier of two
// names is the better one: a file with "Anställningsnummer" and "Personnummer" has its key in the first.
var usual = []struct {
	field Field
	names string
}{
	{PersonKey, `personkey anställningsnummer anstnr anställningsnr anställnr anstallningsnummer employeeid employeenumber employeeno
		personnelnumber personid hrid anställningsid medarbetarid medarbetarnummer workerid staffid staffnumber empid empno personnummer personnr
		nationalidentitynumber socialsecuritynumber ssn`},
	{GivenName, "givenname förnamn fornamn firstname tilltalsnamn fname forename"},
	{FamilyName, "familyname efternamn lastname surname lname"},
	{FullName, "fullname namn name fullständigtnamn helanamnet employee employeename anställd medarbetare displayname person"},
	{Address, `address email epost epostadress emailaddress mail mailadress mejl mejladress epostjobb jobbepost workemail arbetsepost epostarbete
		emailwork primaryemail eposten epostprivat privatepost privateemail`},
	{Phone, `phone mobil mobiltelefon mobilnummer mobile mobilephone mobilenumber cellphone cell telefon telefonnummer phonenumber telephone
		mobilprivat mobilarbete telefonmobil tel`},
	{Language, "language språk sprak lang languagecode språkkod locale preferredlanguage"},
	{LegacyID, `legacyid användarnamn anvandarnamn username login loginname logon userid användarid användare inloggning inloggningsnamn user alias
		signatur samaccountname`},
	{Company, "company företag foretag bolag employer arbetsgivare legalentity organisation organization bolagsnamn företagsnamn companyname"},
	{Unit, `unit avdelning department enhet orgunit organisationsenhet kostnadsställe costcenter costcentre division arbetsplats team grupp
		departmentname avdelningsnamn`},
	{From, `from anställningsdatum anställdfrom anställdfrån startdatum startdate fromdate fromdatum hiredate anställningsstart employedfrom
		datumfrom fromochmed fom employmentdate start börjar`},
	{To, `to slutdatum enddate todate tomdatum terminationdate anställdtom anställdtill anställningsslut tom tillochmed employedto
		avgångsdatum slutat datumtom leavedate end slutar`},
	{Source, "source källa register system sourcesystem källsystem"},
	{PasswordHash, "passwordhash lösenordshash hash hashedpassword pwdhash lösenhash"},
}

// Guess says what the columns seem to hold.
func Guess(header []string) Mapping {
	m := make(Mapping, len(header))
	for _, u := range usual {
		at := -1
		for _, name := range strings.Fields(u.names) {
			for i, column := range header {
				if at < 0 && m[i] == Ignore && plain(column) == name {
					at = i
				}
			}
		}
		if at >= 0 {
			m[at] = u.field
		}
	}
	return m
}

// Plausible says whether a table with such columns could be a register: something may be a key or a name.
func (m Mapping) Plausible() bool {
	for _, f := range m {
		switch f {
		case PersonKey, GivenName, FamilyName, FullName:
			return true
		}
	}
	return false
}
