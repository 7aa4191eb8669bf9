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

// How a process is let go.
const (
	grace = 5 * time.Second // to say goodbye to the service, once its input ends
	drain = time.Second     // for what it wrote last, once it has exited
)

// A process is a PowerShell that runs the bridge. It carries out one request
// at a time.
//
// Five goroutines belong to it: one starts it and waits for its end, one writes
// its input, two read its output, and one brings its end about when stop is closed.
// The last of them closes ended when all is over: the process and what it started are gone,
// and the others have returned.
type process struct {
	cmd     *exec.Cmd
	nonce   string
	folder  string                   // for its temporary files
	secrets atomic.Pointer[[]string] // never to be shown
	notice  atomic.Pointer[func(string)]

	id      int         // of the last request
	cmdlets []string    // what there was to run after signing in
	token   string      // that it signed in with, or ""
	renew   time.Time   // when to look for another, or zero
	calls   int         // cmdlets that it has run
	proved  bool        // a cmdlet has got past the service's door
	worn    bool        // it is to be replaced, between two calls
	ready   bool        // it has signed in; the pool's, under its lock
	lines   chan []byte // to the writer
	replies chan answer // from the reader
	tail    tail        // of standard error

	given    chan struct{} // closed by the call that has p, when no one will use it again
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
		given:   make(chan struct{}),
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
		// Where the process is to end with us it ends with the thread that started
		// it, so that thread stays until then.
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
		// Whatever still holds the pipes got away, and is not waited for.
		late := time.AfterFunc(drain, func() { pipes.ours[1].Close(); pipes.ours[2].Close() })
		readers.Wait()
		late.Stop()
		closeFiles(pipes.ours)
		<-writer
		close(p.ended)
		onEnd()
	}()
	return p, nil
}

// end has the process killed, unless it has ended. It does not wait.
func (p *process) end() { p.stopOnce.Do(func() { close(p.stop) }) }

// leave lets the process end by itself, and has it killed if it takes too long.
func (p *process) leave() {
	close(p.lines)
	timer := time.NewTimer(grace)
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

// An endedError says that a process can't be used any more. Whatever it was
// asked for may be asked of another.
type endedError struct{ text string }

func (e *endedError) Error() string { return e.text }

// call sends r and returns the reply. If it fails p is being ended: what comes
// late is not waited for, and can't be taken for the reply to something else.
// The error is ctx.Err() or an *endedError.
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
				return nil, &endedError{"PowerShell sent " + tenant.Clean(err.Error(), *p.secrets.Load()...)}
			}
			return a.reply, nil
		case <-p.stop:
			select {
			case <-p.ended: // soon, for it has exited or been killed
				return nil, &endedError{p.obituary()}
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		case <-ctx.Done():
			p.end()
			return nil, ctx.Err()
		case <-timer.C:
			p.end()
			return nil, &endedError{fmt.Sprintf("no reply from PowerShell within %v", timeout)}
		}
	}
}

// obituary says how p ended, once it has.
func (p *process) obituary() string {
	text := "the PowerShell process ended"
	if p.exit != nil {
		text += ": " + p.exit.Error()
	}
	if last := tenant.Clean(p.tail.String(), *p.secrets.Load()...); last != "" {
		text += ": " + last
	}
	return text
}
