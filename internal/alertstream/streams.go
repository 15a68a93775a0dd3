package alertstream

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

const gibibyte = 1 << 30

// streamConfig is a stream as it is made when there is none: on disk, full where it refuses what is new. bytes is its configured
// size, external that on an external server when none is configured.
func (c Config) streamConfig(name, description, subjects string, bytes, external int64) jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name:        name,
		Description: "Armor: " + description,
		Subjects:    []string{subjects},
		Retention:   jetstream.LimitsPolicy,
		Discard:     jetstream.DiscardNew,
		Storage:     jetstream.FileStorage,
		Replicas:    max(c.Replicas, 1),
		MaxBytes:    c.maxBytes(bytes, external),
		MaxMsgs:     -1,
	}
}

func (c Config) alertStreamConfig() jetstream.StreamConfig {
	s := c.streamConfig(AlertStream, "alerts that are not finished, and a history of finished ones", alertSubjects, c.MaxBytes, 10*gibibyte)
	s.Duplicates = c.duplicates()
	return s
}

func (c Config) deadLetterStreamConfig() jetstream.StreamConfig {
	s := c.streamConfig(DeadLetterStream, "what could not be handled, with the reason", deadLetterSubjects, c.DeadLetterBytes, gibibyte)
	s.Duplicates = c.duplicates()
	return s
}

// journalStreamConfig has no window for duplicates: a record says which one it follows.
func (c Config) journalStreamConfig() jetstream.StreamConfig {
	return c.streamConfig(JournalStream, "how far agents are finished, and what managers remember since their last snapshots", journalSubjects, c.JournalBytes, 4*gibibyte)
}

// duplicates is how long a new stream recognises what is published again.
func (c Config) duplicates() time.Duration {
	if c.DuplicatesWindow > 0 {
		return c.DuplicatesWindow
	}
	return 2 * time.Minute
}

// maxBytes gives the size of a new stream: an embedded server has a limit of its own.
func (c Config) maxBytes(configured, external int64) int64 {
	switch {
	case configured > 0:
		return configured
	case c.InProcess != nil:
		return -1
	}
	return external
}

// ensure makes what does not exist and checks what does.
func (c *Conn) ensure(ctx context.Context) error {
	alerts, letters := c.cfg.alertStreamConfig(), c.cfg.deadLetterStreamConfig()
	if err := c.ensureStream(ctx, alerts, c.cfg.MaxBytes); err != nil {
		return err
	}
	if err := c.ensureStream(ctx, letters, c.cfg.DeadLetterBytes); err != nil {
		return err
	}
	if err := c.ensureStream(ctx, c.cfg.journalStreamConfig(), c.cfg.JournalBytes); err != nil {
		return err
	}
	return c.ensureBucket(ctx)
}

func (c *Conn) ensureStream(ctx context.Context, want jetstream.StreamConfig, configuredBytes int64) error {
	doing := fmt.Sprintf("checking stream %s on %s", want.Name, c.cfg.where())
	// Two processes may start at once, so a stream that was not there may be there a moment later: hence the loop.
	for range 3 {
		stream, err := c.js.Stream(ctx, want.Name)
		if err == nil {
			return classify(doing, errors.Join(c.mismatches(want, stream.CachedInfo().Config, configuredBytes)...))
		}
		if !errors.Is(err, jetstream.ErrStreamNotFound) {
			return classify(doing, err)
		}
		_, err = c.js.CreateStream(ctx, want)
		if err == nil {
			c.log.Info("made stream", "stream", want.Name, "nats", c.cfg.where(), "replicas", want.Replicas, "max_bytes", want.MaxBytes)
			return nil
		}
		if !errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) {
			return classify(fmt.Sprintf("making stream %s (max_bytes %d, replicas %d) on %s", want.Name, want.MaxBytes, want.Replicas, c.cfg.where()), err)
		}
	}
	return fmt.Errorf("%s: it appears and disappears", doing)
}

// mismatches compares the settings that matter. Size, replicas and duplicates window matter only where they are configured.
func (c *Conn) mismatches(want, got jetstream.StreamConfig, configuredBytes int64) []error {
	var errs []error
	check := func(ok bool, setting string, found, expected any) {
		if !ok {
			errs = append(errs, &MismatchError{Stream: want.Name, Setting: setting, Found: fmt.Sprint(found), Expected: fmt.Sprint(expected)})
		}
	}
	check(strings.Join(got.Subjects, " ") == strings.Join(want.Subjects, " "), "subjects", list(got.Subjects), list(want.Subjects))
	check(got.Retention == want.Retention, "retention", got.Retention, want.Retention)
	check(got.Discard == want.Discard, "discard", got.Discard, want.Discard)
	check(!got.DiscardNewPerSubject, "discard_new_per_subject", true, false)
	check(got.Storage == want.Storage, "storage", got.Storage, want.Storage)
	check(got.MaxAge == 0, "max_age", got.MaxAge, "none (it would remove alerts that are not finished)")
	check(got.MaxMsgs <= 0, "max_msgs", got.MaxMsgs, "unlimited")
	check(got.MaxMsgsPerSubject <= 0, "max_msgs_per_subject", got.MaxMsgsPerSubject, "unlimited")
	check(got.MaxMsgSize <= 0 || got.MaxMsgSize >= minPayload, "max_msg_size", got.MaxMsgSize, fmt.Sprintf("unlimited or at least %d", minPayload))
	check(!got.NoAck, "no_ack", true, false)
	check(!got.Sealed, "sealed", true, false)
	check(!got.DenyPurge || want.Name == DeadLetterStream, "deny_purge", true, "false (what is finished is purged)")
	check(got.Mirror == nil, "mirror", "set", "none")
	check(got.SubjectTransform == nil, "subject_transform", "set", "none")
	check(c.cfg.Replicas == 0 || got.Replicas == c.cfg.Replicas, "num_replicas", got.Replicas, c.cfg.Replicas)
	check(configuredBytes == 0 || got.MaxBytes == configuredBytes, "max_bytes", got.MaxBytes, strconv.FormatInt(configuredBytes, 10))
	check(c.cfg.DuplicatesWindow == 0 || want.Duplicates == 0 || got.Duplicates == c.cfg.DuplicatesWindow, "duplicate_window", got.Duplicates, c.cfg.DuplicatesWindow)
	return errs
}

func list(s []string) string { return "[" + strings.Join(s, " ") + "]" }

func (c *Conn) ensureBucket(ctx context.Context) error {
	doing := fmt.Sprintf("checking key-value bucket %s on %s", AgentBucket, c.cfg.where())
	_, err := c.js.KeyValue(ctx, AgentBucket)
	if errors.Is(err, jetstream.ErrBucketNotFound) {
		_, err = c.js.CreateKeyValue(ctx, jetstream.KeyValueConfig{
			Bucket:      AgentBucket,
			Description: "Armor: the agents, and how far each is finished",
			History:     1,
			Storage:     jetstream.FileStorage,
			Replicas:    max(c.cfg.Replicas, 1),
		})
		if errors.Is(err, jetstream.ErrBucketExists) {
			_, err = c.js.KeyValue(ctx, AgentBucket)
		}
	}
	if err != nil {
		return classify(doing, err)
	}
	stream, err := c.js.Stream(ctx, "KV_"+AgentBucket)
	if err != nil {
		return classify(doing, err)
	}
	got := stream.CachedInfo().Config
	switch {
	case got.Storage != jetstream.FileStorage:
		err = &MismatchError{Stream: got.Name, Setting: "storage", Found: got.Storage.String(), Expected: "File"}
	case got.MaxAge != 0:
		err = &MismatchError{Stream: got.Name, Setting: "max_age", Found: got.MaxAge.String(), Expected: "none"}
	case c.cfg.Replicas > 0 && got.Replicas != c.cfg.Replicas:
		err = &MismatchError{Stream: got.Name, Setting: "num_replicas", Found: strconv.Itoa(got.Replicas), Expected: strconv.Itoa(c.cfg.Replicas)}
	}
	return classify(doing, err)
}
