package push_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/portvakt/portvakt/internal/account"
	"github.com/portvakt/portvakt/internal/push"
)

// TestAnswersAreJudgedByTheVectors that everybody has who writes another authenticator; ours are made from them as well.
func TestAnswersAreJudgedByTheVectors(t *testing.T) {
	for _, name := range []string{"approval.json", "question.json"} {
		t.Run(name, func(t *testing.T) { judgedBy(t, name) })
	}
}

func judgedBy(t *testing.T, name string) {
	v, key, c := readVectors(t, name)
	for _, one := range v.Good {
		a, right, ok := key.VerifyAnswer(c, v.Issuer, one.Answer)
		got := map[push.Decision]string{push.Deny: "denied", push.NotMe: "reported"}[a.Decision]
		if a.Decision == push.Approve {
			got = map[bool]string{true: "approved", false: "wrong_number"}[right]
		}
		if !ok || got != one.Result {
			t.Errorf("%s: %v %q, want %q", one.Name, ok, got, one.Result)
		}
	}
	for _, one := range v.Bad {
		if _, _, ok := key.VerifyAnswer(c, v.Issuer, one.Answer); ok {
			t.Errorf("%s: accepted", one.Name)
		}
	}
	if len(v.Good) == 0 || len(v.Bad) == 0 {
		t.Error("no vectors")
	}
}

// FuzzVerifyAnswer: whatever becomes of an answer, the phone has signed what is taken.
func FuzzVerifyAnswer(f *testing.F) {
	v, key, c := readVectors(f, "approval.json")
	for _, one := range v.Good {
		f.Add(one.Answer)
	}
	for _, one := range v.Bad {
		f.Add(one.Answer)
	}
	f.Fuzz(func(t *testing.T, token string) {
		a, _, ok := key.VerifyAnswer(c, v.Issuer, token)
		for _, one := range v.Good {
			if strings.HasPrefix(token, one.Answer[:strings.LastIndexByte(one.Answer, '.')+1]) {
				return
			}
		}
		if ok || a != (push.Answer{}) {
			t.Errorf("%q: %+v", token, a)
		}
	})
}

// approvals are the vectors of answers.
type approvals struct {
	Issuer  string          `json:"issuer"`
	Account account.ID      `json:"account"`
	KeyID   string          `json:"key_id"`
	Key     json.RawMessage `json:"key"`
	Number  string          `json:"number"`
	Request struct {
		ID       string       `json:"id"`
		Nonce    string       `json:"nonce"`
		Purpose  push.Purpose `json:"purpose"`
		Mode     push.Mode    `json:"mode"`
		Numbers  []string     `json:"numbers"`
		ClientID string       `json:"client_id"`
		Shown    push.Shown   `json:"shown"`
		Ends     int64        `json:"exp"`
	} `json:"request"`
	Good []struct{ Name, Answer, Result string } `json:"good"`
	Bad  []struct{ Name, Answer string }         `json:"bad"`
}

func readVectors(t testing.TB, name string) (v approvals, key push.Key, c push.Challenge) {
	t.Helper()
	load(t, name, &v)
	var public struct{ Kty, Crv, X, Y string }
	if err := json.Unmarshal(v.Key, &public); err != nil {
		t.Fatal(err)
	}
	signing, err := json.Marshal(map[string]string{"kty": public.Kty, "crv": public.Crv, "x": public.X, "y": public.Y})
	if err != nil {
		t.Fatal(err)
	}
	key = push.Key{ID: v.KeyID, Account: v.Account, Signing: signing}
	c = push.Challenge{ID: v.Request.ID, Account: v.Account, Attempt: "attempt-1", Purpose: v.Request.Purpose, Mode: v.Request.Mode, ClientID: v.Request.ClientID,
		Shown: v.Request.Shown, State: push.Waiting, Expires: time.Unix(v.Request.Ends, 0),
		Secret: push.Secret{Number: v.Number, Choices: v.Request.Numbers, Nonce: v.Request.Nonce}}
	return v, key, c
}

// TestKeysThatAreTypedAreReadByTheVectors: what the program in the terminal takes, the server takes.
func TestKeysThatAreTypedAreReadByTheVectors(t *testing.T) {
	var v struct {
		Good []struct{ Text, Issuer, Code string } `json:"good"`
		Bad  []struct{ Text, Why string }          `json:"bad"`
	}
	load(t, "pairing.json", &v)
	for _, one := range v.Good {
		if one.Issuer == "" {
			continue // a link
		}
		if code, ok := push.ParseCode(one.Text); !ok || code.Reveal() != one.Code {
			t.Errorf("%q: %q %v", one.Text, code.Reveal(), ok)
		}
	}
	for _, one := range v.Bad {
		if _, ok := push.ParseCode(one.Text); ok {
			t.Errorf("%s: %q", one.Why, one.Text)
		}
	}
}

func load(t testing.TB, name string, into any) {
	t.Helper()
	text, err := os.ReadFile("../../testdata/authenticator/" + name)
	if err == nil {
		err = json.Unmarshal(text, into)
	}
	if err != nil {
		t.Fatal(name, err)
	}
}
