// Package daemon is the frame of every service's main, and promises that a service either runs with exactly the configuration
// it was given or says in one line what is wrong with it.
//
// It brings flags, strict YAML with environment overrides, a logger, signals, a debug HTTP server and exit codes.
package daemon

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/spf13/cobra"
)

// Program describes a service. C is its configuration: a struct with yaml tags, whose top-level keys stand in the file beside
// `log` and `debug`. When *C or C has Validate() error, it is called before Run.
type Program[C any] struct {
	// Name is the program's name, such as armor-manager.
	Name string
	// Short is one line about the program, Long and Example are for --help; both may be empty.
	Short, Long, Example string
	// Default is the configuration where file and environment say nothing.
	Default C
	// DebugListen is the default of debug.listen; empty: no debug server unless configured.
	DebugListen string
	// MemoryLimit is the process's soft memory limit in bytes, see LimitMemory; 0: none.
	MemoryLimit int64
	// GCPercent is how much may come onto the live heap before garbage is collected, in per cent, see CollectAt; 0: 100.
	GCPercent int
	// LeastGarbage is how many bytes may come onto any heap before garbage is collected, see CollectAfter; 0: what GCPercent says.
	LeastGarbage int64
	// Run does the work until ctx ends. An error made by Usage counts as a wrong configuration.
	Run func(ctx context.Context, cfg C, p *Process) error
}

// Process is what a running service has from its frame.
type Process struct {
	// Log is the process's logger.
	Log *slog.Logger
	// Registry is what /metrics shows; Go's and the process's own metrics are there already.
	Registry *prometheus.Registry
	// Version is the program's version.
	Version string
	// Start is when the process started.
	Start time.Time

	mu     sync.Mutex
	reload []func(context.Context)
	checks []check
}

type check struct {
	name  string
	ready func() error
}

// OnReload adds what SIGHUP does. The callbacks run one after another, in the order in which they were added.
func (p *Process) OnReload(f func(context.Context)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.reload = append(p.reload, f)
}

// OnReady adds a part that /readyz asks: its error is the reason why the process does not do its work now. It may be called
// from many goroutines.
func (p *Process) OnReady(name string, ready func() error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.checks = append(p.checks, check{name, ready})
}

// Ready gives the reasons why the process does not do its work now, joined; nil when it does.
func (p *Process) Ready() error {
	p.mu.Lock()
	checks := p.checks
	p.mu.Unlock()
	var reasons []error
	for _, c := range checks {
		if err := c.ready(); err != nil {
			reasons = append(reasons, fmt.Errorf("%s: %w", c.name, err))
		}
	}
	return errors.Join(reasons...)
}

// Main runs a program with the process's arguments, environment and signals, and gives its exit code: 0 done, 1 failed,
// 2 wrong usage or configuration.
func Main[C any](p Program[C]) int {
	return run(p, os.Args[1:], os.Environ(), os.Stdout, os.Stderr)
}

func run[C any](p Program[C], args, environ []string, stdout, stderr io.Writer) int {
	cmd := command(p, environ, stderr)
	cmd.SetArgs(args)
	cmd.SetOut(stdout)
	cmd.SetErr(stderr)
	err := cmd.Execute()
	if err != nil {
		fmt.Fprintf(stderr, "%s: %s\n", p.Name, oneLine(err))
	}
	return ExitCode(err)
}

func command[C any](p Program[C], environ []string, stderr io.Writer) *cobra.Command {
	var file string
	var onlyCheck bool
	cmd := &cobra.Command{
		Use: p.Name, Short: p.Short, Long: p.Long, Example: p.Example,
		Version:       Version(),
		SilenceErrors: true, SilenceUsage: true,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return Usagef("unexpected argument %q: the service is set up by --config FILE and ARMOR_... variables", args[0])
			}
			return nil
		},
		RunE: func(*cobra.Command, []string) error {
			cfg := settings[C]{Log: LogConfig{Level: "info", Format: "auto"}, Debug: DebugConfig{Listen: p.DebugListen}, Service: p.Default}
			warnings, err := load(&cfg, file, environ)
			if err != nil {
				return Usage(err)
			}
			if onlyCheck {
				for _, w := range warnings {
					fmt.Fprintf(stderr, "%s: %s\n", p.Name, w)
				}
				return nil
			}
			return serve(p, &cfg, warnings, stderr)
		},
	}
	cmd.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return Usagef("%w (see %s --help)", err, p.Name) })
	cmd.CompletionOptions.DisableDefaultCmd = true
	cmd.Flags().StringVar(&file, "config", "", "configuration `file` (YAML); without it defaults and ARMOR_... variables hold")
	cmd.Flags().BoolVar(&onlyCheck, "check", false, "check the configuration and end")
	return cmd
}

// serve builds the process around Run.
func serve[C any](p Program[C], cfg *settings[C], warnings []string, stderr io.Writer) error {
	proc := &Process{
		Log: newLogger(cfg.Log, stderr).With("service", p.Name), Registry: prometheus.NewRegistry(),
		Version: Version(), Start: time.Now(),
	}
	proc.Registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	for _, w := range warnings {
		proc.Log.Warn(w)
	}
	LimitMemory(p.MemoryLimit)
	CollectAt(p.GCPercent)
	CollectAfter(p.LeastGarbage)
	proc.Log.Info("starting", "version", proc.Version, "pid", os.Getpid())

	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	var background sync.WaitGroup
	defer background.Wait()
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	defer signal.Stop(signals)
	background.Go(func() { proc.signals(ctx, cancel, signals) })

	if cfg.Debug.Listen != "" {
		debug, err := listenDebug(cfg.Debug, proc)
		if err != nil {
			cancel(nil)
			return err
		}
		background.Go(func() { debug.serve(ctx) })
	}
	err := p.Run(ctx, cfg.Service, proc)
	if errors.Is(err, context.Canceled) && ctx.Err() != nil {
		err = nil
	}
	if err == nil {
		proc.Log.Info("stopped")
	}
	cancel(nil)
	return err
}

// signals turns signals into a cancelled context or a reload. A second SIGINT or SIGTERM ends the process at once.
func (p *Process) signals(ctx context.Context, cancel context.CancelCauseFunc, signals chan os.Signal) {
	for {
		select {
		case <-ctx.Done():
			return
		case s := <-signals:
			if s == syscall.SIGHUP {
				p.hup(ctx)
				continue
			}
			p.Log.Info("stopping; the same signal again ends at once", "signal", s.String())
			signal.Reset(syscall.SIGINT, syscall.SIGTERM)
			cancel(fmt.Errorf("%w by signal %s", context.Canceled, s)) // a Run that returns its cause has ended cleanly
		}
	}
}

func (p *Process) hup(ctx context.Context) {
	p.mu.Lock()
	callbacks := p.reload
	p.mu.Unlock()
	if len(callbacks) == 0 {
		p.Log.Info("SIGHUP: this service has nothing to reload")
		return
	}
	p.Log.Info("SIGHUP: reloading")
	for _, f := range callbacks {
		f(ctx)
	}
}

// oneLine is an error as one line: joined errors are parted by semicolons.
func oneLine(err error) string {
	lines := strings.FieldsFunc(err.Error(), func(r rune) bool { return r == '\n' || r == '\r' })
	for i := range lines {
		lines[i] = strings.TrimSpace(lines[i])
	}
	return strings.Join(lines, "; ")
}
