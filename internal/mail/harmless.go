package mail

import (
	"strings"
	"unicode"
)

// longestName is how much of a typed name a mail repeats, in code points: enough for a name, too little for a message.
const longestName = 40

// harmless returns a name that a person typed as a mail may repeat it. Whoever holds somebody's session chooses the name, and the mail
// goes out in the employer's: so it can be no line of its own, no end of the quotation around it, and nothing that a mail
// program makes a link of, which many do with every "a.b", "a@b" and "a://b" that they find in a text.
func harmless(typed string) string {
	spoken := strings.Map(func(r rune) rune {
		switch {
		case unicode.In(r, unicode.L, unicode.M, unicode.Nd, unicode.So) && r != unicode.ReplacementChar:
			return r
		case strings.ContainsRune("-–'’()&+,!", r):
			return r
		case unicode.Is(unicode.Cf, r):
			return -1 // nothing to see: joiners, and what turns the direction of writing
		}
		return ' '
	}, typed)
	name := []rune(strings.Join(strings.Fields(spoken), " "))
	if len(name) > longestName {
		return strings.TrimSpace(string(name[:longestName])) + "…"
	}
	return string(name)
}
