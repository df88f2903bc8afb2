package inbox

import (
	"bytes"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/emersion/go-smtp"
)

// What an address begins with that is not as good as the others, so that a
// demonstration can show what happens to a mail which does not arrive.
const (
	rejected = "reject" // refused at once, while the sender waits
	returned = "bounce" // taken, and sent back afterwards
)

// errNoMailbox is what a mail server says of an address that it does not know.
var errNoMailbox = &smtp.SMTPError{
	Code:         550,
	EnhancedCode: smtp.EnhancedCode{5, 1, 1},
	Message:      "there is no such mailbox",
}

// returnTime is how long a report may take.
const returnTime = 10 * time.Second

// sendBack reports to the sender that a mail which was taken could not be
// delivered (RFC 3464). The report comes from nobody, as reports do, so that
// nobody reports on it.
func (in *Inbox) sendBack(sender, recipient string) {
	if in.cfg.ReturnTo == "" || sender == "" {
		return
	}
	in.returns.Go(func() {
		if err := in.report(sender, recipient); err != nil {
			in.cfg.Log.Warn("inbox: a report did not arrive", "error", err)
		}
	})
}

func (in *Inbox) report(sender, recipient string) error {
	conn, err := net.DialTimeout("tcp", in.cfg.ReturnTo, returnTime)
	if err != nil {
		return err
	}
	if err := conn.SetDeadline(time.Now().Add(returnTime)); err != nil {
		return err
	}
	c := smtp.NewClient(conn)
	defer c.Close()
	if err := c.SendMail("", []string{sender}, bytes.NewReader(reportText(sender, recipient, in.cfg.Now()))); err != nil {
		return err
	}
	return c.Quit()
}

func isCalled(address, beginning string) bool {
	return len(address) >= len(beginning) && strings.EqualFold(address[:len(beginning)], beginning)
}

func reportText(sender, recipient string, now time.Time) []byte {
	const boundary = "report-of-the-inbox"
	lines := []string{
		"From: Mail Delivery System <MAILER-DAEMON@inbox.localhost>",
		"To: <" + sender + ">",
		"Subject: Undelivered Mail Returned to Sender",
		"Date: " + now.Format(time.RFC1123Z),
		"Auto-Submitted: auto-replied",
		"MIME-Version: 1.0",
		`Content-Type: multipart/report; report-type=delivery-status; boundary="` + boundary + `"`,
		"",
		"--" + boundary,
		"Content-Type: text/plain; charset=utf-8",
		"",
		"The mailbox of " + recipient + " does not take mails any more.",
		"",
		"--" + boundary,
		"Content-Type: message/delivery-status",
		"",
		"Reporting-MTA: dns; inbox.localhost",
		"",
		"Final-Recipient: rfc822; " + recipient,
		"Action: failed",
		"Status: 5.2.1",
		"Diagnostic-Code: smtp; 550 5.2.1 the mailbox does not take mails any more",
		"",
		"--" + boundary + "--",
		"",
	}
	return fmt.Append(nil, strings.Join(lines, "\r\n"))
}
