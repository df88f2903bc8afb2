package app_test

import (
	"os"
	"runtime/debug"
	"testing"
)

// TestMain lets more garbage lie than a server does: of hundreds of small houses, each for a moment, time is dearer than memory.
func TestMain(m *testing.M) {
	debug.SetGCPercent(200)
	os.Exit(m.Run())
}
