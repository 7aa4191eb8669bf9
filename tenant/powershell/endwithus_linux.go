package powershell

import "syscall"

// endWithUs has a process killed when the thread that started it ends.
func endWithUs(attr *syscall.SysProcAttr) { attr.Pdeathsig = syscall.SIGKILL }
