package elastic_test

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/protobuf/types/known/timestamppb"

	"armor/indexer"
	"armor/indexer/elastic"
	"armor/indexer/store"
	"armor/indexer/store/storetest"
	"armor/internal/alertstream"
	"armor/internal/testenv"
	armorv1 "armor/proto/armor/v1"
)

// proxy stands before the real node and does what its fault says to bulk requests.
type proxy struct {
	*httptest.Server
	node string

	mu      sync.Mutex
	fault   fault
	bulks   int
	refuses func(r *http.Request, body []byte) string // a reason refuses a request
}

// fault handles the n-th bulk request (from 1). forward sends it to the node and gives its answer.
type fault func(n int, w http.ResponseWriter, body []byte, forward func() (int, []byte))

func newProxy(t *testing.T, node string, f fault) *proxy {
	t.Helper()
	p := &proxy{node: node, fault: f}
	p.Server = httptest.NewServer(http.HandlerFunc(p.serve))
	t.Cleanup(p.Close)
	return p
}

func (p *proxy) serve(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	forward := func() (int, []byte) {
		u, _ := url.Parse(p.node)
		u.Path, u.RawQuery = r.URL.Path, r.URL.RawQuery
		req, _ := http.NewRequest(r.Method, u.String(), bytes.NewReader(body))
		req.Header = r.Header.Clone()
		req.Header.Del("Accept-Encoding")
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			return http.StatusBadGateway, []byte(err.Error())
		}
		defer resp.Body.Close()
		answer, _ := io.ReadAll(resp.Body)
		return resp.StatusCode, answer
	}
	if strings.HasPrefix(r.URL.Path, "/_bulk") && p.fault != nil {
		p.mu.Lock()
		p.bulks++
		n := p.bulks
		p.mu.Unlock()
		p.fault(n, w, body, forward)
		return
	}
	if p.refuses != nil {
		if reason := p.refuses(r, body); reason != "" {
			refuse(w, http.StatusBadRequest, "illegal_argument_exception", reason)
			return
		}
	}
	status, answer := forward()
	reply(w, status, answer)
}

// reply answers as Elasticsearch does.
func reply(w http.ResponseWriter, status int, body []byte) {
	w.Header().Set("X-Elastic-Product", "Elasticsearch")
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

func refuse(w http.ResponseWriter, status int, kind, reason string) {
	reply(w, status, fmt.Appendf(nil, `{"error":{"type":%q,"reason":%q},"status":%d}`, kind, reason, status))
}

// cut closes the connection without an answer.
func cut(w http.ResponseWriter) {
	if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
		_ = conn.Close()
	}
}

// line is a whole path from NATS to Elasticsearch.
type line struct {
	t      *testing.T
	node   string
	direct *elastic.Store // past the proxy
	stream *alertstream.Conn
	x      *indexer.Indexer
}

// newLine starts an indexer that writes to the node through the address given; empty: directly.
func newLine(t *testing.T, node, address string, change func(*elastic.Config)) *line {
	t.Helper()
	testenv.WipeElasticsearch(t, node)
	log := slog.New(slog.DiscardHandler)
	if testing.Verbose() {
		log = slog.New(slog.NewTextHandler(os.Stderr, nil))
	}
	if address == "" {
		address = node
	}
	cfg := elastic.Config{URLs: []string{address}}
	if change != nil {
		change(&cfg)
	}
	s, err := elastic.New(cfg, elastic.Options{Log: log, Now: storetest.Now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	stream, err := alertstream.Connect(t.Context(), alertstream.Config{InProcess: testenv.NATS(t)}, log, prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stream.Close)
	x, err := indexer.New(indexer.Config{DataDir: t.TempDir()}, indexer.Deps{Stream: stream, Store: s}, log, prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	return &line{t: t, node: node, direct: at(t, node), stream: stream, x: x}
}

// start runs the indexer until the end of the test.
func (l *line) start() {
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := l.x.Run(l.t.Context()); err != nil {
			l.t.Errorf("Run: %v", err)
		}
	}()
	l.t.Cleanup(func() {
		<-done // the test's context has ended
		if c := l.x.Status().GetCounters(); c["received"] != c["indexed"]+c["duplicate"]+c["redelivered"]+c["dead_letter"] {
			l.t.Errorf("the counters do not balance at rest: %v", c)
		}
	})
}

func lineAlert(i int) *armorv1.Alert {
	at := time.Date(2026, 7, 10, 10, 0, 0, 0, time.UTC).Add(time.Duration(i) * time.Second)
	return &armorv1.Alert{Id: fmt.Sprintf("%032x", i), Time: timestamppb.New(at),
		Rule: &armorv1.AlertRule{Id: uint32(100 + i%3), Level: 3, Description: "rule", Groups: []string{"g"}},
		Data: []byte(`{"n":"1"}`), FullLog: []byte("a log line")}
}

func (l *line) publish(alerts ...*armorv1.Alert) {
	l.t.Helper()
	p := l.stream.NewPublisher(256)
	defer p.Close()
	var open sync.WaitGroup
	for _, a := range alerts {
		open.Add(1)
		err := p.Publish(l.t.Context(), a, func(err error) {
			if err != nil {
				l.t.Errorf("publishing: %v", err)
			}
			open.Done()
		})
		if err != nil {
			l.t.Fatal(err)
		}
	}
	open.Wait()
}

func numbered(n int) []*armorv1.Alert {
	var alerts []*armorv1.Alert
	for i := range n {
		alerts = append(alerts, lineAlert(i))
	}
	return alerts
}

func (l *line) await(what string, holds func() bool) {
	l.t.Helper()
	limit := time.After(2 * time.Minute)
	for tick := time.NewTicker(10 * time.Millisecond); !holds(); {
		select {
		case <-tick.C:
		case <-limit:
			l.t.Fatalf("waited in vain: %s (ready: %v)", what, l.x.Ready())
		}
	}
}

// awaitReason waits until readiness is red for a reason.
func (l *line) awaitReason(part string) {
	l.t.Helper()
	l.await("readiness says "+part, func() bool { return strings.Contains(fmt.Sprint(l.x.Ready()), part) })
}

// finish waits until everything is done and checks that the node has every alert once.
func (l *line) finish(alerts, deadLetters int) {
	l.t.Helper()
	l.await("idle", l.x.Idle)
	if err := l.direct.Refresh(l.t.Context()); err != nil {
		l.t.Fatal(err)
	}
	page, err := l.direct.Search(l.t.Context(), store.Search{})
	if err != nil {
		l.t.Fatal(err)
	}
	if page.Total != uint64(alerts) {
		l.t.Errorf("%d alerts in Elasticsearch, want %d", page.Total, alerts)
	}
	c := l.x.Status().GetCounters()
	if c["indexed"] != uint64(alerts) || c["dead_letter"] != uint64(deadLetters) ||
		c["received"] != c["indexed"]+c["duplicate"]+c["redelivered"]+c["dead_letter"] {
		l.t.Errorf("counters %v", c)
	}
}

// ask sends a request to the node, past everything.
func (l *line) ask(method, path, body string) {
	l.t.Helper()
	req, err := http.NewRequest(method, l.node+path, strings.NewReader(body))
	if err != nil {
		l.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		l.t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, _ := io.ReadAll(resp.Body)
	if resp.StatusCode >= 300 {
		l.t.Fatalf("%s %s: %s %s", method, path, resp.Status, answer)
	}
}
