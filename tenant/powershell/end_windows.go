package powershell

import (
	"os"
	"os/exec"
	"syscall"
	"unsafe"

	"golang.org/x/sys/windows"
)

// ownGroup makes the process of cmd the first of a process group, which Ctrl-C does
// not reach: that is for rollcall to deal with. Ctrl-Break, and the end of whoever
// closes the window, reach all of a console: unless somebody is to sign in by hand
// there, the process has one of its own, which nobody sees.
func ownGroup(cmd *exec.Cmd, byHand bool) {
	flags := uint32(windows.CREATE_NEW_PROCESS_GROUP)
	if !byHand {
		flags |= windows.CREATE_NO_WINDOW
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{CreationFlags: flags}
}

// inheritFiles does nothing: a process inherits no locks here, and the job of a
// tree ends with rollcall.
func inheritFiles(*exec.Cmd, []*os.File) {}

// A tree is a process and those that it started: a job object, which ends when
// its last handle is closed, and so with rollcall, however that ends.
type tree struct {
	process *os.Process
	job     windows.Handle // 0 if there is none
}

// newTree puts p in a job. If that can't be done p is killed by itself, and the
// end of its input ends it when rollcall dies.
func newTree(p *os.Process) tree {
	t := tree{process: p}
	job, err := windows.CreateJobObject(nil, nil)
	if err != nil {
		return t
	}
	info := windows.JOBOBJECT_EXTENDED_LIMIT_INFORMATION{
		BasicLimitInformation: windows.JOBOBJECT_BASIC_LIMIT_INFORMATION{
			LimitFlags: windows.JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE,
		},
	}
	_, err = windows.SetInformationJobObject(job, windows.JobObjectExtendedLimitInformation,
		uintptr(unsafe.Pointer(&info)), uint32(unsafe.Sizeof(info)))
	if err == nil {
		if werr := p.WithHandle(func(h uintptr) { err = windows.AssignProcessToJobObject(job, windows.Handle(h)) }); werr != nil {
			err = werr
		}
	}
	if err != nil {
		_ = windows.CloseHandle(job)
		return t
	}
	t.job = job
	return t
}

func (t tree) kill() {
	if t.job != 0 {
		_ = windows.TerminateJobObject(t.job, 1)
	}
	_ = t.process.Kill()
}

func (t tree) close() {
	if t.job != 0 {
		_ = windows.CloseHandle(t.job)
	}
}

// isOurs reports whether a folder is the account's own, as all are in its folder for
// temporary files.
func isOurs(os.FileInfo) bool { return true }

// lockFile opens a file that nobody else has open this way, or returns nil.
func lockFile(name string) *os.File {
	path, err := windows.UTF16PtrFromString(name)
	if err != nil {
		return nil
	}
	h, err := windows.CreateFile(path, windows.GENERIC_READ|windows.GENERIC_WRITE, 0, nil, windows.OPEN_ALWAYS, windows.FILE_ATTRIBUTE_NORMAL, 0)
	if err != nil {
		return nil
	}
	return os.NewFile(uintptr(h), name)
}

// shortages are the errors of a start for want of what this machine has too little of for
// the moment, or of a program that is being replaced.
var shortages = []syscall.Errno{windows.ERROR_NOT_ENOUGH_MEMORY, windows.ERROR_OUTOFMEMORY, windows.ERROR_TOO_MANY_OPEN_FILES,
	windows.ERROR_NO_SYSTEM_RESOURCES, windows.ERROR_COMMITMENT_LIMIT, windows.ERROR_SHARING_VIOLATION}
