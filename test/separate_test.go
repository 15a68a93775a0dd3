package test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"armor/internal/testenv"
	"armor/test/ledger"
)

// halves copies the folder of real records into two, file by file in turn.
func halves(t testing.TB, dir string) (first, second string) {
	t.Helper()
	folders := []string{t.TempDir(), t.TempDir()}
	n := 0
	err := filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.Contains(entry.Name(), ".json") {
			return err
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		n++
		return os.WriteFile(filepath.Join(folders[n%2], entry.Name()), content, 0o600)
	})
	if err != nil {
		t.Fatal(err)
	}
	return folders[0], folders[1]
}

func TestSeparateProcesses(t *testing.T) {
	dir, rows := cloudtrailData(t)
	want := expected(rows)
	url := testenv.Elasticsearch(t)
	testenv.WipeElasticsearch(t, url)
	first, second := halves(t, dir)
	c := newCluster(t, url, first, second)
	c.startAll()
	c.settle(want)
	checkElasticsearch(t, url, want)
	c.stop()
}

// copies is how often the records are there in the tests that kill processes.
func copies() int {
	if testing.Short() {
		return 5
	}
	return 50
}

// Each process is killed once it has begun to do its work, and started again: every alert is there once all the same.
func TestKilledProcesses(t *testing.T) {
	folders := []string{t.TempDir(), t.TempDir()}
	want := multiply(t, copies(), folders...)
	t.Logf("%d alerts are expected", want.Len())
	node := testenv.ElasticsearchProcess(t)
	for _, kill := range []struct {
		victim string
		state  func(c *cluster) func() error
		kill   func(c *cluster)
	}{
		{"agent after its first receipts", func(c *cluster) func() error { return c.reached("manager", "accepted", 1000) }, func(c *cluster) {
			c.agents[0].kill()
			c.startAgent(0)
		}},
		{"manager after its first receipts", func(c *cluster) func() error { return c.reached("manager", "accepted", 1000) }, func(c *cluster) {
			c.manager.kill()
			c.startManager()
		}},
		{"manager after its first publish", func(c *cluster) func() error { return c.reached("manager", "alerted", 1) }, func(c *cluster) {
			c.manager.kill()
			c.startManager()
		}},
		{"indexer after its first bulk", func(c *cluster) func() error { return c.reached("indexer", "indexed", 1) }, func(c *cluster) {
			c.indexer.kill()
			c.startIndexer()
		}},
		{"NATS after the first publish", func(c *cluster) func() error { return c.reached("manager", "alerted", 1) }, func(c *cluster) {
			c.nats.Kill()
			c.nats.Start(t)
		}},
		{"Elasticsearch after the first bulk", func(c *cluster) func() error { return c.reached("indexer", "indexed", 1) }, func(*cluster) {
			node.Kill()
			node.Start(t)
		}},
		{"everything of Armor at once", func(c *cluster) func() error { return c.reached("indexer", "indexed", 1) }, func(c *cluster) {
			for _, p := range []*process{c.agents[0], c.agents[1], c.manager, c.indexer} {
				p.kill()
			}
			c.startManager()
			c.startIndexer()
			c.startAgent(0)
			c.startAgent(1)
		}},
	} {
		t.Run(kill.victim, func(t *testing.T) {
			testenv.WipeElasticsearch(t, node.URL())
			c := newCluster(t, node.URL(), folders...)
			c.startAll()
			eventually(t, "the state to kill at", kill.state(c))
			kill.kill(c)
			c.settle(want)
			c.stop()
		})
	}
}

// `armor up` is killed twice while it works, and then finishes.
func TestKilledUp(t *testing.T) {
	folder := t.TempDir()
	want := multiply(t, copies()/5, folder)
	data := filepath.Join(t.TempDir(), "data")
	for i := range 2 {
		p := start(t, "armor", "up", "--data", data, "--listen", "127.0.0.1:0", "--cloudtrail", folder, "--include", specRules)
		eventually(t, "it works", func() error {
			status, err := processStatus(t, "--data", data)
			if err != nil {
				return err
			}
			for _, c := range status.GetComponents() {
				if c.GetName() == "manager" && c.GetCounters()["accepted"] > 0 {
					return nil
				}
			}
			return fmt.Errorf("run %d has evaluated nothing", i+1)
		})
		p.kill()
	}
	upOnce(t, data, "--cloudtrail", folder, "--include", specRules).must(t)
	checkStored(t, data, want)
}

// NATS and Elasticsearch come later than everything else: the services wait and say so, and the agent loses nothing.
func TestNeighboursComeLater(t *testing.T) {
	folder := t.TempDir()
	var ids []string
	want := ledger.New()
	for i := range 500 {
		ids = append(ids, fmt.Sprintf("late-%d", i))
		want.Expect(ledger.Entry{EventID: ids[i], Rule: 80411, Level: 2})
	}
	put(t, folder, delivered(1, ".json"), file(ids...))
	node := testenv.ElasticsearchProcess(t)
	node.Kill()
	c := newCluster(t, node.URL(), folder)
	c.nats = testenv.NATSProcess(t)
	c.nats.Kill()
	c.startAll()
	eventually(t, "the manager says that it waits", c.manager.log.says("waiting for NATS"))
	eventually(t, "the indexer says that it waits", c.indexer.log.says("waiting for NATS"))
	eventually(t, "the agent has read and spooled everything", func() error {
		m, err := c.agentMetrics(0)
		if err != nil {
			return err
		}
		if m["spooled"] != 500 {
			return fmt.Errorf("spooled is %v", m["spooled"])
		}
		return nil
	})
	c.nats.Start(t)
	eventually(t, "the indexer says that it waits for the store", c.indexer.log.says("waiting for the alert store"))
	node.Start(t)
	c.settle(want)
	c.stop()
}

// A CloudTrail file of 200 MB passes through an agent that stays small, and through everything in one process, within its limit.
func TestLargeFile(t *testing.T) {
	folder := t.TempDir()
	f, err := os.Create(filepath.Join(folder, delivered(1, ".json")))
	if err != nil {
		t.Fatal(err)
	}
	const size = 200 << 20
	want := ledger.New()
	padding := noise(1000)
	written := 0
	for i := 0; written < size; i++ {
		before := `{"Records":[`
		if i > 0 {
			before = ","
		}
		name := "DescribeInstances"
		id := fmt.Sprintf("large-%d", i)
		if i%1000 == 0 {
			name = "AllocateAddress"
			want.Expect(ledger.Entry{EventID: id, Rule: 80411, Level: 2})
		}
		n, err := fmt.Fprintf(f, `%s{"eventVersion":"1.08","eventTime":"2026-11-23T02:40:00Z","eventSource":"ec2.amazonaws.com","eventName":%q,"eventID":%q,"userAgent":%q}`, before, name, id, padding)
		if err != nil {
			t.Fatal(err)
		}
		written += n
	}
	if _, err := f.WriteString("]}"); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	c := newCluster(t, "", folder)
	c.startAll()
	c.settle(want)
	if peak := c.agents[0].peakMemory(t); peak > 128<<20 {
		t.Errorf("the agent took %d MiB", peak>>20)
	} else {
		t.Logf("the agent took %d MiB at most", peak>>20)
	}
	c.stop()

	up := start(t, "armor", "up", "--data", filepath.Join(t.TempDir(), "data"), "--listen", "127.0.0.1:0", "--cloudtrail", folder, "--exit-when-idle", "1s", "--quiet")
	if code := up.wait(t, runLimit); code != 0 {
		t.Fatalf("armor up ended with %d", code)
	}
	if peak := up.cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss << 10; peak > 600<<20 {
		t.Errorf("armor up took %d MiB", peak>>20)
	} else {
		t.Logf("armor up took %d MiB at most", peak>>20)
	}
}
