package account

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"
	"golang.org/x/text/unicode/norm"

	"github.com/portvakt/portvakt/internal/phone"
)

// Identifier is what is typed first, folded for comparison. It is one of three:
//   - an address: NFC, lower case, the domain in ASCII;
//   - the number of a mobile phone in E.164 form, "+46701740605";
//   - a number of the employer's with its organisation's short name behind the @, "1007@foretaget". No address looks so, because
//     an address's domain has a dot, or is localhost.
//
// The last may hold a national identity number: an identifier is personal data, never in logs and URLs (RULES §7).
type Identifier string

// ErrNotAnAddress says that the text cannot be an e-mail address.
var ErrNotAnAddress = errors.New("not an e-mail address")

// domains folds a domain as a browser does (UTS 46), and refuses empty and overlong labels besides.
var domains = idna.New(idna.MapForLookup(), idna.BidiRule(), idna.VerifyDNSLength(true))

const maxTyped = 1024 // bytes, without the white space around it

const maxAddress = 254 // RFC 5321 §4.5.3.1.3, less the angle brackets

// ParseAddress reads a typed address and returns it without the white space around it, and folded into an
// identifier. It refuses what cannot be delivered to and never "repairs" plus signs or dots: those belong to the
// mail server. What stands in a row or a cookie is the returned text, never the typed one, which has no limit.
func ParseAddress(typed string) (address string, id Identifier, err error) {
	s := norm.NFC.String(strings.TrimSpace(typed))
	at := strings.LastIndexByte(s, '@')
	if at < 1 || at == len(s)-1 || len(s) > maxAddress || !utf8.ValidString(s) {
		return "", "", ErrNotAnAddress
	}
	local, domain := s[:at], s[at+1:]
	if len(local) > 64 || strings.ContainsFunc(local, notInLocalPart) || strings.HasPrefix(local, ".") ||
		strings.HasSuffix(local, ".") || strings.Contains(local, "..") {
		return "", "", ErrNotAnAddress
	}
	ascii, err := domains.ToASCII(domain)
	if err != nil || !strings.Contains(ascii, ".") && ascii != "localhost" {
		return "", "", ErrNotAnAddress
	}
	return s, Identifier(strings.ToLower(local) + "@" + strings.ToLower(ascii)), nil
}

// ErrNotAnIdentifier says that the text can be none of the three.
var ErrNotAnIdentifier = fmt.Errorf("%w, and nothing else that names an account", ErrNotAnAddress)

// ParseIdentifier reads what a person types at the first page: an address, a telephone number in any usual spelling (one without a
// country's prefix is of region, an ISO 3166 code), or a number with an organisation's short name, after an @, a space or a slash.
// shown is how the page repeats it. It fails with ErrNotAnIdentifier, which is an ErrNotAnAddress.
func ParseIdentifier(typed, region string) (shown string, id Identifier, err error) {
	if typed = strings.TrimSpace(typed); len(typed) > maxTyped {
		return "", "", ErrNotAnIdentifier
	}
	if shown, id, err = ParseAddress(typed); err == nil {
		return shown, id, nil
	}
	if n, err := phone.Parse(typed, region); err == nil {
		id = Identifier(n.Reveal())
		return id.Shown(), id, nil
	}
	s := strings.TrimSpace(typed)
	if cut := strings.LastIndexAny(s, "@/ \u00a0"); cut > 0 {
		separator, size := utf8.DecodeRuneInString(s[cut:])
		behind := s[cut+size:]
		// The last digits of a telephone number are no employer's name.
		named := separator == '@' || strings.ContainsFunc(behind, unicode.IsLetter)
		if id, err = NumberAt(s[:cut], behind); err == nil && named {
			return id.Shown(), id, nil
		}
	}
	return "", "", ErrNotAnIdentifier
}

// NumberAt is the identifier of the person with a number at an organisation with a short name. Spaces and dashes in the number do
// not count: who types a number leaves them out. It fails with ErrNotAnIdentifier for what nobody could type, or what would look
// like an address.
func NumberAt(number, organisation string) (Identifier, error) {
	n := strings.ToLower(norm.NFKC.String(strings.TrimRight(number, " @/")))
	n = strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || unicode.Is(unicode.Pd, r) {
			return -1
		}
		return r
	}, n)
	o := strings.ToLower(strings.TrimSpace(organisation))
	if n == "" || n != strings.TrimFunc(n, notAlphanumeric) || len(n) > 64 || !utf8.ValidString(n) || strings.ContainsFunc(n, notInNumber) ||
		o == "" || o == "localhost" || len(o) > 40 || strings.ContainsFunc(o, notInShortName) {
		return "", ErrNotAnIdentifier
	}
	return Identifier(n + "@" + o), nil
}

// IsAddress says whether mail can be sent to it.
func (i Identifier) IsAddress() bool {
	return strings.Contains(string(i), "@") && (strings.Contains(i.Domain(), ".") || i.Domain() == "localhost")
}

// Phone is the phone number, empty where it is none.
func (i Identifier) Phone() phone.Number {
	if strings.HasPrefix(string(i), "+") && !strings.Contains(string(i), "@") {
		return phone.Number(i)
	}
	return ""
}

// IsNumber says whether it is a number of an employer's.
func (i Identifier) IsNumber() bool { return strings.Contains(string(i), "@") && !i.IsAddress() }

// Shown is the identifier as its owner would write it.
func (i Identifier) Shown() string {
	if n := i.Phone(); n != "" {
		return n.Full()
	}
	return string(i)
}

// Domain returns the part after the @.
func (i Identifier) Domain() string {
	return string(i)[strings.LastIndexByte(string(i), '@')+1:]
}

func notAlphanumeric(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }

func notInNumber(r rune) bool {
	return notAlphanumeric(r) && !strings.ContainsRune("._+*#:/", r)
}

func notInShortName(r rune) bool { return r != '-' && (r < 'a' || r > 'z') && (r < '0' || r > '9') }

// notInLocalPart refuses white space, control characters and the characters that would need quoting
// (RFC 5321 §4.1.2): no person's address has them, and header injection does.
func notInLocalPart(r rune) bool {
	return unicode.IsSpace(r) || unicode.IsControl(r) || strings.ContainsRune(`"(),:;<>@[\]`, r) || r == unicode.ReplacementChar
}
