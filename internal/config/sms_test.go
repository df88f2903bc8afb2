package config_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/portvakt/portvakt/internal/config"
)

func withSMS(gateway string) config.Settings {
	s := good()
	s.SMSGateway, s.SMSUser, s.SMSPassword, s.SMSFrom, s.SMSRegion, s.SMSCountries, s.SMSDaily = gateway, "u", "p", "Portvakt", "SE", []string{"SE", "NO"}, 2000
	if gateway == "webhook" {
		s.SMSURL = "https://sms.example.com/send"
	}
	return s
}

func TestWhatAnSMSGatewayLacksIsSaidWithWhatToDo(t *testing.T) {
	for _, gateway := range []string{"", "none", "46elks", "twilio", "webhook"} {
		if err := withSMS(gateway).Check(); err != nil {
			t.Errorf("%s: %v", gateway, err)
		}
	}
	local := withSMS("webhook")
	for _, local.SMSURL = range []string{"http://localhost:8083", "http://127.0.0.1/x", "http://[::1]:9"} {
		if err := local.Check(); err != nil {
			t.Errorf("%s: %v", local.SMSURL, err)
		}
	}
	service := withSMS("twilio")
	service.SMSFrom = "MG0123456789abcdef0123456789abcdef"
	if err := service.Check(); err != nil {
		t.Error(err)
	}
	for name, c := range map[string]struct {
		gateway string
		change  func(*config.Settings)
		says    string
	}{
		"another gateway":      {"pigeon", func(*config.Settings) {}, "sms-gateway"},
		"no user":              {"46elks", func(s *config.Settings) { s.SMSUser = "" }, "sms-user"},
		"no password":          {"twilio", func(s *config.Settings) { s.SMSPassword = "" }, "sms-password-file"},
		"no sender":            {"46elks", func(s *config.Settings) { s.SMSFrom = "" }, "sms-from"},
		"a long sender":        {"46elks", func(s *config.Settings) { s.SMSFrom = "Portvaktenabc" }, "sms-from"},
		"a sender with spaces": {"46elks", func(s *config.Settings) { s.SMSFrom = "Port vakt" }, "sms-from"},
		"a local number":       {"twilio", func(s *config.Settings) { s.SMSFrom = "0701740605" }, "+46701740605"},
		"a service elsewhere":  {"46elks", func(s *config.Settings) { s.SMSFrom = "MG0123456789abcdef0123456789abcdef" }, "sms-from"},
		"no address":           {"webhook", func(s *config.Settings) { s.SMSURL = "" }, "sms-url"},
		"no key":               {"webhook", func(s *config.Settings) { s.SMSPassword = "" }, "sms-password-file"},
		"plain http":           {"webhook", func(s *config.Settings) { s.SMSURL = "http://sms.example.com/" }, "readable"},
		"another scheme":       {"webhook", func(s *config.Settings) { s.SMSURL = "ftp://localhost/" }, "https"},
		"a password in it":     {"webhook", func(s *config.Settings) { s.SMSURL = "https://a:b@sms.example.com/" }, "sms-url"},
		"a country's name":     {"46elks", func(s *config.Settings) { s.SMSCountries = []string{"Sverige"} }, "sms-countries"},
		"a small country":      {"46elks", func(s *config.Settings) { s.SMSRegion = "se" }, "sms-region"},
		"less than nothing":    {"46elks", func(s *config.Settings) { s.SMSDaily = -1 }, "sms-daily"},
	} {
		s := withSMS(c.gateway)
		c.change(&s)
		complains(t, name, s.Check(), c.says)
	}
}

func TestTheSMSPasswordIsReadFromItsFile(t *testing.T) {
	s := withSMS("46elks")
	s.SMSPasswordFile = filepath.Join(t.TempDir(), "password")
	if _, err := s.SMSSecret(); err == nil {
		t.Error("a missing file is none")
	}
	if err := os.WriteFile(s.SMSPasswordFile, []byte("hush\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := s.SMSSecret(); err != nil || got != "hush" {
		t.Errorf("%q %v", got, err)
	}
}
