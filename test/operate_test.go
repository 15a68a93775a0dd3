package test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"armor/test/ledger"
)

// allocations is a folder with one file, and the alerts that must come of it.
func allocations(t testing.TB, n int) (folder string, want *ledger.Ledger) {
	t.Helper()
	folder, want = t.TempDir(), ledger.New()
	var ids []string
	for i := range n {
		ids = append(ids, fmt.Sprintf("allocation-%d", i))
		want.Expect(ledger.Entry{EventID: ids[i], Rule: 80411, Level: 2})
	}
	put(t, folder, delivered(1, ".json"), file(ids...))
	return folder, want
}

// With the certificates of `armor certs init`, everything works over mutual TLS; an agent's certificate opens nothing else.
func TestMutualTLS(t *testing.T) {
	folder, want := allocations(t, 50)
	c := newCluster(t, "", folder)
	c.certs = filepath.Join(t.TempDir(), "certs")
	call(t, "armor", "certs", "init", "--dir", c.certs).must(t)
	c.startAll()
	c.settle(want)

	agents := call(t, "armor", append([]string{"agents", "list", "--json"}, c.access(c.managerAddress, "")...)...).must(t)
	if !strings.Contains(agents, `"001"`) || !strings.Contains(agents, "AGENT_STATE_CONNECTED") {
		t.Errorf("agents: %s", agents)
	}
	asAgent := []string{"--address", c.indexerAddress, "--ca", c.certs + "/ca.crt", "--certificate", c.certs + "/agent-001.crt", "--key", c.certs + "/agent-001.key"}
	if r := call(t, "armor", append([]string{"alerts", "count"}, asAgent...)...); r.code != 1 {
		t.Errorf("an agent's certificate counts alerts: code %d, %q %q", r.code, r.out, r.errors)
	}
	if r := call(t, "armor", "alerts", "count", "--address", c.indexerAddress, "--ca", c.certs+"/ca.crt"); r.code != 1 {
		t.Errorf("no certificate counts alerts: code %d, %q %q", r.code, r.out, r.errors)
	}
	c.stop()
}

const localRule = `<group name="local,"><rule id="100100" level="%d"><if_sid>80411</if_sid><description>Address allocated</description></rule></group>`

// SIGHUP swaps a manager's ruleset, or keeps the one before and says why.
func TestReload(t *testing.T) {
	folder, _ := allocations(t, 10)
	c := newCluster(t, "", folder)
	c.overlay = t.TempDir()
	if err := os.Mkdir(filepath.Join(c.overlay, "rules"), 0o700); err != nil {
		t.Fatal(err)
	}
	rule := func(text string) { put(t, filepath.Join(c.overlay, "rules"), "local_rules.xml", []byte(text)) }
	rule(fmt.Sprintf(localRule, 5))
	c.startAll()
	want := func(id string, n int) *ledger.Ledger {
		l := ledger.New()
		for i := range n {
			l.Expect(ledger.Entry{EventID: fmt.Sprintf(id, i), Rule: 100100, Level: 5})
		}
		return l
	}
	c.settle(want("allocation-%d", 10))

	hup := func() {
		if err := c.manager.cmd.Process.Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
	}
	rule(`<group name="local,"><rule id="100100" level="99"></rule></group>`)
	hup()
	eventually(t, "the manager says that it keeps its rules", c.manager.log.says("the ruleset was not changed"))
	if !strings.Contains(c.manager.log.String(), "local_rules.xml:1") {
		t.Error("the log does not name file and line")
	}
	put(t, folder, delivered(2, ".json"), file("kept-0"))
	eventually(t, "the rules before are still in force", func() error { return c.counted("rule.id:100100", 11) })

	rule(fmt.Sprintf(localRule, 7))
	hup()
	eventually(t, "new rules are in force", func() error {
		if n := strings.Count(c.manager.log.String(), "ruleset in force"); n < 2 {
			return fmt.Errorf("said %d times", n)
		}
		return nil
	})
	put(t, folder, delivered(3, ".json"), file("changed-0"))
	eventually(t, "an alert of the new rules", func() error { return c.counted("rule.id:100100 AND rule.level:7", 1) })
	c.stop()
}

// counted is a look for a number of alerts that match a query.
func (c *cluster) counted(query string, want int) error {
	args := append([]string{"alerts", "count", "--query", query}, c.access(c.indexerAddress, c.indexerToken())...)
	if got := strings.TrimSpace(call(c.t, "armor", args...).must(c.t)); got != fmt.Sprint(want) {
		return fmt.Errorf("%s: %s alerts, want %d", query, got, want)
	}
	return nil
}
