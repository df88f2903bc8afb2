package register_test

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/portvakt/portvakt/internal/register"
)

// TestATextThatManyCellsNameIsNotUnpackedForEach: a workbook says it once, and each cell names it by a number.
func TestATextThatManyCellsNameIsNotUnpackedForEach(t *testing.T) {
	long := strings.Repeat("x", 50_000)
	rows := headRow + strings.Repeat(`<row>`+strings.Repeat(`<c t="s"><v>0</v></c>`, register.MaxColumns)+`</row>`, 30)
	book := workbook(t, rows, "xl/sharedStrings.xml", `<sst><si><t>`+long+`</t></si></sst>`)
	t.Logf("%d bytes", len(book))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	table, err := register.Open(strings.NewReader(book), int64(len(book)))
	if err != nil {
		t.Fatal(err)
	}
	for {
		l, err := table.Next()
		if err != nil {
			break
		}
		for _, c := range l.Cells {
			if len(c.Text) > register.MaxCell+1 {
				t.Fatalf("a cell of %d bytes", len(c.Text))
			}
		}
	}
	runtime.ReadMemStats(&after)
	if got := after.TotalAlloc - before.TotalAlloc; got > 100<<20 {
		t.Errorf("%d MB for a file of %d kB", got>>20, len(book)>>10)
	}
}

// TestAZipOfManyPartsIsRefusedBeforeItsDirectoryIsRead, whatever its last record says of their number.
func TestAZipOfManyPartsIsRefusedBeforeItsDirectoryIsRead(t *testing.T) {
	parts := map[string]string{}
	for i := range 50_000 {
		parts[fmt.Sprint("xl/", i)] = ""
	}
	book := zipped(t, parts)
	for _, lie := range []string{book, strings.ReplaceAll(book, "PK\x05\x06\x00\x00\x00\x00\x50\xc3\x50\xc3", "PK\x05\x06\x00\x00\x00\x00\x01\x00\x01\x00")} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := register.Open(strings.NewReader(lie), int64(len(lie)))
		runtime.ReadMemStats(&after)
		if !errors.Is(err, register.ErrTooMany) {
			t.Error(err)
		}
		if got := after.TotalAlloc - before.TotalAlloc; got > 2<<20 {
			t.Errorf("%d MB", got>>20)
		}
	}
}
