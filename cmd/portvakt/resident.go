package main

import (
	"context"
	"runtime/debug"
	"time"
)

const (
	settled = 10 * time.Second // when a start has ended behind the first answers: what the last process left, the first look into the outbox
	resting = 10 * time.Minute
)

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
