package config

import (
	"net/netip"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
)

// HasSMS says whether codes can be sent by SMS.
func (s Settings) HasSMS() bool { return s.SMSGateway != "" && s.SMSGateway != "none" }

var (
	smsName    = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9]{0,10}$`) // what networks show as a sender's name
	smsNumber  = regexp.MustCompile(`^\+[1-9][0-9]{6,14}$`)
	smsService = regexp.MustCompile(`^MG[0-9a-fA-F]{32}$`)
	smsCountry = regexp.MustCompile(`^[A-Z]{2}$`)
)

func (s Settings) checkSMS() error {
	if !s.HasSMS() {
		return nil
	}
	if !slices.Contains([]string{"46elks", "twilio", "webhook"}, s.SMSGateway) {
		return complain("sms-gateway %q: want 46elks, twilio, webhook or none", s.SMSGateway)
	}
	if err := s.checkSMSURL(); err != nil {
		return err
	}
	hasPassword := s.SMSPassword != "" || s.SMSPasswordFile != ""
	switch {
	case s.SMSGateway == "webhook" && !hasPassword:
		return complain("sms-password-file is missing: the webhook knows by its key that a message is Portvakt's")
	case s.SMSGateway != "webhook" && (s.SMSUser == "" || !hasPassword):
		return complain("sms-user and sms-password-file are missing: %s asks for both", s.SMSGateway)
	case s.SMSGateway != "webhook" && s.SMSFrom == "":
		return complain("sms-from is missing: a message needs a sender, as Portvakt or +46701740605")
	case s.SMSFrom != "" && !smsName.MatchString(s.SMSFrom) && !smsNumber.MatchString(s.SMSFrom) && (s.SMSGateway != "twilio" || !smsService.MatchString(s.SMSFrom)):
		return complain("sms-from %q: want up to 11 letters and digits that begin with a letter, or a number as +46701740605", s.SMSFrom)
	case s.SMSDaily < 0:
		return complain("sms-daily %d: want how many codes may be sent in a day", s.SMSDaily)
	case s.SMSRegion != "" && !smsCountry.MatchString(s.SMSRegion):
		return complain("sms-region %q: want the two letters of a country, as SE", s.SMSRegion)
	}
	for _, c := range s.SMSCountries {
		if !smsCountry.MatchString(c) {
			return complain("sms-countries %q: want two letters for each country, as SE,NO", c)
		}
	}
	return nil
}

func (s Settings) checkSMSURL() error {
	if s.SMSURL == "" {
		if s.SMSGateway == "webhook" {
			return complain("sms-url is missing: give the address that takes the messages")
		}
		return nil
	}
	u, err := url.Parse(s.SMSURL)
	if err != nil || u.Hostname() == "" || u.User != nil || u.Fragment != "" {
		return complain("sms-url %q: want an address, as https://sms.example.com/send; user and password are settings of their own", s.SMSURL)
	}
	ip, err := netip.ParseAddr(u.Hostname())
	loopback := u.Hostname() == "localhost" || err == nil && ip.Unmap().IsLoopback()
	if u.Scheme != "https" && !(u.Scheme == "http" && loopback) {
		return complain("sms-url %q: codes would travel readable; only a gateway on this machine is used without https", s.SMSURL)
	}
	return nil
}

// SMSSecret reads the SMS gateway's password from the setting or its file.
func (s Settings) SMSSecret() (string, error) {
	if s.SMSPasswordFile == "" {
		return s.SMSPassword, nil
	}
	b, err := os.ReadFile(s.SMSPasswordFile)
	return strings.TrimSpace(string(b)), err
}
