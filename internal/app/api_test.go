package app_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/portvakt/portvakt/internal/control"
	"github.com/portvakt/portvakt/internal/organisation"
	"github.com/portvakt/portvakt/internal/person"
	"github.com/portvakt/portvakt/internal/relyingparty"
	"github.com/portvakt/portvakt/internal/store"
)

// service is a program that the operator has registered, with a token.
type service struct {
	w     *world
	rp    control.RP
	token string
}

// program registers a service of Företaget AB and gets it a token; without scopes it has them all.
func (w *world) program(scopes ...string) *service {
	w.t.Helper()
	if len(scopes) == 0 {
		scopes = relyingparty.ServiceScopes()
	}
	s := &service{w: w}
	if err := w.controlled(http.MethodPost, "/relying-parties", control.RP{Name: "Lönesystemet", PKCE: true, Organisations: []string{"foretaget"}, Scopes: scopes}, &s.rp); err != nil {
		w.t.Fatal(err)
	}
	s.renew()
	return s
}

func (s *service) renew() {
	s.w.t.Helper()
	status, answer := s.w.call("/token", s.rp, "grant_type", "client_credentials")
	if status != http.StatusOK {
		s.w.t.Fatalf("token: %d %v", status, answer)
	}
	s.token = answer["access_token"].(string)
}

// reply is what a program was answered.
type reply struct {
	t      testing.TB
	status int
	header http.Header
	text   string
	fields map[string]any
	tally  store.Counts
}

const apiURL = "/api/v1/organisations/foretaget"

// send makes a request as the program does; more are names and values of headers.
func (s *service) send(method, path string, body io.Reader, more ...string) reply {
	r := httptest.NewRequest(method, issuer+path, body)
	r.RemoteAddr = "127.0.0.1:4711"
	if s.token != "" {
		r.Header.Set("Authorization", "Bearer "+s.token)
	}
	r.Header.Set("Content-Type", "application/json")
	for i := 0; i+1 < len(more); i += 2 {
		r.Header.Set(more[i], more[i+1])
	}
	ctx, tally := store.WithTally(r.Context())
	rec := httptest.NewRecorder()
	s.w.app.Handler().ServeHTTP(rec, r.WithContext(ctx))
	a := reply{t: s.w.t, status: rec.Code, header: rec.Header(), text: rec.Body.String(), tally: tally.Counts()}
	isDescribed(s.w.t, method, path, a.status)
	json.Unmarshal(rec.Body.Bytes(), &a.fields) //nolint:errcheck // some answers are empty
	return a
}

func (s *service) get(path string) reply { return s.send(http.MethodGet, apiURL+path, http.NoBody) }

func (s *service) post(path string, body any, more ...string) reply {
	return s.send(http.MethodPost, apiURL+path, asJSON(body), more...)
}

func (s *service) put(path string, body any) reply {
	return s.send(http.MethodPut, apiURL+path, asJSON(body))
}

func asJSON(body any) io.Reader {
	if body == nil {
		return http.NoBody
	}
	return bytes.NewReader(must(json.Marshal(body)))
}

func (a reply) expect(status int) reply {
	a.t.Helper()
	if a.status != status {
		a.t.Fatalf("status %d, want %d\n%s", a.status, status, a.text)
	}
	if status >= 400 {
		if got := a.header.Get("Content-Type"); got != "application/problem+json" {
			a.t.Errorf("a problem of the type %q", got)
		}
		if a.fields["instance"] != "urn:portvakt:reference:"+a.header.Get("X-Request-Id") || a.fields["status"] != float64(status) {
			a.t.Errorf("not a problem as RFC 9457 has it: %s", a.text)
		}
	}
	if got := a.header.Get("Cache-Control"); got != "no-store" {
		a.t.Errorf("Cache-Control: %q", got)
	}
	return a
}

// code is the last part of a problem's type.
func (a reply) code(want string) reply {
	a.t.Helper()
	if got, _ := a.fields["type"].(string); got != "urn:portvakt:problem:"+want {
		a.t.Errorf("the problem is %q, want %q\n%s", got, want, a.text)
	}
	return a
}

func (a reply) items() []map[string]any {
	a.t.Helper()
	var page struct{ Items []map[string]any }
	if err := json.Unmarshal([]byte(a.text), &page); err != nil || page.Items == nil {
		a.t.Fatalf("not a page: %v\n%s", err, a.text)
	}
	return page.Items
}

const apiRegister = "Anställningsnummer;Förnamn;Efternamn;E-post;Företag\r\n" +
	"2001;Cilla;Berg;cilla.berg@foretaget.example;Företaget AB\r\n" +
	"2002;David;Ek;david.ek@foretaget.example;Företaget AB\r\n" +
	"2003;Lager;Ett;lager@foretaget.example;Företaget AB\r\n"

func TestAProgramImportsChecksAndMails(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		s := w.program()
		s.put("/phase", map[string]any{"phase": "preparation", "switch_on": "2027-01-01", "rate": 600}).expect(http.StatusOK)

		up := s.send(http.MethodPost, apiURL+"/imports?name=register.csv", strings.NewReader(apiRegister), "Content-Type", "text/csv", "Idempotency-Key", "file 1").expect(http.StatusCreated)
		if up.fields["rows"] != float64(3) || up.fields["state"] != "waiting" || up.fields["name"] != "register.csv" {
			t.Fatalf("uploaded: %s", up.text)
		}
		id := up.fields["id"].(string)
		s.post("/imports/"+id+"/begin", map[string]any{"mapping": []string{"given_name"}}).expect(http.StatusUnprocessableEntity).code("mapping")
		s.post("/imports/"+id+"/begin", map[string]any{"mapping": up.fields["mapping"]}).expect(http.StatusOK)
		s.post("/imports/"+id+"/begin", map[string]any{"mapping": up.fields["mapping"]}).expect(http.StatusConflict).code("state")
		w.work()
		if done := s.get("/imports/" + id).expect(http.StatusOK); done.fields["state"] != "done" || done.fields["imported"] != float64(3) {
			t.Fatalf("imported: %s", done.text)
		}
		s.get("/imports/" + id + "/problems").expect(http.StatusOK)
		if n := len(s.get("/imports").expect(http.StatusOK).items()); n != 1 {
			t.Errorf("%d imports", n)
		}

		s.post("/preflight", nil).expect(http.StatusAccepted)
		found := s.get("/preflight/findings?kind=role").expect(http.StatusOK).items()
		if len(found) != 1 || found[0]["name"] != "Lager Ett" || found[0]["blocks"] != true {
			t.Fatalf("found: %v", found)
		}
		lager := found[0]["person"].(string)
		s.post("/people/"+lager+"/vouch", map[string]any{"reason": ""}).expect(http.StatusUnprocessableEntity).code("reason")
		s.put("/people/"+lager+"/address", map[string]any{"address": "lena.ett@foretaget.example", "reason": "ringde"}).expect(http.StatusOK)
		if outlook := s.get("/simulation").expect(http.StatusOK); outlook.fields["total"] != float64(5) {
			t.Errorf("outlook: %s", outlook.text)
		}

		sent := s.post("/mailings", map[string]any{"filter": map[string]any{"status": "waiting"}}, "Idempotency-Key", "mail 1").expect(http.StatusAccepted)
		if sent.fields["total"] != float64(3) {
			t.Errorf("the mailing is for %v", sent.fields["total"])
		}
		again := s.post("/mailings", map[string]any{"filter": map[string]any{"status": "waiting"}}, "Idempotency-Key", "mail 1").expect(http.StatusAccepted)
		if again.text != sent.text {
			t.Errorf("another answer:\n%s%s", sent.text, again.text)
		}
		mailing := "/mailings/" + sent.fields["id"].(string)
		if got := s.post(mailing+"/pause", nil).expect(http.StatusOK).fields["state"]; got != "paused" {
			t.Errorf("a mailing that was paused is %v", got)
		}
		s.post(mailing+"/pause", nil).expect(http.StatusConflict).code("state")
		if got := s.post(mailing+"/resume", nil).expect(http.StatusOK).fields["id"]; got != sent.fields["id"] {
			t.Errorf("another mailing was resumed: %v", got)
		}
		if got := s.get(mailing).expect(http.StatusOK).fields["state"]; got != "queued" {
			t.Errorf("a mailing that was resumed is %v", got)
		}
		if n := len(s.get("/mailings").expect(http.StatusOK).items()); n != 1 {
			t.Errorf("%d mailings", n)
		}
		w.work()
		w.deliver()
		if n := len(w.post.to("cilla.berg@foretaget.example")); n != 1 {
			t.Errorf("%d mails to Cilla", n)
		}
		cilla := s.get("/people?words=cilla").expect(http.StatusOK).items()
		if len(cilla) != 1 || cilla[0]["status"] != "delivered" {
			t.Fatalf("Cilla: %v", cilla)
		}
		one := "/people/" + cilla[0]["id"].(string)
		mails := s.get(one + "/mails").expect(http.StatusOK).items()
		if len(mails) != 1 || mails[0]["state"] != "sent" {
			t.Errorf("her mails: %v", mails)
		}
		s.post(one+"/send", nil, "Idempotency-Key", "mail 2").expect(http.StatusAccepted)
		s.post(one+"/exempt", map[string]any{"reason": "slutar"}).expect(http.StatusOK)
		w.clock.Advance(time.Second)
		s.post(one+"/include", map[string]any{"reason": "ändå inte"}).expect(http.StatusOK)
		s.post(one+"/disconnect", map[string]any{"reason": "fel person"}).expect(http.StatusConflict).code("not_connected")
		history := s.get(one + "/history").expect(http.StatusOK).items()
		if len(history) != 2 || history[0]["by"] != "Lönesystemet" || history[0]["actor"] != "service" || history[1]["reason"] != "slutar" {
			t.Errorf("history: %v", history)
		}
		if funnel := s.get("/transition").expect(http.StatusOK); funnel.fields["total"] != float64(5) {
			t.Errorf("counts: %s", funnel.text)
		}
	})
}

func TestAProgramSetsWhatTheConsoleSets(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		s := w.program()
		if all := s.send(http.MethodGet, "/api/v1/organisations", http.NoBody).expect(http.StatusOK).items(); len(all) != 1 || all[0]["id"] != "foretaget" {
			t.Errorf("organisations: %v", all)
		}
		change := map[string]any{"colour": "#1f5d4c", "networks": []string{"192.0.2.0/24"}, "reason": "Styrelsen",
			"policy": map[string]any{"mfa": "required", "from": "2027-01-01", "sign_ins": 5, "typed_push": true, "min_password": 18, "remember_days": 7}}
		set := s.send(http.MethodPatch, apiURL, asJSON(change)).expect(http.StatusOK)
		if p := set.fields["policy"].(map[string]any); p["mfa"] != "required" || p["from"] != "2027-01-01" || p["sign_ins"] != float64(5) || set.fields["name"] != "Företaget AB" {
			t.Errorf("set: %s", set.text)
		}
		s.send(http.MethodPatch, apiURL, asJSON(map[string]any{"networks": []string{"0.0.0.0/0"}})).expect(http.StatusUnprocessableEntity).code("networks")
		s.send(http.MethodPatch, apiURL, asJSON(map[string]any{"name": " "})).expect(http.StatusUnprocessableEntity).code("name")

		const picture = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 10 10"><rect width="10" height="10" fill="#123456"/></svg>`
		if logo := s.send(http.MethodPut, apiURL+"/logo", strings.NewReader(picture), "Content-Type", "image/svg+xml").expect(http.StatusOK); logo.fields["logo"] == nil {
			t.Errorf("no logo: %s", logo.text)
		}
		s.send(http.MethodPut, apiURL+"/logo", strings.NewReader("no picture"), "Content-Type", "image/png").expect(http.StatusUnprocessableEntity).code("logo")
		s.send(http.MethodPut, apiURL+"/logo", strings.NewReader(strings.Repeat("x", 300<<10)), "Content-Type", "image/png").expect(http.StatusRequestEntityTooLarge)
		s.send(http.MethodDelete, apiURL+"/logo", http.NoBody).expect(http.StatusNoContent)

		s.post("/sender/keys", nil, "Idempotency-Key", "key 0").expect(http.StatusConflict).code("no_sender")
		s.put("/sender", map[string]any{"address": "login@foretaget.example", "name": "Företaget"}).expect(http.StatusOK)
		key := s.post("/sender/keys", nil, "Idempotency-Key", "key 0").expect(http.StatusCreated) // what was refused may be tried again
		if !strings.HasPrefix(key.fields["value"].(string), "v=DKIM1") || strings.Contains(key.text, "rivate") {
			t.Errorf("key: %s", key.text)
		}
		s.send(http.MethodDelete, apiURL+"/sender/keys/"+key.fields["id"].(string), http.NoBody).expect(http.StatusNoContent)
		s.send(http.MethodDelete, apiURL+"/sender/keys/nothing", http.NoBody).expect(http.StatusNotFound)
		s.get("/sender").expect(http.StatusOK)

		s.put("/administrators", map[string]any{"address": bosAddress, "role": "owner"}).expect(http.StatusNoContent)
		s.put("/administrators", map[string]any{"address": "stranger@example.com", "role": "owner"}).expect(http.StatusUnprocessableEntity).code("no_colleague")
		s.put("/administrators", map[string]any{"address": annas, "role": "auditor"}).expect(http.StatusNoContent)
		all := s.get("/administrators").expect(http.StatusOK).items()
		if len(all) != 2 {
			t.Fatalf("administrators: %v", all)
		}
		for _, a := range all {
			want := map[string]int{"owner": http.StatusConflict, "auditor": http.StatusNoContent}[a["role"].(string)]
			s.send(http.MethodDelete, apiURL+"/administrators/"+a["account"].(string), http.NoBody).expect(want)
		}

		var kinds []string
		for next := ""; ; {
			page := s.get("/log?limit=2" + next).expect(http.StatusOK)
			for _, l := range page.items() {
				kinds = append(kinds, l["id"].(string))
			}
			if page.fields["next"] == nil {
				break
			}
			next = "&cursor=" + page.fields["next"].(string)
		}
		whole := s.get("/log?limit=200").expect(http.StatusOK).items()
		if once := slices.Compact(slices.Sorted(slices.Values(kinds))); len(once) != len(kinds) || len(kinds) != len(whole) || len(whole) < 8 {
			t.Errorf("%d lines in pages, %d of them once, %d in one page", len(kinds), len(once), len(whole))
		}
	})
}

func TestHoldsProposalsAndRefusalsAreListedAndDecidedByAProgram(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		s := w.program()
		file := "Anställningsnummer;Förnamn;Efternamn;E-post\r\n1002;Bo;Lind-Ek;bo.lind@foretaget.example\r\n"
		up := s.send(http.MethodPost, apiURL+"/imports?name=r.csv", strings.NewReader(file), "Idempotency-Key", "f").expect(http.StatusCreated)
		s.post("/imports/"+up.fields["id"].(string)+"/begin", map[string]any{"mapping": up.fields["mapping"]}).expect(http.StatusOK)
		w.work()
		holds := s.get("/holds").expect(http.StatusOK).items()
		if len(holds) != 1 || holds[0]["after"].(map[string]any)["family_name"] != "Lind-Ek" {
			t.Fatalf("holds: %v", holds)
		}
		one := "/holds/" + holds[0]["id"].(string)
		s.post(one, map[string]any{"decision": "perhaps"}).expect(http.StatusUnprocessableEntity)
		s.post(one, map[string]any{"decision": "accept", "reason": "gift"}).expect(http.StatusNoContent)
		s.post(one, map[string]any{"decision": "accept"}).expect(http.StatusNotFound)
		if n := len(s.get("/holds").expect(http.StatusOK).items()); n != 0 {
			t.Errorf("%d holds", n)
		}
		if n := len(s.get("/proposals").expect(http.StatusOK).items()); n != 0 {
			t.Errorf("%d proposals", n)
		}
		s.post("/proposals/nothing", map[string]any{"decision": "approve", "reason": "x"}).expect(http.StatusNotFound)
		s.post("/mailings/nothing/pause", nil).expect(http.StatusNotFound)
		s.post("/imports/nothing/cancel", nil).expect(http.StatusNotFound)

		// A person key is looked for in a body, and told nowhere.
		byKey := s.post("/people/search", map[string]any{"text": "1002"}).expect(http.StatusOK)
		if all := byKey.items(); len(all) != 1 || all[0]["name"] != "Bo Lind-Ek" || strings.Contains(byKey.text, "1002") {
			t.Errorf("by key: %s", byKey.text)
		}
		lost := w.browser()
		lost.toPassword(newLogin(w.hrm), annas)
		lost.post(lost.action("/signin/"), "password", "not this one, surely").expect(http.StatusUnprocessableEntity)
		if err := w.app.Transition.FlushRefusals(t.Context()); err != nil {
			t.Fatal(err)
		}
		refused := s.post("/people/search", map[string]any{"text": lost.last.Header.Get("X-Request-Id")}).expect(http.StatusOK)
		if refused.fields["refusal"] == nil || len(refused.items()) != 1 {
			t.Errorf("refusal: %s", refused.text)
		}
	})
}

func TestALongRegisterComesInPagesWithoutAGap(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		var register []person.Person
		for i := range 118 { // with Anna and Bo, 120
			register = append(register, person.Person{Organisation: "foretaget", Key: person.Key(fmt.Sprint("k", i)), GivenName: "Åsa", FamilyName: fmt.Sprint("Öberg ", i%7)})
		}
		if err := w.app.Control.Provisioning.AddPersons(t.Context(), register); err != nil {
			t.Fatal(err)
		}
		s := w.program(relyingparty.TransitionRead)
		seen, pages := map[string]bool{}, 0
		for next := ""; ; pages++ {
			page := s.get("/people?limit=50" + next).expect(http.StatusOK)
			for _, p := range page.items() {
				if seen[p["id"].(string)] {
					t.Errorf("%v comes twice", p["name"])
				}
				seen[p["id"].(string)] = true
			}
			if page.fields["next"] == nil {
				break
			}
			next = "&cursor=" + url.QueryEscape(page.fields["next"].(string))
		}
		if len(seen) != 120 || pages != 2 {
			t.Errorf("%d people on %d pages", len(seen), pages+1)
		}
		s.get("/people?cursor=elsewhere").expect(http.StatusUnprocessableEntity).code("cursor")
		s.get("/people?cursor=%21.%21").expect(http.StatusUnprocessableEntity).code("cursor")
		s.get("/people?limit=0").expect(http.StatusUnprocessableEntity)
		s.get("/people?limit=201").expect(http.StatusUnprocessableEntity)
		s.get("/people?person_key=k1").expect(http.StatusUnprocessableEntity) // a parameter that does not exist
	})
}

func TestOnlyAGoodTokenOpensTheAPI(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		s := w.program(relyingparty.TransitionRead)
		s.get("/people").expect(http.StatusOK)
		with := func(token string) reply {
			other := *s
			other.token = token
			return other.get("/people")
		}
		if a := with("").expect(http.StatusUnauthorized); !slices.Contains(a.header.Values("WWW-Authenticate"), "Bearer") {
			t.Errorf("WWW-Authenticate: %q", a.header.Values("WWW-Authenticate"))
		}
		for name, token := range map[string]string{"nonsense": "nonsense", "changed": changed(s.token), "a person's": w.browser().tokens(w.hrm)["access_token"].(string),
			"a person's ID token": w.browser().tokens(w.hrm)["id_token"].(string)} {
			if a := with(token).expect(http.StatusUnauthorized).code("invalid_token"); !strings.HasPrefix(a.header.Get("WWW-Authenticate"), `Bearer error="invalid_token"`) {
				t.Errorf("%s: %q", name, a.header.Get("WWW-Authenticate"))
			}
		}
		// The other way round: a service's token is none of a person's.
		if status, _ := w.userinfo(s.token); status != http.StatusUnauthorized {
			t.Errorf("userinfo: %d", status)
		}
		if a := s.get("/log").expect(http.StatusForbidden).code("insufficient_scope"); !strings.Contains(a.header.Get("WWW-Authenticate"), `scope="audit:read"`) {
			t.Errorf("WWW-Authenticate: %q", a.header.Get("WWW-Authenticate"))
		}
		s.post("/people/search", map[string]any{"text": "anna"}).expect(http.StatusOK)
		s.put("/phase", map[string]any{"phase": "ended", "rate": 1}).expect(http.StatusForbidden)

		w.clock.Advance(11 * time.Minute)
		s.get("/people").expect(http.StatusUnauthorized).code("invalid_token")
		s.renew()
		s.get("/people").expect(http.StatusOK)
		// What the operator takes away is gone at once, whatever the token says.
		if err := w.control(http.MethodPatch, "/relying-parties/"+s.rp.ClientID, control.RPChange{Scopes: []string{relyingparty.AuditRead}}); err != nil {
			t.Fatal(err)
		}
		s.get("/people").expect(http.StatusForbidden)
		if err := w.control(http.MethodDelete, "/relying-parties/"+s.rp.ClientID, nil); err != nil {
			t.Fatal(err)
		}
		s.get("/people").expect(http.StatusUnauthorized)
	})
}

func TestAnotherOrganisationDoesNotExistForAProgram(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		if _, err := w.app.Control.Provisioning.SetOrganisation(t.Context(), organisation.Organisation{ID: "other", Name: "Andra AB"}); err != nil {
			t.Fatal(err)
		}
		s := w.program()
		unnumbered := func(a reply) string { return strings.ReplaceAll(a.text, a.header.Get("X-Request-Id"), "") }
		there := s.send(http.MethodGet, "/api/v1/organisations/other/people", http.NoBody).expect(http.StatusNotFound)
		nowhere := s.send(http.MethodGet, "/api/v1/organisations/nowhere/people", http.NoBody).expect(http.StatusNotFound)
		if unnumbered(there) != unnumbered(nowhere) {
			t.Errorf("%s tells that there is such an organisation: %s", there.text, nowhere.text)
		}
		s.send(http.MethodPatch, "/api/v1/organisations/other", asJSON(map[string]any{"name": "Min"})).expect(http.StatusNotFound)
		s.send(http.MethodPut, "/api/v1/organisations/other/administrators", asJSON(map[string]any{"address": bosAddress, "role": "owner"})).expect(http.StatusNotFound)

		// And its people are not found in the program's own organisation.
		bo := s.get("/people?words=bo").expect(http.StatusOK).items()[0]["id"].(string)
		var others control.RP
		if err := w.controlled(http.MethodPost, "/relying-parties", control.RP{Name: "Andras", PKCE: true, Organisations: []string{"other"}, Scopes: relyingparty.ServiceScopes()}, &others); err != nil {
			t.Fatal(err)
		}
		theirs := &service{w: w, rp: others}
		theirs.renew()
		for _, path := range []string{"/people/" + bo, "/people/" + bo + "/mails", "/people/" + bo + "/history"} {
			theirs.send(http.MethodGet, "/api/v1/organisations/other"+path, http.NoBody).expect(http.StatusNotFound)
		}
		theirs.send(http.MethodPost, "/api/v1/organisations/other/people/"+bo+"/disconnect", asJSON(map[string]any{"reason": "min"})).expect(http.StatusNotFound)
		theirs.send(http.MethodPost, "/api/v1/organisations/other/mailings", asJSON(map[string]any{"people": []string{bo}}), "Idempotency-Key", "x").expect(http.StatusNotFound)
		theirs.send(http.MethodPost, "/api/v1/organisations/other/people/"+bo+"/recover", asJSON(map[string]any{"reason": "min"}), "Idempotency-Key", "y").expect(http.StatusConflict)
		w.browser().signIn(newLogin(w.hrm), bosAddress, bosPass)
		s.post("/people/"+bo+"/recover", map[string]any{"reason": "ringde"}, "Idempotency-Key", "y").expect(http.StatusAccepted)
		if w.link(bosAddress) == "" {
			t.Error("no link")
		}
	})
}

func TestTwentyAtOnceWithOneIdempotencyKeyAreOneRequest(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		s := w.program()
		s.post("/mailings", map[string]any{}).expect(http.StatusBadRequest).code("no_idempotency_key")
		s.post("/mailings", map[string]any{}, "Idempotency-Key", strings.Repeat("k", 201)).expect(http.StatusBadRequest)
		s.post("/preflight", nil).expect(http.StatusAccepted)

		answers := make([]reply, 20)
		var all sync.WaitGroup
		for i := range answers {
			all.Go(func() { answers[i] = s.post("/mailings", map[string]any{}, "Idempotency-Key", "once") })
		}
		all.Wait()
		texts := map[string]bool{}
		for _, a := range answers {
			switch a.status {
			case http.StatusAccepted:
				texts[a.text] = true
			case http.StatusConflict:
				a.code("busy")
			default:
				t.Errorf("%d %s", a.status, a.text)
			}
		}
		if n := len(s.get("/mailings").expect(http.StatusOK).items()); n != 1 || len(texts) != 1 {
			t.Errorf("%d mailings, %d answers", n, len(texts))
		}
		s.post("/mailings", map[string]any{"reminder": true}, "Idempotency-Key", "once").expect(http.StatusUnprocessableEntity).code("idempotency_key_used")
		s.post("/mailings", map[string]any{}, "Idempotency-Key", "twice").expect(http.StatusAccepted)
		other := w.program()
		other.post("/mailings", map[string]any{}, "Idempotency-Key", "once").expect(http.StatusAccepted) // it is another program's key

		// A file, too: the same one is answered, and another one refused.
		file := func(text string) reply {
			return s.send(http.MethodPost, apiURL+"/imports?name=r.csv", strings.NewReader(text), "Idempotency-Key", "file")
		}
		first := file(apiRegister).expect(http.StatusCreated)
		if file(apiRegister).expect(http.StatusCreated).text != first.text {
			t.Error("another answer")
		}
		file(apiRegister + "2004;Eva;Ek;eva@foretaget.example;X\r\n").expect(http.StatusUnprocessableEntity).code("idempotency_key_used")
		if n := len(s.get("/imports").expect(http.StatusOK).items()); n != 1 {
			t.Errorf("%d imports", n)
		}

		w.clock.Advance(25 * time.Hour)
		if err := w.app.House.Round(t.Context()); err != nil {
			t.Fatal(err)
		}
		s.renew()
		s.post("/mailings", map[string]any{}, "Idempotency-Key", "once").expect(http.StatusAccepted)
		if n := len(s.get("/mailings").expect(http.StatusOK).items()); n != 4 {
			t.Errorf("%d mailings after a day", n)
		}
	})
}

func TestBadRequestsOfProgramsAreRefusedWithAProblem(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		s := w.program()
		s.put("/phase", map[string]any{"phase": "preparation", "rate": 60, "speed": 1}).expect(http.StatusUnprocessableEntity)
		s.put("/phase", map[string]any{"phase": "preparation", "rate": "many"}).expect(http.StatusUnprocessableEntity)
		s.put("/phase", map[string]any{"phase": "preparation", "rate": 60, "switch_on": "tomorrow"}).expect(http.StatusUnprocessableEntity)
		s.send(http.MethodPut, apiURL+"/phase", strings.NewReader("{")).expect(http.StatusBadRequest).code("request")
		s.send(http.MethodPut, apiURL+"/phase", strings.NewReader("<phase/>"), "Content-Type", "text/xml").expect(http.StatusUnsupportedMediaType).code("request")
		s.send(http.MethodPut, apiURL+"/phase", http.NoBody).expect(http.StatusBadRequest)
		s.send(http.MethodPut, apiURL+"/phase", strings.NewReader(`{"phase":"`+strings.Repeat("x", 2<<20)+`"}`)).expect(http.StatusRequestEntityTooLarge).code("too_large")
		s.send(http.MethodGet, apiURL+"/nothing", http.NoBody).expect(http.StatusNotFound)
		s.send(http.MethodDelete, apiURL+"/people", http.NoBody).expect(http.StatusNotFound)
		s.post("/mailings", map[string]any{"people": []string{}}, "Idempotency-Key", "a").expect(http.StatusUnprocessableEntity).code("choice")
		s.post("/mailings", map[string]any{"people": []string{"x"}, "filter": map[string]any{}}, "Idempotency-Key", "a").expect(http.StatusUnprocessableEntity)
		s.post("/mailings", map[string]any{"filter": map[string]any{"words": "nobody"}}, "Idempotency-Key", "a").expect(http.StatusUnprocessableEntity).code("nobody")
		upload := func(body io.Reader) reply {
			return s.send(http.MethodPost, apiURL+"/imports?name=x", body, "Idempotency-Key", "u")
		}
		upload(strings.NewReader("Artikel;Pris\r\nSpade;100\r\n")).expect(http.StatusUnprocessableEntity).code("no_register")
		upload(http.NoBody).expect(http.StatusUnprocessableEntity)
		upload(io.LimitReader(endless{}, 70<<20)).expect(http.StatusRequestEntityTooLarge)
	})
}

// endless is a file without an end.
type endless struct{}

func (endless) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = "a;b\n"[i%4]
	}
	return len(b), nil
}

func TestLookingAtTheAPIWritesNothing(t *testing.T) {
	w := on(t)
	s := w.program()
	anna := s.get("/people?words=anna").items()[0]["id"].(string)
	replace := strings.NewReplacer("{organisation}", "foretaget", "{person}", anna, "{import}", "x", "{mailing}", "x")
	looked := 0
	for _, pattern := range w.app.Routes() {
		path, ok := strings.CutPrefix(pattern, "GET /api/v1/organisations")
		if !ok {
			continue
		}
		path = replace.Replace("/api/v1/organisations" + path)
		if strings.HasSuffix(path, "/findings") {
			path += "?kind=role"
		}
		a := s.send(http.MethodGet, path, http.NoBody)
		if a.status != http.StatusOK && !strings.Contains(path, "/imports/x") && !strings.HasSuffix(path, "/mailings/x") || a.tally.Commits != 0 {
			t.Errorf("%s: %d, %d commits\n%s", path, a.status, a.tally.Commits, a.text)
		}
		looked++
	}
	if looked < 15 {
		t.Errorf("only %d GETs", looked)
	}
}
