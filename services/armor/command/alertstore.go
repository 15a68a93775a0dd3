package command

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"

	"armor/indexer/alertservice"
	"armor/indexer/elastic"
	"armor/indexer/embedded"
	"armor/indexer/store"
	armorv1 "armor/proto/armor/v1"
	"armor/services/armor/allinone"
	"armor/services/armor/datadir"
)

// alerts finds the alerts: through the process that runs on the data directory, or the service that --address names; else in the
// store that the directory records.
func (f *connectionFlags) alerts() (alertSource, error) {
	conn, err := f.dial()
	if err == nil {
		return service{conn, armorv1.NewAlertServiceClient(conn)}, nil
	}
	if !errors.Is(err, errNotRunning) {
		return nil, err
	}
	dir, err := datadir.At(f.data)
	if err != nil {
		return nil, usage(err)
	}
	s, err := openStore(dir)
	if err != nil {
		return nil, err
	}
	return opened{s, alertservice.New(s, nil, slog.New(slog.DiscardHandler))}, nil
}

// openStore opens a directory's store for questions.
func openStore(dir datadir.Dir) (store.Store, error) {
	chosen, ok, err := dir.Store()
	if err != nil {
		return nil, usage(err)
	}
	if !ok {
		return nil, usagef("data directory %s holds no alerts: `armor up` has not run on it", dir.Path())
	}
	if chosen.Kind == datadir.Elasticsearch {
		s, err := elastic.New(allinone.ElasticConfig(chosen, elastic.Config{}), elastic.Options{Log: slog.New(slog.DiscardHandler)})
		return s, usage(err)
	}
	if _, err := os.Stat(dir.Alerts()); errors.Is(err, fs.ErrNotExist) {
		return nil, usagef("data directory %s holds no alerts: its store was not made yet", dir.Path())
	}
	s, err := embedded.OpenReadOnly(dir.Alerts(), embedded.Options{})
	if err != nil {
		return nil, fmt.Errorf("open the alert store: %w", err)
	}
	return s, nil
}

// opened is a store that this process opened itself.
type opened struct {
	store   store.Store
	service *alertservice.Service
}

func (o opened) search(ctx context.Context, r *armorv1.SearchAlertsRequest) (*armorv1.SearchAlertsResponse, error) {
	return o.service.SearchAlerts(ctx, r)
}

func (o opened) aggregate(ctx context.Context, r *armorv1.AggregateAlertsRequest) (*armorv1.AggregateAlertsResponse, error) {
	return o.service.AggregateAlerts(ctx, r)
}

func (o opened) close() error { return o.store.Close() }
