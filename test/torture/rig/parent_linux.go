package rig

import "syscall"

// endsWithParent makes a program end when the test does, however that ends.
func endsWithParent() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
