package pipeline

// fromEarlier reports whether t's result is that of an earlier run.
func (t *task) fromEarlier() bool { return t.earlier != nil && t.earlier.Result != nil }

// takeEarlier takes over what the journal of an earlier run has of t's row, and reports
// whether that includes the result. It ignores an entry of another user or with other
// wanted values.
func (r *Run) takeEarlier(t *task) bool {
	e, ok := r.Earlier[t.Row.Line]
	if !ok || !e.matches(&t.Result) {
		t.unsure = t.seq < r.Unsure && !r.Audit
		t.sent, t.unknown = t.unsure, t.unsure
		return false
	}
	t.earlier = new(e)
	if e.Result != nil {
		row := t.Row
		t.Result, t.journalled = *e.Result, true
		t.Row = row
		return true
	}
	// The earlier run sent a set and did not learn its outcome.
	t.sent, t.unknown = true, true
	for i := range t.Values {
		t.Values[i].Before = e.Before[i]
	}
	for i := range t.Moved {
		t.Moved[i].Before = e.Moved[i]
	}
	return false
}

// matches reports whether e has the user and the wanted values of r.
func (e *Earlier) matches(r *Result) bool {
	if e.UPN != r.Row.UPN || len(e.Wanted) != len(r.Values) ||
		e.Result != nil && (len(e.Result.Values) != len(r.Values) || len(e.Result.Moved) != len(r.Moved)) ||
		e.Result == nil && (len(e.Before) != len(r.Values) || len(e.Moved) != len(r.Moved)) {
		return false
	}
	for i := range r.Values {
		if e.Wanted[i] != r.Values[i].Wanted {
			return false
		}
	}
	return true
}
