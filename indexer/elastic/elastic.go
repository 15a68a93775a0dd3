// Package elastic keeps alerts in Elasticsearch 8, one index for each period of event time. A document is created under
// its alert's id, so writing it again, after whatever fault, never makes a second one.
package elastic

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/elastic/go-elasticsearch/v8"

	"armor/indexer/store"
	"armor/indexer/template"
)

// Options are the rare settings of a store.
type Options struct {
	// Log is told what is prepared and deleted; nil: nobody is.
	Log *slog.Logger
	// Now is the clock that `now` in queries reads; nil: the machine's.
	Now func() time.Time
}

// Store is the alert indices of a cluster.
type Store struct {
	cfg    Config
	log    *slog.Logger
	now    func() time.Time
	client *elasticsearch.BaseClient
	idle   func()
	limit  *sizeLimit
}

var _ store.Store = (*Store)(nil)

// New makes a store. The cluster need not be there: Ready asks for it and prepares it. Files that the settings name must be
// readable.
func New(cfg Config, opts Options) (*Store, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	s := &Store{cfg: cfg, log: opts.Log, now: opts.Now, limit: newSizeLimit(cfg.MaxRequestBytes)}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if s.now == nil {
		s.now = time.Now
	}
	transport, err := newTransport(cfg)
	if err != nil {
		return nil, err
	}
	s.idle = transport.CloseIdleConnections
	s.client, err = elasticsearch.NewBaseClient(elasticsearch.Config{
		Addresses: cfg.URLs, Transport: transport, DisableRetry: true, DisableMetaHeader: true,
	})
	if err != nil {
		return nil, fmt.Errorf("setting up Elasticsearch: %w", err)
	}
	return s, nil
}

// Close frees the connections.
func (s *Store) Close() error {
	s.idle()
	return nil
}

// index is the name of the index of a moment.
func (s *Store) index(t time.Time) string { return template.IndexPrefix + s.cfg.IndexPeriod.Name(t) }

// Refresh makes what was written visible to searches at once. Elasticsearch does so by itself within a second or two.
func (s *Store) Refresh(ctx context.Context) error {
	_, err := s.call(ctx, http.MethodPost, "/"+template.Alias+"/_refresh?ignore_unavailable=true", "", nil)
	return err
}
