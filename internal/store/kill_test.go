package store

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// The process is killed for good here: these tests start their own binary again, as the one that dies.
const (
	victimFile = "PORTVAKT_TEST_VICTIM_FILE" // its database
	victimAt   = "PORTVAKT_TEST_VICTIM_AT"   // "member/step" of a batch, or empty: until somebody kills it
)

func TestMain(m *testing.M) {
	if path := os.Getenv(victimFile); path != "" {
		victim(path, os.Getenv(victimAt))
		return
	}
	os.Exit(m.Run())
}

// kill9 leaves no chance to clean up.
func kill9() {
	self, err := os.FindProcess(os.Getpid())
	if err == nil {
		err = self.Kill()
	}
	if err != nil {
		panic(err)
	}
	select {}
}

// victim writes pairs of rows and prints the name of each pair that was acknowledged.
func victim(path, at string) {
	db, err := Open(context.Background(), Options{URL: path})
	if err != nil {
		panic(err)
	}
	pair := func(name string, between func()) {
		err := inTx(db, context.Background(), func(tx *Tx) error {
			for i, step := range []string{"-a", "-b"} {
				if i == 1 && between != nil {
					between()
				}
				if _, err := tx.exec(context.Background(), addRow, name+step); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			panic(err)
		}
		// One write(2): what was printed was acknowledged, even if the next instruction never comes.
		os.Stdout.WriteString(name + "\n")
	}
	if at != "" {
		member, step, _ := strings.Cut(at, "/")
		m, _ := strconv.Atoi(member)
		s, _ := strconv.Atoi(step)
		pair("before", nil)
		r := &rig{t: &testing.T{}, db: db}
		r.run(func(_ *Tx, member, step int) error {
			if member == m && step == s {
				kill9()
			}
			return nil
		})
		panic("still alive")
	}
	for caller := range 24 {
		go func() {
			for n := 0; ; n++ {
				pair(fmt.Sprintf("%d.%d", caller, n), nil)
			}
		}()
	}
	select {}
}

// startVictim starts the process and returns its output line by line.
func startVictim(t *testing.T, path, at string) (*exec.Cmd, *bufio.Scanner) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), victimFile+"="+path, victimAt+"="+at)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	return cmd, bufio.NewScanner(out)
}

// survivors opens what the dead process left.
func survivors(t *testing.T, path string) []string {
	t.Helper()
	db := openFor(t, Options{URL: path})
	defer db.Close()
	var sound string
	if _, err := db.query(context.Background(), `SELECT integrity_check FROM pragma_integrity_check`).one(&sound); err != nil || sound != "ok" {
		t.Errorf("the database is damaged: %s, %v", sound, err)
	}
	return names(t, db, allRows)
}

func emptyFile(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "portvakt.db")
	db := openFor(t, Options{URL: path})
	must(t, db, makeRows)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestKilledProcessKeepsEveryAcknowledgedRow(t *testing.T) {
	for _, after := range []time.Duration{20 * time.Millisecond, 110 * time.Millisecond, 270 * time.Millisecond} {
		path := emptyFile(t)
		cmd, lines := startVictim(t, path, "")
		var acknowledged []string
		var once sync.Once
		for lines.Scan() { // until the pipe of the dead ends
			acknowledged = append(acknowledged, lines.Text())
			once.Do(func() { time.AfterFunc(after, func() { _ = cmd.Process.Kill() }) })
		}
		_ = cmd.Wait()
		rows := survivors(t, path)
		for _, name := range acknowledged {
			if _, there := slices.BinarySearch(rows, name+"-a"); !there {
				t.Errorf("%s was acknowledged and is lost", name)
			}
		}
		for _, row := range rows {
			name := row[:len(row)-2]
			_, a := slices.BinarySearch(rows, name+"-a")
			_, b := slices.BinarySearch(rows, name+"-b")
			if !a || !b {
				t.Errorf("half of the transaction %s is there", name)
			}
		}
		if len(acknowledged) < 10 {
			t.Errorf("only %d rows before the end: the test says little", len(acknowledged))
		}
		t.Logf("%d acknowledged, %d kept", len(acknowledged), len(rows)/2)
	}
}

func TestKillAtEachStatementOfABatchLeavesNothingOfIt(t *testing.T) {
	if testing.Short() {
		t.Skip("starts 60 processes")
	}
	path := emptyFile(t)
	for member := range batchSize {
		for step := range steps {
			cmd, lines := startVictim(t, path, fmt.Sprintf("%d/%d", member, step))
			var said []string
			for lines.Scan() {
				said = append(said, lines.Text())
			}
			_ = cmd.Wait()
			if !slices.Equal(said, []string{"before"}) {
				t.Fatalf("killed in member %d before its statement %d: it said %q", member, step, said)
			}
			db := openFor(t, Options{URL: path})
			if rows := names(t, db, allRows); !slices.Equal(rows, []string{"before-a", "before-b"}) {
				t.Fatalf("killed in member %d before its statement %d: it left %q", member, step, rows)
			}
			must(t, db, allGone)
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
}
