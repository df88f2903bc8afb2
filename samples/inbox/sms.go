package inbox

import (
	"crypto/subtle"
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"unicode/utf8"
)

// Limits of a text message.
const (
	maxSMSForm = 16 << 10 // bytes
	maxSMSText = 1600     // characters, as ten messages in a row hold
)

// e164 is how a number is written that a gateway takes.
var e164 = regexp.MustCompile(`^\+[1-9][0-9]{6,14}$`)

// acceptSMS answers POST /a1/sms as the gateway 46elks does: a form with from, to and message, and a user with a password
// (RFC 7617). A page of another site can send the form, and not the password.
func (in *Inbox) acceptSMS(w http.ResponseWriter, r *http.Request) {
	user, password, _ := r.BasicAuth()
	if !same(user, in.cfg.SMSUser) || !same(password, in.cfg.SMSPassword) {
		w.Header().Set("WWW-Authenticate", `Basic realm="sms"`)
		http.Error(w, "Unauthorized", http.StatusUnauthorized)
		return
	}
	if in.gate.closed.Load() {
		http.Error(w, "Try again later", http.StatusServiceUnavailable)
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxSMSForm)
	if err := r.ParseForm(); err != nil {
		http.Error(w, "The form cannot be read", http.StatusBadRequest)
		return
	}
	to, from, text := r.PostForm.Get("to"), r.PostForm.Get("from"), r.PostForm.Get("message")
	switch {
	case !e164.MatchString(to):
		http.Error(w, "Invalid parameter to: want a number as +46701740605", http.StatusBadRequest)
		return
	case from == "" || text == "" || !utf8.ValidString(text) || utf8.RuneCountInString(text) > maxSMSText:
		http.Error(w, "Missing or invalid parameter", http.StatusBadRequest)
		return
	}
	in.AddSMS(to, from, text)
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(map[string]string{"status": "created", "to": to, "from": from, "message": text}); err != nil {
		in.cfg.Log.Debug("inbox: reader went away", "error", err)
	}
}

func same(given, want string) bool {
	return subtle.ConstantTimeCompare([]byte(given), []byte(want)) == 1
}

// isTo says whether a message is somebody's: an address in either case, a number with or without its plus sign, spaces and
// dashes (a plus in an address bar arrives as a space).
func isTo(m Message, to string) bool {
	if m.Channel == SMS {
		number := strings.NewReplacer("+", "", " ", "", "-", "", "(", "", ")", "").Replace(to)
		return number != "" && strings.TrimPrefix(number, "00") == strings.TrimPrefix(m.To, "+")
	}
	return strings.EqualFold(m.To, to)
}
