// Package hrm is a sample that cheats.
package hrm

import "github.com/portvakt/portvakt/internal/secret"

// Word is ours.
const Word = secret.Word
