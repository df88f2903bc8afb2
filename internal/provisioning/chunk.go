package provisioning

import (
	"bytes"
	"compress/flate"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/portvakt/portvakt/internal/register"
)

// chunkRows is how many rows a piece of a file has, chunkText how many bytes of text, but for its last row.
const (
	chunkRows = 500
	chunkText = 2 << 20
)

// sampleRows is how many rows the page with the mapping shows.
const sampleRows = 5

// maxSampleCell is how much of a cell it shows, in characters.
const maxSampleCell = 60

// chunkRow is a row as a piece keeps it.
type chunkRow struct {
	Line    int      `json:"l"`
	Cells   []string `json:"c"`
	NoValue []int    `json:"n,omitempty"` // columns
}

// keep puts the rows of a table into the database, in pieces, so that any node can go on with them. Of the whole file no more is in
// memory than one piece.
func (s *Service) keep(ctx context.Context, i *Import, table *register.Table) (rows int64, err error) {
	var piece []chunkRow
	text := 0
	for seq := int64(0); ; {
		line, err := table.Next()
		over := errors.Is(err, io.EOF)
		if err != nil && !over {
			return rows, err
		}
		if !over {
			row := chunkRow{Line: line.Number}
			for n, c := range line.Cells {
				row.Cells = append(row.Cells, c.Text)
				text += len(c.Text)
				if c.NoValue {
					row.NoValue = append(row.NoValue, n)
				}
			}
			if rows < sampleRows {
				i.Sample = append(i.Sample, sample(row.Cells, i.Mapping))
			}
			piece = append(piece, row)
			rows++
		}
		if len(piece) == chunkRows || text >= chunkText || over && len(piece) > 0 {
			data, err := packed(piece)
			if err != nil {
				return rows, err
			}
			if err := s.InBulkTx(ctx, func(tx Tx) error { return tx.InsertChunk(ctx, i.ID, seq, data, s.Now()) }); err != nil {
				return rows, fmt.Errorf("insert chunk: %w", err)
			}
			piece, text = piece[:0], 0
			seq++
		}
		if over {
			return rows, nil
		}
	}
}

func packed(piece []chunkRow) ([]byte, error) {
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, flate.BestSpeed)
	if err == nil {
		err = json.NewEncoder(w).Encode(piece)
	}
	if err == nil {
		err = w.Close()
	}
	return b.Bytes(), err
}

func unpacked(data []byte) (lines []register.Line, err error) {
	var piece []chunkRow
	if err := json.NewDecoder(flate.NewReader(bytes.NewReader(data))).Decode(&piece); err != nil {
		return nil, err
	}
	for _, row := range piece {
		l := register.Line{Number: row.Line, Cells: make([]register.Cell, len(row.Cells))}
		for n, text := range row.Cells {
			l.Cells[n].Text = text
		}
		for _, n := range row.NoValue {
			l.Cells[n].NoValue = true
		}
		lines = append(lines, l)
	}
	return lines, nil
}

// identityNumber is how national identity numbers look, here and in the countries around.
var identityNumber = regexp.MustCompile(`^\d{6}(\d\d)?[-+A]?\d{3,4}[0-9A-Z]?$`)

// sample is a row as the page with the mapping shows it: a key is shown nowhere (RULES §7), and it may stand in any column.
func sample(cells []string, m register.Mapping) []string {
	shown := make([]string, len(cells))
	for n, text := range cells {
		if utf8.RuneCountInString(text) > maxSampleCell {
			text = string([]rune(text)[:maxSampleCell]) + "…"
		}
		hidden := n < len(m) && (m[n] == register.PersonKey || m[n] == register.PasswordHash)
		if hidden || identityNumber.MatchString(strings.ReplaceAll(text, " ", "")) {
			text = masked(text)
		}
		shown[n] = text
	}
	return shown
}

// masked leaves the first and the last sign, by which a person knows that it is the right column.
func masked(text string) string {
	r := []rune(text)
	if len(r) < 3 {
		return strings.Repeat("•", len(r))
	}
	return string(r[0]) + strings.Repeat("•", min(len(r)-2, 12)) + string(r[len(r)-1])
}

// maxFileName is the longest name of a file that is kept, in characters.
const maxFileName = 100

// baseName is a file's name without the folders of somebody's machine.
func baseName(name string) string {
	name = name[strings.LastIndexAny(name, `/\`)+1:]
	name = strings.Map(func(r rune) rune {
		if r < ' ' || r == utf8.RuneError {
			return -1
		}
		return r
	}, name)
	if r := []rune(name); len(r) > maxFileName {
		name = string(r[:maxFileName])
	}
	return name
}
