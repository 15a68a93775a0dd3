package allinone

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"armor/agent"
	"armor/indexer"
	"armor/indexer/console"
	"armor/indexer/store"
	"armor/internal/alertstream"
	"armor/internal/alertstream/embedded"
	"armor/internal/daemon"
	"armor/internal/rpc"
	"armor/manager"
	armorv1 "armor/proto/armor/v1"
	"armor/rules"
	"armor/services/armor/datadir"
)

// run is everything that one Run holds.
type run struct {
	cfg    Config
	events Events
	log    *slog.Logger
	reg    *prometheus.Registry

	closers []func() // in the order of their making

	ruleset *rules.Ruleset
	server  *rpc.Server
	web     net.Listener
	nats    *embedded.Server
	stream  *alertstream.Conn
	store   store.Store
	manager *manager.Manager
	indexer *indexer.Indexer
	agent   *agent.Agent // nil without inputs
	watch   *alertstream.Watch
	debug   string     // address of metrics and profiles
	toldBy  sync.Mutex // events are called one at a time
}

// Run does everything until ctx ends or, with ExitWhenIdle, until all is finished. It ends in order: the agent stops reading, the
// manager finishes what it has, the indexer stores it, NATS stops. The summary is complete also when the error is not nil.
func Run(ctx context.Context, cfg Config, events Events, log *slog.Logger) (Summary, error) {
	if err := cfg.Validate(); err != nil {
		return Summary{}, err
	}
	unlock, err := cfg.Dir.Lock()
	if err != nil {
		return Summary{}, err
	}
	r := &run{cfg: cfg, events: events, log: log, reg: prometheus.NewRegistry()}
	r.atEnd(func() {
		if err := errors.Join(cfg.Dir.RemoveEndpoints(), unlock()); err != nil {
			log.Error("release the data directory", "err", err)
		}
	})
	defer r.close()
	if err := r.build(ctx); err != nil {
		if ctx.Err() != nil {
			return Summary{}, nil // ended while it was starting
		}
		return Summary{}, err
	}
	return r.serve(ctx)
}

// atEnd remembers what is to be undone, in reverse order.
func (r *run) atEnd(f func()) { r.closers = append(r.closers, f) }

func (r *run) close() {
	for i := len(r.closers) - 1; i >= 0; i-- {
		r.closers[i]()
	}
}

// build makes all parts, from what fails soonest on.
func (r *run) build(ctx context.Context) (err error) {
	if r.ruleset, err = r.cfg.Ruleset.Load(); err != nil {
		return err
	}
	if r.server, err = rpc.NewServer(rpc.ServerConfig{Listen: r.cfg.GRPCListen, TokenFile: r.cfg.Dir.Token()}, r.log, r.reg); err != nil {
		return addressError(err, "gRPC", r.cfg.GRPCListen, "--grpc-listen")
	}
	r.atEnd(r.server.Close)
	if r.web, err = net.Listen("tcp", r.cfg.Listen); err != nil {
		return addressError(err, "the console", r.cfg.Listen, "--listen")
	}
	r.atEnd(func() { r.web.Close() })
	if r.nats, err = embedded.Start(embedded.Config{Dir: r.cfg.Dir.NATS(), Sync: r.cfg.Sync, Listen: r.cfg.NATSListen}, r.log); err != nil {
		return err
	}
	r.atEnd(r.nats.Shutdown)
	if r.stream, err = alertstream.Connect(ctx, alertstream.Config{InProcess: r.nats.InProcess()}, r.log, r.reg); err != nil {
		return err
	}
	r.atEnd(r.stream.Close)
	if r.watch, err = r.stream.Watch(context.WithoutCancel(ctx), alertstream.WatchFilter{}, watchBuffer); err != nil {
		return err
	}
	r.atEnd(r.watch.Close)
	if r.store, err = r.openStore(); err != nil {
		return err
	}
	r.atEnd(func() {
		if err := r.store.Close(); err != nil {
			r.log.Error("close the alert store", "err", err)
		}
	})
	if r.manager, err = manager.New(manager.Config{Ruleset: r.cfg.Ruleset, Pipeline: r.cfg.Pipeline}.WithDefaults(), manager.Deps{Stream: r.stream, Load: r.load()}, r.log, r.reg); err != nil {
		return err
	}
	if r.indexer, err = indexer.New(r.indexerConfig(), indexer.Deps{Stream: r.stream, Store: r.store}, r.log, r.reg); err != nil {
		return err
	}
	return r.buildAgent()
}

// load gives the ruleset that is loaded already, and from then on reads it again.
func (r *run) load() func() (*rules.Ruleset, error) {
	first := r.ruleset
	return func() (*rules.Ruleset, error) {
		if rs := first; rs != nil {
			first = nil
			return rs, nil
		}
		return r.cfg.Ruleset.Load()
	}
}

// buildAgent makes the agent, if there is anything to read.
func (r *run) buildAgent() error {
	var inputs []agent.InputConfig
	for _, name := range r.cfg.CloudTrail {
		inputs = append(inputs, trailInput(name))
	}
	for _, glob := range r.cfg.Logfiles {
		inputs = append(inputs, agent.InputConfig{Type: "logfile", Path: glob})
	}
	if len(inputs) == 0 {
		return nil
	}
	name, err := os.Hostname()
	if err != nil {
		name = "localhost"
	}
	conn, err := r.server.InProcess()
	if err != nil {
		return err
	}
	r.atEnd(func() { conn.Close() })
	r.agent, err = agent.New(agent.Config{
		Agent: agent.Identity{ID: "000", Name: name}, DataDir: r.cfg.Dir.Agent(), Inputs: inputs,
		OneShot: r.cfg.ExitWhenIdle > 0, Conn: conn, Version: r.cfg.Version,
	}, r.log, r.reg)
	return err
}

// serve runs all parts and ends them in order.
func (r *run) serve(ctx context.Context) (Summary, error) {
	began := time.Now()
	r.manager.Register(r.server)
	r.indexer.Register(r.server)
	components := []func() *armorv1.ComponentStatus{r.manager.Status, r.indexer.Status}
	if r.agent != nil {
		components = append([]func() *armorv1.ComponentStatus{r.agent.Status}, components...)
	}
	rpc.RegisterStatus(r.server, r.cfg.Version, began, components...)
	consoleManager, err := r.server.InProcess()
	if err != nil {
		return Summary{}, err
	}
	r.atEnd(func() { consoleManager.Close() })
	page := console.New(console.Config{TokenFile: r.cfg.Dir.Token()}, console.Deps{Store: r.store, Stream: r.stream, Manager: consoleManager}, r.log)

	failed := make(chan error, 8)
	start := func(ctx context.Context, name string, work func(context.Context) error) *part {
		return startPart(ctx, name, work, failed)
	}
	base := context.WithoutCancel(ctx)
	indexing := start(base, "the indexer", r.indexer.Run)
	managing := start(base, "the manager", r.manager.Run)
	serving := start(base, "gRPC", r.server.Serve)
	web := start(base, "the console", func(ctx context.Context) error { return console.Serve(ctx, r.web, page, r.log) })
	watching := start(base, "the alert watch", r.showAlerts)
	var reading *part
	if r.agent != nil {
		reading = start(base, "the agent", r.agent.Run)
	}
	stopAll := func() error {
		// The agent first, so that nothing new comes; then what it handed over is finished as far as it gets within the time.
		limited, cancel := context.WithTimeout(base, drainLimit)
		defer cancel()
		errs := []error{reading.stop()}
		r.drain(limited)
		errs = append(errs, managing.stop())
		r.drain(limited)
		errs = append(errs, indexing.stop(), watching.stop(), web.stop(), serving.stop())
		return errors.Join(errs...)
	}

	err = r.serveDebug(base)
	if err == nil {
		err = r.announce(began)
	}
	if err != nil {
		return r.summary(), errors.Join(err, stopAll())
	}
	finished := r.supervise(ctx, failed)
	err = stopAll()
	summary := r.summary()
	if finished && err == nil {
		summary.Unbalanced = r.audit()
	}
	return summary, err
}

// serveDebug serves metrics and profiles, where that is asked for, until the run is closed.
func (r *run) serveDebug(ctx context.Context) (err error) {
	if r.cfg.DebugListen == "" {
		return nil
	}
	ctx, cancel := context.WithCancel(ctx)
	r.atEnd(cancel)
	r.debug, err = daemon.ServeDebug(ctx, r.cfg.DebugListen, r.reg, r.ready, r.log)
	return addressError(err, "the debug server", r.cfg.DebugListen, "--debug-listen")
}

// ready says which parts do not do their work now, and why.
func (r *run) ready() error {
	var errs []error
	for _, p := range r.status() {
		if !p.GetReady() {
			errs = append(errs, fmt.Errorf("%s: %s", p.GetName(), p.GetReason()))
		}
	}
	return errors.Join(errs...)
}

// announce publishes the addresses.
func (r *run) announce(began time.Time) error {
	endpoints := datadir.Endpoints{
		PID: os.Getpid(), Console: r.web.Addr().String(), GRPC: r.server.Addr(), Debug: r.debug, Started: began.UTC().Truncate(time.Second), Version: r.cfg.Version,
	}
	if r.cfg.NATSListen != "" {
		endpoints.NATS = r.nats.ClientURL()
	}
	if err := r.cfg.Dir.WriteEndpoints(endpoints); err != nil {
		return err
	}
	url, err := console.Address("http://"+endpoints.Console, r.cfg.Dir.Token())
	if err != nil {
		return err
	}
	if r.events.Started != nil {
		chosen, _, err := r.cfg.Dir.Store()
		if err != nil {
			return err
		}
		where := r.cfg.Dir.Alerts()
		if chosen.Kind == datadir.Elasticsearch {
			where = "Elasticsearch at " + strings.Join(chosen.URLs, ", ")
		}
		r.tell(func() {
			r.events.Started(Started{
				Endpoints: endpoints, ConsoleURL: url, Store: where, Warnings: len(r.ruleset.Problems()),
				Ruleset: fmt.Sprintf("%d rules, %d decoders (%s)", len(r.ruleset.Rules()), r.ruleset.DecoderCount(), r.cfg.Ruleset.Source()),
			})
		})
	}
	return nil
}

func (r *run) tell(f func()) {
	r.toldBy.Lock()
	defer r.toldBy.Unlock()
	f()
}
