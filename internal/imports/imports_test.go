package imports

import (
	"bytes"
	"os"
	"os/exec"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestWallsStand checks every package of the module.
func TestWallsStand(t *testing.T) {
	// Without profiles: a package that is built by that of a program has another name there.
	cmd := exec.Command("go", "list", "-pgo=off", "-json=ImportPath,Imports,TestImports,XTestImports,Deps", "armor/...")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	packages, err := Read(bytes.NewReader(out))
	if err != nil {
		t.Fatal(err)
	}
	if len(packages) < 20 {
		t.Fatalf("go list named %d packages: the table was not checked", len(packages))
	}
	for _, broken := range Check(packages) {
		t.Error(broken)
	}
	t.Logf("%d packages", len(packages))
}

// TestBrokenWallsAreSeen reads a house in which every kind of wall is broken once.
func TestBrokenWallsAreSeen(t *testing.T) {
	file, err := os.Open("testdata/broken.json")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	packages, err := Read(file)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"armor/agent imports armor/internal/testenv: it is for tests only",
		"armor/agent imports in its tests armor/manager: agent may import only proto, internal/rpc",
		"armor/agent/uplink must stay free of github.com/nats-io, and depends on github.com/nats-io/nats.go",
		"armor/indexer imports armor/rules: indexer may import only proto, internal/rpc, internal/alertstream, internal/sparselog",
		"armor/indexer imports github.com/elastic/go-elasticsearch/v8: only indexer/elastic may",
		"armor/internal/rpc imports armor/internal/daemon: internal/rpc may import only proto, internal/sparselog",
		"armor/manager imports armor/agent: manager may import only proto, rules, internal/rpc, internal/alertstream",
		"armor/proto/armor/v1 imports armor/rules: proto may import nothing of ours",
		"armor/rules imports armor/proto/armor/v1: rules may import nothing of ours",
		"armor/services/armor imports armor/services/armor-agent: services/armor may import only proto, rules, agent, manager, " +
			"indexer, internal/rpc, internal/daemon, internal/alertstream",
		"armor/util lies in no room of the table: add a row, or move it",
	}
	if diff := cmp.Diff(want, Check(packages)); diff != "" {
		t.Error(diff)
	}
}

func TestBelow(t *testing.T) {
	for _, test := range []struct {
		path, folder string
		want         bool
	}{
		{"rules", "rules", true},
		{"rules/x", "rules", true},
		{"rulesx", "rules", false},
		{"services/armor-agent", "services/armor", false},
		{"x", "", true},
	} {
		if got := below(test.path, test.folder); got != test.want {
			t.Errorf("below(%q, %q) = %v", test.path, test.folder, got)
		}
	}
}
