package app

import (
	"cmp"
	"fmt"
	"net/netip"
	"strings"

	"github.com/portvakt/portvakt/internal/authn"
	"github.com/portvakt/portvakt/internal/config"
	"github.com/portvakt/portvakt/internal/locale"
	"github.com/portvakt/portvakt/internal/outbound"
	"github.com/portvakt/portvakt/internal/phone"
	"github.com/portvakt/portvakt/internal/sms"
)

// thisMachine may be called where sms-url names it: config allows http to nothing else.
var thisMachine = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}

// region is the country of telephone numbers that are typed without a prefix.
func region(s config.Settings) string { return cmp.Or(s.SMSRegion, "SE") }

// newSMS makes the sender of text messages.
func newSMS(s config.Settings, o Options, c *locale.Catalogue, k keys, allowed []netip.Prefix) (*sms.Sender, error) {
	password, err := s.SMSSecret()
	if err != nil {
		return nil, fmt.Errorf("%w: sms-password-file: %w", config.ErrSettings, err)
	}
	for _, region := range append([]string{s.SMSRegion}, s.SMSCountries...) {
		if region != "" && !phone.IsRegion(region) {
			return nil, fmt.Errorf("%w: there is no country %q; sms-region and sms-countries want ISO 3166 codes, as SE", config.ErrSettings, region)
		}
	}
	if strings.HasPrefix(s.SMSURL, "http://") {
		allowed = append(allowed[:len(allowed):len(allowed)], thisMachine...)
	}
	return sms.New(sms.Settings{Gateway: s.SMSGateway, URL: s.SMSURL, User: s.SMSUser, Password: password, From: s.SMSFrom, Issuer: s.Issuer,
		Name: product}, outbound.NewClient(allowed), c, k.ring, o.Now)
}

// smsRules are who gets codes; nil without a gateway.
func smsRules(s config.Settings) *authn.SMS {
	if !s.HasSMS() {
		return nil
	}
	rules := &authn.SMS{Region: region(s), Countries: s.SMSCountries, Daily: s.SMSDaily}
	if len(rules.Countries) == 0 {
		rules.Countries = []string{rules.Region}
	}
	return rules
}

// product is what this installation calls itself in apps and messages.
const product = "Portvakt"
