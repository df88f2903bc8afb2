package register_test

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"

	"github.com/portvakt/portvakt/internal/register"
)

// open opens a file that is a text.
func open(t *testing.T, content string) *register.Table {
	t.Helper()
	table, err := register.Open(strings.NewReader(content), int64(len(content)))
	if err != nil {
		t.Fatal(err)
	}
	return table
}

// rest is what the table still holds, one row a line: number, cells.
func rest(t *testing.T, table *register.Table) string {
	t.Helper()
	var b strings.Builder
	for {
		l, err := table.Next()
		if errors.Is(err, io.EOF) {
			return b.String()
		}
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprint(&b, l.Number)
		for _, c := range l.Cells {
			fmt.Fprint(&b, "|", c.Text)
			if c.NoValue {
				b.WriteString("?")
			}
		}
		b.WriteString("\n")
	}
}

const people = "Anställningsnummer;Förnamn;Efternamn;E-post\n1001;Åsa;Öberg;asa@x.example\n\n1002;Bo;\"Lind; den äldre\";bo@x.example\n"

func TestEveryUsualKindOfCSVIsRead(t *testing.T) {
	latin, err := charmap.Windows1252.NewEncoder().String(people)
	if err != nil {
		t.Fatal(err)
	}
	wide, err := unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewEncoder().String(people)
	if err != nil {
		t.Fatal(err)
	}
	big, err := unicode.UTF16(unicode.BigEndian, unicode.UseBOM).NewEncoder().String(people)
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{
		"plain": people, "BOM": "\ufeff" + people, "Windows-1252": latin, "UTF-16": wide, "UTF-16 the other way": big,
		"CRLF":           strings.ReplaceAll(people, "\n", "\r\n"),
		"with its title": "Personallista;;;\n2026-11-01;;;\n" + people[:0] + people,
	} {
		table := open(t, content)
		if got := strings.Join(table.Header, " "); got != "Anställningsnummer Förnamn Efternamn E-post" {
			t.Errorf("%s: header %q", name, got)
		}
		want := "2|1001|Åsa|Öberg|asa@x.example\n4|1002|Bo|Lind; den äldre|bo@x.example\n"
		if strings.HasPrefix(name, "with") {
			want = "4|1001|Åsa|Öberg|asa@x.example\n6|1002|Bo|Lind; den äldre|bo@x.example\n"
		}
		if got := rest(t, table); got != want {
			t.Errorf("%s: %s", name, got)
		}
	}
}

func TestEveryUsualDelimiterIsFound(t *testing.T) {
	for _, d := range []string{",", ";", "\t", "|"} {
		rows := [][]string{{"Employee ID", "Name", "Email"}, {"1", "Anna, Svensson; A | B", "anna@x.example"}, {"2", "Bo", "bo@x.example"}}
		var b strings.Builder
		for _, r := range rows {
			fmt.Fprintf(&b, "%s%s\"%s\"%s%s\n", r[0], d, r[1], d, r[2])
		}
		table := open(t, b.String())
		if got := rest(t, table); len(table.Header) != 3 || got != "2|1|Anna, Svensson; A | B|anna@x.example\n3|2|Bo|bo@x.example\n" {
			t.Errorf("%q: %q %s", d, table.Header, got)
		}
		// Excel's own word about it
		table = open(t, "sep="+d+"\r\n"+b.String())
		if got := rest(t, table); len(table.Header) != 3 || !strings.HasPrefix(got, "3|1|") {
			t.Errorf("sep=%q: %q %s", d, table.Header, got)
		}
	}
}

func TestATextThatLooksLikeAFormulaStaysText(t *testing.T) {
	table := open(t, "Employee ID,Name,Phone\n1,=cmd|' /C calc'!A0,\"=\"\"0701\"\"\"\n2,@x,+46701\n")
	if got := rest(t, table); got != "2|1|=cmd|' /C calc'!A0|0701\n3|2|@x|+46701\n" {
		t.Error(got)
	}
}

func TestAQuotationMarkThatNobodyClosedIsNamedByItsLine(t *testing.T) {
	var b strings.Builder
	b.WriteString("Employee ID,Name,Email\n1,Anna,a@x.example\n2,\"Bo,b@x.example\n")
	for i := range 100_000 {
		fmt.Fprintf(&b, "%d,Cilla,c@x.example\n", i)
	}
	table := open(t, b.String())
	if l, err := table.Next(); err != nil || l.Number != 2 {
		t.Fatal(l, err)
	}
	_, err := table.Next()
	var broken register.Broken
	if !errors.As(err, &broken) || broken.Line != 3 {
		t.Error(err)
	}
}

func TestWhatIsNoTableIsRefused(t *testing.T) {
	for name, c := range map[string]struct {
		content string
		want    error
	}{
		"nothing":         {"", register.ErrEmpty},
		"empty lines":     {"\n\n\n", register.ErrEmpty},
		"an old workbook": {"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 and so on", register.ErrOldExcel},
		"a picture":       {"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", register.ErrNotATable},
		"a PDF":           {"%PDF-1.7\n1;2\n", register.ErrNotATable},
		"half a zip":      {"PK\x03\x04 and nothing", register.ErrNotATable},
		"another zip":     {zipped(t, map[string]string{"readme.txt": "hello"}), register.ErrNotATable},
		"too wide":        {strings.Repeat("a;", 300) + "\n", register.ErrTooMany},
	} {
		if _, err := register.Open(strings.NewReader(c.content), int64(len(c.content))); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// unread fails the test when somebody reads it.
type unread struct{ t *testing.T }

func (u unread) ReadAt([]byte, int64) (int, error) { u.t.Error("it was read"); return 0, io.EOF }

func TestThreeHundredMegabytesAreRefusedUnread(t *testing.T) {
	if _, err := register.Open(unread{t}, 300<<20); !errors.Is(err, register.ErrTooLarge) {
		t.Error(err)
	}
}

func zipped(t testing.TB, parts map[string]string) string {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for name, content := range parts {
		w, err := z.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, content); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// workbook is a workbook with one sheet.
func workbook(t testing.TB, sheet string, more ...string) string {
	t.Helper()
	parts := map[string]string{
		"xl/workbook.xml":            `<workbook xmlns="m" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets><sheet name="Blad1" sheetId="1" r:id="rId1"/></sheets></workbook>`,
		"xl/_rels/workbook.xml.rels": `<Relationships><Relationship Id="rId1" Target="worksheets/sheet1.xml"/></Relationships>`,
		"xl/worksheets/sheet1.xml":   `<worksheet><sheetData>` + sheet + `</sheetData></worksheet>`,
	}
	for i := 0; i < len(more); i += 2 {
		parts[more[i]] = more[i+1]
	}
	return zipped(t, parts)
}

const headRow = `<row r="1"><c r="A1" t="inlineStr"><is><t>Employee ID</t></is></c><c r="B1" t="inlineStr"><is><t>Name</t></is></c></row>`

// TestAWorkbookOfAnothersMakingIsRead: excelize has written it, as Excel would.
func TestAWorkbookOfAnothersMakingIsRead(t *testing.T) {
	f := excelize.NewFile()
	defer f.Close()
	set := func(sheet, cell string, v any) {
		if err := f.SetCellValue(sheet, cell, v); err != nil {
			t.Fatal(err)
		}
	}
	set("Sheet1", "A1", "Läs mig först")
	set("Sheet1", "B1", "Gamla tabellen är dold")
	for _, name := range []string{"Gammalt", "Register"} {
		if _, err := f.NewSheet(name); err != nil {
			t.Fatal(err)
		}
		for i, column := range []string{"Anställningsnummer", "Namn", "E-post", "Anställningsdatum", "Lön"} {
			cell, _ := excelize.CoordinatesToCellName(i+1, 3)
			set(name, cell, column)
		}
	}
	if err := f.SetSheetVisible("Gammalt", false); err != nil {
		t.Fatal(err)
	}
	set("Register", "A1", "Personallista")
	day, err := f.NewStyle(&excelize.Style{NumFmt: 14})
	if err != nil {
		t.Fatal(err)
	}
	set("Register", "A4", 198001011234)
	set("Register", "B4", "  Åsa\n Öberg ")
	set("Register", "C4", "asa@x.example")
	set("Register", "D4", 46053)
	set("Register", "E4", 31000.5)
	if err := f.SetCellStyle("Register", "D4", "D4", day); err != nil {
		t.Fatal(err)
	}
	set("Register", "A6", "007")
	if err := f.SetCellFormula("Register", "B6", `=UPPER("bo")`); err != nil {
		t.Fatal(err)
	}
	set("Register", "C6", true)
	var b bytes.Buffer
	if err := f.Write(&b); err != nil {
		t.Fatal(err)
	}
	table := open(t, b.String())
	if table.Sheet != "Register" || strings.Join(table.Header, " ") != "Anställningsnummer Namn E-post Anställningsdatum Lön" {
		t.Errorf("%q %q", table.Sheet, table.Header)
	}
	if got := rest(t, table); got != "4|198001011234|Åsa Öberg|asa@x.example|2026-01-31|31000.5\n6|007|?|1\n" {
		t.Error(got)
	}
}

func TestAFormulaWithItsResultIsItsResult(t *testing.T) {
	table := open(t, workbook(t, headRow+`<row r="2"><c r="A2"><f>1+1</f><v>2</v></c><c r="B2" t="str"><f>A1</f><v>Anna</v></c></row>`+
		`<row><c><v>1.9800101E+7</v></c><c t="e"><f>X</f><v>#REF!</v></c></row>`))
	if got := rest(t, table); got != "2|2|Anna\n3|19800101|?\n" {
		t.Error(got)
	}
}

func TestABookThatCountsDaysFrom1904SaysTheSameDays(t *testing.T) {
	table := open(t, workbook(t, headRow+`<row r="2"><c r="A2" s="1"><v>44591</v></c><c r="B2" s="2"><v>44591.5</v></c></row>`,
		"xl/workbook.xml", `<workbook xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><workbookPr date1904="1"/><sheets><sheet name="B" r:id="rId1"/></sheets></workbook>`,
		"xl/styles.xml", `<styleSheet><numFmts><numFmt numFmtId="170" formatCode="[$-41D]&quot;den &quot;d mmmm yyyy;@"/></numFmts><cellXfs><xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="170"/></cellXfs></styleSheet>`))
	if got := rest(t, table); got != "2|2026-01-31|2026-01-31\n" {
		t.Error(got)
	}
}

func TestABookThatUnpacksToNoEndIsRefused(t *testing.T) {
	for name, sheet := range map[string]string{
		"one text":      headRow + `<row r="2"><c r="A2" t="inlineStr"><is><t>` + strings.Repeat("a", 30<<20) + `</t></is></c></row>`,
		"an attribute":  headRow + `<row r="` + strings.Repeat("1", 30<<20) + `"/>`,
		"many columns":  headRow + `<row r="2"><c r="XFD2"><v>1</v></c></row>`,
		"a far column":  headRow + `<row r="2"><c r="` + strings.Repeat("Z", 200) + `2"><v>1</v></c></row>`,
		"back in order": headRow + `<row r="2"><c r="B2"><v>1</v></c><c r="A2"><v>1</v></c></row>`,
		"no such text":  headRow + `<row r="2"><c r="A2" t="s"><v>7</v></c></row>`,
		"cut off":       headRow + `<row r="2"><c r="A2">`,
	} {
		content := workbook(t, sheet)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		table, err := register.Open(strings.NewReader(content), int64(len(content)))
		for err == nil {
			_, err = table.Next()
		}
		runtime.ReadMemStats(&after)
		if errors.Is(err, io.EOF) {
			t.Errorf("%s was read", name)
		}
		if took := after.TotalAlloc - before.TotalAlloc; took > 20<<20 {
			t.Errorf("%s took %d MB", name, took>>20)
		}
	}
	shared := "<sst>" + strings.Repeat("<si><t>"+strings.Repeat("x", 1000)+"</t></si>", 110_000) + "</sst>"
	content := workbook(t, headRow, "xl/sharedStrings.xml", shared)
	if _, err := register.Open(strings.NewReader(content), int64(len(content))); err == nil {
		t.Error("110 MB of shared texts were read")
	}
}

// TestALongTableNeedsNoMoreMemoryThanAShortOne counts what is in use, not what passes through.
func TestALongTableNeedsNoMoreMemoryThanAShortOne(t *testing.T) {
	inUse := func(rows int) uint64 {
		var b strings.Builder
		for i := range rows {
			fmt.Fprintf(&b, `<row><c><v>%d</v></c><c t="inlineStr"><is><t>Anna Svensson</t></is></c></row>`, i)
		}
		content := workbook(t, headRow+b.String())
		b.Reset()
		table := open(t, content)
		runtime.GC()
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		n := 0
		for ; ; n++ {
			if _, err := table.Next(); err != nil {
				break
			}
			if n == rows-2 {
				runtime.GC()
				runtime.ReadMemStats(&after)
			}
		}
		if n != rows {
			t.Fatalf("%d of %d", n, rows)
		}
		return after.HeapAlloc - min(before.HeapAlloc, after.HeapAlloc)
	}
	if short, long := inUse(1000), inUse(40_000); long > short+1<<20 {
		t.Errorf("%d bytes for 1,000 rows, %d for 40,000", short, long)
	}
}

func FuzzOpen(f *testing.F) {
	f.Add([]byte(people))
	f.Add([]byte("\xff\xfea\x00;\x00b\x00"))
	f.Add([]byte(workbook(f, headRow)))
	f.Fuzz(func(t *testing.T, content []byte) {
		table, err := register.Open(bytes.NewReader(content), int64(len(content)))
		if err != nil {
			return
		}
		r := register.NewReader(table.Header, register.Guess(table.Header))
		for range 10_000 {
			l, err := table.Next()
			if err != nil {
				return
			}
			r.Entry(l)
		}
	})
}
