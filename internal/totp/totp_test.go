package totp_test

import (
	"bytes"
	"encoding/base32"
	"fmt"
	"log/slog"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp"
	oracle "github.com/pquerna/otp/totp"
	"golang.org/x/text/unicode/norm"

	"github.com/portvakt/portvakt/internal/totp"
)

// seed is the key of the RFCs' test vectors.
var seed = totp.Key("12345678901234567890")

// now is the first second of a window.
var now = time.Date(2026, 11, 24, 8, 5, 0, 0, time.UTC)

func TestTheVectorsOfTheRFCs(t *testing.T) {
	for unix, want := range map[int64]string{ // RFC 6238 appendix B, SHA-1, the last six of its eight digits
		59: "287082", 1111111109: "081804", 1111111111: "050471", 1234567890: "005924", 2000000000: "279037", 20000000000: "353130",
	} {
		at := time.Unix(unix, 0)
		if got := seed.Code(at); got != want {
			t.Errorf("at %d: %s, want %s", unix, got, want)
		}
		if step, ok := seed.Verify(want, at); !ok || step != totp.Step(at) {
			t.Errorf("at %d: %d %t", unix, step, ok)
		}
	}
	for count, want := range []string{ // RFC 4226 appendix D
		"755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871", "520489",
	} {
		if got := seed.Code(time.Unix(int64(count)*30, 0)); got != want {
			t.Errorf("count %d: %s, want %s", count, got, want)
		}
	}
}

func TestAnotherLibraryShowsAndTakesTheSameCodes(t *testing.T) {
	for i := range 500 {
		k, at := totp.NewKey(), now.Add(time.Duration(i)*7919*time.Second)
		theirs, err := oracle.GenerateCode(k.Text(), at)
		if err != nil {
			t.Fatal(err)
		}
		if ours := k.Code(at); ours != theirs {
			t.Errorf("%s, they show %s", ours, theirs)
		}
		for d := -3; d <= 3; d++ {
			typed := k.Code(at.Add(time.Duration(d) * 30 * time.Second))
			taken, err := oracle.ValidateCustom(typed, k.Text(), at, oracle.ValidateOpts{Period: 30, Skew: 1, Digits: otp.DigitsSix, Algorithm: otp.AlgorithmSHA1})
			if _, ok := k.Verify(typed, at); ok != taken || err != nil {
				t.Errorf("the code of %+d steps: %t, they say %t %v", d, ok, taken, err)
			}
		}
	}
}

func TestANewKeyHas160BitsAndIsNeverPrinted(t *testing.T) {
	k := totp.NewKey()
	if len(k) != 20 || bytes.Equal(k, totp.NewKey()) {
		t.Errorf("not 160 random bits: %d bytes", len(k))
	}
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "key", k)
	printed := fmt.Sprintf("%s|%v|%#v|%q|%x", k, k, k, k, k) + fmt.Sprintf("|%+v|%#v", struct{ K totp.Key }{k}, &struct{ K totp.Key }{k})
	if strings.Count(printed, "[key]") != 6 || !strings.Contains(printed, fmt.Sprintf("%x", "[key]")) || !strings.Contains(log.String(), "[key]") {
		t.Errorf("printed: %s %s", printed, log.String())
	}
}

func TestAKeyIsWrittenForPeopleAndForApps(t *testing.T) {
	if got := seed.Text(); got != "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ" {
		t.Error(got)
	}
	if got := seed.Groups(); got != "GEZD GNBV GY3T QOJQ GEZD GNBV GY3T QOJQ" {
		t.Error(got)
	}
	k := totp.NewKey()
	if !regexp.MustCompile(`^[A-Z2-7]{4}( [A-Z2-7]{4}){7}$`).MatchString(k.Groups()) {
		t.Errorf("%q", k.Groups())
	}
	back, err := base32.StdEncoding.DecodeString(strings.ReplaceAll(k.Groups(), " ", ""))
	if err != nil || !bytes.Equal(back, k) {
		t.Errorf("%x %v", back, err)
	}
	const want = "otpauth://totp/F%C3%B6retaget%20AB:anna.svensson%40foretaget.example?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ" +
		"&issuer=F%C3%B6retaget%20AB&algorithm=SHA1&digits=6&period=30"
	if got := seed.URI("Företaget AB", "anna.svensson@foretaget.example"); got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
}

// An app decodes the path before it looks for the colon; so does the oracle.
func TestNamesSurviveTheWayIntoAnApp(t *testing.T) {
	for _, issuer := range []string{"Portvakt", "Företaget AB", "S:t Görans sjukhus", "A & B = C", "50 % + 1", "Ö/Ä?#", "\"<b>\"", "株式会社", ":", "a:b:c"} {
		for _, account := range []string{"anna.svensson@foretaget.example", "åsa+jobb@företaget.example", "o'hara@x.example", "anna svensson", "a&issuer=b@x.example", "1%2@x.example"} {
			uri := seed.URI(issuer, account)
			if !regexp.MustCompile(`^otpauth://totp/[A-Za-z0-9._~%:-]+\?[A-Za-z0-9._~%&=-]+$`).MatchString(uri) {
				t.Errorf("%s holds a character that some app reads otherwise", uri)
			}
			key, err := otp.NewKeyFromURL(uri)
			if err != nil {
				t.Errorf("%s: %v", uri, err)
				continue
			}
			if key.Issuer() != issuer || key.AccountName() != account {
				t.Errorf("%s: %q, %q", uri, key.Issuer(), key.AccountName())
			}
			if key.Secret() != seed.Text() || key.Type() != "totp" || key.Period() != 30 || key.Digits() != otp.DigitsSix || key.Algorithm() != otp.AlgorithmSHA1 {
				t.Errorf("%s is read otherwise", uri)
			}
			u, err := url.Parse(uri)
			if err != nil || strings.Count(u.Path, ":") > 1 || len(u.Query()) != 5 {
				t.Errorf("%s: %v", uri, err)
			}
		}
	}
}

func TestACodeIsReadAsPeopleTypeIt(t *testing.T) {
	at := time.Unix(1111111109, 0) // 081804: its leading zero counts
	for _, typed := range []string{"081804", "081 804", " 081804\r\n", "081-804", "08 18 04", "0-8-1-8-0-4", "081\u00a0804", "081\u202f804", "081\u3000804",
		"081–804", "081—804", "081‑804", "081−804", "０８１８０４", "０８１ 8０4"} {
		if step, ok := seed.Verify(typed, at); !ok || step != totp.Step(at) {
			t.Errorf("%q: %d %t", typed, step, ok)
		}
	}
}

func TestEverythingElseIsNoCode(t *testing.T) {
	at := time.Unix(1111111109, 0)
	for name, typed := range map[string]string{
		"nothing":                   "",
		"only spaces":               "      ",
		"without its leading zero":  "81804",
		"a zero too many":           "0081804",
		"a digit behind":            "0818040",
		"all eight of the RFC":      "07081804",
		"twice":                     "081804081804",
		"a sign":                    "+081804",
		"a point":                   "081.804",
		"the letter O":              "O81804",
		"a letter behind":           "081804a",
		"other digits":              "٠٨١٨٠٤",
		"digits in circles":         "⓪⑧①⑧⓪④",
		"a space that is none":      "081\u200b804",
		"a null":                    "081804\x00",
		"broken UTF-8":              "081804\xff",
		"hexadecimal":               "0x13f8c",
		"a space and five digits":   " 81804",
		"a dash and five digits":    "-81804",
		"very long":                 strings.Repeat("081804", 1<<16),
		"very long, and then right": strings.Repeat("1", 1<<16) + " 081804",
		"a recovery code":           "0123-4567-89AB-CDEF-GHJK",
	} {
		if step, ok := seed.Verify(typed, at); ok || step != 0 {
			t.Errorf("%s: step %d", name, step)
		}
	}
}

func TestTheCodeOfTheNextWindowIsTakenAndThatAfterIsNot(t *testing.T) {
	for second := range 30 {
		at := now.Add(time.Duration(second) * time.Second)
		for d, want := range map[int64]bool{-3: false, -2: false, -1: true, 0: true, 1: true, 2: false, 3: false} {
			step, ok := seed.Verify(seed.Code(now.Add(time.Duration(d)*30*time.Second)), at)
			if ok != want || ok && step != totp.Step(now)+d {
				t.Errorf("second %d, %+d steps: step %d, %t", second, d, step-totp.Step(now), ok)
			}
		}
	}
}

// 40 s are one window and ten seconds: for ten of thirty seconds the app is two windows away, and then the code that it
// shows is right again without its owner's doing.
func TestAClockThatIs40SecondsOffWorksWithinTenSeconds(t *testing.T) {
	for _, off := range []time.Duration{-40 * time.Second, 40 * time.Second} {
		refused, longest := 0, 0
		for second, row := 0, 0; second < 300; second++ {
			at := now.Add(time.Duration(second) * time.Second)
			shown := at.Add(off)
			step, ok := seed.Verify(seed.Code(shown), at)
			if ok {
				row = 0
				if step != totp.Step(shown) {
					t.Errorf("%s, second %d: the step is the server's and not the app's", off, second)
				}
				continue
			}
			refused, row = refused+1, row+1
			longest = max(longest, row)
		}
		if refused != 100 || longest > 10 {
			t.Errorf("%s: refused in %d of 300 seconds, at most %d in a row", off, refused, longest)
		}
	}
	for _, off := range []time.Duration{-90 * time.Second, -60 * time.Second, 60 * time.Second, 90 * time.Second} {
		if _, ok := seed.Verify(seed.Code(now.Add(off)), now); ok {
			t.Errorf("a clock that is %s off is believed", off)
		}
	}
}

func TestTheStepIsTheSameForAllThatIsTakenOfOneCode(t *testing.T) {
	typed := seed.Code(now)
	for second := -30; second < 60; second++ {
		if step, ok := seed.Verify(typed, now.Add(time.Duration(second)*time.Second)); !ok || step != totp.Step(now) {
			t.Errorf("second %d: step %+d, %t: it could be used twice", second, step-totp.Step(now), ok)
		}
	}
}

// Two neighbours have the same code once in a million. Whichever was meant, it must not open again later.
func TestACodeThatTwoStepsShareCountsForTheLater(t *testing.T) {
	found := 0
	for step := int64(0); step < 5_000_000 && found == 0; step++ {
		at := time.Unix(step*30, 0)
		code := seed.Code(at)
		for d := int64(1); d <= 2; d++ {
			if seed.Code(time.Unix((step+d)*30, 0)) != code {
				continue
			}
			found++
			between := time.Unix((step+1)*30, 0)
			if got, ok := seed.Verify(code, between); !ok || got != step+d {
				t.Errorf("steps %d and %d: %d %t", step, step+d, got, ok)
			}
		}
	}
	if found == 0 {
		t.Error("no such steps were found")
	}
}

func TestAKeyThatIsGoneHasNoCodes(t *testing.T) {
	for _, k := range []totp.Key{nil, {}, seed[:1], seed[:15]} {
		if _, ok := k.Verify(k.Code(now), now); ok {
			t.Errorf("a key of %d bytes has codes that anybody can compute", len(k))
		}
	}
	if _, ok := totp.NewKey().Verify(seed.Code(now), now); ok {
		t.Error("the code of another key")
	}
}

// typeable is what people may type around and between the digits.
var typeable = regexp.MustCompile(`^[\s\v\p{Z}\p{Pd}\x{2212}\x{85}]*$`)

func FuzzVerify(f *testing.F) {
	f.Add("", " ", "", now.Unix(), int8(0))
	f.Add(" ", "–", "\n", int64(59), int8(-1))
	f.Add("1", "\u00a0", "", int64(1111111109), int8(1))
	f.Add("", "", "\xff", int64(-1), int8(2))
	f.Fuzz(func(t *testing.T, before, between, after string, unix int64, d int8) {
		at := time.Unix(unix%(1<<40), 0)
		code := seed.Code(at.Add(time.Duration(d) * 30 * time.Second))
		typed := before + code[:3] + between + code[3:] + after
		step, ok := seed.Verify(typed, at)
		if clean := typeable.MatchString(before) && typeable.MatchString(between) && typeable.MatchString(after); clean && -1 <= d && d <= 1 && !ok {
			t.Errorf("%q is refused", typed)
		}
		if !ok {
			return
		}
		if off := step - totp.Step(at); off < -1 || off > 1 {
			t.Errorf("%q is of step %+d", typed, off)
		}
		left := regexp.MustCompile(`[\s\v\p{Z}\p{Pd}\x{2212}\x{85}]`).ReplaceAllString(norm.NFKC.String(typed), "")
		if left != seed.Code(time.Unix(step*30, 0)) {
			t.Errorf("%q is taken for %s", typed, seed.Code(time.Unix(step*30, 0)))
		}
	})
}
