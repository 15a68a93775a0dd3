package testenv

import "syscall"

// endsWithParent makes a process end when the test process is killed.
func endsWithParent() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
