//go:build unix

package pgtest

import (
	"os/exec"
	"syscall"
)

// detach gives the command a session of its own.
func detach(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} }
