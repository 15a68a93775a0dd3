package journal

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"time"

	"github.com/klauspost/compress/zstd"

	"armor/rules"
)

// Config sets when snapshots are taken.
type Config struct {
	// SnapshotInterval is the time between two snapshots, 1s to 1h; 0: 1 minute. Nothing is lost between them: the journal
	// holds it, and a longer interval makes a start longer.
	SnapshotInterval time.Duration
	// JournalBytes is how many bytes of events may stand in the journal before a snapshot is taken early; 0: 64 MiB.
	JournalBytes int
	// Lateness is how long events wait for their turn, when they do. Holding them up changes their order, so that it is done
	// only when the journal has grown beyond JournalBytes: else a snapshot waits for a moment when none is waiting.
	Lateness time.Duration
}

// WithDefaults fills in what is 0.
func (c Config) WithDefaults() Config {
	if c.SnapshotInterval == 0 {
		c.SnapshotInterval = time.Minute
	}
	if c.JournalBytes == 0 {
		c.JournalBytes = 64 << 20
	}
	return c
}

// Validate reports everything that is wrong.
func (c Config) Validate() error {
	var errs []error
	if c.SnapshotInterval != 0 && (c.SnapshotInterval < time.Second || c.SnapshotInterval > time.Hour) {
		errs = append(errs, fmt.Errorf("state: snapshot_interval is %s; it must be 1s to 1h", c.SnapshotInterval))
	}
	if c.JournalBytes != 0 && c.JournalBytes < 1<<20 {
		errs = append(errs, fmt.Errorf("state: journal_bytes is %d; it must be at least 1048576 (1 MiB)", c.JournalBytes))
	}
	return errors.Join(errs...)
}

const (
	// look is how often it is looked whether a snapshot is due.
	look = time.Second
	// quietTime is how long, apart from lateness, evaluation may be held up for a moment without unfinished events.
	quietTime = 2 * time.Second
	// storeTime is how long storing a snapshot may take.
	storeTime = 2 * time.Minute
)

// patience is how long evaluation may be held up for the next snapshot.
func (j *Journal) patience(cfg Config) time.Duration {
	switch {
	case cfg.Lateness == 0:
		return quietTime
	case j.pending() < cfg.JournalBytes:
		return 0
	}
	return cfg.Lateness + quietTime
}

// Quiet calls f at a moment without unfinished events, if there is one before ctx ends.
type Quiet func(ctx context.Context, f func()) bool

// Run takes snapshots until ctx ends.
func (j *Journal) Run(ctx context.Context, cfg Config, quiet Quiet, state rules.State) {
	cfg = cfg.WithDefaults()
	ticker := time.NewTicker(look)
	defer ticker.Stop()
	last := time.Now()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		if since := time.Since(last); since < cfg.SnapshotInterval && (j.pending() < cfg.JournalBytes || since < cfg.SnapshotInterval/10) {
			continue
		}
		last = time.Now()
		patience := j.patience(cfg)
		err := j.Snapshot(ctx, patience, quiet, state)
		if errors.Is(err, errBusy) && patience == 0 {
			last = last.Add(look - cfg.SnapshotInterval) // there may be such a moment soon
			continue
		}
		if err != nil && ctx.Err() == nil {
			j.log.Warn("no snapshot of what rules remember; the journal keeps it, and it is tried again", "err", err)
		}
	}
}

func (j *Journal) pending() int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.bytes
}

var errBusy = errors.New("there was no moment without unfinished events")

// Snapshot stores a snapshot if the journal has grown since the last one, and removes the records that it makes superfluous. For
// as long as patience, evaluation is held up for a moment without unfinished events.
func (j *Journal) Snapshot(ctx context.Context, patience time.Duration, quiet Quiet, state rules.State) error {
	j.mu.Lock()
	nothing := len(j.fresh) == 0
	j.mu.Unlock()
	if nothing {
		return nil
	}
	err := j.snapshot(ctx, patience, quiet, state)
	j.mu.Lock()
	if patience > 0 || !errors.Is(err, errBusy) { // else it waits for a moment, which is no failure
		j.stats.Failed = err
	}
	j.mu.Unlock()
	return err
}

func (j *Journal) snapshot(ctx context.Context, patience time.Duration, quiet Quiet, state rules.State) error {
	var frozen rules.Frozen
	var upTo uint64
	var fresh map[string]uint64
	waiting, stop := context.WithTimeout(ctx, patience)
	found := quiet(waiting, func() {
		frozen = state.Freeze()
		j.mu.Lock()
		defer j.mu.Unlock()
		upTo, fresh = j.last, maps.Clone(j.fresh)
		j.bytes = 0
	})
	stop()
	if !found {
		return errBusy
	}
	taken := time.Now()
	storing, cancel := context.WithTimeout(ctx, storeTime)
	defer cancel()
	n, err := j.store(storing, upTo, frozen)
	if err != nil {
		return err
	}
	j.mu.Lock()
	j.stats.Snapshots++
	j.stats.Bytes, j.stats.Taken = n, taken
	j.mu.Unlock()
	return j.forget(storing, fresh)
}

// store writes a snapshot, compressed, and gives its size.
func (j *Journal) store(ctx context.Context, upTo uint64, frozen rules.Frozen) (int64, error) {
	r, w := io.Pipe()
	counted := &countingReader{r: r}
	go func() {
		packed, err := zstd.NewWriter(w, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1))
		if err == nil {
			err = errors.Join(frozen.Write(packed), packed.Close())
		}
		w.CloseWithError(err)
	}()
	err := j.snapshots.Put(ctx, j.manager, j.stream.Name(), upTo, counted)
	r.CloseWithError(io.ErrClosedPipe) // lets the writer end if not everything was read
	return counted.n, err
}

type countingReader struct {
	r io.Reader
	n int64
}

func (c *countingReader) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

// forget removes the records that a snapshot holds; each agent's last one stays.
func (j *Journal) forget(ctx context.Context, fresh map[string]uint64) error {
	for agentID, last := range fresh {
		if err := j.stream.Forget(ctx, agentID, last); err != nil {
			return err
		}
		j.mu.Lock()
		if j.fresh[agentID] == last {
			delete(j.fresh, agentID)
		}
		j.mu.Unlock()
	}
	return nil
}
