package pipeline

import "fmt"

// Counts is how many rows of a roster are in each state: recorded, journalled, in
// progress, or not attempted. Every row is in exactly one of them.
//
// All output about a run takes its numbers from here.
type Counts struct {
	Total      int // rows of the roster
	Recorded   int // rows whose results are in the results file
	Journalled int // rows done out of order: their results are only in the journal
	InProgress int // rows that calls were made for, without a result

	ByStatus [len(Statuses)]int // rows recorded or journalled, by status
}

// Record counts a row as recorded: Counts is a [Recorder].
func (c *Counts) Record(r *Result) error {
	c.Recorded++
	c.ByStatus[r.Status]++
	return nil
}

// Flush does nothing.
func (c *Counts) Flush() error { return nil }

// Done returns how many rows have a result.
func (c *Counts) Done() int { return c.Recorded + c.Journalled }

// NotAttempted returns how many rows have no result and had no call.
func (c *Counts) NotAttempted() int { return c.Total - c.Done() - c.InProgress }

// Left returns how many rows are not recorded.
func (c *Counts) Left() int { return c.Total - c.Recorded }

// Failed returns how many rows with a result count as failed.
func (c *Counts) Failed() int {
	n := 0
	for status, count := range c.ByStatus {
		if Status(status).IsFailure() {
			n += count
		}
	}
	return n
}

// AsWanted reports whether no row with a result failed or differs.
func (c *Counts) AsWanted() bool { return c.Failed() == 0 && c.ByStatus[Differs] == 0 }

// Add adds the numbers of d to those of c, except Total.
func (c *Counts) Add(d *Counts) {
	c.Recorded += d.Recorded
	c.Journalled += d.Journalled
	c.InProgress += d.InProgress
	for status, n := range d.ByStatus {
		c.ByStatus[status] += n
	}
}

// Check returns an error if the numbers contradict each other.
func (c *Counts) Check() error {
	sum := 0
	for _, n := range c.ByStatus {
		sum += n
	}
	if sum != c.Done() || min(c.Recorded, c.Journalled, c.InProgress, c.NotAttempted()) < 0 {
		return fmt.Errorf("%d recorded, %d journalled, %d in progress of %d rows, %d by status: they don't add up",
			c.Recorded, c.Journalled, c.InProgress, c.Total, sum)
	}
	return nil
}
