// Package recovery looks at the clock, throws dice and reads the environment.
package recovery

import (
	"math/rand/v2"
	"os"
	"time"
)

// Expired asks the clock by itself.
func Expired(at time.Time) bool { return time.Now().After(at) }

// Lucky throws dice.
func Lucky() bool { return rand.IntN(2) == 0 }

// Debug reads the environment.
func Debug() bool { return os.Getenv("DEBUG") != "" }
