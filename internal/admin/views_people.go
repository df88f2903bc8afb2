package admin

import (
	"time"
)

// Person is the page of one person.
type Person struct {
	Frame
	Name, Address, Phone, Units, Login string
	Status                             string // key
	Why, WhyText                       string // keys; empty: nothing speaks against the address
	Exempt                             time.Time
	Until                              time.Time
	Connected, SignedIn                time.Time
	HasPassword, HasSecond             bool
	Next                               string // key: what to do now, in plain words
	Mails                              []MailRow
	History                            []LogLine
	Problem                            string // key
	Asked                              []AskedRow
	Attention                          string // key: why somebody should look; empty: nobody needs to
	AttentionAt                        time.Time
	SettleAction                       string
	ApprovalsURL                       string // others ask about her; empty: nobody does

	ReturnURL string

	// Where each act is sent; empty: the visitor may not, or it makes no sense now.
	PhoneAction, AddressAction, VouchAction, ExemptAction, IncludeAction, DisconnectAction, SendAction string
	RecoverAction, CodeAction, UnpairAction                                                            string
	SheetAction                                                                                        string
	SheetReason                                                                                        bool   // she has an address, or a login: why does she get a sheet?
	SheetAgain                                                                                         bool   // it is for a new password
	Typed, TypedPhone                                                                                  string // an address, or a number, that was refused
	Open                                                                                               string // the act whose form is open, by the last word of its address
	Mailed                                                                                             bool   // there was a mail before
}

// Code is the page that shows a recovery code to whoever hands it over, once.
type Code struct {
	Frame
	Name, Code string
	Hours      int
	BackURL    string
}

// MailRow is a mail, and what became of it.
type MailRow struct {
	Key    string // what it was
	To     string
	At     time.Time
	State  string // key
	Words  string // the server's
	Events []MailEvent
}

// MailEvent is one thing that happened to a mail.
type MailEvent struct {
	At    time.Time
	Key   string
	Words string
}

// Help is the page on which a helpdesk searches.
type Help struct {
	Frame
	Action string
	Search string
	Asked  bool
	Rows   []PersonRow
	More   bool
	// Approvals is how many questions wait for the organisation's word.
	Approvals    int
	ApprovalsURL string
	// Refusal is what was searched for by its number; nil: nothing.
	Refusal *RefusalView
}

// RefusalView is a page that refused something, in plain words.
type RefusalView struct {
	Reference string
	At        time.Time
	Key       string
	Said      string // key of the sentence that the person has read; empty: none
}
