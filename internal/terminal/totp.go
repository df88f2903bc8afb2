package terminal

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"strings"
	"time"
)

// codes is an account's key for one-time codes (§4).
type codes struct {
	Secret    string `json:"secret"` // base32
	Algorithm string `json:"algorithm"`
	Digits    int    `json:"digits"`
	Period    int    `json:"period"` // seconds
}

// at is the code of a moment (RFC 6238), and how long it holds.
func (c codes) at(t time.Time) (code string, left time.Duration, err error) {
	key, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(strings.ToUpper(strings.TrimRight(c.Secret, "=")))
	if err != nil || len(key) == 0 || c.Algorithm != "SHA1" || c.Digits < 6 || c.Digits > 8 || c.Period <= 0 {
		return "", 0, fmt.Errorf("the account has no key for codes that this program knows")
	}
	period := int64(c.Period)
	step := t.Unix() / period
	mac := hmac.New(sha1.New, key)
	mac.Write(binary.BigEndian.AppendUint64(nil, uint64(step)))
	sum := mac.Sum(nil)
	at := sum[len(sum)-1] & 0xf
	number := binary.BigEndian.Uint32(sum[at:]) & 0x7fffffff
	most := uint32(1)
	for range c.Digits {
		most *= 10
	}
	return fmt.Sprintf("%0*d", c.Digits, number%most), time.Unix((step+1)*period, 0).Sub(t), nil
}

// Code is an account's code now, by the issuer's clock, and how long it holds. It needs no network.
func (a *Authenticator) Code(account Account) (code string, left time.Duration, err error) {
	return account.Codes.at(a.there(account))
}

// there is what the issuer's clock says.
func (a *Authenticator) there(account Account) time.Time {
	return a.Now().Add(time.Duration(account.Ahead) * time.Millisecond)
}
