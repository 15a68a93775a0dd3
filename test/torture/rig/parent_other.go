//go:build !linux

package rig

import "syscall"

func endsWithParent() *syscall.SysProcAttr { return nil }
