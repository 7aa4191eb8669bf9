package powershell

// notice passes a line that the module writes while it signs in to cfg.Notice,
// without the stack traces of .NET if it is a person who signs in.
func (t *Tenant) notice(text string) {
	if t.cfg.SignIn.byHand() && isTrace(text) {
		return
	}
	t.noticing.Lock()
	defer t.noticing.Unlock()
	t.cfg.Notice(text)
}

// remark passes text to cfg.Remark.
func (t *Tenant) remark(text string) {
	if t.cfg.Remark == nil {
		return
	}
	t.noticing.Lock()
	defer t.noticing.Unlock()
	t.cfg.Remark(text)
}
