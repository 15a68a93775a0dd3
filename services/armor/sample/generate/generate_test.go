package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// folder reads every file below dir, unpacked, by its path.
func folder(t *testing.T, dir string) map[string]string {
	t.Helper()
	got := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if strings.HasSuffix(path, ".gz") {
			r, err := gzip.NewReader(bytes.NewReader(content))
			if err != nil {
				return err
			}
			if content, err = io.ReadAll(r); err != nil {
				return err
			}
		}
		name, err := filepath.Rel(dir, path)
		got[name] = string(content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// The committed folder is what the generator writes; `go generate ./services/armor/sample` brings it up to date.
func TestCommittedFolderIsGenerated(t *testing.T) {
	dir := t.TempDir()
	files, records, err := write(dir, newStory(seed).tell())
	if err != nil {
		t.Fatal(err)
	}
	if files < 10 || records < 300 {
		t.Errorf("%d records in %d files: too few for a sample", records, files)
	}
	if diff := cmp.Diff(folder(t, dir), folder(t, filepath.Join("..", "cloudtrail"))); diff != "" {
		t.Errorf("the committed folder differs from what the generator writes (-generated +committed):\n%s", diff)
	}
}

// Every call that a rule of the EC2 use cases fires on is there, allowed and refused; nothing belongs to a real account.
func TestStoryReachesEveryRule(t *testing.T) {
	want := map[[2]string]bool{
		{"RunInstances", ""}: false, {"RunInstances", refused}: false,
		{"StartInstances", ""}: false, {"StartInstances", refused}: false,
		{"StopInstances", ""}: false, {"StopInstances", refused}: false,
		{"CreateSecurityGroup", ""}: false, {"AllocateAddress", ""}: false, {"AssociateAddress", ""}: false,
		{"DescribeInstances", ""}: false,
	}
	documentation := []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("198.51.100.0/24"), netip.MustParsePrefix("203.0.113.0/24")}
	seen := map[string]bool{}
	for _, r := range newStory(seed).tell() {
		if r.EventSource == "ec2.amazonaws.com" {
			want[[2]string{r.EventName, r.ErrorCode}] = true
		}
		if seen[r.EventID] {
			t.Errorf("event id %s occurs twice", r.EventID)
		}
		seen[r.EventID] = true
		if r.RecipientAccount != production && r.RecipientAccount != development {
			t.Errorf("account %s is no documentation account", r.RecipientAccount)
		}
		if address, err := netip.ParseAddr(r.SourceIPAddress); err == nil {
			inside := false
			for _, prefix := range documentation {
				inside = inside || prefix.Contains(address)
			}
			if !inside {
				t.Errorf("address %s is no documentation address", address)
			}
		}
		if text, err := compact(r); err != nil || !json.Valid(text) {
			t.Errorf("record %s is not JSON: %v", r.EventID, err)
		}
	}
	for call, there := range want {
		if !there {
			t.Errorf("no record for %v", call)
		}
	}
}
