package alertstream

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/nats-io/nats.go/jetstream"
)

// What is kept with a snapshot: up to which record of which journal it reaches.
const (
	snapshotJournal = "armor-journal"
	snapshotNumber  = "armor-journal-number"
)

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

// Put replaces a manager's snapshot. It reaches up to the record with that number of the journal of that name. The one before
// stays until all of the new one is stored.
func (s *Snapshots) Put(ctx context.Context, manager, journal string, number uint64, r io.Reader) error {
	_, err := s.store.Put(ctx, jetstream.ObjectMeta{
		Name: manager, Metadata: map[string]string{snapshotJournal: journal, snapshotNumber: strconv.FormatUint(number, 10)},
	}, r)
	return classify("storing the snapshot of manager "+manager, err)
}

// Get gives a manager's snapshot, and the journal and the number in it up to which it reaches; a nil reader: there is none.
// Reading fails at the end if the bytes are not those that were stored.
func (s *Snapshots) Get(ctx context.Context, manager string) (r io.ReadCloser, journal string, number uint64, err error) {
	object, err := s.store.Get(ctx, manager)
	if errors.Is(err, jetstream.ErrObjectNotFound) {
		return nil, "", 0, nil
	}
	if err != nil {
		return nil, "", 0, classify("reading the snapshot of manager "+manager, err)
	}
	info, err := object.Info()
	if err == nil {
		journal = info.Metadata[snapshotJournal]
		number, err = strconv.ParseUint(info.Metadata[snapshotNumber], 10, 64)
	}
	if err != nil {
		_ = object.Close() // it is not read
		return nil, "", 0, fmt.Errorf("reading the snapshot of manager %s: it does not say up to where it reaches: %w", manager, err)
	}
	return object, journal, number, nil
}
