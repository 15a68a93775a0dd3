// Command armor runs everything in one process, and is the operator's tool: see `armor --help`.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"armor/services/armor/command"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // the second signal ends the process at once
	code := command.Run(ctx, os.Args[1:], command.IO{In: os.Stdin, Out: os.Stdout, Err: os.Stderr})
	stop()
	os.Exit(code)
}
