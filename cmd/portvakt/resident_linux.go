package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
)

// unmapFile lets go of the pages of the program's own file: the system keeps them in its cache, and maps each again that is touched. A start
// touches nearly the whole file, because it initialises every package and the kernel maps sixteen pages around each that is touched; what is
// at rest needs a third of them. Where the system does not tell what is mapped, everything stays.
func unmapFile() {
	program, err := os.Readlink("/proc/self/exe")
	if err != nil {
		return
	}
	smaps, err := os.Open("/proc/self/smaps")
	if err != nil {
		return
	}
	defer smaps.Close()
	for _, m := range untouched(smaps, program) {
		syscall.Syscall(syscall.SYS_MADVISE, m.from, m.to-m.from, syscall.MADV_DONTNEED) //nolint:errcheck // what fails leaves the pages where they are
	}
}

// mapping is a range of this process's addresses.
type mapping struct{ from, to uintptr }

// untouched lists the mappings of the program's file of which every page is as it stands in the file (proc_pid_smaps(5)). One that may be
// written is not among them, nor one that somebody has written all the same (a loader its relocations, a debugger its breakpoints): that shows
// as anonymous, or as swapped out, and MADV_DONTNEED would lose it (madvise(2)).
func untouched(smaps io.Reader, program string) []mapping {
	var all []mapping
	var m mapping
	ours, clean := false, false
	for lines := bufio.NewScanner(smaps); lines.Scan(); {
		fields := strings.Fields(lines.Text())
		switch {
		case len(fields) >= 5 && !strings.HasSuffix(fields[0], ":"): // "00400000-01604000 r-xp 00000000 fe:00 1234   /usr/bin/portvakt"
			_, err := fmt.Sscanf(fields[0], "%x-%x", &m.from, &m.to)
			clean = false
			ours = err == nil && !strings.Contains(fields[1], "w") && strings.Join(fields[5:], " ") == program
		case len(fields) == 3 && fields[0] == "Anonymous:":
			clean = ours && fields[1] == "0"
		case clean && len(fields) == 3 && fields[0] == "Swap:" && fields[1] == "0": // it stands after the other
			all = append(all, m)
		}
	}
	return all
}
