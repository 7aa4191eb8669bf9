package job

import (
	"errors"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"
)

// An observing calls connected just ahead of the reading of the roster, and tells
// whether that came to its end.
type observing struct {
	connected func()
	opened    bool
}

func (o *observing) Observe(e Event) {
	switch e.(type) {
	case Connected:
		o.connected()
	case Opened:
		o.opened = true
	}
}

// A job that is stopped while it reads a workbook, which can take long, does not read
// it to its end.
func TestStoppedInAWorkbook(t *testing.T) {
	f := excelize.NewFile()
	w, err := f.NewStreamWriter("Sheet1")
	for i := 0; err == nil && i < 30_000; i++ {
		row := []any{fmt.Sprintf("user%d@contoso.com", i)}
		if i == 0 {
			row = []any{"UPN"}
		}
		err = w.SetRow(fmt.Sprintf("A%d", i+1), row)
	}
	if err == nil {
		err = w.Flush()
	}
	name := filepath.Join(t.TempDir(), "users.xlsx")
	if err == nil {
		err = f.SaveAs(name)
	}
	if err != nil {
		t.Fatal(err)
	}
	stop := make(chan struct{})
	seen := &observing{connected: func() { time.AfterFunc(10*time.Millisecond, func() { close(stop) }) }}
	o := optOut(t, newLedger(0), 1)
	o.Roster, o.Observers = name, []Observer{seen}
	if _, err := o.Run(t.Context(), stop); !errors.Is(err, ErrInterrupted) || seen.opened {
		t.Errorf("error %v, roster read to its end: %t", err, seen.opened)
	}
}
