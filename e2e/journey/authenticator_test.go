package journey_test

import (
	"testing"
	"time"

	"github.com/portvakt/portvakt/e2e/journey"
)

// written is the key of the RFC's vectors, "12345678901234567890", as a page shows it.
const written = "GEZD GNBV GY3T QOJQ GEZD GNBV GY3T QOJQ"

func TestTheAppShowsTheCodesOfTheRFC(t *testing.T) {
	for _, key := range []string{written, "gezd gnbv gy3t qojq gezd gnbv gy3t qojq", "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", "GEZD GNBV GY3T QOJQ\n\tGEZD\u00a0GNBV GY3T QOJQ "} {
		a, err := journey.NewApp(key)
		if err != nil {
			t.Fatalf("%q: %v", key, err)
		}
		for unix, want := range map[int64]string{ // RFC 6238 appendix B, SHA-1, the last six of its eight digits
			59: "287082", 1111111109: "081804", 1111111111: "050471", 1234567890: "005924", 2000000000: "279037", 20000000000: "353130",
		} {
			if got := a.Code(time.Unix(unix, 0)); got != want {
				t.Errorf("%q at %d: %s, want %s", key, unix, got, want)
			}
		}
	}
}

func TestTheAppRefusesAKeyThatIsNone(t *testing.T) {
	for name, key := range map[string]string{
		"nothing": "", "too short": "GEZD GNBV GY3T QOJQ", "a digit of no base32": "1EZD GNBV GY3T QOJQ GEZD GNBV GY3T QOJQ",
		"a dash": "GEZD-GNBV-GY3T-QOJQ-GEZD-GNBV-GY3T-QOJQ", "a page's sentence": "Skriv in nyckeln i appen",
	} {
		if _, err := journey.NewApp(key); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}
