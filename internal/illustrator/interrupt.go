package illustrator

import (
	"os"
	"runtime"
)

// interrupt asks the child to stop, so that it puts its browser away; where a process cannot be asked, it is ended.
func interrupt(child *os.Process) error {
	if runtime.GOOS == "windows" {
		return child.Kill()
	}
	return child.Signal(os.Interrupt)
}
