// Package inbox receives the mails and text messages of a demonstration or a
// test and shows them to a person and to a program. It is a real SMTP server
// that accepts every recipient but reject…, sends back what comes for bounce…,
// and an SMS gateway that sends nothing, with a
// small web page and a JSON list beside them.
// It is not a mail server to keep mail in: everything is in memory, and anybody
// who reaches its port may read it.
package inbox

import (
	"log/slog"
	"sync"
	"time"

	"github.com/emersion/go-smtp"
)

// Limits that hold where the configuration names no other.
const (
	DefaultKeep       = 1000
	DefaultMaxMessage = 1 << 20
	DefaultMaxTotal   = 64 << 20
)

// Config is what an inbox needs to know; its zero value works.
type Config struct {
	// Keep is how many messages stay; the oldest go first.
	Keep int
	// MaxMessage is the size in bytes beyond which a mail is refused.
	MaxMessage int64
	// MaxTotal bounds the memory of all kept messages, in bytes.
	MaxTotal int
	// SMSUser and SMSPassword are asked of whoever sends a text message.
	SMSUser, SMSPassword string
	// Lang is the language of the pages ("sv" or "en") where the browser asks for neither.
	Lang string
	// ReturnTo is the SMTP server that gets reports about mails which do not
	// arrive, HOST:PORT; empty: nobody is told.
	ReturnTo string
	// Now is the clock.
	Now func() time.Time
	// Log receives what an operator should know.
	Log *slog.Logger
}

// Inbox is one store of messages with its SMTP side and its HTTP side.
type Inbox struct {
	cfg   Config
	box   *mailbox
	smtp  *smtp.Server
	gate  gate
	pages pages

	returns sync.WaitGroup // reports under way
}

// New makes an empty inbox.
func New(cfg Config) *Inbox {
	cfg = cfg.withDefaults()
	in := &Inbox{cfg: cfg, box: newMailbox(cfg.Keep, cfg.MaxTotal), pages: parsePages()}
	in.smtp = newSMTPServer(in)
	return in
}

func (c Config) withDefaults() Config {
	if c.Keep <= 0 {
		c.Keep = DefaultKeep
	}
	if c.MaxMessage <= 0 {
		c.MaxMessage = DefaultMaxMessage
	}
	if c.MaxTotal <= 0 {
		c.MaxTotal = DefaultMaxTotal
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return c
}

// AddSMS files a text message as if a telephone had received it.
func (in *Inbox) AddSMS(to, from, text string) {
	in.box.add(Message{
		Channel: SMS, To: to, From: from, Text: text,
		Links: Links(text), ReceivedAt: in.cfg.Now(),
	})
}

// Messages returns what was received for the address, newest first; an empty
// address means everybody.
func (in *Inbox) Messages(to string) []Message { return in.box.list(to) }

// Refuse makes both sides answer everything with a temporary failure, as a mail
// server and an SMS gateway in trouble do, until it is called with false.
func (in *Inbox) Refuse(on bool) { in.gate.set(on) }
