package console

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"armor/indexer/elastic"
	"armor/indexer/store"
	"armor/internal/testenv"
)

// TestSameAnswersFromElasticsearch asks the embedded store and a real Elasticsearch node the same, and wants the same.
func TestSameAnswersFromElasticsearch(t *testing.T) {
	cluster := openElasticsearch(t)
	local := openStore(t)
	hits := seed(300, testNow, 7*time.Minute)
	for _, a := range hostile(testNow.AddDate(0, -2, 0)) {
		hits = append(hits, hit(a))
	}
	write(t, local, hits...)
	write(t, cluster, hits...)
	a, b := newHandler(t, Config{}, Deps{Store: local}), newHandler(t, Config{}, Deps{Store: cluster})
	id := hits[len(hits)-2].ID
	for _, path := range []string{
		"/api/v1/span", "/api/v1/values", "/api/v1/overview", "/api/v1/alerts", "/api/v1/alerts/" + id,
		"/api/v1/alerts?size=500", "/api/v1/overview?level=5", "/api/v1/overview?q=rule.level:>=5+AND+NOT+agent.name:audit-eu",
		"/api/v1/overview?f=data.aws.errorCode:Client.UnauthorizedOperation&n=cloud.region:us-east-1",
		"/api/v1/alerts?f=agent.name:web-%3Cu%3E01%3C/u%3E&size=3", "/api/v1/overview?since=2026-03-04T00:00:00Z&until=2026-03-05T00:00:00Z",
		"/api/v1/overview?f=data.aws.userIdentity.userName:marta&group=amazon", "/api/v1/overview?q=nothing:here", "/api/v1/alerts?q=RunInstances",
		"/api/v1/overview?q=rule.level:high", "/api/v1/overview?f=rule.level:high", "/api/v1/export?format=csv&level=12", "/api/v1/export?format=csv&order=oldest&level=5",
		"/api/v1/alerts?order=oldest&size=7", "/api/v1/boards/amazon-ec2", "/api/v1/boards/aws-overview?level=5", "/api/v1/boards/armor-overview", "/api/v1/boards/hosts", "/api/v1/alerts?board=hosts", "/api/v1/export?format=ndjson&f=rule.id:80309",
	} {
		x, y := request(t, a, path), request(t, b, path)
		if x.Code != y.Code {
			t.Errorf("%s: status %d and %d, %s", path, x.Code, y.Code, y.Body)
			continue
		}
		if x.Code == http.StatusOK && x.Body.Len() < 20 {
			t.Errorf("%s: only %q", path, x.Body)
		}
		if diff := cmp.Diff(asValue(x.Body.Bytes()), asValue(y.Body.Bytes())); diff != "" {
			t.Errorf("%s: embedded store and Elasticsearch differ:\n%s", path, diff)
		}
	}
}

// openElasticsearch opens a real Elasticsearch node without alerts.
func openElasticsearch(t *testing.T) store.Store {
	t.Helper()
	node := testenv.Elasticsearch(t)
	testenv.WipeElasticsearch(t, node)
	cluster, err := elastic.New(elastic.Config{URLs: []string{node}}, elastic.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cluster.Close() })
	if err := cluster.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	return cluster
}

// TestPageOnElasticsearch runs the flows of a person on Elasticsearch: what they want to see is the same.
func TestPageOnElasticsearch(t *testing.T) { runFlows(t, openElasticsearch) }

// asValue is JSON as a value, anything else as text.
func asValue(body []byte) any {
	var v any
	if err := json.Unmarshal(body, &v); err != nil {
		return string(body)
	}
	return v
}
