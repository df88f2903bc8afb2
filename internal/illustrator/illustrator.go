// Package illustrator is the engine that draws guides for the console: it lets a child of the own binary, "portvakt guide", walk the
// pages with a browser. The child is a process of its own, so that a browser which needs much memory, hangs or dies takes nothing
// from the server, and it is given nothing of the server's: neither its settings nor its keys nor its database, only what
// the guide's pages show.
package illustrator

import (
	"bufio"
	"bytes"
	"cmp"
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

// Bounds on what a child may leave: twice as much as any guide, and no more than the database takes in one transaction without making others wait.
const (
	maxFiles = 200
	maxWhole = 12 << 20 // bytes
	maxWords = 4 << 10  // of what it says on standard error
)

// The times of a child, but for a test's.
const (
	drawTime = 15 * time.Minute // it has
	stopTime = 10 * time.Second // it may take to put its browser away when it is told to stop
)

// folders is how the folders of children are called.
const folders = "portvakt-guide-"

// sacrifice is how much sooner than others a child is ended where memory is short, up to 1000 (Linux: proc(5), oom_score_adj): it can be begun
// anew, and the server behind it is everybody's login.
const sacrifice = "800"

// Subject is what a guide is drawn from, for whoever knows no flow.
type Subject struct {
	Organisation         organisation.Organisation
	SMS                  bool
	App, Mobile, Support string // as in transition.Commission
}

// Illustrator draws guides with children of a program.
type Illustrator struct {
	// Program is the own binary; Describe says as JSON what "portvakt guide --subject -" reads.
	Program  string
	Describe func(Subject) ([]byte, error)
	Log      *slog.Logger

	DrawTime, StopTime time.Duration // 0: 15 minutes, 10 seconds
}

// Begin starts a child.
func (i *Illustrator) Begin(c transition.Commission) (transition.Drawing, error) {
	d, err := i.begin(c)
	if err != nil {
		i.Log.Error("the drawing of a guide could not be begun", "error", err)
		return nil, err
	}
	return d, nil
}

func (i *Illustrator) begin(c transition.Commission) (*drawing, error) {
	subject, err := i.Describe(Subject{c.Organisation, c.SMS, c.App, c.Mobile, c.Support})
	if err != nil {
		return nil, fmt.Errorf("describe the guide: %w", err)
	}
	sweep(cmp.Or(i.DrawTime, drawTime) + time.Hour)
	folder, err := os.MkdirTemp("", folders)
	if err != nil {
		return nil, fmt.Errorf("make a folder for the guide: %w", err)
	}
	d := &drawing{folder: folder, log: i.Log, news: make(chan struct{}, 1)}
	if err := d.start(i, c, subject); err != nil {
		return nil, errors.Join(err, os.RemoveAll(folder))
	}
	return d, nil
}

// sweep removes the folders that servers which were killed have left behind.
func sweep(older time.Duration) {
	left, err := filepath.Glob(filepath.Join(os.TempDir(), folders+"*"))
	if err != nil {
		return
	}
	for _, folder := range left {
		if info, err := os.Lstat(folder); err == nil && info.IsDir() && time.Since(info.ModTime()) > older {
			_ = os.RemoveAll(folder) // somebody else's stays
		}
	}
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

func (d *drawing) start(i *Illustrator, c transition.Commission, subject []byte) error {
	most := cmp.Or(i.DrawTime, drawTime)
	ctx, stop := context.WithTimeoutCause(context.Background(), most, fmt.Errorf("it took longer than %s", most))
	args := []string{i.Program, "guide", "--subject", "-", "--lang", c.Language, "--audience", string(c.Audience), "--out", d.out(), "--progress", "json"}
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
	child.WaitDelay = cmp.Or(i.StopTime, stopTime)
	progress, err := child.StdoutPipe()
	if err == nil {
		err = child.Start()
	}
	if err != nil {
		stop()
		return fmt.Errorf("start the drawing: %w", err)
	}
	_ = os.WriteFile(fmt.Sprintf("/proc/%d/oom_score_adj", child.Process.Pid), []byte(sacrifice), 0) // where there is such a file
	d.stop, d.over = stop, make(chan struct{})
	go func() {
		defer close(d.over)
		defer stop()
		d.listen(progress)
		if err := child.Wait(); err != nil {
			d.failed = fmt.Errorf("%w: %s", errors.Join(err, context.Cause(ctx)), words)
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
	files, whole := map[string][]byte{}, int64(0)
	for _, e := range entries {
		if !e.Type().IsRegular() || !plainName.MatchString(e.Name()) {
			continue
		}
		info, err := e.Info()
		if err != nil {
			return nil, err
		}
		if whole += info.Size(); whole > maxWhole || len(files) == maxFiles {
			return nil, fmt.Errorf("%s: a guide has at most %d files and %d MB", e.Name(), maxFiles, maxWhole>>20)
		}
		if files[e.Name()], err = os.ReadFile(filepath.Join(folder, e.Name())); err != nil {
			return nil, err
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
