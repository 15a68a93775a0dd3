package indexer

import (
	"context"
	"time"
)

// retentionEvery is how often old alerts are looked for.
const retentionEvery = time.Hour

// retain deletes periods that are older than the configured age, at once and then every hour.
func (x *Indexer) retain(ctx context.Context) {
	age := time.Duration(x.cfg.Retention)
	if age == 0 {
		return
	}
	for {
		deleted, err := x.deps.Store.DeleteBefore(ctx, x.deps.Now().Add(-age))
		if len(deleted) > 0 {
			x.log.Info("deleted alerts by retention", "older_than", x.cfg.Retention.String(), "deleted", deleted)
		}
		if err != nil && ctx.Err() == nil {
			x.log.Warn("deleting old alerts, trying again in an hour", "error", err)
		}
		if !sleep(ctx, retentionEvery) {
			return
		}
	}
}
