package journey

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Message is a mail or a text message as the inbox's list tells it.
type Message struct {
	ID         string    `json:"id"`
	Channel    string    `json:"channel"`
	To         string    `json:"to"`
	From       string    `json:"from"`
	Subject    string    `json:"subject"`
	Text       string    `json:"text"`
	HTML       string    `json:"html"`
	Links      []string  `json:"links"`
	ReceivedAt time.Time `json:"received_at"`
}

// Inbox reads somebody's mail. What was read once is not read again.
type Inbox struct {
	r        Reporter
	base     string
	patience time.Duration
	read     map[string]bool
}

// NewInbox reads from the inbox at this address. It waits a minute for a mail.
func NewInbox(r Reporter, base string) *Inbox {
	return &Inbox{r: r, base: strings.TrimSuffix(base, "/"), patience: time.Minute, read: map[string]bool{}}
}

// ReadMail waits for the newest unread message to the address whose subject or
// text contains the words.
func (in *Inbox) ReadMail(to, words string) Message {
	in.r.Helper()
	for end := time.Now().Add(in.patience); time.Now().Before(end); time.Sleep(interval) {
		for _, m := range in.Messages(to) {
			if !in.read[m.ID] && (strings.Contains(m.Subject, words) || strings.Contains(m.Text, words)) {
				in.read[m.ID] = true
				return m
			}
		}
	}
	in.r.Fatalf("no mail with %q came to %s", words, to)
	return Message{}
}

// Messages are all messages to the address, newest first.
func (in *Inbox) Messages(to string) []Message {
	in.r.Helper()
	res, err := http.Get(in.base + "/api/messages?to=" + url.QueryEscape(to))
	if err != nil {
		in.r.Fatalf("open the inbox: %v", err)
	}
	defer func() { _ = res.Body.Close() }()
	var all []Message
	if err := json.NewDecoder(res.Body).Decode(&all); err != nil {
		in.r.Fatalf("read the inbox: %v", err)
	}
	return all
}

// Refuse makes the mail server fail for now, or work again.
func (in *Inbox) Refuse(on bool) {
	in.r.Helper()
	method := map[bool]string{true: http.MethodPut, false: http.MethodDelete}[on]
	if status, err := ask(method, in.base+"/api/refuse"); err != nil || status != http.StatusNoContent {
		in.r.Fatalf("switch the inbox: %d %v", status, err)
	}
}

// Scan opens every link of a mail as a mail scanner does: without cookies, by
// HEAD and by GET, before the person sees it.
func (in *Inbox) Scan(m Message) {
	in.r.Helper()
	for _, link := range m.Links {
		for _, method := range []string{http.MethodHead, http.MethodGet} {
			if _, err := ask(method, link); err != nil {
				in.r.Fatalf("scan %s: %v", link, err)
			}
		}
	}
}

func ask(method, address string) (status int, err error) {
	r, err := http.NewRequest(method, address, nil)
	if err != nil {
		return 0, fmt.Errorf("ask %s: %w", address, err)
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, err
	}
	return res.StatusCode, res.Body.Close()
}
