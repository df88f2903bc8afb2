package sms

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

// webhook is a program of the operator's that sends by whatever it likes: a JSON, signed.
type webhook struct {
	settings Settings
	now      func() time.Time
}

// letter is the JSON. The field names are documented in docs/operations.md: they do not change.
type letter struct {
	ID      string `json:"id"`
	To      string `json:"to"`
	From    string `json:"from,omitempty"`
	Text    string `json:"text"`
	Expires int64  `json:"expires"` // Unix seconds
}

// request carries the message's id as Idempotency-Key, the same at each try, and a signature over time and body: HMAC-SHA-256,
// hexadecimal, of "TIME.BODY".
func (g webhook) request(ctx context.Context, t text) (*http.Request, error) {
	body, err := json.Marshal(letter{ID: t.id, To: t.to.Reveal(), From: g.settings.From, Text: t.body, Expires: t.expires.Unix()})
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, g.settings.URL, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	at := g.now().Unix()
	sum := hmac.New(sha256.New, []byte(g.settings.Password))
	fmt.Fprintf(sum, "%d.%s", at, body)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Idempotency-Key", t.id)
	req.Header.Set("Portvakt-Signature", fmt.Sprintf("t=%d,v1=%s", at, hex.EncodeToString(sum.Sum(nil))))
	return req, nil
}

// judge: 400 and 422 say that the message is wrong, whatever else that it may be right another time.
func (g webhook) judge(status int, body []byte) error {
	switch {
	case status < 300:
		return nil
	case status == http.StatusBadRequest, status == http.StatusUnprocessableEntity:
		return refused(status, 0, body)
	}
	return again(status, body)
}
