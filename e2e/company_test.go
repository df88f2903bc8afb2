package e2e

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/portvakt/portvakt/e2e/journey"
	"github.com/portvakt/portvakt/internal/control"
	"github.com/portvakt/portvakt/internal/demo"
)

// bakery is where Bo works beside.
const bakery = "Ångbageriet AB"

// boWorksTwice imports a register in which Bo has two employments under one key.
func (w *world) boWorksTwice() {
	w.t.Helper()
	desk, file := control.InProcess(w.App.Control.Handler()), "Anställningsnummer;Förnamn;Efternamn;Bolag\n1002;Bo;Lind;Företaget AB\n1002;Bo;Lind;"+bakery+"\n"
	var i control.Import
	err := desk.Send(w.t.Context(), "/organisations/foretaget/imports?name=register.csv", strings.NewReader(file), int64(len(file)), &i)
	if err == nil {
		err = desk.Do(w.t.Context(), http.MethodPost, "/organisations/foretaget/imports/"+i.ID+"/begin", control.Import{Mapping: i.Mapping}, &i)
	}
	for end := time.Now().Add(time.Minute); err == nil && !i.Ended && time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		err = desk.Do(w.t.Context(), http.MethodGet, "/organisations/foretaget/imports/"+i.ID, nil, &i)
	}
	if err != nil || i.Imported != 2 {
		w.t.Fatal(i, err)
	}
}

// TestBoSaysForWhichOfHisJobsHeComes: HRM asks, and shows what he chose.
func TestBoSaysForWhichOfHisJobsHeComes(t *testing.T) {
	t.Parallel()
	inEachWay(t, func(t *testing.T, w *world, o journey.Options) {
		w.boWorksTwice()
		b := w.bo(o)
		b.OpenHRM()
		b.GiveAddress()
		b.GivePassword(demo.Password)
		b.See(bakery)
		b.Press(bakery)
		b.Welcomed()
		b.See(bakery)
	})
}

func lookAtCompany(t *testing.T, w *world, o journey.Options, look func(*journey.Person, string, string), say func(string) string) {
	t.Helper()
	w.boWorksTwice()
	b := w.bo(o)
	b.OpenHRM()
	b.GiveAddress()
	b.GivePassword(demo.Password)
	look(b, "signin_company", "signin.company.title")
}
