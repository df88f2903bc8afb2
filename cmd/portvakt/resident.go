package main

import (
	"context"
	"os"
	"runtime/debug"
	"time"
)

const (
	settled = 10 * time.Second // when a start has ended behind the first answers: what the last process left, the first look into the outbox
	resting = 10 * time.Minute
)

// garbage is how much a server leaves before the collector runs, in percent of what is in use, unless the environment says otherwise (GOGC;
// package runtime). What is in use is small, and a password's hash leaves 19 MB: by Go's own 100 it would run for every second one.
const garbage = 150

func leaveGarbage() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(garbage)
	}
}

// stayLean gives back what only the start needed, and from then on what only a crowd has needed, until ctx ends. What is needed still comes back
// by being touched, all of it within a millisecond or two.
func stayLean(ctx context.Context) {
	for wait := settled; ; wait = resting {
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
			giveBack()
		}
	}
}

// giveBack returns memory to the system: what the collector has freed, and the pages of the program's own file.
func giveBack() {
	debug.FreeOSMemory()
	unmapFile()
}
