package sample

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

func TestWriteCloudTrailIsRepeatable(t *testing.T) {
	dir := t.TempDir()
	for range 2 {
		if err := WriteCloudTrail(dir); err != nil {
			t.Fatal(err)
		}
	}
	found, err := filepath.Glob(filepath.Join(dir, "AWSLogs", "*", "CloudTrail", "*", "*", "*", "*", "*_CloudTrail_*.json*"))
	if err != nil || len(found) < 10 {
		t.Errorf("%d files, %v", len(found), err)
	}
}

func TestCopiesDifferInTheirEventIDOnly(t *testing.T) {
	all, err := records()
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range all {
		if len(eventID.FindAll(r, -1)) != 1 {
			t.Fatalf("not exactly one eventID in %s", r)
		}
	}
	dir := t.TempDir()
	if err := WriteCopies(dir, 2500); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 3 {
		t.Fatalf("%d files, %v", len(entries), err)
	}
	var one map[string]any
	if err := json.Unmarshal(eventID.ReplaceAllLiteral(all[0], []byte(`"eventID":"x"`)), &one); err != nil || one["eventID"] != "x" {
		t.Errorf("%v, %v", one["eventID"], err)
	}
}
