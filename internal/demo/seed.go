package demo

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"

	"github.com/portvakt/portvakt/internal/administrator"
	"github.com/portvakt/portvakt/internal/control"
	"github.com/portvakt/portvakt/internal/organisation"
	"github.com/portvakt/portvakt/internal/person"
	"github.com/portvakt/portvakt/internal/provisioning"
	"github.com/portvakt/portvakt/internal/recoverycode"
	"github.com/portvakt/portvakt/internal/totp"
	"github.com/portvakt/portvakt/samples/hrm"
)

const (
	organisationID = "foretaget"
	employer       = "Företaget AB"
	domain         = "foretaget.example"
)

// Password is that of Bo, Cilla and Eva.
const Password = "lugn sjö i morgonljus"

// What Cilla has beside her password: the key in her authenticator app, and the recovery code that she has written down.
const (
	CillasKey      = "K5XW6ZDTNR2WG2ZAORUGS4ZANF2CA5DP"
	CillasRecovery = "C1LL-A7BE-RG00-WR1T-E5D0"
)

// Person is one of the people whom the demo knows by name.
type Person struct {
	Key        string
	Given      string
	Family     string
	Address    string
	Title      string
	Unit       string
	Verified   bool
	Password   string
	Role       string // as an administrator; empty: none
	MFA        bool   // has an authenticator app and a recovery code
	Suggestion string // what to try
}

// People are the ones with a name. The rest of the register is made up.
func People() []Person {
	return []Person{
		{Key: "1001", Given: "Anna", Family: "Svensson", Address: "anna.svensson@" + domain, Title: "Lagermedarbetare", Unit: "Lager", Verified: true,
			Suggestion: "verified, no password yet: Glömt ditt lösenord"},
		{Key: "1002", Given: "Bo", Family: "Lind", Address: "bo.lind@" + domain, Title: "Säljare", Unit: "Butik", Verified: true, Password: Password,
			Suggestion: "has a password"},
		{Key: "1003", Given: "Cilla", Family: "Berg", Address: "cilla.berg@" + domain, Title: "Ekonom", Unit: "Ekonomi", Verified: true, Password: Password,
			MFA: true, Suggestion: "has a password and an authenticator app"},
		{Key: "1004", Given: "David", Family: "Ek", Address: "david.ek@" + domain, Title: "Truckförare", Unit: "Lager",
			Suggestion: "has not verified his address"},
		{Key: "1005", Given: "Eva", Family: "Admin", Address: "eva.admin@" + domain, Title: "HR-chef", Unit: "HR", Verified: true, Password: Password, Role: "owner",
			Suggestion: "administrator, has a password: /admin"},
	}
}

// row is the person's row of the register.
func (p Person) row() *person.Person {
	return &person.Person{Organisation: organisationID, Key: person.Key(p.Key), GivenName: p.Given, FamilyName: p.Family,
		Address: p.Address, Employments: []person.Employment{{Company: employer, Unit: p.Unit, From: "2020-03-01"}}}
}

// clients are the registrations of the two sample apps.
type clients struct{ hrm, mobile control.RP }

// seed makes what is not there yet, through the same doors and flows that an operator uses.
func seed(ctx context.Context, c *control.Client, w *World, o Options) (clients, error) {
	var organisation control.Organisation
	change := control.Organisation{ID: organisationID, Name: employer, MFA: "recommended"}
	if err := c.Do(ctx, http.MethodPost, "/organisations", change, &organisation); err != nil {
		return clients{}, err
	}
	var known []control.RP
	if err := c.Do(ctx, http.MethodGet, "/relying-parties", nil, &known); err != nil {
		return clients{}, err
	}
	if len(known) == 0 {
		if err := seedRegister(ctx, w, o); err != nil {
			return clients{}, err
		}
		if err := seedAdministrators(ctx, c); err != nil {
			return clients{}, err
		}
	}
	var out clients
	var err error
	if out.hrm, err = register(ctx, c, known, hrmRegistration(w.HRM)); err != nil {
		return out, err
	}
	out.mobile, err = register(ctx, c, known, mobileRegistration(w.HRMMobile))
	return out, err
}

func hrmRegistration(base string) control.RP {
	return control.RP{Name: "HRM", Organisations: []string{organisationID}, RedirectURIs: []string{base + "/callback"},
		PostLogoutRedirectURIs: []string{base + "/signed-out"}, InitiateLoginURI: base + "/login", ClientURI: base + "/",
		BackchannelLogoutURI: base + "/backchannel-logout", PKCE: true}
}

func mobileRegistration(base string) control.RP {
	return control.RP{Name: "HRM Mobile", Public: true, Organisations: []string{organisationID}, RedirectURIs: []string{base + "/callback"},
		PostLogoutRedirectURIs: []string{base + "/signed-out"}, InitiateLoginURI: base + "/login", ClientURI: base + "/", PKCE: true,
		RefreshTokens: true, RequireDPoP: true}
}

// register makes the RP, or gives a known one a new secret: the old one was told to nobody who still lives.
func register(ctx context.Context, c *control.Client, known []control.RP, rp control.RP) (control.RP, error) {
	for _, k := range known {
		if k.Name != rp.Name {
			continue
		}
		if k.Public {
			return k, nil
		}
		var fresh control.RP
		err := c.Do(ctx, http.MethodPost, "/relying-parties/"+k.ClientID+"/secret", nil, &fresh)
		k.ClientSecret = fresh.ClientSecret
		return k, err
	}
	var made control.RP
	err := c.Do(ctx, http.MethodPost, "/relying-parties", rp, &made)
	return made, err
}

func seedPeople(ctx context.Context, p *provisioning.Service, size int) error {
	var register []person.Person
	for _, one := range People() {
		row := one.row()
		if !one.Verified {
			register = append(register, *row)
			continue
		}
		newcomer := provisioning.Newcomer{Address: one.Address, Verified: true, GivenName: one.Given, FamilyName: one.Family,
			Password: one.Password, Person: row}
		if one.MFA {
			var err error
			if newcomer.App, err = totp.ParseKey(CillasKey); err != nil {
				return err
			}
			newcomer.Recovery, _ = recoverycode.Parse(CillasRecovery)
		}
		_, err := p.CreateAccount(ctx, newcomer)
		if err != nil {
			return fmt.Errorf("%s: %w", one.Address, err)
		}
	}
	return p.AddPersons(ctx, append(register, crowd(size-len(People()))...))
}

// seedRegister makes the people, or in phase preparation the file that they come from and Eva, who will read it in.
func seedRegister(ctx context.Context, w *World, o Options) error {
	p := w.App.Control.Provisioning
	if o.Phase != Preparation {
		if err := seedPeople(ctx, p, o.People); err != nil {
			return err
		}
		return w.App.Transition.Recheck(ctx, organisationID)
	}
	for _, one := range People() {
		if one.Role == "" {
			continue
		}
		newcomer := provisioning.Newcomer{Address: one.Address, Verified: true, GivenName: one.Given, FamilyName: one.Family, Password: one.Password, Person: one.row()}
		if _, err := p.CreateAccount(ctx, newcomer); err != nil {
			return fmt.Errorf("%s: %w", one.Address, err)
		}
	}
	day := w.App.Transition.Now().AddDate(0, 0, 14)
	if err := w.App.Preparation.SetPhase(ctx, administrator.CommandLine, organisationID, organisation.Preparation, day); err != nil {
		return err
	}
	w.Register = filepath.Join(o.Data, "register.csv")
	return os.WriteFile(w.Register, RegisterFile(o.People), 0o600)
}

func seedAdministrators(ctx context.Context, c *control.Client) error {
	for _, one := range People() {
		if one.Role == "" {
			continue
		}
		in := control.Administrator{Organisation: organisationID, Address: one.Address, Role: one.Role}
		if err := c.Do(ctx, http.MethodPost, "/administrators", in, &in); err != nil {
			return err
		}
	}
	return nil
}

var (
	givenNames = []string{"Maria", "Erik", "Karin", "Lars", "Fatima", "Johan", "Emma", "Ahmed", "Sara", "Anders", "Linnea", "Mikael",
		"Elin", "Oskar", "Amina", "Per", "Hanna", "Viktor", "Ingrid", "Ali", "Malin", "Gustav", "Lena", "Nils"}
	familyNames = []string{"Andersson", "Johansson", "Karlsson", "Nilsson", "Eriksson", "Larsson", "Olsson", "Persson", "Hassan",
		"Gustafsson", "Pettersson", "Jonsson", "Lindberg", "Holm", "Ahmadi", "Sandberg", "Forsberg", "Nyström"}
	units = []string{"Lager", "Butik", "Kundtjänst", "Ekonomi", "Transport"}
)

// crowd is the rest of the register: the same people at each start.
func crowd(n int) []person.Person {
	var all []person.Person
	for i := range max(n, 0) {
		given, family := givenNames[i%len(givenNames)], familyNames[(i*7+i/len(givenNames))%len(familyNames)]
		all = append(all, person.Person{Organisation: organisation.ID(organisationID), Key: person.Key(crowdKey(i)), GivenName: given,
			FamilyName: family, Address: fmt.Sprintf("medarbetare%d@%s", i+1, domain),
			Employments: []person.Employment{{Company: employer, Unit: units[i%len(units)], From: fmt.Sprintf("20%02d-01-01", 10+i%15)}}})
	}
	return all
}

func crowdKey(i int) string { return fmt.Sprint(2001 + i) }

// employees is HRM's own side of the register: HRM knows nothing of Portvakt's tables.
func employees(size int) map[string]hrm.Employee {
	all := map[string]hrm.Employee{}
	for _, p := range People() {
		all[p.Key] = hrm.Employee{FirstName: p.Given, LastName: p.Family, Title: p.Title, Unit: p.Unit}
	}
	for _, p := range crowd(size - len(People())) {
		all[p.Key.Reveal()] = hrm.Employee{FirstName: p.GivenName, LastName: p.FamilyName, Title: "Medarbetare", Unit: p.Employments[0].Unit}
	}
	return all
}
