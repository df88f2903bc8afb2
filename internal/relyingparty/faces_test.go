package relyingparty

import (
	"testing"
	"time"

	"github.com/portvakt/portvakt/internal/organisation"
	"github.com/portvakt/portvakt/internal/secret"
)

func TestPeopleMeetTheOldestAppOfTheirOrganisationAndNoService(t *testing.T) {
	old, late := time.Unix(1, 0), time.Unix(2, 0)
	mine, proof := []organisation.ID{"foretaget"}, secret.NewToken().Hash()
	all := []RP{
		{Name: "Lön", Secret: proof, Organisations: mine, Created: old, Scopes: []string{"register:read"}},
		{Name: "Nya HRM", Secret: proof, Organisations: mine, Created: late},
		{Name: "HRM", Secret: proof, Organisations: mine, Created: old},
		{Name: "Andras", Secret: proof, Organisations: []organisation.ID{"annat"}, Created: old},
		{Name: "Schema", Organisations: mine, Created: late},
	}
	if app, mobile := Faces(all, "foretaget"); app != "HRM" || mobile != "Schema" {
		t.Errorf("%q and %q", app, mobile)
	}
	if app, mobile := Faces(all, "annat"); app != "Andras" || mobile != "" {
		t.Errorf("%q and %q", app, mobile)
	}
}
