package fleet

import (
	"encoding/csv"
	"errors"
	"io"
	"slices"

	"rollcall/pipeline"
)

// CountRows counts the records in the results file called name, as far as they are
// whole. A file that is not there has none. Total is left 0.
func CountRows(name string) (Rows, error) {
	rows := Rows{ByStatus: make(map[string]int)}
	err := readResults(name, func(header []string, in *csv.Reader) error {
		at := slices.Index(header, "Status")
		for {
			cells, err := in.Read()
			if err == io.EOF || errors.Is(err, csv.ErrQuote) || at < 0 { // its end, or cut short within a cell
				return nil
			}
			if err != nil {
				return err
			}
			status, err := pipeline.ParseStatus(cells[at])
			if err != nil {
				return err
			}
			rows.Recorded++
			rows.ByStatus[status.String()]++
			if status.IsFailure() {
				rows.Failed++
			}
		}
	})
	return rows, err
}
