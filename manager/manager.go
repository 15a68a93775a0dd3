// Package manager wires the middle of Armor: every event that an agent hands over is evaluated, and receipted only when the
// alert that it raised is stored.
package manager

import (
	"context"
	"errors"
	"log/slog"

	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/grpc"

	"armor/internal/alertstream"
	armorv1 "armor/proto/armor/v1"
	"armor/rules"
)

// Deps are a manager's neighbours.
type Deps struct {
	// Stream takes the alerts and holds the agents' records; it must be connected.
	Stream *alertstream.Conn
	// Load reads the ruleset, at the start and at every reload; nil: Config.Ruleset's.
	Load func() (*rules.Ruleset, error)
}

// Manager is a running manager.
type Manager struct{}

// New makes a manager and loads its ruleset; a *rules.LoadError says what is wrong with that.
func New(cfg Config, deps Deps, log *slog.Logger, reg prometheus.Registerer) (*Manager, error) {
	return nil, errors.ErrUnsupported
}

// Register registers IngestService, RulesetService, FleetService and EnrollmentService.
func (m *Manager) Register(s grpc.ServiceRegistrar) {}

// Run works until ctx ends, then lets what is on its way finish within a few seconds.
func (m *Manager) Run(ctx context.Context) error { return errors.ErrUnsupported }

// Reload loads the ruleset again and swaps it in at once; when it has errors the old one stays and the error names them.
func (m *Manager) Reload(ctx context.Context) error { return errors.ErrUnsupported }

// Status tells how the manager is.
func (m *Manager) Status() *armorv1.ComponentStatus { return &armorv1.ComponentStatus{Name: "manager"} }

// Idle tells that every event taken so far is finished.
func (m *Manager) Idle() bool { return false }
