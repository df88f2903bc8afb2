package inbox

import (
	"io"
	"strings"

	"github.com/jhillyerd/enmime/v2"
)

// decode turns a mail as it travels (RFC 5322, MIME) into what a person reads.
// The library's conversion of HTML to text stays off, so that a test sees when a
// sender forgot the text part. Its guessing of character sets stays off too: a
// mail program on a telephone does not guess either.
func decode(r io.Reader) (Message, error) {
	parser := enmime.NewParser(enmime.DisableTextConversion(true), enmime.DisableCharacterDetection(true))
	env, err := parser.ReadEnvelope(r)
	if err != nil {
		return Message{}, err
	}
	text := strings.ReplaceAll(env.Text, "\r\n", "\n")
	return Message{
		Channel: Mail,
		From:    env.GetHeader("From"),
		Subject: env.GetHeader("Subject"),
		Text:    text,
		HTML:    env.HTML,
		Links:   appendNew(Links(text), hrefs(env.HTML)),
	}, nil
}
