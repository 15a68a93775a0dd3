package digest

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/gzip"

	"armor/agent/cloudtrail/archive"
	"armor/agent/cloudtrail/cloudtest"
	"armor/internal/testenv"
)

const account = "111122223333"

var begin = time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC)

func zip(data []byte) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = w.Write(data)
	_ = w.Close()
	return b.Bytes()
}

func hash(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// trail is what CloudTrail lays down in hours: four log files and a digest an hour.
func trail(bucket, region string, hours int) (files map[string][]byte) {
	files = map[string][]byte{}
	previous, previousHash := "", ""
	for h := range hours {
		start, end := begin.Add(time.Duration(h)*time.Hour), begin.Add(time.Duration(h+1)*time.Hour)
		d := Digest{Account: account, Start: start, End: end, Bucket: bucket, Previous: previous, PreviousHash: previousHash}
		for n := range 4 {
			at := start.Add(time.Duration(n) * 15 * time.Minute)
			key := fmt.Sprintf("AWSLogs/%s/CloudTrail/%s/%s/%s_CloudTrail_%s_%s_x%d.json.gz", account, region, at.Format("2006/01/02"), account, region, at.Format("20060102T1504Z"), n)
			content := []byte(fmt.Sprintf(`{"Records":[{"eventID":"%s"}]}`, key))
			files[key] = zip(content)
			d.LogFiles = append(d.LogFiles, LogFile{bucket, key, hash(content), "SHA-256"})
		}
		d.Object = digestKey(region, h)
		text, _ := json.Marshal(d)
		files[d.Object] = zip(text)
		previous, previousHash = d.Object, hash(text)
	}
	return files
}

func digestKey(region string, hour int) string {
	end := begin.Add(time.Duration(hour+1) * time.Hour)
	return fmt.Sprintf("AWSLogs/%s/CloudTrail-Digest/%s/%s/%s_CloudTrail-Digest_%s_trail_us-east-1_%s.json.gz", account, region, end.Format("2006/01/02"), account, region, end.Format("20060102T150405Z"))
}

func logKey(region string, hour, n int) string {
	at := begin.Add(time.Duration(hour)*time.Hour + time.Duration(n)*15*time.Minute)
	return fmt.Sprintf("AWSLogs/%s/CloudTrail/%s/%s/%s_CloudTrail_%s_%s_x%d.json.gz", account, region, at.Format("2006/01/02"), account, region, at.Format("20060102T1504Z"), n)
}

func kinds(r Report) map[string]Kind {
	out := map[string]Kind{}
	for _, f := range r.Findings {
		out[f.Key] = f.Kind
	}
	return out
}

func TestVerify(t *testing.T) {
	cloudtest.Environment(t)
	cloud := cloudtest.New(t, testenv.Moto(t).URL())
	bucket := cloud.Bucket("digests")
	files := trail(bucket, "us-east-1", 5)
	maps.Copy(files, trail(bucket, "eu-west-1", 3))
	for key, data := range files {
		cloud.Put(bucket, key, data)
	}
	from := archive.Bucket(cloud.S3, bucket)
	steps := 0
	r, err := Verify(t.Context(), from, Options{Concurrency: 1, Progress: func(done, known int) { steps = done; _ = known }})
	if err != nil || r.Digests != 8 || r.LogFiles != 32 || r.Correct != 32 || len(r.Findings) > 0 || steps != 32 {
		t.Fatalf("%+v, %v, %d steps", r, err, steps)
	}
	r, err = Verify(t.Context(), from, Options{Since: begin.Add(3 * time.Hour), Regions: []string{"us-east-1"}})
	if err != nil || r.Digests != 3 || r.Correct != 12 || len(r.Findings) > 0 {
		t.Errorf("in a span: %+v, %v", r, err)
	}
	r, err = Verify(t.Context(), from, Options{Regions: []string{"eu-west-1"}, Read: func(b, key string) bool { return b == bucket && key != logKey("eu-west-1", 1, 2) }})
	if diff := cmp.Diff(map[string]Kind{logKey("eu-west-1", 1, 2): Unread}, kinds(r)); diff != "" || err != nil {
		t.Error(diff, err)
	}
	// A log file is removed, one is changed, one is damaged; a digest is removed, and one is changed with the log files that it names.
	mirror := t.TempDir()
	put := func(key string, data []byte) {
		path := filepath.Join(mirror, filepath.FromSlash(key))
		_ = os.MkdirAll(filepath.Dir(path), 0o755)
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for key, data := range files {
		put(key, data)
	}
	_ = os.Remove(filepath.Join(mirror, logKey("us-east-1", 0, 1)))
	put(logKey("us-east-1", 0, 2), zip([]byte(`{"Records":[]}`)))
	put(logKey("us-east-1", 0, 3), files[logKey("us-east-1", 0, 3)][:30])
	_ = os.Remove(filepath.Join(mirror, digestKey("us-east-1", 2)))
	put(digestKey("eu-west-1", 1), zip([]byte(`{"digestS3Object":"`+digestKey("eu-west-1", 1)+`","digestEndTime":"2026-01-02T02:00:00Z","logFiles":[]}`)))
	put(digestKey("eu-west-1", 9), []byte("no digest"))
	r, err = Verify(t.Context(), archive.Dir(mirror), Options{})
	want := map[string]Kind{
		logKey("us-east-1", 0, 1): Missing, logKey("us-east-1", 0, 2): Changed, logKey("us-east-1", 0, 3): Unreadable,
		digestKey("us-east-1", 2): Gap, digestKey("eu-west-1", 1): Changed, digestKey("eu-west-1", 9): Unreadable,
	}
	if diff := cmp.Diff(want, kinds(r)); diff != "" || err != nil {
		t.Error(diff, err)
	}
	for _, f := range r.Findings {
		if f.Detail == "" || strings.Contains(f.Detail, "\n") {
			t.Errorf("%+v", f)
		}
	}
	// A digest's file name may not lead out of the folder.
	d := Digest{Object: digestKey("us-east-1", 20), End: begin.Add(21 * time.Hour), LogFiles: []LogFile{{"", "../../secret.json.gz", "", "SHA-256"}}}
	text, _ := json.Marshal(d)
	other := t.TempDir()
	mirror = filepath.Join(other, "mirror")
	put(d.Object, zip(text))
	r, err = Verify(t.Context(), archive.Dir(mirror), Options{})
	if diff := cmp.Diff(map[string]Kind{"../../secret.json.gz": Missing}, kinds(r)); diff != "" || err != nil {
		t.Error(diff, err)
	}
}
