package sms

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// twilio is Twilio's Programmable Messaging: a form to an account's Messages.json.
type twilio struct{ settings Settings }

const twilioURL = "https://api.twilio.com"

func (g twilio) request(ctx context.Context, t text) (*http.Request, error) {
	form := url.Values{"To": {t.to.Reveal()}, "Body": {t.body}}
	sender := "From"
	if strings.HasPrefix(g.settings.From, "MG") {
		sender = "MessagingServiceSid"
	}
	form.Set(sender, g.settings.From)
	return formRequest(ctx, g.settings, twilioURL, "/2010-04-01/Accounts/"+url.PathEscape(g.settings.User)+"/Messages.json", form)
}

// twilioFinal are the error codes about the number itself: the next try would get the same.
var twilioFinal = []int{
	21211, // the number is invalid
	21217, // the number does not seem to be one
	21408, // no permission to send to its country
	21610, // its owner has unsubscribed
	21612, // it cannot be reached from this sender
	21614, // it is no mobile phone
}

func (g twilio) judge(status int, body []byte) error {
	if status < 300 {
		return nil
	}
	var problem struct {
		Code int `json:"code"`
	}
	if json.Unmarshal(body, &problem) == nil && slices.Contains(twilioFinal, problem.Code) {
		return refused(status, problem.Code, body)
	}
	return again(status, body) // 20003: wrong auth token; 20429: too many; and whatever an operator can still put right
}
