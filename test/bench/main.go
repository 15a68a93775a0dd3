// Command bench measures Armor and prints what it found as one table. `make bench` runs it; docs/performance.md explains it.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"armor/internal/testenv"
	"armor/test/bench/endtoend"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	events := flag.Uint64("events", 2_000_000, "lines")
	profiles := flag.String("profiles", "", "folder")
	flag.Parse()
	root, err := testenv.FindRoot()
	if err != nil {
		return err
	}
	logf := func(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }
	nats, err := testenv.NATSServer(ctx, logf)
	if err != nil {
		return err
	}
	m := endtoend.Machinery{Programs: filepath.Join(root, "bin"), NATS: nats, Logf: logf, Profiles: *profiles}
	s, err := m.Sustained(ctx, "", *events)
	if err != nil {
		return err
	}
	fmt.Printf("%+v\n", s)
	return nil
}
