package demo

import (
	"bytes"
	"encoding/csv"
	"fmt"
)

// Preparation is the phase in which nobody has moved yet.
const Preparation = "preparation"

// OldPassword is Bo's in the old HR system. The register's file has it as that system kept it, and it opens his account once.
const OldPassword = "vintervägen hem i snö"

// oldHash is OldPassword as ASP.NET Identity (version 3) keeps it: PBKDF2 with HMAC-SHA-512, 100,000 rounds.
const oldHash = "AQAAAAIAAYagAAAAEGxhbnRlcm5hIHZpZCB2aWtwNS9KhgGEqtcA4T028AFBVck6GSpfIH8c81au48Zkuw=="

// RegisterFile is what comes from the payroll system: a table as a Swedish spreadsheet program writes it, with some of the mistakes
// that such tables have. Eva is not in it: she is there already.
func RegisterFile(people int) []byte {
	var b bytes.Buffer
	b.WriteString("\ufeff")
	w := csv.NewWriter(&b)
	w.Comma, w.UseCRLF = ';', true
	write := func(cells ...string) { w.Write(cells) } //nolint:errcheck // a bytes.Buffer cannot fail
	write("Anställningsnummer", "Förnamn", "Efternamn", "E-post", "Mobil", "Språk", "Bolag", "Enhet", "Anställd från", "Användarnamn", "Lösenordshash")
	for _, p := range People() {
		if p.Role != "" {
			continue
		}
		hash := ""
		if p.Given == "Bo" {
			hash = oldHash
		}
		write(p.Key, p.Given, p.Family, p.Address, "", "sv", employer, p.Unit, "2020-03-01", "user"+p.Key, hash)
	}
	for i, p := range crowd(people - len(People())) {
		address := p.Address
		switch { // one of each kind, as the pre-flight finds them
		case i == 3 || i == 4:
			address = "lager@" + domain
		case i == 7:
			address = ""
		case i == 9:
			address = "medarbetare10(at)" + domain
		case i == 11 || i == 12:
			address = "familjen.holm@" + domain
		case i == 15:
			address = "bounce.p16@" + domain // accepted, and sent back
		}
		write(p.Key.Reveal(), p.GivenName, p.FamilyName, address, "", "sv", employer, p.Employments[0].Unit, p.Employments[0].From, fmt.Sprint("user", p.Key.Reveal()), "")
	}
	w.Flush()
	return b.Bytes()
}
