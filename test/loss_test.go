package test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"armor/internal/testenv"
)

// NATS loses everything that it had acknowledged, before the indexer has seen it. The agent has its receipts, but keeps the
// events for a while: the replay brings every alert back, once.
func TestReplayAfterNATSLostItsData(t *testing.T) {
	folder, want := allocations(t, 300)
	c := newCluster(t, "", folder)
	c.nats = testenv.NATSProcess(t)
	c.startManager()
	c.startAgent(0)
	eventually(t, "every event is accepted", c.reached("manager", "accepted", 300))
	eventually(t, "the agent has its receipts", func() error { return c.agentDone(0) })
	c.nats.Kill()
	c.nats.Wipe(t)
	c.nats.Start(t)
	c.startIndexer()
	eventually(t, "the indexer is there", c.reached("indexer", "received", 0))

	replay := append([]string{"agents", "replay", "001"}, c.access(c.managerAddress, c.managerToken())...)
	eventually(t, "the replay is through", func() error { // once the agent is connected again
		r := call(t, "armor", append(slices.Clone(replay), "--json")...)
		if r.code != 0 || !strings.Contains(r.out, fmt.Sprintf(`"events":%d`, want.Len())) {
			return fmt.Errorf("ended with %d: %s%s", r.code, r.out, r.errors)
		}
		return nil
	})
	c.settle(want)
	if out := call(t, "armor", append(slices.Clone(replay), "--since", "1h")...).must(t); !strings.Contains(out, "events replayed") {
		t.Errorf("again: %s", out)
	}
	c.settle(want)
	c.stop()
}

// Events in the spool are damaged on disk. They are lost, and that is an alert of Armor's own rules.
func TestLossIsAnAlert(t *testing.T) {
	folder, _ := allocations(t, 300)
	c := newCluster(t, "", folder)
	c.overlay = t.TempDir() // so the whole ruleset is loaded
	if err := os.Mkdir(filepath.Join(c.overlay, "rules"), 0o700); err != nil {
		t.Fatal(err)
	}
	put(t, filepath.Join(c.overlay, "rules"), "local_rules.xml", fmt.Appendf(nil, localRule, 3))
	c.startAll()
	eventually(t, "every event is accepted", c.reached("manager", "accepted", 300))
	eventually(t, "the agent has its receipts", func() error { return c.agentDone(0) })
	c.manager.kill()
	more, _ := allocations(t, 300)
	files, err := os.ReadDir(more)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		content, err := os.ReadFile(filepath.Join(more, f.Name()))
		if err != nil {
			t.Fatal(err)
		}
		content = bytes.ReplaceAll(content, []byte(`"eventVersion"`), []byte(`"second":1,"eventVersion"`)) // other records
		if err := os.WriteFile(filepath.Join(folder, "second-"+f.Name()), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "the agent has spooled the rest", func() error {
		counters, err := c.agentMetrics(0)
		if err == nil && counters["spooled"] < 300 {
			err = fmt.Errorf("%d are spooled", counters["spooled"])
		}
		return err
	})
	c.agents[0].kill()
	damage(t, filepath.Join(c.dir, "agent-001", "spool"))
	c.startManager()
	c.startAgent(0)
	eventually(t, "the loss is an alert", func() error {
		r := call(t, "armor", append([]string{"alerts", "search", "--json", "--query", "rule.id:200901"}, c.access(c.indexerAddress, c.indexerToken())...)...)
		if r.code != 0 || strings.Count(r.out, "\n") != 1 || !strings.Contains(r.out, "are lost") {
			return fmt.Errorf("ended with %d: %s%s", r.code, r.out, r.errors)
		}
		return nil
	})
	if out := call(t, "armor", append([]string{"agents", "show", "001"}, c.access(c.managerAddress, c.managerToken())...)...).must(t); !strings.Contains(out, "lost") {
		t.Errorf("armor agents show: %s", out)
	}
	c.stop()
}

// damage turns bytes in the middle of the largest segment.
func damage(t testing.TB, spool string) {
	t.Helper()
	segments, err := filepath.Glob(filepath.Join(spool, "*.seg"))
	if err != nil || len(segments) == 0 {
		t.Fatalf("no segments in %s: %v", spool, err)
	}
	path := slices.Max(segments)
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	at := len(content) * 9 / 10
	for i := range 64 {
		content[at+i] ^= 0xff
	}
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
}
