package password_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/portvakt/portvakt/internal/password"
	"github.com/portvakt/portvakt/internal/secret"
)

var cheap = password.Params{Memory: 64, Time: 1, Threads: 1}

func TestAVerifierKnowsItsPasswordAndNoOther(t *testing.T) {
	h := password.NewHasher(cheap)
	ctx := t.Context()
	v, err := h.Hash(ctx, "lugn sjö i morgonljus")
	if err != nil {
		t.Fatal(err)
	}
	for typed, want := range map[string]bool{
		"lugn sjö i morgonljus":       true,
		"lugn sjo\u0308 i morgonljus": true, // the same letters from another keyboard
		"lugn sjö i morgonljus ":      false,
		"Lugn sjö i morgonljus":       false,
		"":                            false,
		"lugn sjö i morgonljus" + strings.Repeat("x", 4): false,
	} {
		if ok, _, err := h.Verify(ctx, v, typed); err != nil || ok != want {
			t.Errorf("%q: %t %v", typed, ok, err)
		}
	}
	if ok, _, err := h.Verify(ctx, "", "lugn sjö i morgonljus"); ok || err != nil {
		t.Errorf("without a verifier: %t %v", ok, err)
	}
	if printed := fmt.Sprintf("%v %#v %s", v, v, struct{ V password.Verifier }{v}); strings.Contains(printed, "argon2id") {
		t.Errorf("the verifier prints as %s", printed)
	}
}

func TestAVerifierOfFormerCostsIsOutdated(t *testing.T) {
	old, fresh := password.NewHasher(cheap), password.NewHasher(password.Params{Memory: 128, Time: 1, Threads: 1})
	v, err := old.Hash(t.Context(), "lugn sjö i morgonljus")
	if err != nil {
		t.Fatal(err)
	}
	if ok, outdated, err := fresh.Verify(t.Context(), v, "lugn sjö i morgonljus"); !ok || !outdated || err != nil {
		t.Errorf("%t %t %v", ok, outdated, err)
	}
	if _, outdated, _ := old.Verify(t.Context(), v, "lugn sjö i morgonljus"); outdated {
		t.Error("a verifier of today's costs is outdated")
	}
}

func TestADamagedOrCostlyVerifierIsAnErrorAndNoWork(t *testing.T) {
	h := password.NewHasher(cheap)
	for _, v := range []password.Verifier{"x", "$argon2i$v=19$m=64,t=1,p=1$c2FsdHNhbHQ$aGFzaGhhc2hoYXNoaGFzaA", "$argon2id$v=19$m=99999999,t=1,p=1$c2FsdHNhbHQ$aGFzaGhhc2hoYXNoaGFzaA",
		"$argon2id$v=19$m=64,t=999,p=1$c2FsdHNhbHQ$aGFzaGhhc2hoYXNoaGFzaA", "$argon2id$v=19$m=64,t=1,p=1$%$%"} {
		if ok, _, err := h.Verify(t.Context(), v, "x"); ok || err == nil {
			t.Errorf("%s: %t %v", string(v), ok, err)
		}
	}
}

func TestTheQueueIsBoundedAndSaysSo(t *testing.T) {
	h := password.NewBoundedHasher(cheap, 2, 128)
	ctx, cancel := context.WithCancel(t.Context())
	release := password.Occupy(h)
	const waiting = 126 // of 128 places, two are taken by those who hold the slots
	results := make(chan error, waiting)
	for range waiting {
		go func() {
			_, err := h.Hash(ctx, "x")
			results <- err
		}()
	}
	password.WaitUntilQueued(h)
	if _, err := h.Hash(t.Context(), "x"); !errors.Is(err, password.ErrBusy) {
		t.Errorf("one too many: %v", err)
	}
	cancel()
	for range waiting {
		if err := <-results; !errors.Is(err, context.Canceled) {
			t.Errorf("who goes away waits on: %v", err)
		}
	}
	release()
	if _, err := h.Hash(t.Context(), "x"); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

func TestWhatANewPasswordMayBe(t *testing.T) {
	rules := password.Rules{Min: password.MinAlone, Words: []string{"Anna", "Svensson", "anna.svensson@foretaget.example", "anna.svensson", "Företaget AB", "foretaget"}}
	for pw, want := range map[string]error{
		"nio gröna båtar i en vik":                    nil,
		"korrekt häst batteri klammer":                nil,
		"jag heter anna och bor vid havet i en stuga": nil, // a name in a sentence is no help to a guesser
		"fjorton tecken":                              password.ErrTooShort,
		"ååååååååååååååå":                             password.ErrRepeating,
		"abcabcabcabcabcabc":                          password.ErrRepeating,
		"abcdefghijklmnopq":                           password.ErrRepeating,
		"12345678901234567890":                        password.ErrRepeating,
		"passwordpassword":                            password.ErrCommon,
		"PASSWORDpassword":                            password.ErrCommon,
		"sommarsommarsommar":                          password.ErrCommon,
		"lösenord1234567890":                          password.ErrCommon,
		"anna.svensson1":                              password.ErrTooShort,
		"anna.svensson2026":                           password.ErrPersonal,
		"AnnaSvensson19770":                           password.ErrPersonal,
		"företaget ab 2026":                           password.ErrPersonal,
		"nio gröna\nbåtar i vik":                      password.ErrUnusable,
		"nio gröna\x00båtar i vik":                    password.ErrUnusable,
		"nio gröna \xff båtar i vik":                  password.ErrUnusable,
		strings.Repeat("båt och ", 40):                password.ErrTooLong,
	} {
		if err := rules.Judge(pw); !errors.Is(err, want) || want == nil && err != nil {
			t.Errorf("%q: %v, want %v", pw, err, want)
		}
	}
	rules.Min = 8
	if err := rules.Judge("åtta båt"); err != nil {
		t.Errorf("eight characters where eight are enough: %v", err)
	}
	if err := rules.Judge("password"); !errors.Is(err, password.ErrCommon) {
		t.Errorf("password: %v", err)
	}
}

func TestTheListOfCommonPasswordsRefusesHardlyAnybodyElse(t *testing.T) {
	rules := password.Rules{Min: 8}
	wrong := 0
	for range 20_000 {
		if errors.Is(rules.Judge(secret.NewID()), password.ErrCommon) {
			wrong++
		}
	}
	if wrong > 5 { // one in 65,000 is expected
		t.Errorf("%d of 20,000 random passwords were taken for common ones", wrong)
	}
	for _, common := range []string{"trustno1", "football", "Sunshine", "vinter2024!", "välkommen123"} {
		if err := rules.Judge(common); !errors.Is(err, password.ErrCommon) {
			t.Errorf("%q: %v", common, err)
		}
	}
}

func TestTheRulesOfAnAccountKnowItsAddressAndItsWords(t *testing.T) {
	rules := password.RulesFor("anna.k+jobb@foretaget.example", "Företaget AB", "Anna", "Svensson")
	for _, pw := range []string{"foretaget.example-1", "annasvensson2026!!", "anna.k+jobb@foretaget.example"} {
		if err := rules.Judge(pw); err == nil {
			t.Errorf("%q is accepted", pw)
		}
	}
	if err := rules.Judge("en anka som heter anna"); err != nil {
		t.Errorf("a name inside a long sentence: %v", err)
	}
	if password.IsEnoughAlone("fjorton tecken") || !password.IsEnoughAlone("femton  tecken!") {
		t.Error("fifteen code points are enough alone, and fourteen are not")
	}
}
