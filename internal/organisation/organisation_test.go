package organisation_test

import (
	"errors"
	"testing"

	"github.com/portvakt/portvakt/internal/organisation"
)

func TestWhatAnOrganisationMayBeCalled(t *testing.T) {
	good := organisation.Organisation{ID: "foretaget", Name: "Företaget AB", Colour: "#1f5d4c", Policy: organisation.Policy{MFA: organisation.Recommended}}
	if err := good.Check(); err != nil {
		t.Fatal(err)
	}
	for want, bad := range map[error]organisation.Organisation{
		organisation.ErrBadID:     {ID: "Företaget", Name: "x", Policy: organisation.Policy{MFA: organisation.Off}},
		organisation.ErrBadName:   {ID: "abc", Name: " ", Policy: organisation.Policy{MFA: organisation.Off}},
		organisation.ErrBadColour: {ID: "abc", Name: "x", Colour: "green", Policy: organisation.Policy{MFA: organisation.Off}},
		organisation.ErrBadPolicy: {ID: "abc", Name: "x", Policy: organisation.Policy{MFA: "sometimes"}},
	} {
		if err := bad.Check(); !errors.Is(err, want) {
			t.Errorf("%+v: %v, want %v", bad, err, want)
		}
	}
	for _, name := range []string{"Före\ntaget", "Före\x1b[31mtaget", "Företaget\n"} {
		if err := (organisation.Organisation{ID: "abc", Name: name, Policy: organisation.Policy{MFA: organisation.Off}}).Check(); !errors.Is(err, organisation.ErrBadName) {
			t.Errorf("%q: %v", name, err)
		}
	}
	if organisation.Required.Strictness() <= organisation.Recommended.Strictness() {
		t.Error("the policies are not in order")
	}
}
