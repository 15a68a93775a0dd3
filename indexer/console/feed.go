package console

import (
	"context"

	"armor/internal/alertstream"
	armorv1 "armor/proto/armor/v1"
)

// feedBuffer is how many alerts may wait for one watcher; more are missed, and counted.
const feedBuffer = 1024

// feeds opens live feeds of alerts.
type feeds interface {
	open(ctx context.Context) (feed, error)
}

// feed gives the alerts published since it was opened.
type feed interface {
	// next waits for an alert, and says how many were missed before it.
	next(ctx context.Context) (alert *armorv1.Alert, missed uint64, err error)
	close()
}

type streamFeeds struct{ conn *alertstream.Conn }

func (s streamFeeds) open(ctx context.Context) (feed, error) {
	watch, err := s.conn.Watch(ctx, alertstream.WatchFilter{}, feedBuffer)
	if err != nil {
		return nil, err
	}
	return streamFeed{watch}, nil
}

type streamFeed struct{ watch *alertstream.Watch }

func (s streamFeed) next(ctx context.Context) (*armorv1.Alert, uint64, error) {
	return s.watch.Next(ctx)
}

func (s streamFeed) close() { s.watch.Close() }
