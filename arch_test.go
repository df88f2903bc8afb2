// Package portvakt_test holds the house rules as tests: which package may import which, who may know of HTTP and SQL,
// that a GET changes nothing, and that the written map is the real one. The map is in this file, the checks are in
// arch_check_test.go, and arch_bite_test.go shows on small wrong examples that they notice.
package portvakt_test

import (
	"crypto/sha256"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// update rewrites the generated files instead of comparing them: go test . -update, or make docs.
var update = flag.Bool("update", false, "rewrite the generated files")

// layer is what kind of thing a package is. It decides in which direction it may import.
type layer string

const (
	command       layer = "command"
	root          layer = "composition root"
	settings      layer = "settings"
	door          layer = "door"
	kit           layer = "kit of the doors"
	flow          layer = "flow"
	funnel        layer = "funnel"
	authenticator layer = "authenticator"
	noun          layer = "noun"
	engine        layer = "engine"
	tool          layer = "tool"
	testKit       layer = "test kit"
	sample        layer = "sample"
)

// arrows are the design's: cmd → app → doors → flows → authn → authenticators → nouns. A layer may leave out one
// below it. Engines stand beside the column: they fulfil interfaces that flows and nouns declare, and the root
// alone joins them.
var arrows = map[layer][]layer{
	command:       {root, settings, door, noun, engine, tool},
	root:          {root, settings, door, kit, flow, funnel, authenticator, noun, engine, sample},
	settings:      {noun},
	door:          {kit, flow, funnel, noun},
	kit:           {kit, funnel, noun},
	flow:          {funnel, authenticator, noun},
	funnel:        {authenticator, noun},
	authenticator: {noun},
	noun:          {noun},
	engine:        {flow, funnel, authenticator, noun},
	tool:          {root, kit, authenticator, noun, testKit},
	testKit:       {testKit, engine},
	sample:        {},
}

// exceptions are edges against the arrows, each with its reason. The design names one (transition → provisioning).
var exceptions = map[string]string{}

// room is one package: its layer, and the packages of ours that it imports, no more and no less.
type room struct {
	layer layer
	uses  string // below internal/, unless it begins with ./, samples/ or e2e/
}

// imports are the folders that the room may import.
func (r room) imports() []string {
	var all []string
	for _, name := range strings.Fields(r.uses) {
		if below, ok := strings.CutPrefix(name, "./"); ok {
			name = below
		} else if !strings.HasPrefix(name, "samples/") && !strings.HasPrefix(name, "e2e/") {
			name = "internal/" + name
		}
		all = append(all, name)
	}
	return all
}

// theHouse is the import map. ARCHITECTURE.md shows it; make docs writes it there.
var theHouse = map[string]room{
	"cmd/portvakt": {command, "app config control demo guide illustrator locale secret selftest store terminal"},

	"internal/app": {root, `api idempotency account bounce dkim organisation admin administration auditing authenticatorapp authn clientregistration config control docs enrolment geo grant housekeeping job locale mail myaccount oidc outbound outbox
		password preparation provisioning push recovery robot secret signin signingkey phone sms store transition ui vapid visitor web webpush`},
	"internal/demo": {root, `administrator app config control organisation person provisioning recoverycode secret totp samples/hrm samples/hrmmobile samples/inbox`},

	"internal/selftest": {root, "app config control password person provisioning secret store totp"},

	"internal/config": {settings, "secret"},

	"internal/admin":            {door, "account administration administrator audit authn dkim enrolment job locale organisation outbox preparation provisioning recovery register secret signin transition visitor web"},
	"internal/api":              {door, "account administration administrator authn dkim enrolment grant idempotency job organisation outbox preparation provisioning recovery register relyingparty signingkey transition web"},
	"internal/authenticatorapp": {door, "authn enrolment grant locale session signin signingkey web"},
	"internal/control":          {door, "dkim administration administrator audit auditing clientregistration enrolment organisation provisioning register relyingparty signingkey transition vapid"},
	"internal/oidc":             {door, "authn clientregistration grant relyingparty secret session signin signingkey strictjson visitor web"},
	"internal/docs":             {door, "web ./docs"},
	"internal/ui":               {door, "account audit authn enrolment grant myaccount onetime organisation preparation recovery relyingparty secret session signin transition visitor web"},

	"internal/visitor": {kit, "authn secret session web"},
	"internal/web":     {kit, "locale"},

	"internal/administration":     {flow, "account administrator audit authn organisation secret session"},
	"internal/enrolment":          {flow, "account administrator audit authn organisation outbox password phone push recoverycode secret signingkey token totp"},
	"internal/auditing":           {flow, "audit signingkey"},
	"internal/clientregistration": {flow, "audit organisation relyingparty secret signingkey throttle token"},
	"internal/grant":              {flow, "account audit authn outbox person relyingparty secret session signingkey strictjson throttle token"},
	"internal/housekeeping":       {flow, "audit authn idempotency session"},
	"internal/myaccount":          {flow, "account audit authn onetime outbox password push secret session throttle"},
	"internal/preparation":        {flow, "account administrator audit authn job organisation outbox password person relyingparty secret throttle"},
	"internal/provisioning":       {flow, "dkim account administrator audit authn job organisation password person recoverycode register secret totp"},
	"internal/recovery":           {flow, "account administrator audit authn onetime organisation outbox password secret session throttle"},
	"internal/transition":         {flow, "account administrator audit authn job organisation outbox password person relyingparty secret session"},
	"internal/signin":             {flow, "password account audit authn organisation outbox push relyingparty secret session throttle"},

	"internal/authn": {funnel, "account audit onetime organisation outbox password phone push recoverycode secret session smscode throttle totp"},

	"internal/password":     {authenticator, "secret"},
	"internal/push":         {authenticator, "account secret signingkey"},
	"internal/recoverycode": {authenticator, "secret"},
	"internal/smscode":      {authenticator, "phone secret"},
	"internal/totp":         {authenticator, "secret"},

	"internal/account":       {noun, "phone"},
	"internal/administrator": {noun, "account audit organisation"},
	"internal/audit":         {noun, "account"},
	"internal/locale":        {noun, ""},
	"internal/onetime":       {noun, "account secret"},
	"internal/organisation":  {noun, ""},
	"internal/outbox":        {noun, "account audit organisation secret"},
	"internal/person":        {noun, "account organisation"},
	"internal/phone":         {noun, ""},
	"internal/relyingparty":  {noun, "organisation secret"},
	"internal/secret":        {noun, ""},
	"internal/session":       {noun, "account secret"},
	"internal/signingkey":    {noun, "audit secret strictjson"},
	"internal/strictjson":    {noun, ""},
	"internal/throttle":      {noun, ""},
	"internal/vapid":         {noun, "audit secret"},
	"internal/token":         {noun, "account secret session"},
	"internal/idempotency":   {noun, "secret"},
	"internal/job":           {noun, "account organisation secret"},
	"internal/dkim":          {noun, "administrator audit organisation secret"},
	"docs":                   {noun, ""},
	"internal/register":      {noun, "account person"},

	"internal/bounce":      {engine, "outbox"},
	"internal/geo":         {engine, ""},
	"internal/illustrator": {engine, "organisation transition"},
	"internal/mail":        {engine, "dkim organisation locale onetime outbox recovery secret"},
	"internal/outbound":    {engine, "outbox secret session signingkey"},
	"internal/robot":       {engine, "recovery secret"},
	"internal/sms":         {engine, "locale outbox phone secret smscode"},
	"internal/store": {engine, `idempotency dkim account administration administrator audit auditing authn clientregistration enrolment grant housekeeping job myaccount onetime organisation outbox password
		person preparation provisioning push recovery register relyingparty secret session signin signingkey throttle token transition vapid`},
	"internal/webpush": {engine, "outbox push secret vapid"},

	"internal/password/commongen": {tool, "password"},
	"internal/terminal":           {tool, ""},
	"internal/guide":              {tool, "app demo locale organisation password web e2e/journey"},

	"internal/locale/localetest": {testKit, ""},
	"internal/store/pgtest":      {testKit, ""},
	"internal/store/storetest":   {testKit, "store store/pgtest"},
	"internal/web/webtest":       {testKit, ""},
	"internal/webpush/pushtest":  {testKit, ""},
	"e2e/journey":                {testKit, ""},

	"samples/hrm":       {sample, ""},
	"samples/hrmmobile": {sample, ""},
	"samples/inbox":     {sample, ""},
	"samples/native":    {sample, ""},
}

// foreignRule says who may import a package of others, and why nobody else.
type foreignRule struct {
	prefix string   // of the import path
	layers []layer  // who may
	places []string // who may as well
	why    string
}

func (r foreignRule) allows(place string, l layer) bool {
	return slices.Contains(r.layers, l) || slices.Contains(r.places, place)
}

// theForeign are the rules about packages of others. What is not of the standard library must stand here.
var theForeign = []foreignRule{
	{"net/http", []layer{command, root, door, kit, sample}, []string{"internal/outbound", "internal/sms", "internal/terminal", "internal/webpush", "internal/webpush/pushtest", "e2e/journey"},
		"rules know no HTTP: flows, authn, authenticators and nouns are called by doors of every protocol"},
	{"html/template", nil, []string{"internal/web", "internal/mail", "internal/guide", "samples/hrm", "samples/inbox"},
		"pages are rendered by the kit web, mails by mail, the guide by guide"},
	{"text/template", nil, []string{"internal/mail", "internal/locale"}, "it escapes nothing: only texts that are no HTML go through it"},
	{"database/sql", nil, []string{"internal/store"}, "only store has SQL"},
	{"os/exec", nil, []string{"e2e/journey", "internal/illustrator", "internal/selftest", "internal/store/pgtest", "internal/webpush/pushtest"}, "the product starts no other program, and itself only to be measured, or to draw a guide"},
	{"plugin", nil, nil, "extension points are protocols"},
	{"unsafe", nil, nil, "nothing here needs it"},
	{"net/smtp", nil, nil, "it is frozen; go-mail and go-smtp do it"},

	{"modernc.org/", nil, []string{"internal/store"}, "only store has SQL; the driver needs no C compiler"},
	{"github.com/jackc/pgx/v5", nil, []string{"internal/store", "internal/store/pgtest"}, "only store has SQL"},
	{"github.com/pressly/goose/v3", nil, []string{"internal/store"}, "migrations are the store's"},
	{"github.com/go-jose/go-jose/v4", nil, []string{"internal/signingkey"}, "one place signs and verifies tokens"},
	{"github.com/coreos/go-oidc/v3", nil, []string{"samples/hrm", "samples/native"}, "a customer's library: the product checks itself with it, and is not made of it"},
	{"golang.org/x/oauth2", nil, []string{"samples/hrm", "samples/native"}, "a customer's library"},
	{"github.com/chromedp/", nil, []string{"e2e/journey"}, "a browser is driven by the journeys alone"},
	{"github.com/alecthomas/kong", []layer{command}, []string{"internal/config"}, "the command line and its settings"},
	{"github.com/BurntSushi/toml", nil, []string{"internal/config", "internal/locale"}, "the settings file, and the files of texts"},
	{"github.com/FastFilter/xorfilter", nil, []string{"internal/password", "internal/password/commongen"}, "the list of common passwords"},
	{"golang.org/x/crypto/argon2", nil, []string{"internal/password"}, "one place hashes passwords"},
	{"golang.org/x/crypto/bcrypt", nil, []string{"internal/password"}, "passwords of other systems"},
	{"golang.org/x/crypto/cryptobyte", nil, []string{"internal/signingkey"}, "reads the DER of an ECDSA signature without reflection"},
	{"golang.org/x/crypto/cryptobyte/asn1", nil, []string{"internal/signingkey"}, "its tags"},
	{"golang.org/x/crypto/scrypt", nil, []string{"internal/password"}, "passwords of other systems"},
	{"github.com/go-crypt/crypt", nil, []string{"internal/password"}, "passwords of other systems: SHA-crypt alone, because its collected decoders take plain text too"},
	{"github.com/yuin/goldmark", nil, []string{"internal/docs"}, "makes pages of the documentation"},
	{"golang.org/x/text/unicode/norm", nil, []string{"internal/account", "internal/password", "internal/person", "internal/register"}, "two spellings of one letter are one"},
	{"golang.org/x/text/encoding", nil, []string{"internal/organisation", "internal/register"}, "a logo is read in the encoding that its first line names; a CSV in the one that it is in"},
	{"golang.org/x/text/collate", nil, []string{"internal/person"}, "lists of people are sorted as Swedish sorts"},
	{"golang.org/x/text/language/display", nil, []string{"internal/geo"}, "names of countries"},
	{"golang.org/x/text/language", nil, []string{"internal/geo", "internal/locale", "internal/person", "samples/hrm", "samples/inbox"}, "language tags"},
	{"golang.org/x/text/message", nil, []string{"samples/hrm"}, "amounts on payslips"},
	{"golang.org/x/net/idna", nil, []string{"internal/account", "internal/mail"}, "addresses with å, ä and ö in their domain"},
	{"golang.org/x/net/html", nil, []string{"internal/web/webtest", "samples/inbox"}, "reads the links of a mail, and a page in tests"},
	{"golang.org/x/sys/windows", nil, []string{"internal/store", "internal/terminal"}, "locks the database file, and the file of the terminal's accounts"},
	{"golang.org/x/sync/errgroup", []layer{root}, nil, "what runs side by side is started by a root"},
	{"github.com/nicksnyder/go-i18n/v2", nil, []string{"internal/locale"}, "texts and plurals"},
	{"github.com/go-playground/locales", nil, []string{"internal/locale"}, "dates and numbers"},
	{"github.com/makiuchi-d/gozxing", nil, []string{"internal/authenticatorapp"}, "reads a code in a camera frame, for browsers that cannot"},
	{"golang.org/x/time/rate", []layer{door}, nil, "spares a node's processor; what protects a secret is counted in the database"},
	{"golang.org/x/image", nil, []string{"internal/guide"}, "logos are painted anew before the guide's browser sees them"},
	{"rsc.io/qr", nil, []string{"internal/web"}, "draws the codes that authenticator apps and cameras scan"},
	{"github.com/oschwald/maxminddb-golang/v2", nil, []string{"internal/geo"}, "reads the operator's file of countries"},
	{"github.com/nyaruka/phonenumbers", nil, []string{"internal/phone"}, "which numbers there are, and which of them are mobile phones: every country's rules"},
	{"github.com/maxmind/mmdbwriter", nil, nil, "makes such files for the tests of geo"},
	{"github.com/SherClockHolmes/webpush-go", nil, []string{"internal/webpush"}, "encrypts pushes and signs for push services"},
	{"github.com/mileusna/useragent", nil, []string{"internal/web"}, "the name of a browser and a device"},
	{"github.com/wneessen/go-mail", nil, []string{"internal/mail"}, "one place sends mail"},
	{"github.com/emersion/go-smtp", nil, []string{"internal/bounce", "internal/mail", "internal/selftest", "samples/inbox"}, "SMTP on both sides; the demo's mail server"},
	{"github.com/emersion/go-msgauth", nil, []string{"internal/mail"}, "signs mails (DKIM)"},
	{"github.com/emersion/go-sasl", nil, []string{"internal/mail"}, "authentication at the mail server"},
	{"go.yaml.in/yaml/v3", nil, nil, "reads the manifests of deploy in a test"},
	{"github.com/pquerna/otp", nil, nil, "an oracle for the tests of totp: the product has fifty lines of its own, which tell the step"},
	{"github.com/schollz/progressbar/v3", []layer{command}, nil, "shows how far a long command has come"},
	{"github.com/xuri/excelize/v2", nil, nil, "writes workbooks for the tests of register, as another program does"},
	{"github.com/danielgtaylor/huma/v2", nil, []string{"internal/api"}, "describes the API in OpenAPI from the types that it is made of, and checks requests by them"},
	{"github.com/jhillyerd/enmime/v2", nil, nil, "reads in the tests what mail has sent, by another's eyes"},
	{"github.com/emersion/go-message", nil, []string{"samples/inbox"}, "reads what the inbox shows"},
}

// ruleFor finds the rule of an import path.
func ruleFor(path string) (foreignRule, bool) {
	for _, r := range theForeign {
		if path == strings.TrimSuffix(r.prefix, "/") || strings.HasPrefix(path, strings.TrimSuffix(r.prefix, "/")+"/") {
			return r, true
		}
	}
	return foreignRule{}, false
}

// getsThatMayWrite is the short list of RULES: all other GETs only look, because mail scanners and browsers
// open addresses that nobody has pressed.
var getsThatMayWrite = map[string]string{
	"GET /authorize":                 "keeps a request, or hands out a code, that is too large for a cookie or an address, or hands out tokens of a grant that begins",
	"GET /signin/{attempt}/continue": "hands out a code that is too large for an address, or tokens of a grant that begins",
	"GET /end_session":               "signs out where the hint names this very session",
}

// stateful are packages whose variables change, each with its reason.
var stateful = map[string]string{
	"internal/store/pgtest": "one PostgreSQL serves all tests of a binary",
}

func TestHouseRules(t *testing.T) {
	m := portvakt(t)
	for name, found := range map[string][]string{
		"imports are those of the map":                      checkEdges(m, theHouse),
		"the map follows the arrows":                        checkArrows(theHouse),
		"packages of others have a reason":                  checkForeign(m, theHouse),
		"samples import nothing internal":                   checkSamples(m, theHouse),
		"no package has a vague name":                       checkNames(m),
		"packages and exported names have a comment":        checkComments(m),
		"rules know no clock, environment or dice":          checkPurity(m, theHouse),
		"package variables do not change":                   checkVariables(m, stateful),
		"Verify is called by authn alone":                   checkVerify(m, theHouse),
		"store has a guard for every interface":             checkGuards(m),
		"no GET reaches a transaction that writes":          checkGets(m, getsThatMayWrite),
		"every package of the map and every rule is needed": unneeded(m),
	} {
		t.Run(name, func(t *testing.T) {
			for _, f := range found {
				t.Error(f)
			}
		})
	}
}

// unneeded are lines of the map and of the rules that nothing in the module answers to.
func unneeded(m *module) (found []string) {
	for path := range theHouse {
		if m.packages[path] == nil {
			found = append(found, "the map has "+path+", which does not exist")
		}
	}
	patterns := newWays(m).gets()
	for pattern := range getsThatMayWrite {
		if _, ok := patterns[pattern]; !ok {
			found = append(found, pattern+" may write, but there is no such route")
		}
	}
	for _, r := range theForeign {
		used := false
		for _, p := range m.sorted() {
			paths, _ := imported(p.files)
			used = used || slices.ContainsFunc(paths, func(path string) bool { return strings.HasPrefix(path, r.prefix) })
		}
		if forbidden := len(r.layers)+len(r.places) == 0; !used && !forbidden && !strings.HasPrefix(r.prefix, "text/") {
			found = append(found, "nobody imports "+r.prefix+" any more")
		}
	}
	slices.Sort(found)
	return found
}

// TestReleasedMigrationsAreUnchanged: a database in the field has run them as they were.
func TestReleasedMigrationsAreUnchanged(t *testing.T) {
	files, err := filepath.Glob("internal/store/migrations/*.sql")
	if err != nil || len(files) == 0 {
		t.Fatal("no migrations", err)
	}
	var have strings.Builder
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&have, "%x  %s\n", sha256.Sum256(text), filepath.Base(f))
	}
	golden(t, "testdata/migrations.sha256", have.String(),
		"A migration that was released is never changed: write a new one. After adding one, or while the last one is unreleased: make docs")
}

// golden compares a generated text with its file, or rewrites the file.
func golden(t *testing.T, file, want, advice string) {
	t.Helper()
	have, err := os.ReadFile(file)
	if string(have) == want {
		return
	}
	if *update {
		if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	t.Errorf("%s is not what it should be (%v). %s\n%s", file, err, advice, firstDifference(string(have), want))
}

func firstDifference(have, want string) string {
	h, w := strings.Split(have, "\n"), strings.Split(want, "\n")
	for i := range min(len(h), len(w)) {
		if h[i] != w[i] {
			return fmt.Sprintf("line %d\n have: %s\n want: %s", i+1, h[i], w[i])
		}
	}
	return fmt.Sprintf("%d lines instead of %d", len(h), len(w))
}
