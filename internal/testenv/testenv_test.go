package testenv

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

func TestNATSInProcess(t *testing.T) {
	server := NATS(t)
	conn, err := nats.Connect("", nats.InProcessServer(server))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.RTT(); err != nil {
		t.Fatal(err)
	}
}

func TestNATSProcessKeepsItsDataOverAKill(t *testing.T) {
	node := NATSProcess(t)
	conn, err := nats.Connect(node.URL())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	js, err := jetstream.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "S", Subjects: []string{"s"}}); err != nil {
		t.Fatal(err)
	}
	if _, err := js.Publish(t.Context(), "s", []byte("kept")); err != nil {
		t.Fatal(err)
	}
	conn.Close()
	before := node.PID()
	node.Kill()
	node.Start(t)
	if node.PID() == before {
		t.Fatal("the process is the same after a restart")
	}
	conn, err = nats.Connect(node.URL())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	js, err = jetstream.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	stream, err := js.Stream(t.Context(), "S")
	if err != nil {
		t.Fatal(err)
	}
	msg, err := stream.GetMsg(t.Context(), 1)
	if err != nil || string(msg.Data) != "kept" {
		t.Fatalf("message %v, error %v", msg, err)
	}
}

func TestElasticsearchIsReal(t *testing.T) {
	url := Elasticsearch(t)
	if again := Elasticsearch(t); again != url {
		t.Errorf("a second node: %s and %s", url, again)
	}
	put(t, url+"/_index_template/t", `{"index_patterns":["t-*"],"template":{"aliases":{"t":{}},"mappings":{"properties":{"n":{"type":"long"}}}}}`)
	put(t, url+"/t-1/_create/a?refresh=true", `{"n":1}`)
	resp, err := http.Get(url + "/t/_search?q=n:1")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || !strings.Contains(string(body), `"_id":"a"`) {
		t.Errorf("search: %s (%v)", body, err)
	}
	if product := resp.Header.Get("X-elastic-product"); product != "Elasticsearch" {
		t.Errorf("product %q", product)
	}
	WipeElasticsearch(t, url)
	gone, err := http.Get(url + "/t-1")
	if err != nil {
		t.Fatal(err)
	}
	gone.Body.Close()
	if gone.StatusCode != http.StatusNotFound {
		t.Errorf("an index after the wipe: %s", gone.Status)
	}
}

func TestElasticsearchProcessKeepsItsDataOverAKill(t *testing.T) {
	node := ElasticsearchProcess(t)
	url := node.URL()
	put(t, url+"/kept/_create/a", `{"n":1}`)
	node.Kill()
	node.Start(t)
	if node.URL() != url {
		t.Errorf("URL %s after a restart, %s before", node.URL(), url)
	}
	resp, err := http.Get(url + "/kept/_doc/a")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Errorf("the document after a kill: %s", resp.Status)
	}
}

func put(t *testing.T, url, body string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, url, bytes.NewBufferString(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode >= 300 {
		answer, _ := io.ReadAll(resp.Body)
		t.Fatalf("PUT %s: %s %s", url, resp.Status, answer)
	}
}
