package indexer

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"armor/indexer/embedded"
	"armor/indexer/store"
	armorv1 "armor/proto/armor/v1"
)

// A backfill lands in the files of its months, whenever it was read and indexed; a document says all three times.
func TestBackfillLandsInItsMonth(t *testing.T) {
	r := newRig(t)
	dir := t.TempDir()
	s, err := embedded.Open(dir, embedded.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	r.store = s
	read, now := time.Date(2026, 7, 2, 8, 0, 0, 0, time.UTC), time.Date(2026, 8, 1, 0, 0, 0, 5_000_000, time.UTC)
	var alerts []*armorv1.Alert
	for i := range 40 {
		a := testAlert(i)
		a.ReadTime, a.DetectedTime = timestamppb.New(read), timestamppb.New(read.Add(time.Second))
		a.Time = timestamppb.New(time.Date(2026, 6, 30, 23, 59, 59, 999_000_000, time.UTC).Add(time.Duration(i/20) * time.Millisecond))
		alerts = append(alerts, a)
	}
	r.publish(alerts...)
	x := r.indexer(nil, Config{})
	x.deps.Now = func() time.Time { return now }
	stop := r.run(x)
	r.await("idle", x.Idle)
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	for month, first := range map[string]time.Time{"2026.06": time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC), "2026.07": time.Date(2026, 7, 1, 0, 0, 0, 0, time.UTC)} {
		page, err := s.Search(t.Context(), store.Search{Filter: store.Filter{Since: first, Until: first.AddDate(0, 1, 0)}, Size: 100})
		if err != nil || len(page.Hits) != 20 {
			t.Fatalf("%s: %d alerts, %v", month, len(page.Hits), err)
		}
		for _, h := range page.Hits {
			var d struct {
				Timestamp time.Time `json:"@timestamp"`
				Event     struct{ Created, Ingested time.Time }
			}
			if err := json.Unmarshal(h.JSON, &d); err != nil {
				t.Fatal(err)
			}
			if d.Timestamp.UTC().Format("2006.01") != month || !d.Event.Created.Equal(read) || !d.Event.Ingested.Equal(now) {
				t.Errorf("%s: happened %v, read %v, indexed %v", month, d.Timestamp, d.Event.Created, d.Event.Ingested)
			}
		}
	}
	var files []string
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if filepath.Ext(e.Name()) == ".db" {
			files = append(files, e.Name())
		}
	}
	if len(files) != 2 || !strings.Contains(files[0], "2026.06") || !strings.Contains(files[1], "2026.07") {
		t.Errorf("files %v, want those of two months", files)
	}
	deleted, err := s.DeleteBefore(t.Context(), time.Date(2026, 7, 1, 0, 0, 0, 0, time.UTC))
	if err != nil || len(deleted) != 1 {
		t.Errorf("deleted %v, %v", deleted, err)
	}
	page, err := s.Search(t.Context(), store.Search{})
	if err != nil || page.Total != 20 {
		t.Errorf("%d alerts without June's file, want July's 20: %v", page.Total, err)
	}
}
