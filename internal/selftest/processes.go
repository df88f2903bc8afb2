package selftest

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// tick is a hundredth of a second on every Linux that Go runs on (sysconf(_SC_CLK_TCK)).
const tick = 10 * time.Millisecond

// processors is what the target's processes have used of the processors, with all that they have started: a database's server has a
// process for each connection. 0 where the system does not tell it as Linux does.
func (c *Client) processors() time.Duration {
	family := map[int]bool{}
	for _, pid := range c.target.PIDs {
		family[pid] = true
	}
	if len(family) == 0 {
		return 0
	}
	stats := map[int][]string{}
	files, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, file := range files {
		text, err := os.ReadFile(file)
		_, rest, ok := strings.Cut(string(text), ") ") // the name before it may hold anything
		pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(file)))
		if fields := strings.Fields(rest); err == nil && ok && len(fields) > 15 {
			stats[pid] = fields
		}
	}
	for grown := true; grown; {
		grown = false
		for pid, fields := range stats {
			if parent, _ := strconv.Atoi(fields[1]); family[parent] && !family[pid] {
				family[pid], grown = true, true
			}
		}
	}
	var ticks int64
	for pid := range family {
		if fields := stats[pid]; fields != nil {
			for _, field := range fields[11:15] { // its own in user and system mode, and that of its children who have ended (proc_pid_stat(5))
				n, _ := strconv.ParseInt(field, 10, 64)
				ticks += n
			}
		}
	}
	return time.Duration(ticks) * tick
}
