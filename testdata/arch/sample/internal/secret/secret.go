// Package secret is internal.
package secret

// Word is nobody's business outside.
const Word = "sesam"
