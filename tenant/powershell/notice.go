package powershell

// notice passes on what the module says while it signs in. A person who signs in
// is spared what .NET writes of exceptions.
func (t *Tenant) notice(text string) {
	if t.cfg.SignIn.byHand() && isTrace(text) {
		return
	}
	t.noticing.Lock()
	defer t.noticing.Unlock()
	t.cfg.Notice(text)
}

// remark tells what a person should know of a start that goes on.
func (t *Tenant) remark(text string) {
	if t.cfg.Remark == nil {
		return
	}
	t.noticing.Lock()
	defer t.noticing.Unlock()
	t.cfg.Remark(text)
}
