package inbox

import (
	"slices"
	"strconv"
	"sync"
	"time"
)

// Channel is the way on which a message came.
type Channel string

// The two channels.
const (
	Mail Channel = "mail"
	SMS  Channel = "sms"
)

// Message is one received mail or text message, decoded. A mail to several
// recipients is several messages, because each of them has an inbox.
type Message struct {
	ID         string    `json:"id"`
	Channel    Channel   `json:"channel"`
	To         string    `json:"to"`
	From       string    `json:"from"`
	Subject    string    `json:"subject"`
	Text       string    `json:"text"`
	HTML       string    `json:"html"`
	Links      []string  `json:"links"`
	ReceivedAt time.Time `json:"received_at"`
}

func (m Message) size() int {
	n := len(m.To) + len(m.From) + len(m.Subject) + len(m.Text) + len(m.HTML)
	for _, link := range m.Links {
		n += len(link)
	}
	return n
}

// mailbox keeps the newest messages within two bounds: count and bytes.
type mailbox struct {
	mu       sync.RWMutex
	keep     int
	maxBytes int
	bytes    int
	last     int
	messages []Message // oldest first
}

func newMailbox(keep, maxBytes int) *mailbox {
	return &mailbox{keep: keep, maxBytes: maxBytes}
}

func (b *mailbox) add(m Message) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.last++
	m.ID = strconv.Itoa(b.last)
	if m.Links == nil {
		m.Links = []string{} // a JSON reader expects an array, never null
	}
	b.messages = append(b.messages, m)
	b.bytes += m.size()
	b.trim()
}

// trim drops the oldest; the newest message stays, however big it is.
func (b *mailbox) trim() {
	for len(b.messages) > 1 && (len(b.messages) > b.keep || b.bytes > b.maxBytes) {
		b.bytes -= b.messages[0].size()
		b.messages[0] = Message{} // lets its text be collected before the slice moves
		b.messages = b.messages[1:]
	}
}

func (b *mailbox) list(to string) []Message {
	b.mu.RLock()
	defer b.mu.RUnlock()
	found := []Message{}
	for _, m := range slices.Backward(b.messages) {
		if to == "" || isTo(m, to) {
			found = append(found, m)
		}
	}
	return found
}

func (b *mailbox) find(id string) (Message, bool) {
	b.mu.RLock()
	defer b.mu.RUnlock()
	i := slices.IndexFunc(b.messages, func(m Message) bool { return m.ID == id })
	if i < 0 {
		return Message{}, false
	}
	return b.messages[i], true
}
