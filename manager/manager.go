// Package manager wires the middle of Armor: every event that an agent hands over is evaluated, and receipted only when the
// alert that it raised is stored.
package manager

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/grpc"

	"armor/internal/alertstream"
	"armor/manager/diagnostics"
	"armor/manager/ingest"
	"armor/manager/journal"
	"armor/manager/pipeline"
	"armor/manager/registry"
	armorv1 "armor/proto/armor/v1"
	"armor/rules"
)

// Deps are a manager's neighbours.
type Deps struct {
	// Stream takes the alerts and holds the agents' records; it must be connected.
	Stream *alertstream.Conn
	// Load reads the ruleset, at the start and at every reload; nil: Config.Ruleset's.
	Load func() (*rules.Ruleset, error)
	// Now is the clock; nil: time.Now.
	Now func() time.Time
}

const (
	openTimeout    = 30 * time.Second // for what is read from NATS at the start
	restoreTimeout = 10 * time.Minute // for what rules remember
	drainTimeout   = 5 * time.Second  // for events on their way when the manager stops
	flushTimeout   = 3 * time.Second  // for the agents' records then
)

// Manager is a manager: New, Register, then Run once.
type Manager struct {
	cfg       Config
	log       *slog.Logger
	stream    *alertstream.Conn
	publisher *alertstream.Publisher
	registry  *registry.Registry
	pipeline  *pipeline.Pipeline
	ingest    *ingest.Service
	ruleset   *keeper
	journal   *journal.Journal
	once      sync.Once
}

// New makes a manager and loads its ruleset; a *rules.LoadError says what is wrong with that.
func New(cfg Config, deps Deps, log *slog.Logger, reg prometheus.Registerer) (*Manager, error) {
	cfg = cfg.WithDefaults()
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if deps.Now == nil {
		deps.Now = time.Now
	}
	if deps.Load == nil {
		deps.Load = cfg.Ruleset.Load
	}
	if deps.Stream == nil {
		return nil, errors.New("manager: Deps.Stream is missing")
	}
	m := &Manager{cfg: cfg, log: log, stream: deps.Stream}
	m.ruleset = &keeper{load: deps.Load, now: deps.Now, source: sourceOf(cfg.Ruleset), tests: cfg.Ruleset.Tests, limits: cfg.State.limits(), events: cfg.Pipeline.WindowTime == pipeline.EventTime, log: log}
	engine, err := m.ruleset.first()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), openTimeout)
	defer cancel()
	agents, err := deps.Stream.Agents(ctx)
	if err != nil {
		return nil, fmt.Errorf("manager: %w", err)
	}
	if err := m.remember(ctx, deps.Stream, engine); err != nil {
		return nil, fmt.Errorf("manager: %w", err)
	}
	m.registry = registry.New(agents, cfg.Name, deps.Now, log)
	m.publisher = deps.Stream.NewPublisher(cfg.Pipeline.PublishWindow)
	m.pipeline = pipeline.New(cfg.Pipeline, pipeline.Deps{
		Publisher: m.publisher, DeadLetters: deps.Stream, Finished: m.registry.Progress, ManagerName: cfg.Name, Now: deps.Now,
	}, log)
	m.pipeline.Use(engine)
	m.ruleset.use = m.pipeline.Use
	m.ingest = ingest.New(m.pipeline, m.registry, m.journal, cfg.Name, cfg.Limits, log, reg)
	if err := m.measure(reg); err != nil {
		m.Close()
		return nil, fmt.Errorf("manager: registering metrics: %w", err)
	}
	return m, nil
}

// remember opens the journal and brings the state to where the manager ended.
func (m *Manager) remember(ctx context.Context, stream *alertstream.Conn, engine *rules.Engine) error {
	records, err := stream.Journal(ctx)
	if err != nil {
		return err
	}
	snapshots, err := stream.Snapshots(ctx)
	if err != nil {
		return err
	}
	m.journal = journal.New(records, snapshots, m.cfg.Name, m.log)
	ctx, cancel := context.WithTimeout(context.Background(), restoreTimeout)
	defer cancel()
	if _, err := m.journal.Restore(ctx, engine.Ruleset(), m.ruleset.state, rules.EngineOptions{EventTime: m.ruleset.events}); err != nil {
		return fmt.Errorf("restoring what rules remember: %w", err)
	}
	return nil
}

// Register registers IngestService, RulesetService, FleetService and EnrollmentService.
func (m *Manager) Register(s grpc.ServiceRegistrar) {
	armorv1.RegisterIngestServiceServer(s, m.ingest)
	armorv1.RegisterRulesetServiceServer(s, diagnostics.New(m.ruleset, m.ruleset.now, m.log))
	armorv1.RegisterFleetServiceServer(s, registry.NewFleet(m.registry, m.ingest.Replay))
	armorv1.RegisterEnrollmentServiceServer(s, registry.Enrollment{})
}

// Run works until ctx ends, then lets what is on its way finish within a few seconds. It returns nil after such a stop. Events
// are taken before it is called already, but agents' records are written and finished alerts removed by it.
func (m *Manager) Run(ctx context.Context) error {
	inner, cancel := context.WithCancel(context.Background())
	defer cancel()
	var work sync.WaitGroup
	work.Go(func() { m.registry.Run(inner) })
	if m.cfg.GoneAfter > 0 {
		work.Go(func() { m.registry.Watch(inner, m.cfg.GoneAfter, m.own) })
	}
	work.Go(func() { m.journal.Run(inner, m.cfg.journal(), m.pipeline.Quiet, m.ruleset.state) })
	work.Go(func() {
		if err := m.stream.ServeRetries(inner, m.retry); err != nil && !errors.Is(err, context.Canceled) {
			m.log.Warn("this manager evaluates no dead letters again", "err", err)
		}
	})
	work.Go(func() {
		if err := m.stream.RunJanitor(inner); err != nil && !errors.Is(err, context.Canceled) {
			m.log.Warn("finished alerts are not removed from the stream any more", "err", err)
		}
	})
	<-ctx.Done()
	m.Close()
	cancel()
	work.Wait()
	return nil
}

// own evaluates an event of this manager.
func (m *Manager) own(ctx context.Context, ev *armorv1.Event) error {
	return m.pipeline.Own(ctx, pipeline.Agent{ID: "000", Name: m.cfg.Name}, ev)
}

// Close ends all streams, lets what is on its way finish within a few seconds and writes the agents' records. Run calls it; it
// is for managers that never ran.
func (m *Manager) Close() {
	m.once.Do(func() {
		m.ingest.Close()
		draining, cancel := context.WithTimeout(context.Background(), drainTimeout)
		defer cancel()
		m.pipeline.Close(draining)
		m.publisher.Close()
		flushing, cancel := context.WithTimeout(context.Background(), flushTimeout)
		defer cancel()
		// Nothing is evaluated any more: there is nobody to wait for.
		if err := m.journal.Snapshot(flushing, 0, m.pipeline.Quiet, m.ruleset.state); err != nil {
			m.log.Warn("no last snapshot of what rules remember; the journal keeps it", "err", err)
		}
		m.registry.SignOff(flushing)
	})
}

// Reload loads the ruleset again and swaps it in at once; when it has errors the old one stays and the error names them all.
func (m *Manager) Reload(ctx context.Context) error {
	_, err := m.ruleset.Reload(ctx)
	return err
}

// Ready is nil when the manager does its work at this moment; else it says why not.
func (m *Manager) Ready() error { return m.stream.Ready() }

// Idle tells that every event taken so far is finished.
func (m *Manager) Idle() bool { return m.pipeline.Idle() }
