//go:build unix && !linux

package powershell

import "syscall"

// endWithUs does nothing: this system has no way to.
func endWithUs(*syscall.SysProcAttr) {}
