package config_test

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"

	"github.com/portvakt/portvakt/internal/config"
)

// parse reads a command line as portvakt does, with a file if there is text for one.
func parse(t *testing.T, file string, args ...string) (config.Settings, error) {
	t.Helper()
	var command struct {
		Config          kong.ConfigFlag
		Name            string // a flag of a command, which is no setting
		Public          bool
		config.Settings `embed:""`
	}
	k, err := kong.New(&command, kong.Configuration(config.ReadFile))
	if err == nil {
		err = config.IgnoreEmptyVariables(k)
	}
	if err != nil {
		t.Fatal(err)
	}
	if file != "" {
		path := filepath.Join(t.TempDir(), "portvakt.toml")
		if err := os.WriteFile(path, []byte(file), 0o600); err != nil {
			t.Fatal(err)
		}
		args = append(args, "--config", path)
	}
	_, err = k.Parse(args)
	return command.Settings, err
}

func TestOfFlagEnvironmentAndFileTheNearestWins(t *testing.T) {
	for _, c := range []struct {
		name, line, variable, set, flag string
		get                             func(config.Settings) any
		byDefault, byFile, bySet, byArg any
	}{
		{"a text", `mail-from-name = "File"`, "PORTVAKT_MAIL_FROM_NAME", "Environment", "--mail-from-name=Flag",
			func(s config.Settings) any { return s.MailFromName }, "Portvakt", "File", "Environment", "Flag"},
		{"a list", `trusted-proxies = ["10.0.0.1", "10.0.0.2"]`, "PORTVAKT_TRUSTED_PROXIES", "10.1.0.1,10.1.0.2", "--trusted-proxies=10.2.0.1,10.2.0.2",
			func(s config.Settings) any { return s.TrustedProxies }, []string(nil), []string{"10.0.0.1", "10.0.0.2"},
			[]string{"10.1.0.1", "10.1.0.2"}, []string{"10.2.0.1", "10.2.0.2"}},
		{"a duration", `plain-delay = "1m"`, "PORTVAKT_PLAIN_DELAY", "2m", "--plain-delay=3m",
			func(s config.Settings) any { return s.PlainDelay }, time.Minute, time.Minute, 2 * time.Minute, 3 * time.Minute},
		{"a number", `smtp-port = 25`, "PORTVAKT_SMTP_PORT", "26", "--smtp-port=27",
			func(s config.Settings) any { return s.SMTPPort }, 587, 25, 26, 27},
	} {
		look := func(what string, want any, file string, args ...string) {
			t.Helper()
			s, err := parse(t, file, args...)
			if err != nil || !reflect.DeepEqual(c.get(s), want) {
				t.Errorf("%s, %s: %v %v, want %v", c.name, what, c.get(s), err, want)
			}
		}
		t.Run(c.name, func(t *testing.T) {
			look("nothing given", c.byDefault, "")
			look("in the file", c.byFile, c.line)
			look("a flag over the file", c.byArg, c.line, c.flag)
			t.Setenv(c.variable, "")
			look("an empty variable is none", c.byDefault, "")
			look("an empty variable is none, beside a file", c.byFile, c.line)
			t.Setenv(c.variable, c.set)
			look("in the environment", c.bySet, "")
			look("the environment over the file", c.bySet, c.line)
			look("a flag over all", c.byArg, c.line, c.flag)
		})
	}
}

func TestTheFileHoldsSettingsAndNothingElse(t *testing.T) {
	for _, line := range []string{`name = "HRM"`, `public = true`, `help = true`, `config = "other.toml"`, `smtp-hots = "mail"`, `demo = true`,
		`Issuer = "https://x.example"`, `"" = 1`, `redirect-uri = ["https://x.example"]`, `2fa = "off"`} {
		_, err := parse(t, line+"\n")
		if key, _, _ := strings.Cut(strings.ReplaceAll(line, `"`, ""), " ="); !errors.Is(err, config.ErrSettings) ||
			!strings.Contains(err.Error(), `unknown setting "`+key+`"`) || !strings.Contains(err.Error(), "portvakt.toml") {
			t.Errorf("%s: %v", line, err)
		}
	}
	_, err := parse(t, "[smtp]\nhost = \"mail\"\n")
	complains(t, "a table", err, `unknown setting "smtp"`)
	_, err = parse(t, "issuer = \n")
	complains(t, "no TOML", err, "portvakt.toml")
}

func TestUnderscoresNameTheSameSetting(t *testing.T) {
	s, err := parse(t, "trusted_proxies = [\"10.0.0.1\"]\ntls_cert = \"cert.pem\"\nsmtp-port = 25\n")
	if err != nil || len(s.TrustedProxies) != 1 || s.TLSCert != "cert.pem" || s.SMTPPort != 25 {
		t.Errorf("%+v %v", s, err)
	}
	_, err = parse(t, "tls_cert = \"a\"\ntls-cert = \"b\"\n")
	complains(t, "both spellings", err, "tls-cert is there twice")
}

func TestValuesOfTheFileAreWhatTheyWouldBeAsFlags(t *testing.T) {
	s, err := parse(t, "listen = 8443\nsmtp-password = 12345\nsmtp-username = true\nsmtp-port = \"25\"\noutbound-allow = \"10.0.0.0/8,192.168.0.0/16\"\n"+
		"trusted-proxies = []\nplain-delay = \"90s\"\n")
	if err != nil {
		t.Fatal(err)
	}
	if s.SMTPPassword != "12345" || s.SMTPUsername != "true" || s.SMTPPort != 25 || len(s.OutboundAllow) != 2 || len(s.TrustedProxies) != 0 ||
		s.PlainDelay != 90*time.Second {
		t.Errorf("%+v", s)
	}
	s.Issuer = "https://login.example.com"
	complains(t, "a port as the whole address", s.Check(), `want HOST:PORT, as ":8443"`)
	for line, says := range map[string]string{
		`plain-delay = 60`:                      `write it as "60s"`,
		`plain-delay = "60"`:                    `write it as "60s"`,
		`plain-delay = 1.5`:                     `write it as "60s"`,
		`smtp-port = 587.0`:                     "no whole number",
		`smtp-port = 25.5`:                      "no whole number",
		`smtp-port = true`:                      "no whole number",
		`smtp-port = "smtp"`:                    "no whole number",
		`smtp-port = ""`:                        "no whole number",
		`smtp-password = 1.10`:                  "write it in quotes",
		`mail-from-name = 2026-01-01`:           "write it in quotes",
		`issuer = ["https://x.example"]`:        "write it in quotes",
		`trusted-proxies = ["10.0.0.1", 10]`:    "want a list of texts",
		`trusted-proxies = 10`:                  "want a list of texts",
		"[issuer]\nurl = \"https://x.example\"": "write it in quotes",
	} {
		_, err := parse(t, line+"\n")
		key := strings.Trim(strings.Fields(line)[0], "[]")
		complains(t, line, err, key+": ", says, "portvakt.toml")
	}
}

func TestTheDocumentedFileIsAccepted(t *testing.T) {
	text, err := os.ReadFile("../../docs/configuration.md")
	if err != nil {
		t.Fatal(err)
	}
	_, example, _ := strings.Cut(string(text), "```toml\n")
	example, _, ok := strings.Cut(example, "```")
	s, err := parse(t, example)
	if !ok || err != nil || s.CheckServing() != nil || len(s.TrustedProxies) != 1 {
		t.Errorf("%+v %v %v", s, err, s.CheckServing())
	}
}

func TestAnOutlandishPortIsRefusedWhereverItStands(t *testing.T) {
	for _, port := range []string{"0", "65536", "-1"} {
		byFile, err := parse(t, "issuer = \"https://x.example\"\nsmtp-host = \"mail\"\nmail-from = \"a@x.example\"\nsmtp-port = "+port+"\n")
		if err != nil {
			t.Fatal(err)
		}
		byFlag, err := parse(t, "", "--issuer=https://x.example", "--smtp-host=mail", "--mail-from=a@x.example", "--smtp-port="+port)
		if err != nil {
			t.Fatal(err)
		}
		complains(t, "file", byFile.Check(), "smtp-port "+port)
		complains(t, "flag", byFlag.Check(), "smtp-port "+port)
	}
}
