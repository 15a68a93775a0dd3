package command

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"armor/indexer/kibana"
	"armor/indexer/kibana/kibanatest"
	"armor/internal/testenv"
)

func TestKibanaExport(t *testing.T) {
	code, out, errs := armor(t, "", "kibana", "export")
	if code != 0 || errs != "" {
		t.Fatalf("code %d, %q", code, errs)
	}
	for _, p := range kibana.Check([]byte(out)) {
		t.Error(p)
	}
	file := filepath.Join(t.TempDir(), "armor.ndjson")
	if code, out, errs = armor(t, "", "kibana", "export", "--space", "soc", "--output", file); code != 0 || out+errs != "" {
		t.Fatalf("code %d, %q, %q", code, out, errs)
	}
	written, err := os.ReadFile(file)
	if err != nil || !bytes.Contains(written, []byte(`"id":"armor-dashboard-hosts-soc"`)) || len(kibana.Check(written)) > 0 {
		t.Errorf("%v, %s", err, written)
	}
}

func TestKibanaSetupAndCheck(t *testing.T) {
	server := kibanatest.New(t, "8.12.2")
	run := func(want int, args ...string) (out, errs string) {
		t.Helper()
		code, out, errs := armor(t, "", append([]string{"kibana", args[0], "--url", server.URL}, args[1:]...)...)
		if code != want {
			t.Fatalf("armor kibana %v: code %d, want %d: %q, %q", args, code, want, out, errs)
		}
		return out, errs
	}
	if out, _ := run(1, "check"); !strings.Contains(out, "missing") || !strings.Contains(out, "dashboard Amazon EC2") || !strings.Contains(out, "0 ok, ") {
		t.Errorf("check before setup: %s", out)
	}
	if out, _ := run(0, "setup", "--dry-run"); !strings.Contains(out, "and renew 0 in Kibana 8.12.2, space default") || !strings.Contains(out, "make   dashboard Hosts") || server.Imports() > 0 {
		t.Errorf("dry run before setup: %s", out)
	}
	for range 2 {
		out, errs := run(0, "setup")
		if errs != "" || !strings.Contains(out, "objects in Kibana 8.12.2, space default") || !strings.Contains(out, server.URL+"/app/dashboards#/view/armor-dashboard-amazon-ec2") {
			t.Errorf("setup: %q, %q", out, errs)
		}
	}
	if out, _ := run(0, "setup", "--dry-run"); !strings.Contains(out, "would make 0 objects") || !strings.Contains(out, "renew  dashboard Hosts") || server.Imports() != 2 {
		t.Errorf("dry run after setup: %s", out)
	}
	if out, _ := run(0, "check"); !strings.Contains(out, "0 missing, 0 changed, 1 unknown") || !strings.Contains(out, "no alert index yet") {
		t.Errorf("check after setup: %s", out)
	}
	var setup setupReport
	if out, _ := run(0, "setup", "--json"); strings.Count(out, "\n") != 1 || json.Unmarshal([]byte(out), &setup) != nil || setup.Version != "8.12.2" || len(setup.Links) != 4 {
		t.Errorf("setup --json: %s", out)
	}
	server.Change("default", "dashboard armor-dashboard-hosts", func(kibanatest.Object) kibanatest.Object { return nil })
	var found struct {
		OK       bool
		Findings []kibana.Finding
	}
	if out, _ := run(1, "check", "--json"); json.Unmarshal([]byte(out), &found) != nil || found.OK || len(found.Findings) < 30 {
		t.Errorf("check --json: %s", out)
	}
	for _, f := range found.Findings {
		if (f.State == kibana.Missing) != (f.Subject == "dashboard Hosts") {
			t.Errorf("%+v", f)
		}
	}
	server.ReadOnly()
	out, errs := run(1, "setup")
	if out != "" || strings.Count(errs, "\n") != 1 || !strings.Contains(errs, "may read only") {
		t.Errorf("read-only: %q, %q", out, errs)
	}
}

func TestKibanaSetupTellsWhatItWaitsFor(t *testing.T) {
	server := kibanatest.New(t, "8.12.2")
	asked := 0
	server.Fault(func(w http.ResponseWriter, _ *http.Request) bool {
		if asked++; asked > 1 {
			return false
		}
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = w.Write([]byte("Kibana server is not ready yet"))
		return true
	})
	code, out, errs := armor(t, "", "kibana", "setup", "--url", server.URL, "--json")
	if code != 0 || !strings.HasPrefix(out, "{") || !strings.HasPrefix(errs, "waiting for Kibana (0s of 5m0s): ") || !strings.Contains(errs, "not ready yet") {
		t.Errorf("code %d, %q, %q", code, out, errs)
	}
}

func TestKibanaInstallsTheIndexTemplate(t *testing.T) {
	node := testenv.Elasticsearch(t)
	testenv.WipeElasticsearch(t, node)
	server := kibanatest.New(t, "8.19.9")
	run := func(want int, contains string, args ...string) {
		t.Helper()
		code, out, errs := armor(t, "", append([]string{"kibana", args[0], "--url", server.URL, "--elasticsearch", node}, args[1:]...)...)
		if code != want || !strings.Contains(out+errs, contains) {
			t.Errorf("armor kibana %v: code %d, want %d and %q: %q, %q", args, code, want, contains, out, errs)
		}
	}
	run(1, "missing  index template armor-alerts", "check")
	run(0, "index template armor-alerts is there, version", "setup", "--index-period", "week")
	run(0, "index template armor-alerts is there, version", "setup") // with the cluster's period
	run(0, "0 missing, 0 changed, 1 unknown", "check")
	run(1, "index_period", "setup", "--index-period", "day")
}

func TestKibanaUsage(t *testing.T) {
	for _, args := range [][]string{
		{"setup", "--url", "kibana"}, {"setup", "--url", "http://a:b@kibana:5601"}, {"setup", "--space", "A B"}, {"setup", "--user", "x"},
		{"setup", "--user", "x", "--password-file", "/nonexistent"}, {"setup", "--ca", "/nonexistent"}, {"setup", "--wait", "-1s"},
		{"setup", "--index-period", "year"}, {"export", "--space", "../x"}, {"export", "--output", "/nonexistent/x"}, {"export", "extra"},
		{"check", "--api-key-file", "x", "--user", "y"}, {"nonsense"},
	} {
		code, out, errs := armor(t, "", append([]string{"kibana"}, args...)...)
		if code != 2 || out != "" || strings.Count(errs, "\n") != 1 || !strings.HasPrefix(errs, "armor: ") {
			t.Errorf("armor kibana %v: code %d, out %q, errors %q", args, code, out, errs)
		}
	}
}
