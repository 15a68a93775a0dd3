package process

import "syscall"

// endsWithParent makes a program end when the one that started it does, however that ends.
func endsWithParent() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
