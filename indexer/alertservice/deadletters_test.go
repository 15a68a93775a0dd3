package alertservice_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"armor/indexer/store"
	"armor/internal/alertstream"
	"armor/internal/testenv"
	armorv1 "armor/proto/armor/v1"
)

func connect(t *testing.T) *alertstream.Conn {
	t.Helper()
	stream, err := alertstream.Connect(t.Context(), alertstream.Config{InProcess: testenv.NATS(t)}, slog.New(slog.DiscardHandler), prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stream.Close)
	return stream
}

func bury(t *testing.T, stream *alertstream.Conn, reason string, data []byte) {
	t.Helper()
	if err := stream.DeadLetter(t.Context(), reason, data, "because"); err != nil {
		t.Fatal(err)
	}
}

func encoded(t *testing.T, m proto.Message) []byte {
	t.Helper()
	data, err := proto.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// choosy is a store that takes alerts as its function says.
type choosy struct {
	store.Store
	write func(docs []store.Document) ([]store.Result, error)
}

func (c *choosy) Write(ctx context.Context, docs []store.Document) ([]store.Result, error) {
	results, err := c.write(docs)
	if err != nil {
		return nil, err
	}
	var fit []store.Document
	var places []int
	for i, r := range results {
		if r.Outcome == 0 {
			fit, places = append(fit, docs[i]), append(places, i)
		}
	}
	stored, err := c.Store.Write(ctx, fit)
	for n, r := range stored {
		results[places[n]] = r
	}
	return results, err
}

func retryAll(t *testing.T, c armorv1.AlertServiceClient, req *armorv1.RetryDeadLettersRequest) (map[uint64]string, error) {
	t.Helper()
	s, err := c.RetryDeadLetters(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	out := map[uint64]string{}
	for {
		r, err := s.Recv()
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return out, err
		}
		if (r.GetOutcome() == armorv1.DeadLetterOutcome_DEAD_LETTER_OUTCOME_FINISHED) != (r.GetReason() == "") {
			t.Errorf("%v", r)
		}
		out[r.GetNumber()] = r.GetReason()
	}
}

func numbers(t *testing.T, c armorv1.AlertServiceClient) []uint64 {
	t.Helper()
	var out []uint64
	for req := (&armorv1.ListDeadLettersRequest{PageSize: 300}); ; {
		resp, err := c.ListDeadLetters(t.Context(), req)
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range resp.GetLetters() {
			out = append(out, l.GetNumber())
		}
		if req.PageToken = resp.GetNextPageToken(); req.PageToken == "" {
			return out
		}
	}
}

// serveRetries is a manager's part, from when NATS knows of it.
func serveRetries(t *testing.T, stream *alertstream.Conn, evaluate func(*alertstream.Letter) error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = stream.ServeRetries(ctx, func(_ context.Context, l *alertstream.Letter) error { return evaluate(l) })
	}()
	t.Cleanup(func() { cancel(); <-ended })
	for errors.Is(stream.RetryEvent(t.Context(), 0), alertstream.ErrNoManager) {
		time.Sleep(5 * time.Millisecond)
	}
}

// An alert that is stored loses its letter, one that fails again keeps it, and nothing is there twice.
func TestRetryDeadLetters(t *testing.T) {
	stream := connect(t)
	broken := true
	s := &choosy{Store: filled(t, 1), write: func(docs []store.Document) ([]store.Result, error) {
		results := make([]store.Result, len(docs))
		for i, d := range docs {
			aside := bytes.Contains(d.JSON, []byte(`"unmapped_data"`))
			switch {
			case bytes.Contains(d.JSON, []byte("hopeless")), broken && bytes.Contains(d.JSON, []byte(`"odd"`)) && !aside:
				results[i] = store.Result{Outcome: store.Demote, Reason: "mapper_parsing_exception"}
			case broken && bytes.Contains(d.JSON, []byte("later")):
				results[i] = store.Result{Outcome: store.Retry, Reason: "queue full"}
			}
		}
		return results, nil
	}}
	c := client(t, s, stream)

	odd, hopeless, later := alert(2), alert(3), alert(4)
	odd.Data, hopeless.FullLog, later.FullLog = []byte(`{"odd":{"a":"1"}}`), []byte("hopeless"), []byte("later")
	bury(t, stream, alertstream.ReasonUnmappable, encoded(t, alert(0))) // it is in the store already
	bury(t, stream, alertstream.ReasonUnmappable, encoded(t, alert(1)))
	bury(t, stream, alertstream.ReasonUnmappable, encoded(t, odd))
	bury(t, stream, alertstream.ReasonUnmappable, encoded(t, hopeless))
	bury(t, stream, alertstream.ReasonRejected, encoded(t, later))
	bury(t, stream, alertstream.ReasonUndecodable, []byte{0xff, 0, 7})
	bury(t, stream, alertstream.ReasonPanic, encoded(t, &armorv1.Event{Sequence: 9, Body: []byte("x")}))
	bury(t, stream, "of_tomorrow", []byte("?"))
	for n := range 2 {
		origin := alertstream.Origin{AgentID: "001", AgentName: "web", SpoolID: "s"}
		if err := stream.DeadEvent(t.Context(), alertstream.ReasonPanic, encoded(t, &armorv1.Event{Sequence: uint64(n)}), origin, "because"); err != nil {
			t.Fatal(err)
		}
	}

	got, err := retryAll(t, c, &armorv1.RetryDeadLettersRequest{Filter: &armorv1.DeadLetterFilter{}})
	if err != nil {
		t.Fatal(err)
	}
	for number, part := range map[uint64]string{1: "", 2: "", 3: "", 4: "mapper_parsing", 5: "queue full", 6: "decoding an alert", 7: "armor agents replay", 8: "of_tomorrow", 9: "no manager", 10: "no manager"} {
		reason, ok := got[number]
		if !ok || (part == "") != (reason == "") || !strings.Contains(reason, part) {
			t.Errorf("letter %d: %q, %v; want %q", number, reason, ok, part)
		}
	}
	if left := fmt.Sprint(numbers(t, c)); left != "[4 5 6 7 8 9 10]" {
		t.Errorf("left: %s", left)
	}
	broken = false
	got, err = retryAll(t, c, &armorv1.RetryDeadLettersRequest{Numbers: []uint64{5, 1, 5}})
	if err != nil || !strings.Contains(got[1], "no such letter") || len(got) != 2 {
		t.Errorf("%v, %v", got, err)
	}
	if left := fmt.Sprint(numbers(t, c)); left != "[4 6 7 8 9 10]" {
		t.Errorf("left: %s", left)
	}
	serveRetries(t, stream, func(l *alertstream.Letter) error {
		if l.Number == 9 && l.Origin.AgentID == "001" && l.Origin.SpoolID == "s" {
			return nil
		}
		return errors.New("it panics again")
	})
	got, err = retryAll(t, c, &armorv1.RetryDeadLettersRequest{Numbers: []uint64{9, 10}})
	if err != nil || got[9] != "" || got[10] != "it panics again" {
		t.Errorf("%v, %v", got, err)
	}
	if left := fmt.Sprint(numbers(t, c)); left != "[4 6 7 8 10]" {
		t.Errorf("left: %s", left)
	}
	page, err := s.Search(t.Context(), store.Search{})
	if err != nil || page.Total != 4 {
		t.Errorf("%d alerts in the store, want 4: %v", page.Total, err)
	}
}

// The store's failure leaves every letter where it is, and so does the end of the process between storing and removing: the
// next retry finds the alerts there.
func TestRetryNeverLosesALetter(t *testing.T) {
	stream := connect(t)
	var away error
	s := &choosy{Store: filled(t, 0), write: func(docs []store.Document) ([]store.Result, error) {
		return make([]store.Result, len(docs)), away
	}}
	c := client(t, s, stream)
	const letters = 1300 // more than a page and a write
	for i := range letters {
		bury(t, stream, alertstream.ReasonUnmappable, encoded(t, alert(i)))
	}
	all := &armorv1.RetryDeadLettersRequest{Filter: &armorv1.DeadLetterFilter{Reason: alertstream.ReasonUnmappable}}
	away = errors.New("connection refused")
	if _, err := retryAll(t, c, all); status.Code(err) != codes.Unavailable {
		t.Errorf("with the store away: %v", err)
	}
	if n := len(numbers(t, c)); n != letters {
		t.Fatalf("%d letters, want %d", n, letters)
	}
	// Stored, and killed before the letters were removed.
	away = nil
	for i := range 500 {
		a := alert(i)
		if _, err := s.Write(t.Context(), []store.Document{{ID: a.Id, Time: a.Time.AsTime(), Alert: a, JSON: []byte(`{"@timestamp":"2026-07-10T10:00:00.000Z"}`)}}); err != nil {
			t.Fatal(err)
		}
	}
	got, err := retryAll(t, c, all)
	if err != nil || len(got) != letters {
		t.Errorf("%d answers, %v", len(got), err)
	}
	if n := len(numbers(t, c)); n != 0 {
		t.Errorf("%d letters are left", n)
	}
	if page, err := s.Search(t.Context(), store.Search{}); err != nil || page.Total != letters {
		t.Errorf("%d alerts in the store, want %d: %v", page.Total, letters, err)
	}
}

func TestGetAndRemoveDeadLetter(t *testing.T) {
	stream := connect(t)
	c := client(t, filled(t, 0), stream)
	read := time.Date(2026, 11, 23, 2, 40, 0, 0, time.UTC)
	event := encoded(t, &armorv1.Event{Sequence: 9, ReadTime: timestamppb.New(read), Location: "/var/log/auth.log", Body: []byte("a \xff\x1b[2J line")})
	bury(t, stream, alertstream.ReasonPanic, event)
	bury(t, stream, alertstream.ReasonUnmappable, encoded(t, alert(1)))
	bury(t, stream, alertstream.ReasonUndecodable, bytes.Repeat([]byte{0xff}, 2<<20))
	for number, want := range map[uint64]struct {
		kind armorv1.DeadLetterKind
		part string
		size int
	}{
		1: {armorv1.DeadLetterKind_DEAD_LETTER_KIND_EVENT, `"/var/log/auth.log"`, len(event)},
		2: {armorv1.DeadLetterKind_DEAD_LETTER_KIND_ALERT, `"rule":{"id":"101"`, len(encoded(t, alert(1)))},
		3: {armorv1.DeadLetterKind_DEAD_LETTER_KIND_ALERT, "", 2 << 20},
	} {
		r, err := c.GetDeadLetter(t.Context(), &armorv1.GetDeadLetterRequest{Number: number})
		if err != nil {
			t.Fatal(err)
		}
		l := r.GetLetter()
		if l.GetKind() != want.kind || !strings.Contains(r.GetDocument(), want.part) || len(r.GetData()) != want.size || l.GetSize() != uint64(want.size) ||
			l.GetDetail() != "because" || r.GetIncomplete() || (want.part == "") != (r.GetDocument() == "") {
			t.Errorf("letter %d: %v, document %s, %d bytes", number, l, r.GetDocument(), len(r.GetData()))
		}
		if want.part != "" && !json.Valid([]byte(r.GetDocument())) {
			t.Errorf("letter %d: %s", number, r.GetDocument())
		}
	}
	removed, err := c.RemoveDeadLetters(t.Context(), &armorv1.RemoveDeadLettersRequest{Numbers: []uint64{1, 3, 99}})
	if err != nil || removed.GetRemoved() != 2 || fmt.Sprint(numbers(t, c)) != "[2]" {
		t.Errorf("%v, %v", removed, err)
	}
}

func TestDeadLetterStatusCodes(t *testing.T) {
	here, without := client(t, filled(t, 0), connect(t)), client(t, filled(t, 0), nil)
	list := func(c armorv1.AlertServiceClient, r *armorv1.ListDeadLettersRequest) error {
		_, err := c.ListDeadLetters(t.Context(), r)
		return err
	}
	get := func(c armorv1.AlertServiceClient, n uint64) error {
		_, err := c.GetDeadLetter(t.Context(), &armorv1.GetDeadLetterRequest{Number: n})
		return err
	}
	retry := func(c armorv1.AlertServiceClient, r *armorv1.RetryDeadLettersRequest) error {
		_, err := retryAll(t, c, r)
		return err
	}
	remove := func(c armorv1.AlertServiceClient, n ...uint64) error {
		_, err := c.RemoveDeadLetters(t.Context(), &armorv1.RemoveDeadLettersRequest{Numbers: n})
		return err
	}
	for name, c := range map[string]struct {
		err  error
		code codes.Code
		part string
	}{
		"reason":            {list(here, &armorv1.ListDeadLettersRequest{Filter: &armorv1.DeadLetterFilter{Reason: "a.>"}}), codes.InvalidArgument, "filter.reason"},
		"time":              {list(here, &armorv1.ListDeadLettersRequest{Filter: &armorv1.DeadLetterFilter{Since: &timestamppb.Timestamp{Seconds: 1 << 60}}}), codes.InvalidArgument, "filter.since"},
		"page":              {list(here, &armorv1.ListDeadLettersRequest{PageSize: 1001}), codes.InvalidArgument, "page_size"},
		"token":             {list(here, &armorv1.ListDeadLettersRequest{PageToken: "x"}), codes.InvalidArgument, "page_token"},
		"none":              {get(here, 1), codes.NotFound, "no such dead letter"},
		"nothing to retry":  {retry(here, &armorv1.RetryDeadLettersRequest{}), codes.InvalidArgument, "filter"},
		"both":              {retry(here, &armorv1.RetryDeadLettersRequest{Numbers: []uint64{1}, Filter: &armorv1.DeadLetterFilter{}}), codes.InvalidArgument, "both"},
		"too many":          {retry(here, &armorv1.RetryDeadLettersRequest{Numbers: make([]uint64, 1001)}), codes.InvalidArgument, "1000"},
		"nothing to remove": {remove(here), codes.InvalidArgument, "numbers"},
		"list, no stream":   {list(without, &armorv1.ListDeadLettersRequest{}), codes.Unavailable, "armor up"},
		"get, no stream":    {get(without, 1), codes.Unavailable, "armor up"},
		"retry, no stream":  {retry(without, &armorv1.RetryDeadLettersRequest{Numbers: []uint64{1}}), codes.Unavailable, "armor up"},
		"remove, no stream": {remove(without, 1), codes.Unavailable, "armor up"},
	} {
		if status.Code(c.err) != c.code || !strings.Contains(fmt.Sprint(c.err), c.part) {
			t.Errorf("%s: %v, want %v with %q", name, c.err, c.code, c.part)
		}
	}
}
