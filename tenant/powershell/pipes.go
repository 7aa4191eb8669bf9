package powershell

import (
	"fmt"
	"os"

	"rollcall/tenant"
)

// An answer is what the reader made of a line that is the bridge's.
type answer struct {
	reply *reply
	err   error
}

// Pipes are both ends of the standard input, output and error of a process.
type pipes struct{ ours, theirs [3]*os.File }

func openPipes() (*pipes, error) {
	p := new(pipes)
	for i := range p.ours {
		r, w, err := os.Pipe()
		if err != nil {
			closeFiles(p.ours)
			closeFiles(p.theirs)
			return nil, err
		}
		p.ours[i], p.theirs[i] = r, w
		if i == 0 {
			p.ours[i], p.theirs[i] = w, r
		}
	}
	return p, nil
}

// closeFiles closes files, of which some may be nil.
func closeFiles(files [3]*os.File) {
	for _, f := range files {
		if f != nil {
			f.Close()
		}
	}
}

// write writes the lines of p to its input, which it closes after the last one.
func (p *process) write(input *os.File) {
	defer input.Close()
	for {
		select {
		case line, ok := <-p.lines:
			if !ok {
				return
			}
			if _, err := input.Write(line); err != nil {
				return // it is gone, or will be
			}
		case <-p.stop:
			return
		}
	}
}

// readReplies reads what the process writes until it ends. What is not the
// bridge's is forwarded.
func (p *process) readReplies(output *os.File) {
	for line := range readLines(output, []byte(p.nonce)) {
		if !line.marked {
			p.forward(line.text)
			continue
		}
		var a answer
		if line.cut {
			a.err = fmt.Errorf("a reply longer than %d bytes", maxReply)
		} else {
			a.reply, a.err = readReply(line.text)
		}
		select {
		case p.replies <- a:
		case <-p.stop:
		}
	}
}

// readErrors keeps the first and the last of what the process writes to standard error.
func (p *process) readErrors(output *os.File) {
	for line := range readLines(output, nil) {
		p.tail.add(line.text)
		p.forward(line.text)
	}
}

// forward passes a line that is not the bridge's to p.notice, which is set while p
// signs in.
func (p *process) forward(line []byte) {
	notice := p.notice.Load()
	if notice == nil {
		return
	}
	if s := tenant.Clean(string(line), *p.secrets.Load()...); s != "" {
		(*notice)(s)
	}
}
