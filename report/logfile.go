package report

import (
	"errors"
	"fmt"
	"os"
	"sync"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"rollcall/tenant/disk"
)

// A LogFile is a log in a file of bounded size that only its owner can read. When the
// file is full, it is renamed to NAME.1, replacing an older one, and a new file begins.
// Lines that can't be written are lost, with one warning: no run ends because of its log.
//
// It is safe for use by several goroutines at once.
type LogFile struct {
	name string
	most int64
	warn func(error) // called once, with why something was lost

	mu     sync.Mutex
	f      *os.File // nil before the first line
	size   int64
	torn   bool // the file that was there does not end in a line feed: a kill or a full disk cut it short
	warned bool
}

// NewLogFile returns the log in the file called name, which is created for the first
// line and holds most bytes at most. It calls warn once, with the first error.
func NewLogFile(name string, most int64, warn func(error)) *LogFile {
	return &LogFile{name: name, most: most, warn: warn}
}

// Log returns a logger that writes entries of the given level and above to l, as an
// object on each line.
func (l *LogFile) Log(level zapcore.Level) *zap.Logger {
	return zap.New(zapcore.NewCore(zapcore.NewJSONEncoder(encoding()), l, level))
}

// Write adds whole lines. It never fails.
func (l *LogFile) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.write(p); err != nil && !l.warned {
		l.warned = true
		l.warn(err)
	}
	return len(p), nil
}

func (l *LogFile) write(p []byte) error {
	if err := l.open(); err != nil {
		return err
	}
	var turned error
	if l.size > 0 && l.size+int64(len(p)) > l.most {
		turned = l.rotate()
		if l.f == nil {
			return turned
		}
	}
	p = escapeLog(p)
	if l.torn { // not when it is opened: a run that logs nothing changes nothing
		p = append([]byte{'\n'}, p...)
	}
	n, err := l.f.Write(p)
	l.torn = l.torn && n == 0
	l.size += int64(n)
	return errors.Join(turned, err)
}

// Check returns an error if l can't be written to.
func (l *LogFile) Check() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.open()
}

func (l *LogFile) open() error {
	if l.f != nil {
		return nil
	}
	f, err := os.OpenFile(l.name, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("log to %s: %w", l.name, disk.Cause(err))
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("log to %s: not a file", l.name)
	}
	if err != nil {
		f.Close()
		return err
	}
	l.f, l.size = f, info.Size()
	l.torn = l.size > 0 && !endsInLine(l.name, l.size)
	return nil
}

// endsInLine reports whether the last of the file's bytes is a line feed. It is true for
// a file that can't be read.
func endsInLine(name string, size int64) bool {
	f, err := os.Open(name)
	if err != nil {
		return true
	}
	defer f.Close()
	last := make([]byte, 1)
	_, err = f.ReadAt(last, size-1)
	return err != nil || last[0] == '\n'
}

func (l *LogFile) rotate() error {
	l.f.Close() // Windows renames no open file
	l.f = nil
	err := disk.Rename(l.name, l.name+".1")
	if oerr := l.open(); oerr != nil {
		return oerr
	}
	if err != nil { // a file that is too long is better than a lost line
		l.size = 0
		return fmt.Errorf("log to %s: %w", l.name, disk.Cause(err))
	}
	return nil
}

// Sync does nothing: there is no buffer.
func (l *LogFile) Sync() error { return nil }

// Close closes the file.
func (l *LogFile) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.f == nil {
		return nil
	}
	err := l.f.Close()
	l.f = nil
	return err
}
