package elastic_test

import (
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"armor/indexer/document"
	"armor/indexer/store"
	"armor/internal/testenv"
	armorv1 "armor/proto/armor/v1"
)

// records reads all CloudTrail records of the shared test data.
func records(t *testing.T) []json.RawMessage {
	t.Helper()
	var all []json.RawMessage
	err := filepath.WalkDir(filepath.Join(testenv.Data(t), "cloudtrail"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".json") && !strings.HasSuffix(path, ".json.gz") {
			return err
		}
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer f.Close()
		var r io.Reader = f
		if strings.HasSuffix(path, ".gz") {
			if r, err = gzip.NewReader(f); err != nil {
				return err
			}
		}
		var file struct{ Records []json.RawMessage }
		if err := json.NewDecoder(r).Decode(&file); err != nil {
			return err
		}
		all = append(all, file.Records...)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// withoutNulls drops members that are null, as the CloudTrail decoder does.
func withoutNulls(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for name, inner := range v {
			if inner == nil {
				delete(v, name)
				continue
			}
			v[name] = withoutNulls(inner)
		}
	case []any:
		for i := range v {
			v[i] = withoutNulls(v[i])
		}
	}
	return v
}

// Real CloudTrail records, whose members change their type from one to the next, are all stored with their data mapped.
func TestRealCloudTrailRecords(t *testing.T) {
	all := records(t)
	if len(all) < 4000 {
		t.Fatalf("%d records, want at least 4000", len(all))
	}
	s := open(t)
	var docs []store.Document
	names := map[string]uint64{}
	seen := map[string]bool{}
	for _, r := range all {
		sum := sha256.Sum256(r)
		id := hex.EncodeToString(sum[:16])
		if seen[id] {
			continue
		}
		seen[id] = true
		d := json.NewDecoder(strings.NewReader(string(r)))
		d.UseNumber()
		var record map[string]any
		if err := d.Decode(&record); err != nil {
			t.Fatal(err)
		}
		record = withoutNulls(record).(map[string]any)
		data, err := json.Marshal(map[string]any{"integration": "aws", "aws": record})
		if err != nil {
			t.Fatal(err)
		}
		at, _ := time.Parse(time.RFC3339, strings.Trim(string(mustRaw(t, record["eventTime"])), `"`))
		a := &armorv1.Alert{Id: id, Time: timestamppb.New(at), Rule: &armorv1.AlertRule{Id: 80300, Description: "record"}, Data: data, FullLog: r}
		docs = append(docs, store.Document{ID: id, Time: document.Time(a), Alert: a, JSON: document.Append(nil, a, time.Time{})})
		if name, ok := record["eventName"].(string); ok {
			names[name]++
		}
	}
	for part := range slices.Chunk(docs, 1000) {
		results, err := s.Write(t.Context(), part)
		if err != nil {
			t.Fatal(err)
		}
		for i, r := range results {
			if r.Outcome != store.Created {
				t.Errorf("%v: %s\n%.400s", r.Outcome, r.Reason, part[i].JSON)
			}
		}
	}
	if err := s.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	got, err := s.Aggregate(t.Context(), store.Aggregation{Field: "data.aws.eventName", Size: store.MaxValues})
	if err != nil {
		t.Fatal(err)
	}
	if got.Total != uint64(len(docs)) || len(got.Buckets) != len(names) {
		t.Errorf("%d records with %d names, want %d with %d", got.Total, len(got.Buckets), len(docs), len(names))
	}
	for _, b := range got.Buckets {
		if names[b.Key] != b.Count {
			t.Errorf("%s: %d, want %d", b.Key, b.Count, names[b.Key])
		}
	}
	t.Logf("%d records stored, none with its data set aside", len(docs))
}

func mustRaw(t *testing.T, v any) []byte {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
