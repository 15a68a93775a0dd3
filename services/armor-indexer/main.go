// Command armor-indexer takes alerts out of NATS, puts each into the store once, answers questions about them and serves the console.
package main

import (
	"context"
	"os"

	"golang.org/x/sync/errgroup"

	"armor/indexer"
	"armor/internal/alertstream"
	"armor/internal/daemon"
	"armor/internal/rpc"
)

func main() {
	os.Exit(daemon.Main(daemon.Program[indexer.Config]{
		Name:  "armor-indexer",
		Short: "Put alerts into the store, and show them",
		Long: `Takes alerts out of NATS JetStream and puts each into Elasticsearch (or a store in files of its own) once. Answers questions about
them over gRPC and serves the web console. See example.yaml for every setting.`,
		Example:     `  armor-indexer --config /etc/armor/indexer.yaml`,
		Default:     indexer.DefaultConfig(),
		DebugListen: "127.0.0.1:9403",
		Run:         run,
	}))
}

func run(ctx context.Context, cfg indexer.Config, p *daemon.Process) error {
	cfg = cfg.WithDefaults()
	server, err := rpc.NewServer(cfg.GRPC, p.Log, p.Registry)
	if err != nil {
		return daemon.Usage(err)
	}
	defer server.Close()
	stream, err := alertstream.New(cfg.NATS, p.Log, p.Registry)
	if err != nil {
		return daemon.Usage(err)
	}
	defer stream.Close()
	alerts, err := indexer.OpenStore(cfg, p.Log)
	if err != nil {
		return daemon.Usage(err)
	}
	defer alerts.Close()
	x, err := indexer.New(cfg, indexer.Deps{Stream: stream, Store: alerts}, p.Log, p.Registry)
	if err != nil {
		return err
	}
	p.OnReady("indexer", func() error {
		if err := stream.Ready(); err != nil {
			return err // it does not run before
		}
		return x.Ready()
	})
	x.Register(server)
	rpc.RegisterStatus(server, p.Version, p.Start, x.Status)

	group, ctx := errgroup.WithContext(ctx)
	if err := serveConsole(ctx, group, cfg, alerts, stream, x.Status, p); err != nil {
		return err
	}
	group.Go(func() error { return server.Serve(ctx) })
	group.Go(func() error {
		if err := stream.Open(ctx); err != nil {
			return misconfigured(err)
		}
		return misconfigured(x.Run(ctx))
	})
	p.Log.Info("serving", "grpc", server.Addr())
	return group.Wait()
}
