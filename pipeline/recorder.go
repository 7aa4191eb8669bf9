package pipeline

import "rollcall/pipeline/roster"

// Rows are read one after another, from one goroutine, until io.EOF.
// [roster.Reader] is one.
type Rows interface {
	Read(*roster.Row) error
}

// A Recorder is told what became of each row.
type Recorder interface {
	// Record is called for one row after another, in their order, from one
	// goroutine. The Result is reused once Record has returned.
	Record(*Result) error

	// Flush is called from the same goroutine soon after a Record, and once in
	// a second otherwise, so that what was recorded gets to where it outlives
	// the process.
	Flush() error
}

// A Journal keeps of rows in progress what must outlive the process.
type Journal interface {
	// Before is called with the values that were read ahead of a set, and the
	// set is not sent unless it returns nil: then they are safe. It is called
	// from several goroutines at once.
	Before(*Result) error

	// Done is called, from the goroutine that records, for a row that is done
	// while an earlier one is not.
	Done(*Result) error
}

// A JournalRecorder is a Recorder that wants to know of the rows that were done
// and whose turn did not come: their results are in the journal alone.
type JournalRecorder interface {
	// Journalled is called at the end, in no order. Of the row, the line and the
	// UPN are certain to be set.
	Journalled(*Result)
}

// Earlier is what an earlier run has left of a row that it did not record.
type Earlier struct {
	UPN    string   // whose row it was
	Wanted []string // the values wanted by property
	Before []string // the values before by property, if a set may have been sent
	Moved  []string // those of the properties that are moved
	Result *Result  // what became of the row, if it was done; Row is not set
}
