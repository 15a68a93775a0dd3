package elastic

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"armor/indexer/template"
)

// DeleteBefore deletes the indices whose period ended before t, and names them.
func (s *Store) DeleteBefore(ctx context.Context, t time.Time) ([]string, error) {
	names, err := s.indices(ctx)
	if err != nil {
		return nil, err
	}
	slices.Sort(names)
	var deleted []string
	for _, name := range names {
		end, ok := s.cfg.IndexPeriod.End(strings.TrimPrefix(name, template.IndexPrefix))
		if !ok || end.After(t) {
			continue
		}
		_, err := s.call(ctx, http.MethodDelete, "/"+name, "", nil)
		if statusOf(err) == http.StatusNotFound {
			continue // another indexer was faster
		}
		if err != nil {
			return deleted, fmt.Errorf("deleting index %s: %w", name, err)
		}
		deleted = append(deleted, name)
		s.log.Info("deleted an index of alerts by retention", "index", name)
	}
	return deleted, nil
}
