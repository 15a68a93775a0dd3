package alertstream

import (
	"testing"
	"time"

	"armor/internal/alertstream/embedded"
	"armor/internal/testenv"
)

// finishAll takes and acknowledges everything.
func finishAll(t *testing.T, c *Conn) {
	t.Helper()
	drain(t, c, consumer(t, c, "indexer"), func(*Message) {})
	eventually(t, "the acknowledgements arrive", func() bool {
		n, err := c.Pending(within(t), "indexer")
		return err == nil && n == 0
	})
}

// What is published again after nats-server was killed is recognised, although it was finished and tidied up before: the
// server reads the ids out of the stream. Without the history it is stored again (and the store recognises it by its id).
func TestIdsAreRecognisedAfterARestart(t *testing.T) {
	for _, c := range []struct {
		name    string
		history int64
		left    uint64
	}{{"with the history", 0, 500}, {"without", -1, 1000}} {
		t.Run(c.name, func(t *testing.T) {
			node := testenv.NATSProcess(t)
			cfg := Config{URL: node.URL(), Janitor: JanitorConfig{HistoryBytes: c.history}}
			conn := connect(t, cfg)
			publish(t, conn.NewPublisher(100), 0, 500).check(t, 500)
			finishAll(t, conn)
			if _, err := conn.Tidy(within(t)); err != nil {
				t.Fatal(err)
			}
			first, err := conn.js.Stream(within(t), AlertStream)
			if err != nil {
				t.Fatal(err)
			}
			node.Kill()
			node.Start(t)
			conn = connect(t, cfg)
			publish(t, conn.NewPublisher(100), 0, 500).check(t, 500)
			s, err := conn.js.Stream(within(t), AlertStream)
			if err != nil {
				t.Fatal(err)
			}
			if got := s.CachedInfo().State.LastSeq; got != c.left {
				t.Errorf("the stream has taken %d alerts, want %d (it had %d)", got, c.left, first.CachedInfo().State.LastSeq)
			}
		})
	}
}

// The history is what is younger than the duplicates window, and no larger than it may be.
func TestHistoryIsBounded(t *testing.T) {
	server := startServer(t, embedded.Config{}).InProcess()
	c := connect(t, Config{InProcess: server, DuplicatesWindow: time.Second})
	publish(t, c.NewPublisher(100), 0, 1000).check(t, 1000)
	finishAll(t, c)
	stream, err := c.js.Stream(within(t), AlertStream)
	if err != nil {
		t.Fatal(err)
	}
	size := int64(stream.CachedInfo().State.Bytes)
	small := connect(t, Config{InProcess: server, Janitor: JanitorConfig{HistoryBytes: size / 10}})
	if _, err := small.Tidy(within(t)); err != nil {
		t.Fatal(err)
	}
	if n := messages(t, c, AlertStream); n > 101 { // fewer when the window has passed already
		t.Errorf("%d alerts are kept, want at most 101", n)
	}
	eventually(t, "what is old goes", func() bool {
		if _, err := c.Tidy(within(t)); err != nil {
			t.Fatal(err)
		}
		return messages(t, c, AlertStream) == 0
	})
}

// What is not finished stays, whatever its age, and so does the history before it.
func TestHistoryEndsBeforeWhatIsNotFinished(t *testing.T) {
	c := connected(t)
	publish(t, c.NewPublisher(100), 0, 100).check(t, 100)
	k := consumer(t, c, "indexer")
	batch, err := k.Fetch(within(t), 60, time.Second)
	if err != nil || len(batch) != 60 {
		t.Fatalf("%d alerts, %v", len(batch), err)
	}
	for _, m := range batch {
		if err := m.Ack(within(t)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := c.Tidy(within(t)); err != nil {
		t.Fatal(err)
	}
	if n := messages(t, c, AlertStream); n != 100 {
		t.Errorf("%d alerts are left, want all of the last seconds", n)
	}
}
