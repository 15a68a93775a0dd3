package elastic_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"armor/internal/testenv"
)

// A backfill lands in the months of its events, whenever it was read and indexed; a document says all three times.
func TestBackfillLandsInItsMonth(t *testing.T) {
	node := testenv.Elasticsearch(t)
	l := newLine(t, node, "", nil)
	read := time.Date(2026, 7, 2, 8, 0, 0, 0, time.UTC)
	alerts := numbered(40)
	for i, a := range alerts {
		a.ReadTime, a.DetectedTime = timestamppb.New(read), timestamppb.New(read.Add(time.Second))
		a.Time = timestamppb.New(time.Date(2026, 6, 30, 23, 59, 59, 999_000_000, time.UTC).Add(time.Duration(i/20) * time.Millisecond))
	}
	before := time.Now().Truncate(time.Millisecond)
	l.publish(alerts...)
	l.start()
	l.finish(40, 0)
	for _, index := range []string{"armor-alerts-2026.06", "armor-alerts-2026.07"} {
		resp, err := http.Get(node + "/" + index + "/_search?size=1000")
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		var form struct {
			Hits struct {
				Hits []struct {
					Source struct {
						Timestamp time.Time `json:"@timestamp"`
						Event     struct{ Created, Ingested time.Time }
					} `json:"_source"`
				}
			}
		}
		if err := json.NewDecoder(resp.Body).Decode(&form); err != nil {
			t.Fatal(err)
		}
		if len(form.Hits.Hits) != 20 {
			t.Errorf("%s has %d alerts, want 20", index, len(form.Hits.Hits))
		}
		for _, h := range form.Hits.Hits {
			s := h.Source
			if !strings.HasSuffix(index, s.Timestamp.UTC().Format("2006.01")) || !s.Event.Created.Equal(read) ||
				s.Event.Ingested.Before(before) || s.Event.Ingested.After(time.Now()) {
				t.Errorf("%s: happened %v, read %v, indexed %v", index, s.Timestamp, s.Event.Created, s.Event.Ingested)
			}
		}
	}
}
