package html

import (
	"bytes"
	"testing"

	"rollcall/pipeline/results"
)

// Whatever a file has in it, it is refused or makes a report of a size that can be
// opened.
func FuzzReportOfFile(f *testing.F) {
	const header = "Row,UserPrincipalName,Status,P,P.Wanted,P.Before,Attempts,Error,FinishedAt,Dept\n"
	const row = "2,ada@contoso.com,applied,b,b,a,2,,2026-11-22T06:54:41Z,Sales\n"
	f.Add([]byte(header + row + row))
	f.Add([]byte("\ufeff" + header + `3,"<b>",failed,,b,,1,"it ""was"`))
	f.Add([]byte(utf16Of(header + row)))
	f.Add([]byte("Row;UserPrincipalName;Status;Attempts;Error;FinishedAt\n1;\xff\u202e;same;0;'=1;x\n"))
	f.Fuzz(func(t *testing.T, file []byte) {
		r, err := results.NewReader(bytes.NewReader(file))
		if err != nil {
			return
		}
		tally := NewTally(r.Format())
		if tally.Restore(r) != nil {
			return
		}
		var page, text bytes.Buffer
		p := &Page{Tally: tally}
		if err := p.Write(&page); err != nil {
			t.Error(err)
		}
		if err := p.Text(&text); err != nil {
			t.Error(err)
		}
		if page.Len() > 100_000+20*len(file) {
			t.Errorf("%d bytes make a report of %d", len(file), page.Len())
		}
	})
}
