package main

import (
	"encoding/csv"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/xuri/excelize/v2"
)

// makeWorkbook is a script's command: it writes an Excel workbook with a sheet for each
// CSV file, called as that is, in which every cell is text.
func makeWorkbook(ts *testscript.TestScript, _ bool, args []string) {
	f := excelize.NewFile()
	defer f.Close()
	for i, name := range args[1:] {
		sheet := strings.TrimSuffix(name, ".csv")
		if i == 0 {
			ts.Check(f.SetSheetName("Sheet1", sheet))
		} else {
			_, err := f.NewSheet(sheet)
			ts.Check(err)
		}
		records, err := csv.NewReader(strings.NewReader(ts.ReadFile(name))).ReadAll()
		ts.Check(err)
		for i, record := range records {
			for j, text := range record {
				cell, err := excelize.CoordinatesToCellName(j+1, i+1)
				ts.Check(err)
				ts.Check(f.SetCellStr(sheet, cell, text))
			}
		}
	}
	ts.Check(f.SaveAs(ts.MkAbs(args[0])))
}
