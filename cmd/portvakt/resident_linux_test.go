package main

import (
	"fmt"
	"net/http"
	"os"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestOnlyWhatStandsInTheFileIsLetGo: a page that was written can be had nowhere else.
func TestOnlyWhatStandsInTheFileIsLetGo(t *testing.T) {
	const program = "/opt/port vakt/portvakt (deleted)" // a server whose program was replaced by an upgrade
	smaps := ""
	for _, m := range []struct {
		place, path     string
		anonymous, swap int
	}{
		{"00400000-01604000 r-xp 00000000 fe:00 42", program, 0, 0},
		{"01604000-02ac0000 r--p 01204000 fe:00 42", program, 0, 0},
		{"02ac0000-02ad0000 r--p 026c0000 fe:00 42", program, 8, 0}, // relocations
		{"02ad0000-02ae0000 r--p 026d0000 fe:00 42", program, 0, 8}, // such that were not needed for a while
		{"02ae0000-02e41000 rw-p 026c0000 fe:00 42", program, 0, 0},
		{"c000000000-c000400000 rw-p 00000000 00:00 0", "", 4096, 0},
		{"7f0000000000-7f0000001000 r--p 00000000 00:00 0", "", 0, 0},
		{"7f0000001000-7f0000002000 r-xp 00000000 fe:00 7", "/lib/x86_64-linux-gnu/libc.so.6", 0, 0},
		{"7f0000002000-7f0000003000 r--p 00000000 fe:00 8", "/opt/port vakt/portvakt", 0, 0},
		{"7ffd00000000-7ffd00021000 r-xp 00000000 00:00 0", "[vdso]", 0, 0},
	} {
		smaps += fmt.Sprintf("%s   %s\nSize:      4 kB\nRss:       4 kB\nAnonymous: %d kB\nSwap:      %d kB\nSwapPss:   0 kB\nTHPeligible:    0\nVmFlags: rd mr mw me\n",
			m.place, m.path, m.anonymous, m.swap)
	}
	got := untouched(strings.NewReader(smaps), program)
	if want := []mapping{{0x400000, 0x1604000}, {0x1604000, 0x2ac0000}}; !reflect.DeepEqual(got, want) {
		t.Errorf("%x are let go", got)
	}
	if got := untouched(strings.NewReader("no such thing\n"+smaps[:20]), program); got != nil {
		t.Errorf("of what cannot be read, %x are let go", got)
	}
}

// held is how many KiB of a process are resident: "RssFile" or "RssAnon" (proc_pid_status(5)).
func (p *process) held(what string) int {
	p.h.t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		p.h.t.Fatal(err)
	}
	m := regexp.MustCompile(what + `:\s+(\d+) kB`).FindSubmatch(text)
	if m == nil {
		p.h.t.Skip("this system does not tell " + what)
	}
	n, _ := strconv.Atoi(string(m[1]))
	return n
}

// TestASettledServerKeepsOnlyWhatItNeeds: what its start has mapped goes back to the system, it answers as before, and what is left is less
// than the design allows it at rest.
func TestASettledServerKeepsOnlyWhatItNeeds(t *testing.T) {
	if testing.Short() {
		t.Skip("waits until a server has settled")
	}
	t.Parallel()
	p := newHouse(t).serve()
	left := 0
	for deadline := time.Now().Add(settled + patient); ; {
		if left = p.held("RssFile"); left < 20<<10 { // of some thirty
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d KiB of the program's file are resident", left)
		}
		time.Sleep(50 * time.Millisecond)
	}
	if all := left + p.held("RssAnon"); all > 35<<10 {
		t.Errorf("%d MiB are resident at rest", all>>10)
	}
	p.browser().want(200, http.MethodGet, "/account")
	if err := p.stop(); err != nil {
		t.Errorf("it ends with %v", err)
	}
}
