package main

import (
	"context"
	"fmt"
	"net"

	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc"

	"armor/indexer"
	"armor/indexer/console"
	"armor/indexer/store"
	"armor/internal/alertstream"
	"armor/internal/daemon"
	"armor/internal/rpc"
	armorv1 "armor/proto/armor/v1"
)

// serveConsole adds the web page to the group, where one is configured. status tells how this indexer is.
func serveConsole(ctx context.Context, group *errgroup.Group, cfg indexer.Config, alerts store.Store, stream *alertstream.Conn, status func() *armorv1.ComponentStatus, p *daemon.Process) error {
	if cfg.Console.Listen == "" {
		return nil
	}
	parts := func() []*armorv1.ComponentStatus { return []*armorv1.ComponentStatus{status()} }
	var manager *grpc.ClientConn
	if cfg.Manager.Address != "" {
		conn, err := rpc.Dial(cfg.Manager, p.Log)
		if err != nil {
			return daemon.Usage(err)
		}
		context.AfterFunc(ctx, func() { conn.Close() })
		manager = conn
	}
	listener, err := net.Listen("tcp", cfg.Console.Listen)
	if err != nil {
		return daemon.Usagef("console.listen: %w: choose another address, or stop what uses it", err)
	}
	if _, err := rpc.LoadOrCreateToken(cfg.Console.TokenFile); err != nil {
		return daemon.Usage(fmt.Errorf("console.token_file: %w", err))
	}
	page := console.New(cfg.Console.Config, console.Deps{Store: alerts, Stream: stream, Manager: manager, Parts: parts}, p.Log)
	p.Log.Info("serving the console", "listen", listener.Addr().String(), "token_file", cfg.Console.TokenFile)
	group.Go(func() error { return console.Serve(ctx, listener, page, p.Log) })
	return nil
}
