// Package password is an authenticator.
package password

// Hasher checks.
type Hasher struct{}

// Verify says whether the password is right.
func (*Hasher) Verify(typed string) bool { return typed == "sesam" }
