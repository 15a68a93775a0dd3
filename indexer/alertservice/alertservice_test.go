package alertservice_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"
	"google.golang.org/protobuf/types/known/timestamppb"

	"armor/indexer/alertservice"
	"armor/indexer/document"
	"armor/indexer/embedded"
	"armor/indexer/store"
	"armor/indexer/store/storetest"
	"armor/internal/alertstream"
	"armor/internal/testenv"
	armorv1 "armor/proto/armor/v1"
)

var july = time.Date(2026, 7, 10, 10, 0, 0, 0, time.UTC)

func alert(i int) *armorv1.Alert {
	return &armorv1.Alert{Id: fmt.Sprintf("%032x", i), Time: timestamppb.New(july.Add(time.Duration(i) * time.Second)),
		Rule:  &armorv1.AlertRule{Id: uint32(100 + i%2), Level: uint32(i % 10), Description: fmt.Sprintf("rule %d", i%2), Groups: []string{"g", fmt.Sprintf("g%d", i%3)}},
		Agent: &armorv1.AlertAgent{Id: "001", Name: "web"}, FullLog: []byte("log \xff")}
}

// client serves the service and connects to it.
func client(t *testing.T, s store.Store, stream *alertstream.Conn) armorv1.AlertServiceClient {
	t.Helper()
	l := bufconn.Listen(1 << 20)
	server := grpc.NewServer()
	armorv1.RegisterAlertServiceServer(server, alertservice.New(s, stream, slog.New(slog.DiscardHandler)))
	go func() { _ = server.Serve(l) }()
	t.Cleanup(server.Stop)
	conn, err := grpc.NewClient("passthrough:///test", grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return l.DialContext(ctx) }))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return armorv1.NewAlertServiceClient(conn)
}

func filled(t *testing.T, n int) store.Store {
	t.Helper()
	s, err := embedded.Open(t.TempDir(), embedded.Options{Now: storetest.Now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	var docs []store.Document
	for i := range n {
		a := alert(i)
		docs = append(docs, store.Document{ID: a.Id, Time: document.Time(a), Alert: a, JSON: document.Append(nil, a, time.Time{})})
	}
	if _, err := s.Write(t.Context(), docs); err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSearch(t *testing.T) {
	c := client(t, filled(t, 120), nil)
	resp, err := c.SearchAlerts(t.Context(), &armorv1.SearchAlertsRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if len(resp.GetDocuments()) != 50 || resp.GetTotal() != 120 || resp.GetNextPageToken() == "" {
		t.Errorf("%d documents of %d", len(resp.GetDocuments()), resp.GetTotal())
	}
	req := &armorv1.SearchAlertsRequest{PageSize: 7, Filter: &armorv1.AlertFilter{Query: "rule.id:101",
		Since: timestamppb.New(july.Add(20 * time.Second)), Until: timestamppb.New(july.Add(100 * time.Second))}}
	seen := map[string]bool{}
	for {
		resp, err := c.SearchAlerts(t.Context(), req)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range resp.GetDocuments() {
			if seen[d] || !strings.Contains(d, `"id":"101"`) {
				t.Errorf("%s", d)
			}
			seen[d] = true
		}
		if resp.GetTotal() != 40 {
			t.Errorf("total %d on a page, want 40 on each", resp.GetTotal())
		}
		if req.PageToken = resp.GetNextPageToken(); req.PageToken == "" {
			break
		}
	}
	if len(seen) != 40 {
		t.Errorf("%d documents over all pages, want 40", len(seen))
	}
}

func TestPageOfLargeDocumentsIsShorter(t *testing.T) {
	s := filled(t, 0)
	var docs []store.Document
	for i := range 60 {
		a := alert(i)
		a.FullLog = bytes.Repeat([]byte("x"), 1<<20)
		docs = append(docs, store.Document{ID: a.Id, Time: document.Time(a), Alert: a, JSON: document.Append(nil, a, time.Time{})})
	}
	if _, err := s.Write(t.Context(), docs); err != nil {
		t.Fatal(err)
	}
	c := client(t, s, nil)
	req := &armorv1.SearchAlertsRequest{PageSize: 1000}
	seen, pages := map[string]bool{}, 0
	for {
		resp, err := c.SearchAlerts(t.Context(), req, grpc.MaxCallRecvMsgSize(64<<20))
		if err != nil {
			t.Fatal(err)
		}
		pages++
		for _, d := range resp.GetDocuments() {
			seen[d[:200]] = true
		}
		if req.PageToken = resp.GetNextPageToken(); req.PageToken == "" {
			break
		}
	}
	if len(seen) != 60 || pages != 2 {
		t.Errorf("%d documents over %d pages, want 60 over 2", len(seen), pages)
	}
}

func TestAggregate(t *testing.T) {
	c := client(t, filled(t, 120), nil)
	resp, err := c.AggregateAlerts(t.Context(), &armorv1.AggregateAlertsRequest{Field: "rule.groups", Size: 2, IntervalSeconds: 60})
	if err != nil {
		t.Fatal(err)
	}
	b := resp.GetBuckets()
	if resp.GetTotal() != 120 || resp.GetOther() != 80 || len(b) != 2 || b[0].GetKey() != "g" || b[0].GetCount() != 120 || b[1].GetKey() != "g0" || b[1].GetCount() != 40 {
		t.Errorf("%v", resp)
	}
	if times := b[0].GetTimes(); len(times) != 2 || times[0].GetCount() != 60 || !times[0].GetStart().AsTime().Equal(july) {
		t.Errorf("%v", times)
	}
	resp, err = c.AggregateAlerts(t.Context(), &armorv1.AggregateAlertsRequest{Filter: &armorv1.AlertFilter{Query: "rule.id:none"}})
	if err != nil || len(resp.GetBuckets()) != 1 || resp.GetTotal() != 0 {
		t.Errorf("%v, %v", resp, err)
	}
}

// away is a store that does not answer.
type away struct{ store.Store }

func (away) Search(context.Context, store.Search) (store.Page, error) {
	return store.Page{}, errors.New("connection refused")
}

func (away) Aggregate(context.Context, store.Aggregation) (store.Aggregate, error) {
	return store.Aggregate{}, errors.New("connection refused")
}

func TestStatusCodes(t *testing.T) {
	here, gone := client(t, filled(t, 3), nil), client(t, away{}, nil)
	search := func(c armorv1.AlertServiceClient, r *armorv1.SearchAlertsRequest) error {
		_, err := c.SearchAlerts(t.Context(), r)
		return err
	}
	count := func(c armorv1.AlertServiceClient, r *armorv1.AggregateAlertsRequest) error {
		_, err := c.AggregateAlerts(t.Context(), r)
		return err
	}
	query := func(text string) *armorv1.AlertFilter { return &armorv1.AlertFilter{Query: text} }
	for name, c := range map[string]struct {
		err  error
		code codes.Code
		part string
	}{
		"syntax":            {search(here, &armorv1.SearchAlertsRequest{Filter: query("a AND")}), codes.InvalidArgument, "position 6"},
		"meaning":           {search(here, &armorv1.SearchAlertsRequest{Filter: query("a rule.level:x")}), codes.InvalidArgument, "position 3"},
		"page too large":    {search(here, &armorv1.SearchAlertsRequest{PageSize: 10_001}), codes.InvalidArgument, "page_size"},
		"page of 4 billion": {search(here, &armorv1.SearchAlertsRequest{PageSize: 1<<32 - 1}), codes.InvalidArgument, "page_size"},
		"token":             {search(here, &armorv1.SearchAlertsRequest{PageToken: "?"}), codes.InvalidArgument, "page_token"},
		"token of others":   {search(here, &armorv1.SearchAlertsRequest{PageToken: "YWJj"}), codes.InvalidArgument, "page_token"},
		"no time":           {search(here, &armorv1.SearchAlertsRequest{Filter: &armorv1.AlertFilter{Since: &timestamppb.Timestamp{Seconds: 1 << 60}}}), codes.InvalidArgument, "filter.since"},
		"store away":        {search(gone, &armorv1.SearchAlertsRequest{}), codes.Unavailable, "connection refused"},
		"count by text":     {count(here, &armorv1.AggregateAlertsRequest{Field: "full_log"}), codes.InvalidArgument, "full_log"},
		"too many values":   {count(here, &armorv1.AggregateAlertsRequest{Field: "rule.id", Size: 5000}), codes.InvalidArgument, "1000"},
		"count, store away": {count(gone, &armorv1.AggregateAlertsRequest{}), codes.Unavailable, "connection refused"},
		"count, syntax":     {count(here, &armorv1.AggregateAlertsRequest{Filter: query("(")}), codes.InvalidArgument, "position"},
	} {
		if status.Code(c.err) != c.code || !strings.Contains(fmt.Sprint(c.err), c.part) {
			t.Errorf("%s: %v, want %v with %q", name, c.err, c.code, c.part)
		}
	}
	w, err := here.WatchAlerts(t.Context(), &armorv1.WatchAlertsRequest{})
	if err == nil {
		_, err = w.Recv()
	}
	if status.Code(err) != codes.Unavailable {
		t.Errorf("watching without a stream: %v", err)
	}
}

func TestWatch(t *testing.T) {
	stream, err := alertstream.Connect(t.Context(), alertstream.Config{InProcess: testenv.NATS(t)}, slog.New(slog.DiscardHandler), prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	c := client(t, filled(t, 0), stream)
	ctx, cancel := context.WithCancel(t.Context())
	w, err := c.WatchAlerts(ctx, &armorv1.WatchAlertsRequest{MinLevel: 5})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Header(); err != nil { // the watch has begun
		t.Fatal(err)
	}
	p := stream.NewPublisher(16)
	defer p.Close()
	for i := range 20 {
		if err := p.Publish(t.Context(), alert(i), func(error) {}); err != nil {
			t.Fatal(err)
		}
	}
	for _, i := range []int{5, 6, 7, 8, 9, 15, 16, 17, 18, 19} {
		got, err := w.Recv()
		if err != nil {
			t.Fatal(err)
		}
		if want := string(document.Append(nil, alert(i), time.Time{})); got.GetDocument() != want || got.GetMissed() != 0 {
			t.Errorf("alert %d: %v, want %s", i, got, want)
		}
	}
	cancel()
	if _, err := w.Recv(); status.Code(err) != codes.Canceled && !errors.Is(err, io.EOF) {
		t.Errorf("after the caller's end: %v", err)
	}
	w, err = c.WatchAlerts(t.Context(), &armorv1.WatchAlertsRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Header(); err != nil {
		t.Fatal(err)
	}
	stream.Close()
	if _, err := w.Recv(); status.Code(err) != codes.Unavailable {
		t.Errorf("after NATS was closed: %v", err)
	}
}
