package pipeline

import "fmt"

// Counts says where the rows of a roster stand. Every row is one of: recorded,
// journalled, in progress, or not attempted.
//
// Whoever tells of a run, in whatever form, takes the numbers from here.
type Counts struct {
	Total      int // rows of the roster
	Recorded   int // rows that the results have
	Journalled int // rows that are done out of order: only the journal has their results yet
	InProgress int // rows that calls were made for, and whose results nothing has

	ByStatus [len(Statuses)]int // of those recorded and those journalled
}

// Record counts a row that is recorded: Counts is a [Recorder].
func (c *Counts) Record(r *Result) error {
	c.Recorded++
	c.ByStatus[r.Status]++
	return nil
}

// Flush does nothing.
func (c *Counts) Flush() error { return nil }

// Done returns how many rows have a result.
func (c *Counts) Done() int { return c.Recorded + c.Journalled }

// NotAttempted returns how many rows no call was made for and that have no
// result.
func (c *Counts) NotAttempted() int { return c.Total - c.Done() - c.InProgress }

// Left returns how many rows are not recorded.
func (c *Counts) Left() int { return c.Total - c.Recorded }

// Failed returns how many rows with a result count as failed.
func (c *Counts) Failed() int {
	n := 0
	for status, count := range c.ByStatus {
		if Status(status).Bad() {
			n += count
		}
	}
	return n
}

// AsWanted reports whether no row with a result failed or differs.
func (c *Counts) AsWanted() bool { return c.Failed() == 0 && c.ByStatus[Differs] == 0 }

// Add adds what another part of the run came to. Total stays.
func (c *Counts) Add(d *Counts) {
	c.Recorded += d.Recorded
	c.Journalled += d.Journalled
	c.InProgress += d.InProgress
	for status, n := range d.ByStatus {
		c.ByStatus[status] += n
	}
}

// Check returns an error if the numbers can't be those of one roster.
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
