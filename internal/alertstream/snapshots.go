package alertstream

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/nats-io/nats.go/jetstream"
)

// snapshotAfter is the name of what says up to which record of the journal a snapshot reaches.
const snapshotAfter = "armor-journal"

// Snapshots are the managers' snapshots of what their engines remember, one for each manager.
type Snapshots struct{ store jetstream.ObjectStore }

// Snapshots opens the bucket and makes it if it is missing.
func (c *Conn) Snapshots(ctx context.Context) (*Snapshots, error) {
	js, err := c.jetStream()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	store, err := js.ObjectStore(ctx, SnapshotBucket)
	if errors.Is(err, jetstream.ErrBucketNotFound) {
		store, err = js.CreateObjectStore(ctx, jetstream.ObjectStoreConfig{
			Bucket: SnapshotBucket, Description: "Armor: what managers remember", Storage: jetstream.FileStorage, Replicas: max(c.cfg.Replicas, 1),
		})
		if errors.Is(err, jetstream.ErrBucketExists) {
			store, err = js.ObjectStore(ctx, SnapshotBucket)
		}
	}
	if err != nil {
		return nil, classify("opening object store "+SnapshotBucket, err)
	}
	return &Snapshots{store}, nil
}

// Put replaces a manager's snapshot. It reaches up to the record of the journal with that number. The one before stays until
// all of the new one is stored.
func (s *Snapshots) Put(ctx context.Context, manager string, journal uint64, r io.Reader) error {
	_, err := s.store.Put(ctx, jetstream.ObjectMeta{
		Name: manager, Metadata: map[string]string{snapshotAfter: strconv.FormatUint(journal, 10)},
	}, r)
	return classify("storing the snapshot of manager "+manager, err)
}

// Get gives a manager's snapshot and the number of the record of the journal up to which it reaches; a nil reader: there is
// none. Reading fails at the end if the bytes are not those that were stored.
func (s *Snapshots) Get(ctx context.Context, manager string) (r io.ReadCloser, journal uint64, err error) {
	object, err := s.store.Get(ctx, manager)
	if errors.Is(err, jetstream.ErrObjectNotFound) {
		return nil, 0, nil
	}
	if err != nil {
		return nil, 0, classify("reading the snapshot of manager "+manager, err)
	}
	info, err := object.Info()
	if err == nil {
		journal, err = strconv.ParseUint(info.Metadata[snapshotAfter], 10, 64)
	}
	if err != nil {
		_ = object.Close() // it is not read
		return nil, 0, fmt.Errorf("reading the snapshot of manager %s: it does not say up to where it reaches: %w", manager, err)
	}
	return object, journal, nil
}
