package elastic

import (
	"context"

	"armor/indexer/store"
)

// InstalledTemplate says which version of the index template the cluster has, and which period it records; version 0: it has
// none. It changes nothing.
func (s *Store) InstalledTemplate(ctx context.Context) (version int, period store.Period, err error) {
	found, err := s.installed(ctx)
	if err != nil || found == nil {
		return 0, "", err
	}
	return found.version, found.period, nil
}
