package authn

import (
	"context"
	"time"
)

// Forgive ends the row of failures as a complete sign-in does.
func Forgive(ctx context.Context, s *Service, tx Tx, p Proven, b Browser) error {
	return s.forgive(ctx, tx, p.identifier(), b, p.Progress.Methods)
}

// PlainCookie seals an attempt without compressing it, whatever its length.
func PlainCookie(c *AttemptCookies, a Attempt, now time.Time) string {
	plain, err := a.encode()
	if err != nil {
		panic(err) // strings and numbers
	}
	return c.keys.Seal(attemptPurpose, a.ID, uncompressed(plain), now)
}

// PackedCookie compresses an attempt, whatever its length.
func PackedCookie(c *AttemptCookies, a Attempt, now time.Time) string {
	plain, err := a.encode()
	if err != nil {
		panic(err) // strings and numbers
	}
	return c.keys.Seal(attemptPurpose, a.ID, c.deflate(plain), now)
}

// Unsealed is what a cookie holds.
func Unsealed(c *AttemptCookies, id, cookie string, now time.Time) []byte {
	b, err := c.keys.Open(attemptPurpose, id, cookie, AttemptLife, now)
	if err != nil {
		panic(err) // it was sealed a moment ago
	}
	return b
}
