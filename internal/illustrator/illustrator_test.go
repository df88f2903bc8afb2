package illustrator

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/portvakt/portvakt/internal/organisation"
	"github.com/portvakt/portvakt/internal/transition"
)

// TestMain is the child too: what it shall do stands in the name of the organisation.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "guide" {
		os.Exit(child(os.Args[2:]))
	}
	os.Exit(m.Run())
}

func child(args []string) int {
	told, err := io.ReadAll(os.Stdin)
	if err != nil {
		return 3
	}
	out := args[slices.Index(args, "--out")+1]
	write := func(name, text string) {
		if err := errors.Join(os.MkdirAll(out, 0o755), os.WriteFile(filepath.Join(out, name), []byte(text), 0o644)); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
	}
	fmt.Println(`{"done":1,"total":4,"what":"first"}`)
	switch what := string(told); {
	case what == "draws":
		fmt.Println("something else")
		fmt.Println(strings.Repeat("x", 100_000))
		fmt.Println(`{"done":4,"total":4,"what":"last"}`)
		write("index.html", "args: "+strings.Join(args, " ")+"\nenvironment: "+strings.Join(os.Environ(), "\n"))
		write("first-open.png", "a picture")
		write("pages.txt", "fingerprints")
		write("Evil.html", "no file of a guide")
		write("..odd", "no file of a guide")
		_ = os.Symlink("/etc/passwd", filepath.Join(out, "hosts.html"))
	case what == "fails":
		write("index.html", "half a guide")
		fmt.Fprintln(os.Stderr, strings.Repeat("noise ", 10_000)+"there is no browser on this machine")
		return 1
	case what == "draws nothing":
		write("guide.css", "")
	case what == "draws too much":
		write("index.html", "a guide")
		write("large.pdf", strings.Repeat("x", maxWhole))
	case what == "draws too many":
		write("index.html", "a guide")
		for n := range maxFiles {
			write(fmt.Sprintf("page-%d.html", n), "")
		}
	case what == "hears nothing":
		signal.Ignore(os.Interrupt)
		fmt.Println(`{"done":2,"total":4,"what":"hears nothing"}`)
		time.Sleep(time.Hour) // until it is killed
	case what == "hangs":
		asked := make(chan os.Signal, 1)
		signal.Notify(asked, os.Interrupt)
		fmt.Println(`{"done":2,"total":4,"what":"hangs"}`)
		<-asked
		return 1
	}
	return 0
}

func begin(t *testing.T, what string, change ...func(*Illustrator)) *drawing {
	t.Helper()
	t.Setenv("PORTVAKT_MASTER_KEY", "the-server's-own")
	i := &Illustrator{Program: os.Args[0], Log: slog.New(slog.DiscardHandler), Describe: func(s Subject) ([]byte, error) { return []byte(s.Organisation.Name), nil }}
	for _, f := range change {
		f(i)
	}
	d, err := i.Begin(transition.Commission{Organisation: organisation.Organisation{Name: what}, Edition: transition.Edition{Language: "en", Audience: transition.Administrators}})
	if err != nil {
		t.Fatal(err)
	}
	return d.(*drawing)
}

// end waits for the child's end, and puts everything away.
func end(t *testing.T, d *drawing) (done, total int, files map[string][]byte, err error) {
	t.Helper()
	for ended := false; !ended; {
		done, total, ended = d.Wait(time.Minute)
	}
	files, err = d.Files()
	d.Stop()
	if _, stat := os.Stat(d.folder); !errors.Is(stat, os.ErrNotExist) {
		t.Errorf("its folder is still there: %v", stat)
	}
	return done, total, files, err
}

func TestAChildDrawsAndIsGivenNothingOfTheServers(t *testing.T) {
	d := begin(t, "draws")
	done, total, files, err := end(t, d)
	if err != nil || done != 1 || total != 4 || len(files) != 2 || string(files["first-open.png"]) != "a picture" {
		t.Fatal(done, total, len(files), err)
	}
	index := string(files["index.html"])
	for _, want := range []string{"--lang en", "--audience administrators", "--progress json", "--subject -", "HOME=" + d.folder, "PATH="} {
		if !strings.Contains(index, want) {
			t.Errorf("the child was not told %q: %s", want, index)
		}
	}
	if strings.Contains(index, "PORTVAKT_") || strings.Contains(index, "the-server's-own") {
		t.Error("the child has the server's settings")
	}
}

func TestAChildThatFailsSaysWhyAndLeavesNothing(t *testing.T) {
	_, _, files, err := end(t, begin(t, "fails"))
	if err == nil || len(files) != 0 || !strings.HasSuffix(err.Error(), "there is no browser on this machine") || len(err.Error()) > 2*maxWords {
		t.Errorf("%d files, %v", len(files), err)
	}
	for _, what := range []string{"draws nothing", "draws too much", "draws too many"} {
		if _, _, files, err := end(t, begin(t, what)); err == nil || len(files) != 0 {
			t.Errorf("a child that %s: %d files, %v", what, len(files), err)
		}
	}
	var log bytes.Buffer
	if _, err := (&Illustrator{Log: slog.New(slog.NewTextHandler(&log, nil)), Describe: func(Subject) ([]byte, error) { return nil, errors.New("nameless") }}).Begin(transition.Commission{}); err == nil {
		t.Error("a guide of nobody")
	}
	if !strings.Contains(log.String(), "nameless") {
		t.Errorf("the operator reads %q", log.String())
	}
}

// TestAChildHasItsTime: one that hangs is ended, also where it does not hear that it shall stop.
func TestAChildHasItsTime(t *testing.T) {
	soon := func(i *Illustrator) { i.DrawTime, i.StopTime = time.Second, 10*time.Millisecond }
	for _, what := range []string{"hangs", "hears nothing"} {
		if _, _, files, err := end(t, begin(t, what, soon)); err == nil || len(files) != 0 || !strings.Contains(err.Error(), "longer than 1s") {
			t.Errorf("a child that %s: %d files, %v", what, len(files), err)
		}
	}
}

// TestWhatAServerThatWasKilledHasLeftBehindIsRemoved, and nothing else in the folder for such things.
func TestWhatAServerThatWasKilledHasLeftBehindIsRemoved(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	now := time.Now()
	for name, age := range map[string]time.Duration{folders + "1": 2 * time.Hour, folders + "2": time.Minute, "other-1": 48 * time.Hour} {
		folder := filepath.Join(os.TempDir(), name)
		if err := errors.Join(os.MkdirAll(filepath.Join(folder, "guide"), 0o755), os.Chtimes(folder, now, now.Add(-age))); err != nil {
			t.Fatal(err)
		}
	}
	end(t, begin(t, "draws"))
	left, err := filepath.Glob(filepath.Join(os.TempDir(), "*"))
	if err != nil || len(left) != 2 || !strings.HasSuffix(left[0], "other-1") || !strings.HasSuffix(left[1], folders+"2") {
		t.Errorf("%v %v", left, err)
	}
}

func TestADrawingCanBeStopped(t *testing.T) {
	d := begin(t, "hangs")
	for done, ended := 0, false; done < 2; {
		if done, _, ended = d.Wait(time.Minute); ended {
			t.Fatal(d.failed)
		}
	}
	d.Stop() // returns when the child has ended
	if _, err := d.Files(); err == nil {
		t.Error("a drawing that was stopped has files")
	}
	if _, err := os.Stat(d.folder); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("its folder is still there: %v", err)
	}
	d.Stop() // once more
}
