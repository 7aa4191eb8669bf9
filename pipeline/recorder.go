package pipeline

import "rollcall/pipeline/roster"

// Rows are the rows of a roster, read one after another by one goroutine until io.EOF.
// [roster.Reader] is an implementation.
type Rows interface {
	Read(*roster.Row) error
}

// A Recorder gets the result of each row.
type Recorder interface {
	// Record is called for one row after another, in their order, from one
	// goroutine. The Result is reused once Record has returned.
	Record(*Result) error

	// Flush is called from the same goroutine soon after a Record, and otherwise once a
	// second. It writes what was recorded to where it survives the end of the process.
	Flush() error
}

// A Journal keeps what must survive the end of the process and can't be recorded yet.
type Journal interface {
	// Before is called before a set, with the values before. If it returns nil they are
	// safe; otherwise the set is not sent. It is called from several goroutines at once.
	Before(*Result) error

	// Done is called for a row that is done while an earlier one is not. It is called
	// from the goroutine that calls Record.
	Done(*Result) error
}

// A JournalRecorder is a Recorder that also gets the rows that were done out of order
// and not recorded: only the journal has their results.
type JournalRecorder interface {
	// Journalled is called at the end of the run, in no order. Of the Result's Row, only
	// Line and UPN are certain to be set.
	Journalled(*Result)
}

// Earlier is what the journal of an earlier run has of a row that is not recorded.
type Earlier struct {
	UPN    string   // the user of the row
	Wanted []string // the wanted values, one for each property
	Before []string // the values before, one for each property, if a set may have been sent
	Moved  []string // the values before of the properties that are moved
	Result *Result  // the row's result if it was done, or nil; Row is not set

	Accepted bool // the set was accepted, and the row only had to be read back
}
