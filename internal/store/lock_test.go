package store

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// TestADatabaseHasOneLockByWhateverPathItIsOpened: two writers on one file would break the promises of the one writer.
func TestADatabaseHasOneLockByWhateverPathItIsOpened(t *testing.T) {
	root := t.TempDir()
	dir := filepath.Join(root, "data")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "portvakt.db")
	for name, target := range map[string]string{"folder": dir, "file": path, "relative": filepath.Join("data", "portvakt.db"), "chain": filepath.Join(root, "file")} {
		if err := os.Symlink(target, filepath.Join(root, name)); err != nil {
			t.Skip("this system makes no links: ", err)
		}
	}
	byFolder := filepath.Join(root, "folder", "portvakt.db")
	roads := []string{path, byFolder, filepath.Join(root, "file"), filepath.Join(root, "relative"), filepath.Join(root, "chain")}
	for _, first := range roads { // the first of all makes the file, through whatever leads to it
		for _, f := range []string{path, path + lockSuffix} {
			if err := os.Remove(f); err != nil && !errors.Is(err, os.ErrNotExist) {
				t.Fatal(err)
			}
		}
		db, err := Open(t.Context(), Options{URL: first})
		if err != nil {
			t.Fatalf("%s: %v", first, err)
		}
		for _, second := range roads {
			if other, err := Open(t.Context(), Options{URL: second}); !errors.Is(err, ErrInUse) {
				t.Errorf("%s beside %s: %v", second, first, err)
				if err == nil {
					other.Close()
				}
			}
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
		if _, err := os.Stat(path); err != nil {
			t.Errorf("opened as %s: %v", first, err)
		}
	}
}

func TestTwoDatabasesInOneFolderAreBothOpen(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"portvakt.db", "other.db"} {
		openFor(t, Options{URL: filepath.Join(dir, name)})
		if _, err := os.Stat(filepath.Join(dir, name+".lock")); err != nil {
			t.Error(err)
		}
	}
}

func TestALinkThatLeadsInACircleIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "portvakt.db")
	if err := os.Symlink(path, path); err != nil {
		t.Skip("this system makes no links: ", err)
	}
	if db, err := Open(t.Context(), Options{URL: path}); err == nil {
		db.Close()
		t.Error("opened")
	}
}
