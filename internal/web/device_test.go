package web_test

import (
	"strings"
	"testing"

	"github.com/portvakt/portvakt/internal/web"
)

func TestAUserAgentBecomesWords(t *testing.T) {
	for agent, want := range map[string][2]string{
		"Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1": {"iPhone", "Safari"},
		"Mozilla/5.0 (iPad; CPU OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1":          {"iPad", "Safari"},
		"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Safari/605.1.15":                   {"Mac", "Safari"},
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36":                         {"Windows", "Chrome"},
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36 Edg/142.0.0.0":           {"Windows", "Edge"},
		"Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0":                                                                  {"Linux", "Firefox"},
		"Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Mobile Safari/537.36":                         {"Android", "Chrome"},
		"Mozilla/5.0 (Linux; Android 14; SM-S921B) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Mobile Safari/537.36":                  {"SM-S921B", "Chrome"},
		"Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36":                          {"Chromebook", "Chrome"},
		"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/142.0.0.0 Safari/537.36":                           {"Linux", "Chrome"},
		"":                                      {"", ""},
		"curl/8.11":                             {"", ""},
		"Your account is closed, call 555-0100": {"", ""},
	} {
		if device, browser := web.Device(agent); device != want[0] || browser != want[1] {
			t.Errorf("%s: %q, %q", agent, device, browser)
		}
	}
}

func TestAPhoneIsToldFromADesk(t *testing.T) {
	for agent, want := range map[string]bool{
		"Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1": true,
		"Mozilla/5.0 (iPad; CPU OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1":          true,
		"Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Mobile Safari/537.36":                         true,
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36":                         false,
		"Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0":                                                                  false,
		"": false,
	} {
		if got := web.IsPhone(agent); got != want {
			t.Errorf("%s: %t", agent, got)
		}
		if got, want := web.IsIOS(agent), strings.Contains(agent, "(iP"); got != want {
			t.Errorf("%s: iOS %t", agent, got)
		}
	}
}

func FuzzDeviceStaysShortAndPlain(f *testing.F) {
	f.Add("Mozilla/5.0 (Linux; Android 14; <script>) AppleWebKit/537.36 Chrome/1 Mobile Safari/537.36")
	f.Add(strings.Repeat("(", 2000))
	f.Fuzz(func(t *testing.T, agent string) {
		device, browser := web.Device(agent)
		if len(device) > 20 || len(browser) > 40 || strings.ContainsAny(device+browser, "<>&\"\n\r./:@") {
			t.Errorf("%q, %q", device, browser)
		}
	})
}
