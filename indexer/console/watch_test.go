package console

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"armor/internal/alertstream"
	"armor/internal/testenv"
	armorv1 "armor/proto/armor/v1"
)

// script is a feed that gives what the test puts in.
type script chan scripted

type scripted struct {
	alert  *armorv1.Alert
	missed uint64
	err    error
}

func (s script) open(context.Context) (feed, error) { return s, nil }

func (s script) next(ctx context.Context) (*armorv1.Alert, uint64, error) {
	select {
	case one := <-s:
		return one.alert, one.missed, one.err
	case <-ctx.Done():
		return nil, 0, ctx.Err()
	}
}

func (s script) close() {}

// sentEvents reads server-sent events.
func sentEvents(t *testing.T, text string) (names []string, batches []batch) {
	t.Helper()
	for block := range strings.SplitSeq(strings.TrimSuffix(text, "\n\n"), "\n\n") {
		name, data, ok := strings.Cut(strings.TrimPrefix(block, "event: "), "\ndata: ")
		if !ok || strings.Contains(data, "\n") {
			t.Fatalf("not an event: %q", block)
		}
		names = append(names, name)
		if name == "alerts" {
			var b batch
			if err := json.Unmarshal([]byte(data), &b); err != nil {
				t.Fatal(err)
			}
			batches = append(batches, b)
		}
	}
	return names, batches
}

func TestWatchBatchesCountsAndBeats(t *testing.T) {
	path := writeToken(t)
	synctest.Test(t, func(t *testing.T) {
		s := make(script)
		c := newHandler(t, Config{TokenFile: path}, Deps{Store: &memory{}})
		c.feeds = s
		ctx, cancel := context.WithCancel(context.Background())
		w := httptest.NewRecorder()
		r := httptest.NewRequestWithContext(ctx, "GET", "/api/v1/watch", nil)
		ended := make(chan struct{})
		go func() { _ = c.watch(w, r); close(ended) }()
		for i := range 30 {
			s <- scripted{alert: hostile(testNow)[i%3], missed: uint64(i % 2)}
		}
		time.Sleep(20 * time.Second) // of the test's own clock
		s <- scripted{alert: ec2Alert(0, testNow)}
		time.Sleep(time.Second)
		cancel()
		<-ended
		names, batches := sentEvents(t, w.Body.String())
		if got := strings.Join(names, " "); got != "ready alerts heartbeat alerts" {
			t.Errorf("events: %s", got)
		}
		if len(batches) != 2 || batches[0].Count != 30 || batches[0].Missed != 15 || len(batches[0].Alerts) != batchLatest || batches[1].Count != 1 {
			t.Errorf("batches %+v", batches)
		}
		if len(c.watchers) != 0 {
			t.Error("the watcher still has its place")
		}
	})
}

func TestWatchEndsWithItsFeed(t *testing.T) {
	s := make(script, 1)
	s <- scripted{err: errors.New("closed")}
	c := newHandler(t, Config{}, Deps{Store: &memory{}})
	c.feeds = s
	if names, _ := sentEvents(t, request(t, c, "/api/v1/watch").Body.String()); strings.Join(names, " ") != "ready" {
		t.Errorf("events %v", names)
	}
}

func TestWatchersAreBounded(t *testing.T) {
	c := newHandler(t, Config{MaxWatchers: 2}, Deps{Store: &memory{}})
	c.feeds = make(script)
	base := serve(t, c)
	client := browserClient(t, base)
	open := func() (*http.Response, string) {
		res, err := client.Get(base + "/api/v1/watch")
		if err != nil {
			t.Fatal(err)
		}
		line, err := bufio.NewReader(res.Body).ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		return res, strings.TrimSpace(line)
	}
	first, event := open()
	if event != "event: ready" || first.Header.Get("Content-Type") != "text/event-stream" {
		t.Fatalf("%s, %v", event, first.Header)
	}
	second, _ := open()
	defer second.Body.Close()
	third, event := open()
	third.Body.Close()
	if event != "event: unavailable" {
		t.Errorf("third watcher: %s", event)
	}
	first.Body.Close()
	for { // the place becomes free when the server notices
		res, event := open()
		defer res.Body.Close()
		if event == "event: ready" {
			return
		}
	}
}

func TestWatchWithoutStream(t *testing.T) {
	c := newHandler(t, Config{}, Deps{Store: &memory{}})
	if names, _ := sentEvents(t, request(t, c, "/api/v1/watch").Body.String()); strings.Join(names, " ") != "unavailable" {
		t.Errorf("events %v", names)
	}
}

// connect makes a connection to a real NATS server inside the test.
func connect(t testing.TB) *alertstream.Conn {
	t.Helper()
	conn, err := alertstream.Connect(t.Context(), alertstream.Config{InProcess: testenv.NATS(t)}, slog.New(slog.DiscardHandler), prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	return conn
}

func publish(t testing.TB, p *alertstream.Publisher, alert *armorv1.Alert) {
	t.Helper()
	done := make(chan error, 1)
	if err := p.Publish(t.Context(), alert, func(err error) { done <- err }); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

func TestWatchShowsWhatTheManagerPublishes(t *testing.T) {
	conn := connect(t)
	base := serve(t, newHandler(t, Config{}, Deps{Store: &memory{}, Stream: conn}))
	res, err := browserClient(t, base).Get(base + "/api/v1/watch")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	lines := bufio.NewScanner(res.Body)
	publisher := conn.NewPublisher(16)
	defer publisher.Close()
	var seen uint64
	for lines.Scan() {
		switch {
		case lines.Text() == "event: ready":
			for _, alert := range hostile(testNow) {
				publish(t, publisher, alert)
			}
		case strings.HasPrefix(lines.Text(), "data: {\"count\""):
			var b batch
			if err := json.Unmarshal([]byte(strings.TrimPrefix(lines.Text(), "data: ")), &b); err != nil {
				t.Fatal(err)
			}
			if seen += b.Count; seen == 5 {
				return
			}
		}
	}
	t.Fatalf("the stream ended after %d alerts: %v", seen, lines.Err())
}
