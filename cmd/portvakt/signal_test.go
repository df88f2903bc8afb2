package main

import (
	"bufio"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestClosingTheTerminalEndsTheServerInOrder(t *testing.T) {
	if signal.Ignored(syscall.SIGHUP) {
		t.Skip("run under nohup, which the server would honour")
	}
	h := newHouse(t)
	p := h.serve()
	if err := p.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	if err := p.wait(); err != nil || !strings.Contains(h.logs.String(), `"msg":"stopped"`) {
		t.Errorf("it ended with %v\n%s", err, h.logs)
	}
}

// TestASecondSignalKillsAtOnce: a request that never ends holds the server for its whole grace, but not against somebody who
// insists. The signal is repeated, because the first repetition may come while the server still takes note of the first.
func TestASecondSignalKillsAtOnce(t *testing.T) {
	h := newHouse(t)
	p := h.serve()
	c, err := tls.Dial("tcp", p.address, &tls.Config{RootCAs: h.ca, ServerName: "login.example.com"})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	fmt.Fprint(c, "POST /token HTTP/1.1\r\nHost: login.example.com\r\nContent-Type: application/x-www-form-urlencoded\r\n"+
		"Content-Length: 10\r\nExpect: 100-continue\r\n\r\n")
	if answer, err := http.ReadResponse(bufio.NewReader(c), nil); err != nil || answer.StatusCode != http.StatusContinue {
		t.Fatal(answer, err)
	}
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	for {
		other, err := net.Dial("tcp", p.address)
		if err != nil {
			break
		}
		other.Close()
	}
	again := time.NewTicker(10 * time.Millisecond)
	defer again.Stop()
	for over := false; !over; {
		select {
		case <-p.done:
			over = true
		case <-again.C:
			p.cmd.Process.Signal(syscall.SIGTERM) //nolint:errcheck // it may have ended
		}
	}
	var exit *exec.ExitError
	if err := p.wait(); !errors.As(err, &exit) || !exit.Sys().(syscall.WaitStatus).Signaled() {
		t.Errorf("it ended by itself, after its grace: %v\n%s", err, h.logs)
	}
}
