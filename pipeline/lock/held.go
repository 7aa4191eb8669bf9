package lock

// Held returns who has the lock, or nil if nobody is known to. It neither makes the
// file nor writes to it.
func (f File) Held() *HeldError {
	if f.Path == "" || readHolder(f.Path) == nil { // Release empties the file
		return nil
	}
	file, err := f.open()
	if err != nil {
		return nil
	}
	defer file.Close()
	locked, err := tryLock(file)
	if locked {
		unlock(file)
	}
	if locked || err != nil {
		return nil
	}
	return newHeldError(f)
}
