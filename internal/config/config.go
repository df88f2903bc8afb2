// Package config holds the settings: one struct, filled from flags, environment and a file. It reads
// nothing by itself at run time: whoever needs a setting is given it.
package config

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/mail"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/portvakt/portvakt/internal/secret"
)

// Settings are what an operator decides. Each can stand in the file under its flag's name, in the environment
// as PORTVAKT_NAME, or on the command line; the later wins. docs/configuration.md is made from the tags. A zero
// Listen or SMTPPort is that of a Portvakt put together by hand, which is given its listener or sends no mail.
type Settings struct {
	Issuer           string `help:"Address of this installation, as browsers and apps see it: https, without a path. Chosen once, for good." env:"PORTVAKT_ISSUER" placeholder:"URL"`
	AuthenticatorURL string `name:"authenticator-url" help:"Address of the web app that approves sign-ins, with a slash at the end. The default is /authenticator/ of the issuer. Chosen once, for good." env:"PORTVAKT_AUTHENTICATOR_URL" placeholder:"URL"`

	Listen   string `help:"Address and port to listen on." default:":8443" env:"PORTVAKT_LISTEN" placeholder:"HOST:PORT"`
	DataDir  string `name:"data" help:"Folder for the embedded database, the control socket and the master key." default:"." env:"PORTVAKT_DATA" placeholder:"DIR"`
	Database string `help:"Database: postgres://… for many nodes, or the path of an SQLite file. The default is portvakt.db in the data folder." env:"PORTVAKT_DATABASE" placeholder:"URL"`

	MasterKey     string `help:"Master key, one ID:BASE64URL a line. Prefer the file." env:"PORTVAKT_MASTER_KEY" placeholder:"KEY"`
	MasterKeyFile string `help:"File with the master key. The default is master.key in the data folder." env:"PORTVAKT_MASTER_KEY_FILE" placeholder:"FILE"`

	TLSCert        string   `name:"tls-cert" help:"Certificate chain in PEM, read again when it changes. Empty: a proxy in front speaks TLS; list it as trusted." env:"PORTVAKT_TLS_CERT" placeholder:"FILE"`
	TLSKey         string   `name:"tls-key" help:"Private key of the certificate in PEM." env:"PORTVAKT_TLS_KEY" placeholder:"FILE"`
	TrustedProxies []string `help:"Networks of the proxies in front, whose forwarded addresses are believed." env:"PORTVAKT_TRUSTED_PROXIES" placeholder:"CIDR"`
	OutboundAllow  []string `help:"Private networks that may be called at an app's word: back-channel logout, web push, key sets, request objects, pings. Not at that of an app that registered itself." env:"PORTVAKT_OUTBOUND_ALLOW" placeholder:"CIDR"`

	SMTPHost         string `name:"smtp-host" help:"Mail server. Without one, mails wait in the outbox." env:"PORTVAKT_SMTP_HOST" placeholder:"HOST"`
	SMTPPort         int    `name:"smtp-port" help:"Port of the mail server." default:"587" env:"PORTVAKT_SMTP_PORT" placeholder:"PORT"`
	SMTPTLS          string `name:"smtp-tls" help:"starttls, tls (from the first byte) or none (this machine only)." enum:"starttls,tls,none" default:"starttls" env:"PORTVAKT_SMTP_TLS" placeholder:"MODE"`
	SMTPUsername     string `name:"smtp-username" help:"User at the mail server, if it asks for one." env:"PORTVAKT_SMTP_USERNAME" placeholder:"NAME"`
	SMTPPassword     string `name:"smtp-password" help:"Password at the mail server. Prefer the file." env:"PORTVAKT_SMTP_PASSWORD" placeholder:"PASSWORD"`
	SMTPPasswordFile string `name:"smtp-password-file" help:"File with the password at the mail server." env:"PORTVAKT_SMTP_PASSWORD_FILE" placeholder:"FILE"`
	MailFrom         string `name:"mail-from" help:"Sender address of all mails." env:"PORTVAKT_MAIL_FROM" placeholder:"ADDRESS"`
	MailFromName     string `name:"mail-from-name" help:"Sender name of all mails." default:"Portvakt" env:"PORTVAKT_MAIL_FROM_NAME" placeholder:"NAME"`

	BounceAddress string `name:"bounce-address" help:"Where mails that cannot be delivered come back to, as bounces@example.com: each mail gets an address of its own under it (bounces+…@). Empty: they come back to the sender." env:"PORTVAKT_BOUNCE_ADDRESS" placeholder:"ADDRESS"`
	BounceListen  string `name:"bounce-listen" help:"Address and port on which mails that come back are taken by SMTP. Empty: none are." env:"PORTVAKT_BOUNCE_LISTEN" placeholder:"HOST:PORT"`

	SMSGateway      string   `name:"sms-gateway" help:"Who sends SMS, with codes and with links: 46elks, twilio, webhook (a program of your own), or none. Without one nobody is asked for a number, and nobody is reached by one." enum:"none,46elks,twilio,webhook" default:"none" env:"PORTVAKT_SMS_GATEWAY" placeholder:"NAME"`
	SMSURL          string   `name:"sms-url" help:"Address of the webhook. For 46elks and twilio only where it is not their own." env:"PORTVAKT_SMS_URL" placeholder:"URL"`
	SMSUser         string   `name:"sms-user" help:"46elks: API username. twilio: account SID." env:"PORTVAKT_SMS_USER" placeholder:"NAME"`
	SMSPassword     string   `name:"sms-password" help:"46elks: API password. twilio: auth token. webhook: the key that signs. Prefer the file." env:"PORTVAKT_SMS_PASSWORD" placeholder:"PASSWORD"`
	SMSPasswordFile string   `name:"sms-password-file" help:"File with the password at the SMS gateway." env:"PORTVAKT_SMS_PASSWORD_FILE" placeholder:"FILE"`
	SMSFrom         string   `name:"sms-from" help:"Sender that phones show: up to 11 letters and digits, or a number as +46701740605; for twilio also a messaging service, as MG…." env:"PORTVAKT_SMS_FROM" placeholder:"NAME"`
	SMSRegion       string   `name:"sms-region" help:"Country of numbers that are typed without a country's prefix." default:"SE" env:"PORTVAKT_SMS_REGION" placeholder:"CODE"`
	SMSCountries    []string `name:"sms-countries" help:"Countries whose numbers get messages. Each further one can cost money when somebody abuses it." default:"SE,NO,DK,FI" env:"PORTVAKT_SMS_COUNTRIES" placeholder:"CODE"`
	SigningKeyDays  int      `name:"signing-key-days" help:"How many days a key signs what apps are told, before its successor does. 0: until portvakt keys signing rotate." default:"90" env:"PORTVAKT_SIGNING_KEY_DAYS" placeholder:"N"`
	SMSDaily        int      `name:"sms-daily" help:"How many codes are sent in a day at most, to all numbers together; a mailing may send as many besides." default:"2000" env:"PORTVAKT_SMS_DAILY" placeholder:"N"`

	PushContact string `name:"push-contact" help:"Whom a push service may ask about this installation: mailto: with an address, or an https page. The default is the issuer." env:"PORTVAKT_PUSH_CONTACT" placeholder:"URL"`

	GeoDatabase string `help:"File in MaxMind's format that tells the country of an IP address, read again when it changes. Without one no country is shown." env:"PORTVAKT_GEO_DATABASE" placeholder:"FILE"`

	ClientRegistration            string `help:"Whether apps may register themselves (RFC 7591): off; token, by a token that you make (portvakt rp registration-token); or open, without one, which is for tests: whoever registers an app can learn who is logged in." enum:"off,token,open" default:"off" env:"PORTVAKT_CLIENT_REGISTRATION" placeholder:"WHO"`
	ClientRegistrationWithoutPKCE bool   `name:"client-registration-without-pkce" help:"Apps with a secret that register themselves without a token may leave PKCE out, as old programs do. For tests." env:"PORTVAKT_CLIENT_REGISTRATION_WITHOUT_PKCE"`

	PreparationLinkDays int           `name:"preparation-link-days" help:"How many days a link lives by which a person of a register gets her login." default:"14" env:"PORTVAKT_PREPARATION_LINK_DAYS" placeholder:"N"`
	PlainDelay          time.Duration `help:"How long a recovery mail waits that was asked for without JavaScript." default:"60s" env:"PORTVAKT_PLAIN_DELAY" placeholder:"DURATION"`
	Docs                string        `help:"Who may read the documentation at /docs: public (everybody; there is nothing secret in it) or off." enum:"public,off" default:"public" env:"PORTVAKT_DOCS" placeholder:"WHO"`
	LogLevel            string        `help:"debug, info, warn or error." enum:"debug,info,warn,error" default:"info" env:"PORTVAKT_LOG_LEVEL" placeholder:"LEVEL"`

	// Demo allows an http issuer on localhost. No file and no flag can set it: only the demo does (RULES §11).
	Demo bool `kong:"-"`
}

// ErrSettings is wrapped by every complaint about a setting.
var ErrSettings = errors.New("settings")

func complain(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrSettings, fmt.Sprintf(format, args...))
}

// Check returns the first complaint that concerns every command, in words that tell what to do, or nil.
func (s Settings) Check() error {
	if err := s.checkIssuer(); err != nil {
		return err
	}
	if err := s.checkAuthenticator(); err != nil {
		return err
	}
	if err := s.checkListen(); s.Listen != "" && err != nil {
		return err
	}
	if (s.TLSCert == "") != (s.TLSKey == "") {
		return complain("tls-cert and tls-key belong together: give both or neither")
	}
	if err := s.checkKeys(); err != nil {
		return err
	}
	if err := s.checkMail(); err != nil {
		return err
	}
	if err := s.checkBounces(); err != nil {
		return err
	}
	if err := s.checkSMS(); err != nil {
		return err
	}
	if err := s.checkPush(); err != nil {
		return err
	}
	if s.PreparationLinkDays < 0 || s.PreparationLinkDays > 90 {
		return complain("preparation-link-days %d: want 1 to 90", s.PreparationLinkDays)
	}
	if s.PlainDelay < 0 {
		return complain("plain-delay %s: a wait is not negative", s.PlainDelay)
	}
	if _, err := Prefixes(s.TrustedProxies); err != nil {
		return complain("trusted-proxies: %v", err)
	}
	if _, err := Prefixes(s.OutboundAllow); err != nil {
		return complain("outbound-allow: %v", err)
	}
	return nil
}

// CheckServing is Check, and then what only a server needs: other commands do without an address, and their users may
// not be allowed to read the private key.
func (s Settings) CheckServing() error {
	if err := s.Check(); err != nil {
		return err
	}
	if err := s.checkListen(); err != nil {
		return err
	}
	if err := s.checkSocket(); err != nil {
		return err
	}
	if s.TLSCert == "" {
		return nil
	}
	_, err := s.Certificate()
	return err
}

func (s Settings) checkListen() error {
	_, port, err := net.SplitHostPort(s.Listen)
	if err != nil {
		return complain(`listen %q: want HOST:PORT, as ":8443" on all addresses or "127.0.0.1:8443" on one`, s.Listen)
	}
	if port != "0" && !isPort(port) { // 0 is any free one; the log says which
		return complain("listen %q: a port is a number from 1 to 65535", s.Listen)
	}
	return nil
}

func isPort(text string) bool {
	n, err := strconv.ParseUint(text, 10, 16)
	return err == nil && n > 0
}

// maxSocket is the longest path of a socket that every system takes: some have 104 bytes for it, with a NUL at the end.
const maxSocket = 100

func (s Settings) checkSocket() error {
	path, err := filepath.Abs(s.ControlSocket())
	if err != nil {
		return complain("data %q: %v", s.DataDir, err)
	}
	if len(path) > maxSocket {
		return complain("data %q: its path is too long: the control socket would be %s, with %d bytes, and a socket's path has at most %d; "+
			"choose another folder", s.DataDir, path, len(path), maxSocket)
	}
	return nil
}

// checkKeys bounds how soon keys follow each other: a key is published for minutes before it signs, and for an hour afterwards.
func (s Settings) checkKeys() error {
	if s.SigningKeyDays < 0 || s.SigningKeyDays > 3650 {
		return complain("signing-key-days %d: want 1 to 3650, or 0 for never", s.SigningKeyDays)
	}
	return nil
}

func (s Settings) checkMail() error {
	if (s.SMTPPort != 0 || s.SMTPHost != "") && !isPort(strconv.Itoa(s.SMTPPort)) {
		return complain("smtp-port %d: a port is a number from 1 to 65535", s.SMTPPort)
	}
	if s.SMTPHost == "" {
		return nil
	}
	if s.MailFrom == "" {
		return complain("mail-from is missing: mails need a sender address")
	}
	if a, err := mail.ParseAddress(s.MailFrom); err != nil || a.Name != "" || a.Address != s.MailFrom {
		return complain("mail-from %q: want an address alone, as login@example.com; the name is mail-from-name", s.MailFrom)
	}
	if ip, err := netip.ParseAddr(s.SMTPHost); s.SMTPTLS == "none" && s.SMTPHost != "localhost" && (err != nil || !ip.Unmap().IsLoopback()) {
		return complain("smtp-tls none: links and passwords would travel readable to %s; only a mail server on this machine is used without TLS", s.SMTPHost)
	}
	return nil
}

func (s Settings) checkIssuer() error {
	u, err := url.Parse(s.Issuer)
	switch {
	case s.Issuer == "":
		return complain("issuer is missing: give the address that browsers see, as https://login.example.com")
	case err != nil || u.Hostname() == "" || u.User != nil || strings.TrimSuffix(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "":
		return complain("issuer %q: want scheme and host alone, as https://login.example.com", s.Issuer)
	case strings.HasSuffix(s.Issuer, "/"):
		return complain("issuer %q: leave the slash at the end out", s.Issuer)
	case u.Port() != "" && !isPort(u.Port()):
		return complain("issuer %q: there is no port %s; ports go from 1 to 65535", s.Issuer, u.Port())
	case strings.ContainsFunc(u.Host, func(r rune) bool { return r > unicode.MaxASCII }):
		return complain("issuer %q: write the name as browsers send it, in its ASCII form with xn--", s.Issuer)
	case s.Issuer != canonical(u):
		return complain("issuer %q: write it as browsers do, %s", s.Issuer, canonical(u))
	case u.Scheme == "https":
		return nil
	case u.Scheme == "http" && s.Demo && u.Hostname() == "localhost":
		return nil
	}
	return complain("issuer %q: only https is served; for a look without certificates there is portvakt demo", s.Issuer)
}

// Authenticator is the address of the web app that approves sign-ins.
func (s Settings) Authenticator() string {
	if s.AuthenticatorURL == "" {
		return s.Issuer + "/authenticator/"
	}
	return s.AuthenticatorURL
}

func (s Settings) checkAuthenticator() error {
	u, err := url.Parse(s.Authenticator())
	switch {
	case err != nil || u.Hostname() == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return complain("authenticator-url %q: want an address alone, as https://authenticator.example.com/", s.AuthenticatorURL)
	case !strings.HasSuffix(u.Path, "/"):
		return complain("authenticator-url %q: it ends with a slash", s.AuthenticatorURL)
	case canonical(u) == s.Issuer && u.Path == "/":
		return complain("authenticator-url %q: at the issuer's own host it needs a path of its own, as /authenticator/", s.AuthenticatorURL)
	case u.Scheme+"://"+u.Host != canonical(u):
		return complain("authenticator-url %q: write it as browsers do, %s%s", s.AuthenticatorURL, canonical(u), u.Path)
	case u.Scheme == "https", u.Scheme == "http" && s.Demo && u.Hostname() == "localhost":
		return nil
	}
	return complain("authenticator-url %q: only https is served", s.AuthenticatorURL)
}

// canonical is the origin of an address as a browser writes it (RFC 6454 §6.2). Apps compare the issuer letter by letter, and
// our own pages compare it with the Origin header.
func canonical(u *url.URL) string {
	host := strings.ToLower(u.Hostname())
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	port, _ := strconv.Atoi(u.Port())
	if port == 0 || u.Scheme == "https" && port == 443 || u.Scheme == "http" && port == 80 {
		return u.Scheme + "://" + host
	}
	return fmt.Sprintf("%s://%s:%d", u.Scheme, host, port)
}

// Prefixes reads networks ("10.0.0.0/8") and single addresses.
func Prefixes(list []string) ([]netip.Prefix, error) {
	var all []netip.Prefix
	for _, text := range list {
		text = strings.TrimSpace(text)
		if addr, err := netip.ParseAddr(text); err == nil {
			all = append(all, netip.PrefixFrom(addr, addr.BitLen()))
			continue
		}
		p, err := netip.ParsePrefix(text)
		if err != nil {
			return nil, fmt.Errorf("%q is no network; write it as 10.0.0.0/8", text)
		}
		all = append(all, p)
	}
	return all, nil
}

// DatabaseURL is where the database is.
func (s Settings) DatabaseURL() string {
	if s.Database != "" {
		return s.Database
	}
	return filepath.Join(s.DataDir, "portvakt.db")
}

// ControlSocket is where a running server can be reached by the command line.
func (s Settings) ControlSocket() string { return filepath.Join(s.DataDir, "control.sock") }

// MasterKeyPath is the file of the master key.
func (s Settings) MasterKeyPath() string {
	if s.MasterKeyFile != "" {
		return s.MasterKeyFile
	}
	return filepath.Join(s.DataDir, "master.key")
}

// Master reads the master key from the setting or its file.
func (s Settings) Master() (*secret.Master, error) {
	text := s.MasterKey
	if text == "" {
		b, err := os.ReadFile(s.MasterKeyPath())
		if errors.Is(err, os.ErrNotExist) {
			return nil, complain("there is no master key at %s: portvakt init makes one", s.MasterKeyPath())
		}
		if err != nil {
			return nil, fmt.Errorf("master key: %w", err)
		}
		text = string(b)
	}
	return secret.ParseMaster(text)
}

// Certificate reads the certificate and its key from their files.
func (s Settings) Certificate() (tls.Certificate, error) {
	chain, err := os.ReadFile(s.TLSCert)
	if err != nil {
		return tls.Certificate{}, complain("tls-cert: %v", err)
	}
	key, err := os.ReadFile(s.TLSKey)
	if err != nil {
		return tls.Certificate{}, complain("tls-key: %v", err)
	}
	pair, err := tls.X509KeyPair(chain, key)
	if err != nil {
		return tls.Certificate{}, complain("tls-cert %s and tls-key %s cannot be used together: %v", s.TLSCert, s.TLSKey, err)
	}
	return pair, nil
}

// MailPassword reads the mail server's password from the setting or its file.
func (s Settings) MailPassword() (string, error) {
	if s.SMTPPasswordFile == "" {
		return s.SMTPPassword, nil
	}
	b, err := os.ReadFile(s.SMTPPasswordFile)
	return strings.TrimSpace(string(b)), err
}
