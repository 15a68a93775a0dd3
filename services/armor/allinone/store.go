package allinone

import (
	"fmt"
	"path/filepath"

	"armor/indexer"
	"armor/indexer/elastic"
	"armor/indexer/store"
	"armor/services/armor/datadir"
)

// StoreError says that the alert store that was asked for cannot be used with this data directory or these settings.
type StoreError struct{ err error }

func (e *StoreError) Error() string { return e.err.Error() }
func (e *StoreError) Unwrap() error { return e.err }

// openStore opens the store that was asked for, or the one that the directory records.
func (r *run) openStore() (store.Store, error) {
	chosen, err := r.chooseStore()
	if err != nil {
		return nil, &StoreError{err}
	}
	r.cfg.Elasticsearch = ElasticConfig(chosen, r.cfg.Elasticsearch)
	s, err := indexer.OpenStore(r.indexerConfig(), r.log)
	if err != nil {
		return nil, &StoreError{err}
	}
	return s, nil
}

// chooseStore records which store the directory uses.
func (r *run) chooseStore() (datadir.Store, error) {
	want, recorded, err := r.cfg.Dir.Store()
	if err != nil {
		return datadir.Store{}, err
	}
	if !recorded {
		want = datadir.Store{Kind: datadir.Embedded}
	}
	if e := r.cfg.Elasticsearch; e.Enabled() {
		want = datadir.Store{Kind: datadir.Elasticsearch, URLs: e.URLs, User: e.User}
		for _, file := range []struct {
			path string
			into *string
		}{{e.PasswordFile, &want.PasswordFile}, {e.APIKeyFile, &want.APIKeyFile}, {e.CA, &want.CA}} {
			if file.path == "" {
				continue
			}
			if *file.into, err = filepath.Abs(file.path); err != nil {
				return datadir.Store{}, fmt.Errorf("data directory: %w", err)
			}
		}
	}
	return want, r.cfg.Dir.ChooseStore(want)
}

// ElasticConfig is the connection to the cluster that a data directory records, with the other settings of base.
func ElasticConfig(s datadir.Store, base elastic.Config) elastic.Config {
	base.URLs, base.User, base.PasswordFile, base.APIKeyFile, base.CA = s.URLs, s.User, s.PasswordFile, s.APIKeyFile, s.CA
	return base
}

// indexerConfig is the indexer's part of the settings.
func (r *run) indexerConfig() indexer.Config {
	return indexer.Config{
		DataDir:       r.cfg.Dir.Path(),
		Elasticsearch: r.cfg.Elasticsearch,
		Embedded:      indexer.EmbeddedConfig{Dir: r.cfg.Dir.Alerts()},
		Retention:     r.cfg.Retention,
	}
}
