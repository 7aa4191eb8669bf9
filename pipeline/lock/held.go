package lock

// Held returns a [HeldError] that names the holder of the lock, or nil if no holder is known.
// It neither makes the file nor writes to it.
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
