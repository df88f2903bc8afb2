package illustrator

import (
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
	case what == "hangs":
		asked := make(chan os.Signal, 1)
		signal.Notify(asked, os.Interrupt)
		fmt.Println(`{"done":2,"total":4,"what":"hangs"}`)
		<-asked
		return 1
	}
	return 0
}

func begin(t *testing.T, what string) *drawing {
	t.Helper()
	t.Setenv("PORTVAKT_MASTER_KEY", "the-server's-own")
	t.Setenv("TMPDIR", t.TempDir())
	i := &Illustrator{Program: os.Args[0], Log: slog.New(slog.DiscardHandler), Describe: func(o organisation.Organisation, _ bool, _ string) ([]byte, error) { return []byte(o.Name), nil }}
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
	if _, _, files, err := end(t, begin(t, "draws nothing")); err == nil || len(files) != 0 {
		t.Errorf("a guide without a first page: %d files, %v", len(files), err)
	}
	if _, err := (&Illustrator{Describe: func(organisation.Organisation, bool, string) ([]byte, error) { return nil, errors.New("nameless") }}).Begin(transition.Commission{}); err == nil {
		t.Error("a guide of nobody")
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
