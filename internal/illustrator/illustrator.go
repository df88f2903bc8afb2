// Package illustrator is the engine that draws guides for the console: it lets a child of the own binary, "portvakt guide", walk the
// pages with a browser. The child is a process of its own, so that a browser which needs much memory, hangs or dies takes nothing
// from the server, and it is given nothing of the server's: neither its settings nor its keys nor its database, only what
// the guide's pages show.
package illustrator

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/portvakt/portvakt/internal/organisation"
	"github.com/portvakt/portvakt/internal/transition"
)

var _ transition.Illustrator = (*Illustrator)(nil)

// Bounds on what a child may leave: far above any guide.
const (
	maxFile  = 16 << 20
	maxFiles = 400
	maxWhole = 64 << 20
	maxWords = 4 << 10 // of what it says on standard error
)

// stopTime is how long a child may take to put its browser away when it is told to stop.
const stopTime = 10 * time.Second

// Illustrator draws guides with children of a program.
type Illustrator struct {
	// Program is the own binary; Describe says as JSON what "portvakt guide --subject -" reads.
	Program  string
	Describe func(o organisation.Organisation, sms bool, support string) ([]byte, error)
	Log      *slog.Logger
}

// Begin starts a child.
func (i *Illustrator) Begin(c transition.Commission) (transition.Drawing, error) {
	subject, err := i.Describe(c.Organisation, c.SMS, c.Support)
	if err != nil {
		return nil, fmt.Errorf("describe the guide: %w", err)
	}
	folder, err := os.MkdirTemp("", "portvakt-guide-")
	if err != nil {
		return nil, fmt.Errorf("make a folder for the guide: %w", err)
	}
	d := &drawing{folder: folder, log: i.Log, news: make(chan struct{}, 1)}
	if err := d.start(i.Program, c, subject); err != nil {
		return nil, errors.Join(err, os.RemoveAll(folder))
	}
	return d, nil
}

// drawing is a child at work, or what is left of it.
type drawing struct {
	folder string
	log    *slog.Logger
	stop   context.CancelFunc
	over   chan struct{} // closed when the child has ended
	failed error         // why; read when over
	news   chan struct{} // there is some

	mu          sync.Mutex
	done, total int
}

// out is where the child puts the guide.
func (d *drawing) out() string { return filepath.Join(d.folder, "guide") }

func (d *drawing) start(program string, c transition.Commission, subject []byte) error {
	ctx, stop := context.WithCancel(context.Background())
	args := []string{program, "guide", "--subject", "-", "--lang", c.Language, "--audience", string(c.Audience), "--out", d.out(), "--progress", "json"}
	if nice, err := exec.LookPath("nice"); err == nil {
		args = append([]string{nice, "-n", "19"}, args...) // people who log in come first
	}
	child := exec.CommandContext(ctx, args[0], args[1:]...) //nolint:gosec // the own binary, and words of ours
	child.Stdin = bytes.NewReader(subject)
	child.Env = surroundings(d.folder)
	child.Dir = d.folder
	words := &tail{}
	child.Stderr = words
	child.Cancel = func() error { return interrupt(child.Process) }
	child.WaitDelay = stopTime
	progress, err := child.StdoutPipe()
	if err == nil {
		err = child.Start()
	}
	if err != nil {
		stop()
		return fmt.Errorf("start the drawing: %w", err)
	}
	d.stop, d.over = stop, make(chan struct{})
	go func() {
		defer close(d.over)
		defer stop()
		d.listen(progress)
		if err := child.Wait(); err != nil {
			d.failed = fmt.Errorf("%w: %s", err, words)
		}
	}()
	return nil
}

// surroundings are the environment of a child: what a browser needs to start, and nothing of the server's settings.
func surroundings(folder string) []string {
	env := []string{"TMPDIR=" + folder, "HOME=" + folder}
	for _, name := range []string{"PATH", "LANG", "LC_ALL", "TZ", "FONTCONFIG_PATH", "FONTCONFIG_FILE", "SystemRoot", "TEMP", "TMP", "LOCALAPPDATA", "ProgramFiles", "ProgramFiles(x86)"} {
		if value, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+value)
		}
	}
	return env
}

// listen reads what the child tells, line by line, until it says no more.
func (d *drawing) listen(from io.Reader) {
	lines := bufio.NewScanner(from)
	for lines.Scan() {
		var step struct{ Done, Total int }
		if json.Unmarshal(lines.Bytes(), &step) != nil {
			continue // not for us
		}
		d.mu.Lock()
		d.done, d.total = step.Done, step.Total
		d.mu.Unlock()
		select {
		case d.news <- struct{}{}:
		default: // it waits to be heard already
		}
	}
	_, _ = io.Copy(io.Discard, from) // a line that is too long: the child must not hang on it
}

// Wait implements transition.Drawing.
func (d *drawing) Wait(most time.Duration) (done, total int, ended bool) {
	late := time.NewTimer(most)
	defer late.Stop()
	select {
	case <-d.over:
		ended = true
	case <-d.news:
	case <-late.C:
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.done, d.total, ended
}

// plainName is how the files of a guide are called; the fingerprints of its pages are for the repository.
var plainName = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*\.(html|css|png|pdf|md)$`)

// Files implements transition.Drawing.
func (d *drawing) Files() (map[string][]byte, error) {
	<-d.over
	if d.failed != nil {
		d.log.Error("a guide could not be drawn", "error", d.failed)
		return nil, d.failed
	}
	files, err := readGuide(d.out())
	if err != nil {
		d.log.Error("a guide was drawn and cannot be read", "error", err)
	}
	return files, err
}

func readGuide(folder string) (map[string][]byte, error) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, err
	}
	files, whole := map[string][]byte{}, 0
	for _, e := range entries {
		if !e.Type().IsRegular() || !plainName.MatchString(e.Name()) {
			continue
		}
		info, err := e.Info()
		if err != nil {
			return nil, err
		}
		if info.Size() > maxFile || len(files) == maxFiles {
			return nil, fmt.Errorf("%s: a guide does not have so much", e.Name())
		}
		body, err := os.ReadFile(filepath.Join(folder, e.Name()))
		if err != nil {
			return nil, err
		}
		files[e.Name()] = body
		if whole += len(body); whole > maxWhole {
			return nil, fmt.Errorf("a guide has no %d bytes", whole)
		}
	}
	if files["index.html"] == nil {
		return nil, errors.New("there is no index.html")
	}
	return files, nil
}

// Stop implements transition.Drawing.
func (d *drawing) Stop() {
	d.stop()
	<-d.over
	if err := os.RemoveAll(d.folder); err != nil {
		d.log.Warn("the folder of a guide could not be removed", "folder", d.folder, "error", err)
	}
}

// tail keeps the end of what was said.
type tail struct {
	mu   sync.Mutex
	text []byte
}

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, p...)
	if over := len(t.text) - maxWords; over > 0 {
		t.text = append(t.text[:0], t.text[over:]...)
	}
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.TrimSpace(string(t.text))
}
