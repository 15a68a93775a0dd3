//go:build !linux

package testenv

import "syscall"

// endsWithParent has nothing to ask of this system: processes are stopped by the tests that started them.
func endsWithParent() *syscall.SysProcAttr { return &syscall.SysProcAttr{} }
