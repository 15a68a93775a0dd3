package indexer

import (
	"log/slog"

	"armor/indexer/elastic"
	"armor/indexer/embedded"
	"armor/indexer/store"
)

// OpenStore makes the store that the configuration names: Elasticsearch, which need not be there yet, or the embedded one.
// The caller closes it.
func OpenStore(cfg Config, log *slog.Logger) (store.Store, error) {
	cfg = cfg.WithDefaults()
	if cfg.Elasticsearch.Enabled() {
		return elastic.New(cfg.Elasticsearch, elastic.Options{Log: log})
	}
	return embedded.Open(cfg.Embedded.Dir, embedded.Options{Log: log})
}
