package main

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/portvakt/portvakt/internal/control"
)

// imports runs portvakt import on a file with the given content.
func (d *desk) imports(content string, args ...string) (out, beside string, err error) {
	d.t.Helper()
	file := filepath.Join(d.t.TempDir(), "register.csv")
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		d.t.Fatal(err)
	}
	var stdout, stderr bytes.Buffer
	err = run(d.t.Context(), append([]string{"import", "--org", "foretaget", file, "--config", d.file}, args...), &stdout, &stderr)
	if text := stdout.String() + stderr.String(); strings.Contains(text, "19800101") {
		d.t.Errorf("a person's key is printed:\n%s", text)
	}
	return stdout.String(), stderr.String(), err
}

func lastLine(out string) string {
	lines := strings.Split(strings.TrimSuffix(out, "\n"), "\n")
	return lines[len(lines)-1]
}

func TestImportWithoutAServer(t *testing.T) {
	d := newDesk(t)
	d.says("org", "set", "foretaget")
	const head = "Personnummer;Namn;E-post;Tom\n"
	out, beside, err := d.imports(head + "19800101-1234;Anna Svensson;anna@x.example;\n19800101-2345;Bo Lind;;\n")
	if err != nil || lastLine(out) != "rows 2, imported 2, held 0, refused 0" || !strings.Contains(beside, "Personnummer") {
		t.Fatal(out, beside, err)
	}
	if strings.Contains(beside, "%") {
		t.Errorf("a bar is drawn where nobody sees it: %q", beside)
	}
	out, beside, err = d.imports(head + "19800101-1234;Anna Svensson;anna@y.example;\n19800101-2345;;bo@x.example;\n19800101-3456;Cilla Berg;;soon\n")
	var some refusedRows
	if !errors.As(err, &some) || some.n != 2 || some.exitCode() != 3 || lastLine(out) != "rows 3, imported 1, held 0, refused 2" {
		t.Error(out, err)
	}
	if !strings.Contains(beside, `line 3, column "Namn": The name is missing.`) || !strings.Contains(beside, `line 4, column "Tom": The date cannot be read`) {
		t.Error(beside)
	}
}

func TestImportIsToldWhatTheColumnsHoldAndRemembersIt(t *testing.T) {
	d := newDesk(t)
	d.says("org", "set", "foretaget")
	const content = "Nr,Wer\n1,Anna Svensson\n"
	if _, _, err := d.imports(content); err == nil || !strings.Contains(err.Error(), `["Nr" "Wer"]`) {
		t.Error(err)
	}
	if _, _, err := d.imports("Nr,Namn\n1,Anna Svensson\n"); err == nil || !strings.Contains(err.Error(), "--map") {
		t.Error(err)
	}
	if _, _, err := d.imports(content, "--map", "salary=Nr"); err == nil || !strings.Contains(err.Error(), "person_key, given_name") {
		t.Error(err)
	}
	out, beside, err := d.imports(content, "--map", "person_key=Nr", "--map", "full_name=Wer", "--dry-run")
	if err != nil || out != "" || !strings.Contains(beside, "full_name") {
		t.Error(out, beside, err)
	}
	if out, _, err = d.imports(content, "--map", "person_key=Nr", "--map", "full_name=Wer"); err != nil || lastLine(out) != "rows 1, imported 1, held 0, refused 0" {
		t.Error(out, err)
	}
	if out, beside, err = d.imports(content); err != nil || lastLine(out) != "rows 1, imported 1, held 0, refused 0" || !strings.Contains(beside, "last file") {
		t.Error(out, beside, err)
	}
}

func TestImportRefusesWhatIsNoRegister(t *testing.T) {
	d := newDesk(t)
	if _, _, err := d.imports("Employee ID;Name\n1;Anna\n"); err == nil || !strings.Contains(err.Error(), "organisation") {
		t.Error(err)
	}
	d.says("org", "set", "foretaget")
	// somebody's register without its header: nobody is named
	if _, beside, err := d.imports("19800101-1234;Anna Svensson;a@x.example\n"); err == nil || strings.Contains(beside+err.Error(), "19800101-1234") {
		t.Error(beside, err)
	}
	large := filepath.Join(t.TempDir(), "large.csv")
	f, err := os.Create(large)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(f.Truncate(300<<20), f.Close()); err != nil {
		t.Fatal(err)
	}
	d.refused("300 MB", "import", "--org", "foretaget", large)
}

// TestAnImportSurvivesItsServersDeath: the process is killed in the middle, and the next one goes on.
func TestAnImportSurvivesItsServersDeath(t *testing.T) {
	if testing.Short() {
		t.Skip("starts processes")
	}
	h := newHouse(t)
	h.must("org", "set", "foretaget")
	p := h.serve()
	desk := h.control()
	var i, before control.Import
	var content, at string
	rows := int64(2000)
	for ; ; rows *= 3 { // until the work takes longer than it takes to look
		if rows > 100_000 {
			t.Fatal("the import is never seen under way")
		}
		var b strings.Builder
		b.WriteString("Employee ID;Name;Email\n")
		for n := range rows {
			fmt.Fprintf(&b, "%d-%d;Anna Svensson;a%d@%d.example\n", rows, n, n, rows)
		}
		content = b.String()
		if err := desk.Send(t.Context(), "/organisations/foretaget/imports?name=register.csv", strings.NewReader(content), int64(len(content)), &i); err != nil {
			t.Fatal(err)
		}
		at = "/organisations/foretaget/imports/" + i.ID
		if err := desk.Do(t.Context(), http.MethodPost, at+"/begin", control.Import{Mapping: i.Mapping}, &i); err != nil {
			t.Fatal(err)
		}
		for !i.Ended && i.Imported == 0 {
			if err := desk.Do(t.Context(), http.MethodGet, at, nil, &i); err != nil {
				t.Fatal(err)
			}
		}
		if i.Imported < rows/2 {
			break
		}
	}
	p.kill()
	before = i
	file := filepath.Join(h.dir, "register.csv")
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}

	h.serve()
	desk = h.control()
	for deadline := time.Now().Add(4 * patient); !i.Ended; {
		if err := desk.Do(t.Context(), http.MethodGet, at, nil, &i); err != nil || time.Now().After(deadline) {
			t.Fatalf("%+v %v", i, err)
		}
		time.Sleep(10 * time.Millisecond)
	}
	if i.State != "done" || i.Imported != rows || i.New != rows || before.Imported == 0 || before.Imported >= rows {
		t.Errorf("%+v before, %+v after", before, i)
	}
	// the same file by the command, beside the server: everybody is there, and once
	if out := h.must("import", "--org", "foretaget", file); !strings.HasPrefix(out, fmt.Sprintf("0 new, 0 changed, %d unchanged\n", rows)) {
		t.Error(out)
	}
}

// control is a client of the running server.
func (h *house) control() *control.Client {
	h.t.Helper()
	desk, ok := control.Dial(filepath.Join(h.dir, "control.sock"))
	if !ok {
		h.t.Fatal("nobody answers at the control socket")
	}
	return desk
}
