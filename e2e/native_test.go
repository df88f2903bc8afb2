package e2e

import (
	"net/http"
	"testing"

	"github.com/portvakt/portvakt/e2e/journey"
	"github.com/portvakt/portvakt/internal/control"
	"github.com/portvakt/portvakt/internal/demo"
	"github.com/portvakt/portvakt/internal/relyingparty"
	"github.com/portvakt/portvakt/samples/native"
)

// TestAProgramOnOnesOwnComputerLogsIn has the sample open Bo's browser, and then, where there is none, show him a code.
func TestAProgramOnOnesOwnComputerLogsIn(t *testing.T) {
	t.Parallel()
	w := begin(t)
	var made control.RP
	err := control.InProcess(w.App.Control.Handler()).Do(t.Context(), http.MethodPost, "/relying-parties", control.RP{Name: "Tidrapport", Public: true, PKCE: true, RefreshTokens: true,
		RedirectURIs: []string{"http://127.0.0.1/callback"}, Options: control.Options{Metadata: relyingparty.Metadata{
			GrantTypes: []string{relyingparty.AuthorizationCode, relyingparty.RefreshToken, relyingparty.DeviceCode}}}}, &made)
	if err != nil {
		t.Fatal(err)
	}
	program, err := native.New(t.Context(), w.Portvakt, made.ClientID)
	if err != nil {
		t.Fatal(err)
	}
	b := w.bo(journey.Options{})
	here, err := program.LogIn(t.Context(), func(address string) error {
		b.Open(address)
		b.GiveAddress()
		b.GivePassword(demo.Password)
		b.See("You can close this window")
		return nil
	})
	if err != nil || here.Name != "Bo Lind" || here.Subject == "" {
		t.Fatalf("%+v, %v", here, err)
	}
	there, err := program.LogInElsewhere(t.Context(), func(address, code string) {
		b.Open(address)
		b.Fill("Kod", code)
		b.Press(b.Next)
		b.See("Tidrapport på en annan enhet vill logga in som du.")
		b.Press("Ja, logga in")
		b.See("Klart")
	})
	if err != nil || there.Subject != here.Subject {
		t.Errorf("%+v, %v", there, err)
	}
	quiet(t, b.Browser, `favicon.ico`)
}
