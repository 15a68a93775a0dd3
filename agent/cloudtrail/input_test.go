package cloudtrail

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/klauspost/compress/gzip"

	"armor/agent/batch"
	"armor/agent/spool"
	"armor/agent/spool/spooltest"
	"armor/agent/watch"
	"armor/internal/testenv"
	armorv1 "armor/proto/armor/v1"
)

// bench is an input on a folder, with a real spool behind it.
type rig struct {
	t     *testing.T
	dir   string
	spool *spool.Spool
	data  string
	log   bytes.Buffer
}

func newRig(t *testing.T) *rig {
	r := &rig{t: t, dir: t.TempDir(), data: t.TempDir()}
	r.open()
	return r
}

func (r *rig) open() {
	s, rec, err := spool.Open(spool.Options{Dir: r.data})
	if err != nil || len(rec.Gaps) > 0 {
		r.t.Fatal(err, rec)
	}
	r.spool = s
}

func (r *rig) input(cfg Config) *Input {
	cfg.Name, cfg.Watcher = "ct", watch.Poll()
	if cfg.Path == "" {
		cfg.Path = r.dir
	}
	return New(cfg, r.spool, slog.New(slog.NewTextHandler(&r.log, nil)))
}

// once reads what is there.
func (r *rig) once() *Input {
	r.t.Helper()
	in := r.input(Config{OneShot: true, Retry: time.Millisecond})
	if err := in.Run(r.t.Context()); err != nil {
		r.t.Fatal(err)
	}
	if !in.Idle() {
		r.t.Error("not idle")
	}
	return in
}

// events takes what the spool holds.
func (r *rig) events() []*armorv1.Event {
	r.t.Helper()
	return spooltest.Drain(r.t, r.spool)
}

func (r *rig) write(name string, data []byte) string {
	r.t.Helper()
	path := filepath.Join(r.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		r.t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o600); err != nil {
		r.t.Fatal(err)
	}
	return path
}

// records first to last, in a file.
func file1(first, last int) []byte {
	var list []string
	for n := first; n <= last; n++ {
		list = append(list, fmt.Sprintf(`{"eventID": "id-%d", "eventTime": "2024-01-02T03:04:%02dZ"}`, n, n%60))
	}
	return []byte(`{"Records": [` + strings.Join(list, ",\n") + `]}`)
}

func zip(data []byte) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = w.Write(data)
	_ = w.Close()
	return b.Bytes()
}

func ids(list []*armorv1.Event) (out []string) {
	for _, ev := range list {
		var line struct {
			AWS struct{ EventID string } `json:"aws"`
		}
		if err := json.Unmarshal(ev.Body, &line); err != nil {
			out = append(out, err.Error())
			continue
		}
		out = append(out, line.AWS.EventID)
	}
	return out
}

func want(first, last int) (out []string) {
	for n := first; n <= last; n++ {
		out = append(out, fmt.Sprint("id-", n))
	}
	return out
}

func TestFormOfTheEvent(t *testing.T) {
	r := newRig(t)
	record := `{"eventTime":"2024-01-02T03:04:05Z","userIdentity":{"accountId":"999988887777"},"n":1.50,"l":["x"],"é":"é"}`
	tests := []struct{ path, record, account string }{
		{"plain.json", record, "999988887777"},
		{"AWSLogs/o-abc/111122223333/CloudTrail/us-east-1/2024/01/02/x.json", record, "111122223333"},
		{"111122223333_CloudTrail_us-east-1_20240102T0000Z_x.json", record, "111122223333"},
		{`odd "name".json`, `{"recipientAccountId":"444455556666","userIdentity":{"accountId":"999988887777"}}`, "444455556666"},
		{"nobody.json", `{}`, ""},
	}
	for _, test := range tests {
		r.write(test.path, []byte("{\"Records\":[\n"+strings.ReplaceAll(test.record, ",", " , ")+"\n]}"))
		r.once()
		list := r.events()
		if len(list) != 1 {
			t.Fatalf("%s: %d events", test.path, len(list))
		}
		ev := list[0]
		name, _ := json.Marshal(test.path)
		comma := ","
		if test.record == "{}" {
			comma = ""
		}
		line := fmt.Sprintf(`{"integration":"aws","aws":{"log_info":{"aws_account_alias":"","log_file":%s,"s3bucket":""},"source":"cloudtrail","aws_account_id":"%s"%s%s}`,
			name, test.account, comma, test.record[1:]+"")
		if string(ev.Body) != line {
			t.Errorf("got  %s\nwant %s", ev.Body, line)
		}
		if sum := sha256.Sum256([]byte(test.record)); !bytes.Equal(ev.SourceId, sum[:]) {
			t.Errorf("%s: source id is not the sum of the record", test.path)
		}
		if ev.Location != filepath.Join(r.dir, test.path) || ev.Format != armorv1.EventFormat_EVENT_FORMAT_JSON {
			t.Errorf("location %s, format %v", ev.Location, ev.Format)
		}
		if strings.Contains(test.record, "eventTime") && !ev.Time.AsTime().Equal(time.Date(2024, 1, 2, 3, 4, 5, 0, time.UTC)) {
			t.Errorf("time %v", ev.Time.AsTime())
		}
	}
}

func TestReadsWhatIsThereOnce(t *testing.T) {
	r := newRig(t)
	r.write("a.json", file1(1, 3))
	r.write("b/c/d.json.gz", zip(file1(4, 5000)))
	r.write("e.JSON", zip(file1(5001, 5002))) // gzip by its content
	r.write("f.jsonl", []byte("{\"eventID\":\"id-5003\"}\n{\"eventID\":\"id-5004\"}\n"))
	r.write("picture.png", []byte("\x89PNG"))
	r.write("note.txt", nil)
	r.write("AWSLogs/1/CloudTrail-Digest/us/2024/x_CloudTrail-Digest_y.json.gz", zip([]byte(`{"digest":1}`)))
	r.write("empty.json", []byte(`{"Records":[]}`))
	for range 3 {
		in := r.once()
		if st := in.Stats(); st.Ignored != 3 || st.Files != 5 || st.Damaged != 0 || len(in.Damaged()) > 0 {
			t.Errorf("%+v %v", st, in.Damaged())
		}
		// The spool is opened anew, as after a restart.
		r.spool.Close()
		r.open()
	}
	if got := ids(r.events()); !slices.Equal(got, want(1, 5004)) {
		t.Errorf("got %d: %.200v", len(got), got)
	}
	if !strings.Contains(r.log.String(), "files=3") {
		t.Errorf("log: %s", r.log.String())
	}
}

func TestDamagedFiles(t *testing.T) {
	r := newRig(t)
	whole := file1(1, 100)
	gz := zip(bytes.Repeat(file1(101, 200), 1))
	r.write("cut.json", whole[:len(whole)/2])
	r.write("cut.json.gz", gz[:len(gz)-20])
	r.write("flipped.json.gz", append(slices.Clone(gz[:len(gz)-6]), 1, 2, 3, 4, 5, 6))
	r.write("array.json", []byte(`[1,2]`))
	r.write("other.json", []byte(`{"hello":1}`))
	r.write("mixed.json", []byte(`{"Records":[{"eventID":"id-1000"},7,{"eventID":"id-1001"}]}`))
	r.write("zero.json", nil)
	r.write("good.json", file1(2000, 2001))
	for round := range 2 {
		in := r.once()
		list := in.Damaged()
		text := strings.Join(list, "\n")
		for _, part := range []string{
			"cut.json: byte ", "record 50: the file ends too early", "(the gzip data is cut off)", "flipped.json.gz: byte ", "gzip: invalid checksum",
			`array.json: byte 0, record 0: expected an object with an array "Records"`, `other.json: byte 11, record 0: expected an object`,
			"mixed.json: 1 of 3 elements are no records, the first at byte 34, record 1: expected a record, that is an object, found a number",
			"zero.json: byte 0, record 0: the file ends too early",
		} {
			if !strings.Contains(text, part) {
				t.Errorf("round %d: %q is not in\n%s", round, part, text)
			}
		}
		if len(list) != 7 || in.Stats().Damaged != 7 {
			t.Errorf("round %d: %d damaged\n%s", round, len(list), text)
		}
	}
	got := ids(r.events())
	for _, id := range slices.Concat(want(1, 50), want(101, 198), want(1000, 1001), want(2000, 2001)) {
		if !slices.Contains(got, id) {
			t.Errorf("%s is missing", id)
		}
	}
	// A repaired file is read from where it was left, and is no longer listed.
	r.write("cut.json", whole)
	in := r.once()
	if got := ids(r.events()); !slices.Equal(got, want(51, 100)) || len(in.Damaged()) != 6 {
		t.Errorf("got %v, damaged %v", got, in.Damaged())
	}
}

func TestMissingFolder(t *testing.T) {
	r := newRig(t)
	in := r.input(Config{Path: filepath.Join(r.dir, "missing"), OneShot: true})
	if err := in.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if list := in.Damaged(); len(list) != 1 || !strings.Contains(list[0], "no such file") || in.Problem() == "" {
		t.Errorf("%q", list)
	}
}

// A file that the system does not let be read is tried again without a change of it: permissions leave none. A damaged one is not.
func TestBlockedFile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		in := r.input(Config{})
		f, now := &file{}, stamp{size: 5}
		fail := func(blocked bool) {
			for range attempts {
				in.failed(f, now, "permission denied", blocked)
			}
		}
		fail(true)
		if !f.damaged || !f.settled(now) {
			t.Error("it is not given up for a while")
		}
		for range 3 {
			time.Sleep(time.Minute)
			if f.settled(now) {
				t.Error("it is not tried again")
			}
			in.failed(f, now, "permission denied", true)
			if !f.damaged || !f.settled(now) {
				t.Error("it is not given up for another while")
			}
		}
		if n := strings.Count(r.log.String(), "a file cannot be read"); n != 1 {
			t.Errorf("told %d times", n)
		}
		fail(false)
		if time.Sleep(time.Hour); !f.settled(now) {
			t.Error("a damaged file is tried again")
		}
	})
}

// A reader's error is told from wrong content: this file is one that no system reads at its beginning.
func TestUnreadableContent(t *testing.T) {
	r := newRig(t)
	if err := os.Symlink("/proc/self/mem", filepath.Join(r.dir, "disk.json")); err != nil {
		t.Fatal(err)
	}
	in := r.once()
	if f := in.files["disk.json"]; f == nil || !f.blocked || len(in.Damaged()) != 1 {
		t.Errorf("%+v, %v", f, in.Damaged())
	}
}

// A folder in which nothing looks like a log is perhaps the wrong one.
func TestWrongFolder(t *testing.T) {
	r := newRig(t)
	r.write("picture.png", []byte("\x89PNG"))
	r.once()
	if !strings.Contains(r.log.String(), "level=WARN") || !strings.Contains(r.log.String(), "picture.png") {
		t.Errorf("log: %s", r.log.String())
	}
}

// TestFollowsTheFolder: new files, slow writers, renames into place, replaced files and removed ones.
func TestFollowsTheFolder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		ctx, cancel := context.WithCancel(t.Context())
		in := r.input(Config{})
		done := make(chan error)
		go func() { done <- in.Run(ctx) }()
		check := func(what string, idle bool, want []string) {
			t.Helper()
			time.Sleep(5 * time.Second)
			if got := ids(r.events()); !slices.Equal(got, want) {
				t.Fatalf("%s: got %v, want %v", what, got, want)
			}
			if in.Idle() != idle {
				t.Fatalf("%s: idle %v", what, !idle)
			}
		}
		check("empty", true, nil)

		r.write("a.json", file1(1, 2))
		if in.Idle() {
			t.Error("idle with a file that was not read")
		}
		check("a new file", true, want(1, 2))

		slow := file1(10, 20)
		var f *os.File
		for i := 0; i < len(slow); i += 50 {
			if f == nil {
				f, _ = os.Create(filepath.Join(r.dir, "slow.json"))
			}
			_, _ = f.Write(slow[i:min(i+50, len(slow))])
			time.Sleep(1500 * time.Millisecond)
			if list := in.Damaged(); len(list) > 0 {
				t.Fatalf("damaged while it grows: %v", list)
			}
		}
		check("a slow writer", true, want(10, 20))

		tmp := filepath.Join(r.dir, "x.tmp")
		_ = os.WriteFile(tmp, zip(file1(30, 31)), 0o600)
		check("under a temporary name", true, nil)
		_ = os.Rename(tmp, filepath.Join(r.dir, "x.json.gz"))
		check("renamed into place", true, want(30, 31))

		r.write("a.json", file1(40, 45))
		check("replaced", true, want(40, 45))
		r.write("a.json", file1(40, 47))
		check("longer than before", true, want(46, 47))
		r.write("a.json", file1(40, 41))
		check("shorter than before", true, want(40, 41))

		r.write("bad.json", []byte(`{"Records":[{"eventID":"id-50"}`))
		check("damaged", true, want(50, 50))
		if len(in.Damaged()) != 1 {
			t.Error("not listed")
		}
		_ = os.Remove(filepath.Join(r.dir, "bad.json"))
		_ = os.Remove(filepath.Join(r.dir, "a.json"))
		time.Sleep(2 * time.Hour)
		check("removed", true, nil)
		if len(in.Damaged()) != 0 || len(r.spool.Positions("ct")) != 2 {
			t.Errorf("damaged %v, positions %q", in.Damaged(), r.spool.Positions("ct"))
		}
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
}

// stopSink ends the world after some batches.
type stopSink struct {
	*spool.Spool
	left int
}

func (s *stopSink) Append(ctx context.Context, events []*armorv1.Event, positions ...spool.Position) error {
	if s.left--; s.left < 0 {
		return errors.New("stopped")
	}
	return s.Spool.Append(ctx, events, positions...)
}

// TestStoppedInMidFile: whatever batch is the last one, the next start goes on behind it.
func TestStoppedInMidFile(t *testing.T) {
	r := newRig(t)
	r.write("a.json.gz", zip(file1(1, 4500)))
	r.write("b.json", file1(4501, 4600))
	for stops := 0; ; stops++ {
		sink := &stopSink{Spool: r.spool, left: 1}
		in := New(Config{Name: "ct", Path: r.dir, OneShot: true, Watcher: watch.Poll()}, sink, slog.New(slog.DiscardHandler))
		if in.Run(t.Context()) == nil {
			if stops < 3 {
				t.Errorf("%d stops", stops)
			}
			break
		}
		r.spool.Close()
		r.open()
	}
	if got := ids(r.events()); !slices.Equal(got, want(1, 4600)) {
		t.Errorf("%d events", len(got))
	}
}

func TestLongRecord(t *testing.T) {
	r := newRig(t)
	long := `{"eventID":"id-1","x":"` + strings.Repeat("y", 5<<20) + `"}`
	r.write("a.json", []byte(`{"Records":[`+long+`,{"eventID":"id-2"}]}`))
	in := r.once()
	list := r.events()
	if len(list) != 2 || !list[0].Truncated || len(list[0].Body) != batch.MaxBody || list[1].Truncated || in.Stats().Cut != 1 {
		t.Fatalf("%d events, stats %+v", len(list), in.Stats())
	}
	if sum := sha256.Sum256([]byte(long)); !bytes.Equal(list[0].SourceId, sum[:]) {
		t.Error("the source id is not that of the whole record")
	}
}

// TestWithNotifications uses the file system's, and waits for what happens rather than for a time.
func TestWithNotifications(t *testing.T) {
	r := newRig(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	in := New(Config{Name: "ct", Path: r.dir, Poll: time.Hour}, r.spool, slog.New(slog.DiscardHandler))
	var wg sync.WaitGroup
	wg.Go(func() { _ = in.Run(ctx) })
	rd, err := r.spool.NewReader(r.spool.ID(), 0)
	if err != nil {
		t.Fatal(err)
	}
	r.write("first.json", file1(1, 1))
	for n := 1; n <= 5; n++ {
		b, err := rd.Next(ctx, 1000, 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		if b.Last != uint64(n) {
			t.Fatalf("%d events", b.Last)
		}
		r.write(fmt.Sprintf("sub%d/x.json", n), file1(n+1, n+1))
	}
	cancel()
	wg.Wait()
}

// TestSharedRecords reads the real records and compares every one with what encoding/json makes of its file.
func TestSharedRecords(t *testing.T) {
	root := filepath.Join(testenv.Data(t), "cloudtrail")
	r := newRig(t)
	r.dir = root
	in := r.once()
	got := map[[32]byte]int{}
	for _, ev := range r.events() {
		got[[32]byte(ev.SourceId)]++
		if !json.Valid(ev.Body) {
			t.Errorf("%s: not JSON: %s", ev.Location, ev.Body)
		}
		if ev.Time.AsTime().Equal(ev.ReadTime.AsTime()) {
			t.Errorf("no time in %s", ev.Body)
		}
	}
	records := 0
	for _, f := range look(root).files {
		data, err := os.ReadFile(f.path)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(f.path, ".gz") {
			zr, err := gzip.NewReader(bytes.NewReader(data))
			if err != nil {
				t.Fatal(err)
			}
			if data, err = io.ReadAll(zr); err != nil {
				t.Fatal(err)
			}
		}
		var doc struct{ Records []json.RawMessage }
		if err := json.Unmarshal(data, &doc); err != nil {
			t.Fatal(err)
		}
		for _, raw := range doc.Records {
			var compact bytes.Buffer
			if err := json.Compact(&compact, raw); err != nil {
				t.Fatal(err)
			}
			sum := sha256.Sum256(compact.Bytes())
			if got[sum]--; got[sum] < 0 {
				t.Errorf("%s: lost %s", f.rel, compact.Bytes())
			}
			records++
		}
	}
	t.Logf("%d records in %d files", records, in.Stats().Files)
	if records < 4106 || int(in.Stats().Records) != records || len(in.Damaged()) > 0 {
		t.Errorf("%d records, %+v, damaged %v", records, in.Stats(), in.Damaged())
	}
}
