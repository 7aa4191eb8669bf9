package powershell

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os/exec"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"rollcall/tenant"
)

// How long the end of a process may take.
const (
	exitTimeout  = 5 * time.Second // to disconnect from the service, once its input has ended
	drainTimeout = time.Second     // to read what it wrote last, once it has exited
)

// A process is a PowerShell that runs the bridge. It carries out one request
// at a time.
//
// Five goroutines belong to it: one starts it and waits for its end, one writes
// its input, two read its output, and one kills it when stop is closed. That one
// closes ended when the process and what it started are gone and the other four have
// returned.
type process struct {
	cmd     *exec.Cmd
	nonce   string
	folder  string                   // for its temporary files
	secrets atomic.Pointer[[]string] // never to be shown
	notice  atomic.Pointer[func(string)]

	id       int         // of the last request
	cmdlets  []string    // what there was to run after signing in
	token    string      // that it signed in with, or ""
	renew    time.Time   // when to look for another, or zero
	calls    int         // cmdlets that it has run
	accepted bool        // the service has accepted its session for a cmdlet
	replace  bool        // by another process, between two calls
	ready    bool        // it has signed in; the pool's, under its lock
	lines    chan []byte // to the writer
	replies  chan answer // from the reader
	tail     tail        // of standard error

	unused   chan struct{} // closed when no call will use p again
	stop     chan struct{} // closed to end the process
	stopOnce sync.Once
	ended    chan struct{} // closed by the last goroutine
	exit     error         // how it ended; set before ended is closed
}

// startProcess starts cmd, with a folder for its temporary files, and calls onEnd
// when all that it started is over. If it fails, nothing was started.
func startProcess(cmd *exec.Cmd, folder string, onEnd func()) (*process, error) {
	p := &process{
		cmd:     cmd,
		nonce:   rand.Text(),
		folder:  folder,
		lines:   make(chan []byte, 1), // holds one, so that it may be ended before it has read
		replies: make(chan answer),
		unused:  make(chan struct{}),
		stop:    make(chan struct{}),
		ended:   make(chan struct{}),
	}
	p.secrets.Store(new([]string))

	pipes, err := openPipes()
	if err != nil {
		return nil, err
	}
	// Files, not any reader and writer: so it is us who copy, and Wait waits
	// for the process alone.
	p.cmd.Stdin, p.cmd.Stdout, p.cmd.Stderr = pipes.theirs[0], pipes.theirs[1], pipes.theirs[2]
	started, exited := make(chan error), make(chan struct{})
	go func() {
		// Where the system kills the process when rollcall ends, it does so when the
		// thread that started it ends: the thread is kept until then.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := p.cmd.Start()
		started <- err
		if err == nil {
			p.exit = p.cmd.Wait()
			close(exited)
		}
	}()
	err = <-started
	closeFiles(pipes.theirs)
	if err != nil {
		closeFiles(pipes.ours)
		return nil, err
	}
	tree := newTree(p.cmd.Process)

	var readers sync.WaitGroup
	readers.Go(func() { p.readReplies(pipes.ours[1]) })
	readers.Go(func() { p.readErrors(pipes.ours[2]) })
	writer := make(chan struct{})
	go func() {
		defer close(writer)
		p.write(pipes.ours[0])
	}()
	go func() {
		select {
		case <-p.stop:
			tree.kill()
		case <-exited:
		}
		<-exited
		p.end()
		// What the process started ends with it.
		tree.kill()
		tree.close()
		// Another process that still has the pipes open is not waited for.
		late := time.AfterFunc(drainTimeout, func() { pipes.ours[1].Close(); pipes.ours[2].Close() })
		readers.Wait()
		late.Stop()
		closeFiles(pipes.ours)
		<-writer
		close(p.ended)
		onEnd()
	}()
	return p, nil
}

// end kills the process, unless it has ended. It does not wait.
func (p *process) end() { p.stopOnce.Do(func() { close(p.stop) }) }

// finish ends the input of the process, and kills it if it has not exited within
// exitTimeout.
func (p *process) finish() {
	close(p.lines)
	timer := time.NewTimer(exitTimeout)
	defer timer.Stop()
	select {
	case <-p.ended:
	case <-timer.C:
		p.end()
	}
}

// dead reports whether the process has ended or is about to.
func (p *process) dead() bool {
	select {
	case <-p.stop:
		return true
	default:
		return false
	}
}

// An endedError means that a process can't be used any more, or that none can be started
// for the moment. The request may be sent to another.
type endedError struct {
	text string
	late bool // it was not in time
}

func (e *endedError) Error() string { return e.text }

// call sends r and returns the reply. If it fails, p is being ended, so that a late
// reply can't be taken for the reply to another request. The error is ctx.Err() or an
// *endedError.
func (p *process) call(ctx context.Context, r request, timeout time.Duration) (*reply, error) {
	p.id++
	r.ID = p.id
	timer := time.NewTimer(timeout)
	defer timer.Stop()
	lines := p.lines
	line := r.line()
	for {
		select {
		case lines <- line:
			lines = nil // sent
			continue
		case a := <-p.replies:
			err := a.err
			if err == nil && (lines != nil || a.reply.ID != r.ID) {
				err = errors.New("a reply to another request")
			}
			if err != nil {
				p.end()
				return nil, &endedError{text: "PowerShell sent " + tenant.Clean(err.Error(), *p.secrets.Load()...)}
			}
			return a.reply, nil
		case <-p.stop:
			select {
			case <-p.ended: // soon, for it has exited or been killed
				return nil, &endedError{text: p.exitReason()}
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		case <-ctx.Done():
			p.end()
			return nil, ctx.Err()
		case <-timer.C:
			p.end()
			return nil, &endedError{fmt.Sprintf("no reply from PowerShell within %v", timeout), true}
		}
	}
}

// exitReason returns how p ended. It is for after p.ended is closed.
func (p *process) exitReason() string {
	text := "the PowerShell process ended"
	if p.exit != nil {
		text += ": " + p.exit.Error()
	}
	if last := tenant.Clean(p.tail.String(), *p.secrets.Load()...); last != "" {
		text += ": " + last
	}
	return text
}
