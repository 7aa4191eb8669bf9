package results

import (
	"io"
	"maps"

	"rollcall/pipeline"
)

// Recount counts the rows in the results file called name and its journal, after a run over
// total rows could not write them completely. open has the lines of rows that calls were
// made for and that may have no result. It calls each with every result.
func Recount(name string, total int, open map[int]bool, each func(*pipeline.Result)) (c pipeline.Counts, err error) {
	p, err := ReadPast(name)
	if err != nil {
		return c, err
	}
	c.Total = total
	open = maps.Clone(open)
	if p.journal != nil {
		for line, e := range p.journal.entries {
			if e.result() == nil {
				open[line] = true
			} else {
				c.Journalled++
			}
		}
	}
	in, err := p.Open(false)
	if err != nil {
		return c, err
	}
	defer in.Close()
	r, err := NewReader(in)
	if err != nil {
		return c, err
	}
	for {
		var res pipeline.Result
		if err := r.Read(&res); err == io.EOF {
			break
		} else if err != nil {
			return c, err
		}
		delete(open, res.Row.Line)
		c.Recorded++
		c.ByStatus[res.Status]++
		each(&res)
	}
	c.Recorded -= c.Journalled
	c.InProgress = len(open)
	return c, nil
}
