package elastic_test

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"armor/indexer/elastic"
	"armor/indexer/query"
	"armor/indexer/store"
	"armor/indexer/store/storetest"
	"armor/indexer/template"
	"armor/internal/testenv"
)

func parse(t *testing.T, text string) query.Node {
	t.Helper()
	n, err := query.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// What a person has to mend in the cluster holds the alerts up, with the reason in readiness, and loses none.
func TestClusterRefuses(t *testing.T) {
	node := testenv.Elasticsearch(t)
	const month = "armor-alerts-2026.07"
	for _, c := range []struct {
		name, reason   string
		breaks, repair func(*line)
	}{
		{"index is read-only", "index write (api)",
			func(l *line) { l.ask("PUT", "/"+month+"/_settings", `{"index.blocks.write":true}`) },
			func(l *line) { l.ask("PUT", "/"+month+"/_settings", `{"index.blocks.write":null}`) }},
		{"index is closed", "index_closed_exception",
			func(l *line) { l.ask("POST", "/"+month+"/_close", "") },
			func(l *line) { l.ask("POST", "/"+month+"/_open", "") }},
		{"flood stage", "read-only-allow-delete",
			func(l *line) { l.ask("PUT", "/"+month+"/_settings", `{"index.blocks.read_only_allow_delete":true}`) },
			func(l *line) { l.ask("PUT", "/"+month+"/_settings", `{"index.blocks.read_only_allow_delete":null}`) }},
		{"shard limit", "maximum",
			func(l *line) {
				l.ask("DELETE", "/"+month, "")
				l.ask("PUT", "/_cluster/settings", `{"persistent":{"cluster.max_shards_per_node":1}}`)
				l.ask("PUT", "/other", `{"settings":{"number_of_replicas":0}}`)
			},
			func(l *line) {
				l.ask("PUT", "/_cluster/settings", `{"persistent":{"cluster.max_shards_per_node":null}}`)
			}},
		{"indices are not made by themselves", "no such index",
			func(l *line) {
				l.ask("DELETE", "/"+month, "")
				l.ask("PUT", "/_cluster/settings", `{"persistent":{"action.auto_create_index":"false"}}`)
			},
			func(l *line) { l.ask("PUT", "/_cluster/settings", `{"persistent":{"action.auto_create_index":null}}`) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := newLine(t, node, "", nil)
			if err := l.direct.Ready(t.Context()); err != nil {
				t.Fatal(err)
			}
			l.ask("PUT", "/"+month, "")
			c.breaks(l)
			repaired := false
			defer func() {
				if !repaired {
					c.repair(l)
				}
			}()
			l.publish(numbered(100)...)
			l.start()
			l.awaitReason(c.reason)
			if l.x.Idle() {
				t.Error("idle while the cluster refuses")
			}
			c.repair(l)
			repaired = true
			l.finish(100, 0)
			l.await("ready again", func() bool { return l.x.Ready() == nil })
		})
	}
}

// The node is killed under load and comes back on its data.
func TestNodeKilled(t *testing.T) {
	node := testenv.ElasticsearchProcess(t)
	l := newLine(t, node.URL(), "", nil)
	l.start()
	alerts := numbered(3000)
	l.publish(alerts[:1000]...)
	l.await("something is indexed", func() bool { return l.x.Status().GetCounters()["indexed"] > 0 })
	node.Kill()
	l.publish(alerts[1000:]...)
	l.awaitReason("asking Elasticsearch")
	node.Start(t)
	l.finish(3000, 0)
}

// The period is chosen once for a cluster.
func TestPeriodIsChecked(t *testing.T) {
	node := testenv.Elasticsearch(t)
	testenv.WipeElasticsearch(t, node)
	with := func(p store.Period) *elastic.Store {
		s, err := elastic.New(elastic.Config{URLs: []string{node}, IndexPeriod: p}, elastic.Options{})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	if err := with(store.Day).Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := with(store.Day).Ready(t.Context()); err != nil {
		t.Fatalf("the second time: %v", err)
	}
	if err := with(store.Month).Ready(t.Context()); !store.IsPermanent(err) || !strings.Contains(err.Error(), "index_period: day") {
		t.Errorf("another period: %v", err)
	}
	l := &line{t: t, node: node}
	l.ask("PUT", "/armor-alerts-2026.w27", "")
	l.ask("DELETE", "/_index_template/"+template.Name, "")
	if err := with(store.Day).Ready(t.Context()); !store.IsPermanent(err) || !strings.Contains(err.Error(), "2026.w27") {
		t.Errorf("indices of another period: %v", err)
	}
	if err := with(store.Week).Ready(t.Context()); err != nil {
		t.Error(err)
	}
	l.ask("PUT", "/_index_template/"+template.Name, `{"index_patterns":["mine-*"]}`)
	if err := with(store.Week).Ready(t.Context()); !store.IsPermanent(err) {
		t.Errorf("a foreign template: %v", err)
	}
	testenv.WipeElasticsearch(t, node)
}

// Weeks and days are names of the event's own time, and are deleted by it.
func TestPeriods(t *testing.T) {
	node := testenv.Elasticsearch(t)
	for p, want := range map[store.Period]string{store.Week: "armor-alerts-2026.w28", store.Day: "armor-alerts-2026.07.10"} {
		testenv.WipeElasticsearch(t, node)
		s, err := elastic.New(elastic.Config{URLs: []string{node}, IndexPeriod: p}, elastic.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Ready(t.Context()); err != nil {
			t.Fatal(err)
		}
		a := lineAlert(1)
		results, err := s.Write(t.Context(), []store.Document{{ID: a.GetId(), Time: a.GetTime().AsTime(), JSON: []byte(`{"id":"x","@timestamp":"2026-07-10T10:00:01.000Z"}`)}})
		if err != nil || results[0].Outcome != store.Created {
			t.Fatalf("%v, %v", results, err)
		}
		deleted, err := s.DeleteBefore(t.Context(), storetest.Now())
		if err != nil || len(deleted) != 1 || deleted[0] != want {
			t.Errorf("%s: deleted %v, %v, want %s", p, deleted, err, want)
		}
	}
}

// An early 8.x does not know ignore_dynamic_beyond_limit.
func TestTemplateOfEarlyVersions(t *testing.T) {
	node := testenv.Elasticsearch(t)
	testenv.WipeElasticsearch(t, node)
	p := newProxy(t, node, nil)
	refused := 0
	p.refuses = func(_ *http.Request, body []byte) string {
		if strings.Contains(string(body), template.IgnoreBeyondLimit) {
			refused++
			return "unknown setting [index.mapping.total_fields." + template.IgnoreBeyondLimit + "]"
		}
		return ""
	}
	if err := at(t, p.URL).Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	if refused != 1 {
		t.Errorf("refused %d times", refused)
	}
	if err := at(t, node).Ready(t.Context()); err != nil {
		t.Errorf("the template is not there: %v", err)
	}
}

// TLS with an own authority, user and password, API key; a changed password is read again after a refusal.
func TestLogin(t *testing.T) {
	node := testenv.Elasticsearch(t)
	testenv.WipeElasticsearch(t, node)
	want := "Basic YXJtb3I6Zmlyc3Q=" // armor:first
	p := newProxy(t, node, nil)
	secure := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != want {
			refuse(w, 401, "security_exception", "unable to authenticate")
			return
		}
		p.serve(w, r)
	}))
	defer secure.Close()
	dir := t.TempDir()
	file := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	ca := file("ca.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: secure.Certificate().Raw})))
	cfg := elastic.Config{URLs: []string{secure.URL}, CA: ca, User: "armor", PasswordFile: file("password", "first\n")}
	s, err := elastic.New(cfg, elastic.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Ready(t.Context()); err != nil {
		t.Fatalf("right password: %v", err)
	}
	want = "Basic YXJtb3I6c2Vjb25k" // armor:second
	if err := s.Ready(t.Context()); err == nil || store.IsPermanent(err) || !strings.Contains(err.Error(), "password_file") {
		t.Errorf("password changed in the cluster: %v", err)
	}
	file("password", "second")
	if err := s.Ready(t.Context()); err != nil {
		t.Errorf("password changed in the file: %v", err)
	}
	want = "ApiKey a2V5"
	withKey := elastic.Config{URLs: []string{secure.URL}, CA: ca, APIKeyFile: file("key", "a2V5\n")}
	if s, err = elastic.New(withKey, elastic.Options{}); err != nil {
		t.Fatal(err)
	}
	if err := s.Ready(t.Context()); err != nil {
		t.Errorf("API key: %v", err)
	}
	withKey.CA = ""
	if s, err = elastic.New(withKey, elastic.Options{}); err != nil {
		t.Fatal(err)
	}
	var unknown x509.UnknownAuthorityError
	if err := s.Ready(t.Context()); !errors.As(err, &unknown) {
		t.Errorf("unknown authority: %v", err)
	}
	for name, bad := range map[string]elastic.Config{
		"no such file":   {URLs: []string{node}, User: "a", PasswordFile: filepath.Join(dir, "none")},
		"two lines":      {URLs: []string{node}, APIKeyFile: file("two", "a\nb\n")},
		"empty":          {URLs: []string{node}, APIKeyFile: file("empty", "\n")},
		"no certificate": {URLs: []string{node}, CA: file("no.pem", "x")},
	} {
		if _, err := elastic.New(bad, elastic.Options{}); err == nil || !strings.Contains(err.Error(), "elasticsearch.") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestValidate(t *testing.T) {
	minus := -1
	err := elastic.Config{
		URLs: []string{"localhost:9200", "https://u:p@h", "ftp://x"}, User: "u", APIKeyFile: "k", IndexPeriod: "year", Shards: -1,
		Replicas: &minus, Timeout: -1, MaxRequestBytes: 5,
	}.Validate()
	for _, part := range []string{"localhost:9200", "carries a user", "ftp://x", "api_key_file", "index_period", "shards", "replicas", "timeout", "max_request_bytes"} {
		if !strings.Contains(fmt.Sprint(err), part) {
			t.Errorf("%q is not in %v", part, err)
		}
	}
	if strings.Contains(err.Error(), "u:p") {
		t.Errorf("the error shows a password: %v", err)
	}
	if err := (elastic.Config{URLs: []string{"https://es:9200"}, User: "u", PasswordFile: "f"}).Validate(); err != nil {
		t.Error(err)
	}
}
