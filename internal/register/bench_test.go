package register_test

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/portvakt/portvakt/internal/register"
)

// BenchmarkRead reads tables of ten columns; one operation is a row.
func BenchmarkRead(b *testing.B) {
	const rows = 20_000
	var csv, sheet strings.Builder
	csv.WriteString("Employee ID;Given name;Family name;Email;Mobile;Language;Company;Unit;From;To\n")
	sheet.WriteString(`<row r="1">`)
	for name := range strings.SplitSeq("Employee ID;Given name;Family name;Email;Mobile;Language;Company;Unit;From;To", ";") {
		fmt.Fprintf(&sheet, `<c t="inlineStr"><is><t>%s</t></is></c>`, name)
	}
	sheet.WriteString(`</row>`)
	for i := range rows {
		row := fmt.Sprintf("%d;Anna;Svensson;anna%d@x.example;+46701740605;sv;AB;Lager;2020-01-01;", i, i)
		csv.WriteString(row + "\n")
		sheet.WriteString("<row>")
		for cell := range strings.SplitSeq(row, ";") {
			fmt.Fprintf(&sheet, `<c t="inlineStr"><is><t>%s</t></is></c>`, cell)
		}
		sheet.WriteString("</row>")
	}
	for name, content := range map[string]string{"csv": csv.String(), "xlsx": workbook(b, sheet.String())} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for n := 0; n < b.N; {
				table, err := register.Open(strings.NewReader(content), int64(len(content)))
				if err != nil {
					b.Fatal(err)
				}
				r := register.NewReader(table.Header, register.Guess(table.Header))
				for ; n < b.N; n++ {
					l, err := table.Next()
					if errors.Is(err, io.EOF) {
						break
					}
					if _, problems, ok := r.Entry(l); err != nil || !ok {
						b.Fatal(err, problems)
					}
				}
			}
		})
	}
}
