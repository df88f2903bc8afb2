package app_test

import (
	"encoding/json"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/portvakt/portvakt/internal/api"
)

// offered says for each thing that the console does by which operations of the API a program does it. Where a program cannot, there is
// a reason instead.
var offered = map[string]struct {
	operations string // their ids
	reason     string
}{
	"POST /preflight":                  {operations: "run-preflight"},
	"POST /import":                     {operations: "upload-import"},
	"POST /import/{import}/begin":      {operations: "begin-import"},
	"POST /import/{import}/move":       {operations: "pause-import resume-import cancel-import"},
	"POST /holds":                      {operations: "decide-hold"},
	"POST /phase":                      {operations: "set-phase"},
	"POST /mailings/move":              {operations: "pause-mailing resume-mailing cancel-mailing"},
	"POST /proposals":                  {operations: "decide-proposal"},
	"POST /bulk":                       {operations: "create-mailing exempt-person"},
	"POST /people/{person}/send":       {operations: "send-to-person"},
	"POST /help":                       {operations: "search-people"},
	"POST /people/{person}/address":    {operations: "correct-address"},
	"POST /people/{person}/phone":      {operations: "reach-by-sms"},
	"POST /people/{person}/vouch":      {operations: "vouch-person"},
	"POST /people/{person}/exempt":     {operations: "exempt-person"},
	"POST /people/{person}/include":    {operations: "include-person"},
	"POST /people/{person}/disconnect": {operations: "disconnect-person"},
	"POST /people/{person}/settled":    {operations: "settle-person"},
	"POST /people/{person}/recover":    {operations: "recover-person"},
	"POST /people/{person}/code":       {reason: "it asks for the administrator's own proof, not older than five minutes"},
	"POST /people/{person}/unpaired":   {reason: "it asks for the administrator's own proof, not older than five minutes"},
	"POST /sheets":                     {operations: "print-sheets"},
	"POST /people/{person}/sheet":      {operations: "print-sheets"},
	"POST /approvals":                  {reason: "four eyes are two people's, and it asks for the administrator's own proof"},
	"GET /approvals":                   {operations: "list-approvals"},
	"POST /settings":                   {operations: "change-organisation"},
	"POST /look":                       {operations: "change-organisation set-logo remove-logo"},
	"POST /sender":                     {operations: "set-sender"},
	"POST /sender/keys":                {operations: "make-sender-key activate-sender-key remove-sender-key"},
	"POST /guide":                      {reason: "a program runs portvakt guide, which draws the same"},
	"POST /administrators":             {operations: "appoint-administrator"},
	"POST /administrators/dismiss":     {operations: "dismiss-administrator"},

	"POST /transition":                  {operations: "list-people"},
	"GET /transition":                   {operations: "get-transition list-people"},
	"GET /transition.csv":               {operations: "list-people"},
	"GET /preflight":                    {operations: "get-preflight list-findings simulate"},
	"GET /preflight.csv":                {operations: "list-findings"},
	"GET /import":                       {operations: "list-imports"},
	"GET /import/{import}":              {operations: "get-import list-import-problems"},
	"GET /import/{import}/problems.csv": {operations: "list-import-problems"},
	"GET /holds":                        {operations: "list-holds"},
	"GET /mailings":                     {operations: "get-phase list-mailings get-mailing list-proposals"},
	"GET /bulk":                         {operations: "list-people"},
	"GET /sheets":                       {operations: "list-unaddressed"},
	"GET /guide":                        {reason: "a program runs portvakt guide, which draws the same"},
	"GET /guide/{language}/{audience}/{file...}": {reason: "a program runs portvakt guide, which draws the same"},
	"GET /help":            {reason: "a field to search in"},
	"GET /people/{person}": {operations: "get-person list-person-mails list-person-history"},
	"GET /settings":        {operations: "get-organisation"},
	"GET /logo":            {reason: "anybody may see it at /brand"},
	"GET /sender":          {operations: "get-sender"},
	"GET /administrators":  {operations: "list-administrators"},
	"GET /log":             {operations: "list-log"},
}

// alone are operations that the console needs no page for.
var alone = map[string]bool{"list-organisations": true}

// described are the statuses that each operation answers, by its method and its path.
var described = sync.OnceValue(func() map[string]map[string]any {
	var doc struct {
		Paths map[string]map[string]struct{ Responses map[string]any }
	}
	if err := json.Unmarshal(api.Document(), &doc); err != nil {
		panic(err)
	}
	all := map[string]map[string]any{}
	for path, methods := range doc.Paths {
		for method, op := range methods {
			all[strings.ToUpper(method)+" "+path] = op.Responses
		}
	}
	return all
})

// isDescribed holds that the document tells of an answer. An address that it does not know is none of its business.
func isDescribed(t testing.TB, method, path string, status int) {
	t.Helper()
	path, _, _ = strings.Cut(path, "?")
	have := strings.Split(path, "/")
	for pattern, statuses := range described() {
		of, template, _ := strings.Cut(pattern, " ")
		want := strings.Split(template, "/")
		fits := of == method && len(want) == len(have)
		for i := 0; fits && i < len(want); i++ {
			fits = want[i] == have[i] || strings.HasPrefix(want[i], "{")
		}
		if fits && statuses[strconv.Itoa(status)] == nil {
			t.Errorf("%s answers %d, of which the document knows nothing", pattern, status)
		}
	}
}

func TestTheAPIOffersWhatTheConsoleDoes(t *testing.T) {
	var doc struct {
		Paths map[string]map[string]struct {
			OperationID string
			Security    []map[string][]string
		}
	}
	if err := json.Unmarshal(api.Document(), &doc); err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	for path, methods := range doc.Paths {
		for method, op := range methods {
			known[op.OperationID] = false
			if len(op.Security) != 1 || len(op.Security[0]["service"]) != 1 {
				t.Errorf("%s %s asks for no scope", method, path)
				continue
			}
			scope := op.Security[0]["service"][0]
			if looks := method == "get" || op.OperationID == "search-people"; looks != strings.HasSuffix(scope, ":read") {
				t.Errorf("%s asks for %s", op.OperationID, scope)
			}
		}
	}
	mounted := map[string]bool{}
	for _, pattern := range on(t).app.Routes() {
		method, path, _ := strings.Cut(pattern, " ")
		path, about := strings.CutPrefix(path, "/admin/organisations/{organisation}")
		if !about || path == "" {
			continue
		}
		route := method + " " + path
		mounted[route] = true
		entry, ok := offered[route]
		if !ok || (entry.operations == "") == (entry.reason == "") {
			t.Errorf("%s: by which operation of the API does a program do this? Or why can it not?", route)
		}
		for id := range strings.FieldsSeq(entry.operations) {
			if _, ok := known[id]; !ok {
				t.Errorf("%s: there is no operation %s", route, id)
			}
			known[id] = true
		}
	}
	for route := range offered {
		if !mounted[route] {
			t.Errorf("%s: the console has no such route any more", route)
		}
	}
	for id, used := range known {
		if used == alone[id] {
			t.Errorf("%s: no page of the console does this", id)
		}
	}
}
