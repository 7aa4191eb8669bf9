package roster

// firsts reads the first rows of users again, and caches some of them.
type firsts struct {
	rows *rows
	kept [1 << 12]first
}

// A first is what is needed of the first row of a user.
type first struct {
	line uint32
	upn  []byte // in lower case
	want string
}

func newFirsts(r *Roster) *firsts {
	f := &firsts{rows: r.rows()}
	// Reads are small, because first rows are mostly far from each other.
	f.rows.ahead, f.rows.unchecked = 4096, true
	return f
}

// read returns the first row at an offset, which starts on a line. The result is valid
// until the next call.
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
