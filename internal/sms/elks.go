package sms

import (
	"context"
	"net/http"
	"net/url"
	"strings"
)

// elks is 46elks: a form to /a1/sms.
type elks struct{ settings Settings }

const elksURL = "https://api.46elks.com"

func (g elks) request(ctx context.Context, t text) (*http.Request, error) {
	form := url.Values{"from": {g.settings.From}, "to": {t.to.Reveal()}, "message": {t.body}}
	return formRequest(ctx, g.settings, elksURL, "/a1/sms", form)
}

// judge: a 400 names a parameter that is wrong, the number as a rule; a 403 an empty account.
func (g elks) judge(status int, body []byte) error {
	switch {
	case status < 300:
		return nil
	case status == http.StatusBadRequest:
		return refused(status, 0, body)
	}
	return again(status, body)
}

// formRequest is what 46elks and Twilio have in common.
func formRequest(ctx context.Context, s Settings, standard, path string, form url.Values) (*http.Request, error) {
	base := strings.TrimSuffix(s.URL, "/")
	if base == "" {
		base = standard
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, base+path, strings.NewReader(form.Encode()))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.SetBasicAuth(s.User, s.Password)
	return req, nil
}
