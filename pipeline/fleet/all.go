package fleet

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"rollcall/tenant/disk"
)

// tenantColumn is the first column of the results of all tenants.
const tenantColumn = "Tenant"

const byteOrderMark = "\ufeff"

// WriteAll writes the results of all tenants that have some in dir as one CSV, with the name
// of the tenant ahead of each record. Its columns are those of all, each once, in the
// order in which they are met; a cell of a column that a tenant's results lack is
// empty. With excel it is written as Excel likes it.
func WriteAll(w io.Writer, dir string, tenants []TenantRecord, excel bool) error {
	var columns []string
	for _, t := range tenants {
		err := readResults(filepath.Join(dir, t.Results), func(header []string, _ *csv.Reader) error {
			for _, h := range header {
				if !slices.Contains(columns, h) {
					columns = append(columns, h)
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	if excel {
		if _, err := io.WriteString(w, byteOrderMark); err != nil {
			return err
		}
	}
	out := csv.NewWriter(w)
	out.UseCRLF = excel
	out.Write(append([]string{tenantColumn}, columns...)) // Flush tells
	record := make([]string, 1+len(columns))
	for _, t := range tenants {
		err := readResults(filepath.Join(dir, t.Results), func(header []string, in *csv.Reader) error {
			at := make([]int, len(header))
			for i, h := range header {
				at[i] = 1 + slices.Index(columns, h)
			}
			for {
				cells, err := in.Read()
				if err == io.EOF || errors.Is(err, csv.ErrQuote) && !t.Complete() { // cut short within a cell
					return nil
				}
				if err != nil {
					return err
				}
				clear(record)
				record[0] = t.Name
				for i, cell := range cells {
					record[at[i]] = cell
				}
				if err := out.Write(record); err != nil {
					return err
				}
			}
		})
		if err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

// readResults calls read with the columns of a results file, as they are told apart
// among those of others, and with what is behind the header. If there is no file, or
// nothing in it, read is not called.
func readResults(name string, read func(header []string, in *csv.Reader) error) error {
	f, err := os.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	whole, err := wholeLines(f)
	if err != nil {
		return fmt.Errorf("read %s: %w", name, disk.Cause(err))
	}
	b := bufio.NewReaderSize(io.NewSectionReader(f, 0, whole), 64<<10)
	if mark, _ := b.Peek(len(byteOrderMark)); string(mark) == byteOrderMark {
		b.Discard(len(byteOrderMark))
	}
	in := csv.NewReader(b)
	header, err := in.Read()
	if err == nil {
		err = read(distinct(header), in)
	}
	if err != nil && err != io.EOF {
		return fmt.Errorf("read %s: %w", name, disk.Cause(err))
	}
	return nil
}

// wholeLines returns how much of a file is lines that have an end: what is behind them
// is a record that was cut short.
func wholeLines(f *os.File) (int64, error) {
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	for end := info.Size(); end > 0; {
		begin := max(0, end-4096)
		b := make([]byte, end-begin)
		if _, err := f.ReadAt(b, begin); err != nil {
			return 0, err
		}
		if i := bytes.LastIndexByte(b, '\n'); i >= 0 {
			return begin + int64(i) + 1, nil
		}
		end = begin
	}
	return 0, nil
}

// distinct returns a header with each name once, none of which is that of our own
// first column.
func distinct(header []string) []string {
	names := slices.Clone(header)
	for i, h := range names {
		if strings.EqualFold(h, tenantColumn) {
			h = "Input." + h
		}
		for n, name := 2, h; slices.Contains(names[:i], h); n++ {
			h = fmt.Sprintf("%s.%d", name, n)
		}
		names[i] = h
	}
	return names
}
