package selftest

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// tick is a hundredth of a second on every Linux that Go runs on (sysconf(_SC_CLK_TCK)).
const tick = 10 * time.Millisecond

// processors is what the target's processes have used of the processors, with all that they have started: a database's server has a
// process for each connection. 0 where the system does not tell it as Linux does.
func (c *Client) processors() time.Duration {
	var ticks int64
	for _, fields := range withChildren(append(slices.Clone(c.target.PIDs), c.target.Beside...)) {
		for _, field := range fields[11:15] { // its own in user and system mode, and that of its children who have ended
			n, _ := strconv.ParseInt(field, 10, 64)
			ticks += n
		}
	}
	return time.Duration(ticks) * tick
}

// resident is how many bytes of the machine's memory the processes hold, with all that they have started; what two of them share is counted twice.
func resident(pids ...int) int64 {
	var pages int64
	for _, fields := range withChildren(pids) {
		n, _ := strconv.ParseInt(fields[21], 10, 64)
		pages += n
	}
	return pages * int64(os.Getpagesize())
}

// highest looks ten times a second until it is asked for the most that it has seen.
func highest(look func() int64) (end func() int64) {
	stop, most := make(chan struct{}), make(chan int64)
	go func() {
		peak := look()
		for {
			select {
			case <-stop:
				most <- max(peak, look())
				return
			case <-time.After(100 * time.Millisecond):
				peak = max(peak, look())
			}
		}
	}()
	return func() int64 { close(stop); return <-most }
}

// withChildren is what the system tells of the processes and of all that they have started (proc_pid_stat(5), from the third field on): nothing
// where it does not tell it as Linux does.
func withChildren(pids []int) map[int][]string {
	if len(pids) == 0 {
		return nil
	}
	stats, family := map[int][]string{}, map[int][]string{}
	files, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, file := range files {
		text, err := os.ReadFile(file)
		_, rest, ok := strings.Cut(string(text), ") ") // the name before it may hold anything
		pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(file)))
		if fields := strings.Fields(rest); err == nil && ok && len(fields) > 21 {
			stats[pid] = fields
		}
	}
	for _, pid := range pids {
		if fields := stats[pid]; fields != nil {
			family[pid] = fields
		}
	}
	for grown := true; grown; {
		grown = false
		for pid, fields := range stats {
			if parent, _ := strconv.Atoi(fields[1]); family[parent] != nil && family[pid] == nil {
				family[pid], grown = fields, true
			}
		}
	}
	return family
}
