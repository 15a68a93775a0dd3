// Command armor-manager takes events from agents, runs the rules over them and publishes alerts.
package main

import (
	"context"
	"errors"
	"os"

	"golang.org/x/sync/errgroup"

	"armor/internal/alertstream"
	"armor/internal/daemon"
	"armor/internal/rpc"
	"armor/manager"
)

func main() {
	os.Exit(daemon.Main(daemon.Program[manager.Config]{
		Name:  "armor-manager",
		Short: "Run the rules over what agents read, and publish alerts",
		Long: `Takes events from agents over gRPC, decodes them, runs the rules and publishes an alert for each match on NATS JetStream.
SIGHUP loads the ruleset again: it is swapped at once, or kept when the new one has errors. See example.yaml for every setting.`,
		Example:      `  armor-manager --config /etc/armor/manager.yaml`,
		Default:      manager.DefaultConfig(),
		DebugListen:  "127.0.0.1:9402",
		LeastGarbage: daemon.EngineGarbage,
		Run:          run,
	}))
}

// misconfigured makes what waiting does not mend a wrong configuration, of this service or of its NATS server.
func misconfigured(err error) error {
	if alertstream.IsPermanent(err) {
		return daemon.Usage(err)
	}
	return err
}

func run(ctx context.Context, cfg manager.Config, p *daemon.Process) error {
	cfg = cfg.WithDefaults()
	if _, err := cfg.Ruleset.Load(); err != nil { // said now, and not when NATS is there
		return daemon.Usage(err)
	}
	if err := cfg.GRPC.Validate(); err != nil {
		return daemon.Usage(err)
	}
	stream, err := alertstream.New(cfg.NATS, p.Log, p.Registry)
	if err != nil {
		return daemon.Usage(err)
	}
	defer stream.Close()
	p.OnReady("nats", stream.Ready)
	if err := stream.Open(ctx); err != nil {
		return misconfigured(err)
	}
	// Not before: a balancer would send agents to an address that listens, and they would wait for an answer.
	server, err := rpc.NewServer(cfg.GRPC, p.Log, p.Registry)
	if err != nil {
		return daemon.Usage(err)
	}
	defer server.Close()
	m, err := manager.New(cfg, manager.Deps{Stream: stream}, p.Log, p.Registry)
	if err != nil {
		return err
	}
	m.Register(server)
	rpc.RegisterStatus(server, p.Version, p.Start, m.Status)
	p.OnReady("manager", func() error {
		if s := m.Status(); !s.GetReady() {
			return errors.New(s.GetReason())
		}
		return nil
	})
	p.OnReload(func(ctx context.Context) {
		if err := m.Reload(ctx); err != nil {
			p.Log.Error("the ruleset was not changed", "err", err)
		}
	})
	p.Log.Info("serving", "grpc", server.Addr(), "manager", cfg.Name)
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return m.Run(ctx) })
	group.Go(func() error { return server.Serve(ctx) })
	return group.Wait()
}
