package roster

// firsts reads first rows of users again, and keeps some in case they are asked
// for again soon.
type firsts struct {
	rows *rows
	kept [1 << 12]first
}

// A first is what has to be known of the first row of a user.
type first struct {
	line uint32
	upn  []byte // in lower case
	want string
}

func newFirsts(r *Roster) *firsts {
	f := &firsts{rows: r.rows()}
	// First rows are often near each other, and mostly not.
	f.rows.ahead, f.rows.unchecked = 4096, true
	return f
}

// read returns the first row that is at an offset and starts on a line. It is
// good until the next call.
func (f *firsts) read(offset int64, line uint32) (*first, error) {
	kept := &f.kept[line%uint32(len(f.kept))]
	if kept.line == line {
		return kept, nil
	}
	f.rows.seek(offset, int(line))
	if err := f.rows.records.next(); err != nil {
		return nil, err
	}
	f.rows.findUPN()
	want, err := f.rows.want()
	if err != nil {
		return nil, f.rows.roster.inconsistent(int(line), err)
	}
	kept.line, kept.upn, kept.want = line, append(kept.upn[:0], f.rows.lower()...), want
	return kept, nil
}
