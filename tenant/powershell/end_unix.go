//go:build unix

package powershell

import (
	"os"
	"os/exec"
	"syscall"
)

// ownGroup makes the process of cmd the first of a process group: so it can be
// killed with all that it starts, and a terminal's interrupt, which is for
// rollcall to deal with, does not reach it. Where the system can do that, it is
// killed when rollcall ends, however that ends; elsewhere it is the end of its
// input that ends it, once its cmdlet has returned.
func ownGroup(cmd *exec.Cmd, _ bool) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	endWithUs(cmd.SysProcAttr)
}

// inheritFiles has the process of cmd, and what that starts, have files open.
func inheritFiles(cmd *exec.Cmd, files []*os.File) { cmd.ExtraFiles = files }

// A tree is a process and those that it started.
type tree struct{ group int }

func newTree(p *os.Process) tree { return tree{p.Pid} }

// kill kills the tree. What is left of it when its first process has gone keeps
// the group's number from being used again; if nothing is left there is no such
// group, unless all numbers have gone round in the meantime.
func (t tree) kill() { _ = syscall.Kill(-t.group, syscall.SIGKILL) }

func (t tree) close() {}

// isOurs reports whether a folder is the account's own, and closed to others.
func isOurs(info os.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(stat.Uid) == os.Getuid() && info.Mode().Perm() == 0o700
}

// lockFile opens a file that nobody else has open this way, or returns nil.
func lockFile(name string) *os.File {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil
	}
	if syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) != nil {
		f.Close()
		return nil
	}
	return f
}

// shortages are the errors of a start for want of what this machine has too little of for
// the moment, or of a program that is being replaced.
var shortages = []syscall.Errno{syscall.EAGAIN, syscall.ENOMEM, syscall.EMFILE, syscall.ENFILE, syscall.ETXTBSY}
