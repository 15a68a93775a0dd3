package cloudtrail

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"armor/agent/cloudtrail/cloudtest"
	"armor/agent/cloudtrail/identity"
	"armor/agent/spool"
	"armor/agent/spool/spooltest"
	"armor/internal/testenv"
	armorv1 "armor/proto/armor/v1"
)

// cloudRig is inputs on a cloud, with a real spool and a real window behind them.
type cloudRig struct {
	t      testing.TB
	cloud  *cloudtest.Cloud
	dir    string
	known  string
	spool  *spool.Spool
	intake *Intake
	shift  time.Duration // of the clock
	log    *lockedBuffer
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func newCloudRig(t *testing.T, cloud *cloudtest.Cloud) *cloudRig {
	t.Helper()
	cloudtest.Environment(t)
	r := &cloudRig{t: t, cloud: cloud, dir: t.TempDir(), known: t.TempDir(), log: &lockedBuffer{}}
	r.open()
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("log:\n%.8000s", r.log.String())
		}
	})
	return r
}

func (r *cloudRig) now() time.Time { return time.Now().Add(r.shift) }

// open opens spool and window, as a process that starts.
func (r *cloudRig) open() {
	r.t.Helper()
	s, rec, err := spool.Open(spool.Options{Dir: r.dir})
	if err != nil || len(rec.Gaps) > 0 {
		r.t.Fatal(err, rec)
	}
	w, err := identity.Open(r.known, identity.Options{Now: r.now})
	if err != nil {
		r.t.Fatal(err)
	}
	r.spool = s
	r.intake = NewIntake(IntakeConfig{Window: w, Now: r.now}, s, r.logger())
}

// reopen is the death of the process and its next start.
func (r *cloudRig) reopen() {
	r.t.Helper()
	_ = r.spool.Close()
	_ = r.intake.Close()
	r.open()
}

func (r *cloudRig) logger() *slog.Logger { return slog.New(slog.NewTextHandler(r.log, nil)) }

func (r *cloudRig) config(src Source) RemoteConfig {
	if src.Endpoints.S3 == "" {
		src.Options = r.cloud.Options()
	}
	for _, err := range src.Problems(map[bool]string{true: ModeQueue, false: ModeBucket}[src.Queue != ""]) {
		r.t.Fatal(err)
	}
	mode := ModeBucket
	if src.Queue != "" {
		mode = ModeQueue
	}
	return RemoteConfig{Name: "cloudtrail:" + src.Name(mode), Source: src, Retry: 10 * time.Millisecond, Wait: time.Second}
}

// listOnce reads a bucket once.
func (r *cloudRig) listOnce(src Source) *Bucket {
	r.t.Helper()
	cfg := r.config(src)
	cfg.OneShot = true
	b := NewBucket(cfg, r.intake, r.logger())
	if err := b.Run(r.t.Context()); err != nil {
		r.t.Fatal(err)
	}
	if !b.Idle() {
		r.t.Error("not idle")
	}
	return b
}

func (r *cloudRig) events() []*armorv1.Event { r.t.Helper(); return spooltest.Drain(r.t, r.spool) }

const (
	account1 = "111122223333"
	account2 = "444455556666"
)

// keyOf is a key as CloudTrail makes it.
func keyOf(prefix, account, region string, at time.Time, random string) string {
	at = at.UTC()
	return fmt.Sprintf("%sAWSLogs/%s/CloudTrail/%s/%s/%s_CloudTrail_%s_%s_%s.json.gz", prefix, account, region, at.Format("2006/01/02"),
		account[len(account)-12:], region, at.Format("20060102T1504Z"), random)
}

func run(t testing.TB, f func(context.Context) error) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- f(ctx) }()
	var once sync.Once
	stop = func() {
		once.Do(func() {
			cancel()
			if err := <-done; err != nil && ctx.Err() == nil {
				t.Error(err)
			}
		})
	}
	t.Cleanup(stop)
	return stop
}

// eventually waits for what is observed; it is no assertion on time.
func eventually(t testing.TB, what string, f func() bool) {
	t.Helper()
	within(t, 2*time.Minute, what, f)
}

// within is eventually with another patience.
func within(t testing.TB, patience time.Duration, what string, f func() bool) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for !f() {
		if time.Now().After(deadline) {
			t.Fatal("never: " + what)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func sorted(list []string) []string { slices.Sort(list); return list }

func numbers(list []string) (out []string) {
	out = slices.Clone(list)
	slices.SortFunc(out, func(a, b string) int { return len(a)*1000 - len(b)*1000 + strings.Compare(a, b) })
	return out
}

func TestMoto(t *testing.T) {
	cloud := cloudtest.New(t, testenv.Moto(t).URL())
	now := time.Now()
	t.Run("bucket", func(t *testing.T) { testBucket(t, cloud, now) })
	t.Run("queue", func(t *testing.T) { testQueue(t, cloud, now) })
	t.Run("forms", func(t *testing.T) { testForms(t, cloud, now) })
	t.Run("both", func(t *testing.T) { testBoth(t, cloud, now) })
	t.Run("damage", func(t *testing.T) { testDamage(t, cloud, now) })
	t.Run("late", func(t *testing.T) { testLate(t, cloud, now) })
	t.Run("layouts", func(t *testing.T) { testLayouts(t, cloud, now) })
	t.Run("options", func(t *testing.T) { testOptions(t, cloud, now) })
	t.Run("remove", func(t *testing.T) { testRemove(t, cloud, now) })
	t.Run("two agents", func(t *testing.T) { testTwoAgents(t, cloud, now) })
	t.Run("refused", func(t *testing.T) { testRefused(t, cloud, now) })
}

func testBucket(t *testing.T, cloud *cloudtest.Cloud, now time.Time) {
	r := newCloudRig(t, cloud)
	bucket := cloud.Bucket("plain")
	cloud.Put(bucket, keyOf("", account1, "us-east-1", now, "a"), zip(file1(1, 500)))
	cloud.Put(bucket, keyOf("", account1, "us-east-1", now.Add(-24*time.Hour), "b"), zip(file1(501, 600)))
	cloud.Put(bucket, keyOf("", account2, "eu-west-1", now, "c"), file1(601, 610)) // not gzip, whatever its name
	cloud.Put(bucket, "logo.png", []byte("\x89PNG"))
	cloud.Put(bucket, "AWSLogs/"+account1+"/Config/us-east-1/2024/1/1/ConfigHistory/x.json.gz", zip(file1(0, 0)))
	cloud.Put(bucket, strings.ReplaceAll(keyOf("", account1, "us-east-1", now, "d"), "CloudTrail", "CloudTrail-Digest"), zip([]byte(`{}`)))
	cloud.Put(bucket, keyOf("", account1, "us-east-1", now.Add(-30*24*time.Hour), "old"), zip(file1(9000, 9010)))
	for round := range 3 {
		b := r.listOnce(Source{Bucket: bucket, Regions: nil})
		list := r.events()
		if round > 0 {
			if len(list) != 0 {
				t.Fatalf("round %d: %d events", round, len(list))
			}
			continue
		}
		if got := numbers(ids(list)); !slices.Equal(got, numbers(want(1, 610))) {
			t.Fatalf("%d events", len(got))
		}
		for _, ev := range list {
			var line struct {
				AWS struct {
					LogInfo struct {
						File   string `json:"log_file"`
						Bucket string `json:"s3bucket"`
					} `json:"log_info"`
					Account string `json:"aws_account_id"`
				} `json:"aws"`
			}
			if err := json.Unmarshal(ev.Body, &line); err != nil {
				t.Fatal(err)
			}
			if ev.Location != "s3://"+bucket+"/"+line.AWS.LogInfo.File || line.AWS.LogInfo.Bucket != bucket || !strings.Contains(line.AWS.LogInfo.File, line.AWS.Account) {
				t.Fatalf("%s: %s", ev.Location, ev.Body)
			}
		}
		if len(b.Damaged()) > 0 || b.Problem() != "" || b.Figures()["cloudtrail_objects"] != 3 {
			t.Errorf("%v %q %v", b.Damaged(), b.Problem(), b.Figures())
		}
		r.reopen()
	}
	// A new object, and one that is replaced.
	cloud.Put(bucket, keyOf("", account1, "us-east-1", now, "e"), zip(file1(700, 701)))
	cloud.Put(bucket, keyOf("", account1, "us-east-1", now, "a"), zip(file1(400, 503)))
	r.listOnce(Source{Bucket: bucket})
	if got := sorted(ids(r.events())); !slices.Equal(got, want(700, 701)) {
		t.Errorf("got %v", got)
	}
}

func testQueue(t *testing.T, cloud *cloudtest.Cloud, now time.Time) {
	r := newCloudRig(t, cloud)
	bucket, queue := cloud.Bucket("told"), cloud.Queue("told", 30)
	cloud.Notify(bucket, queue)
	for n := range 20 {
		cloud.Put(bucket, keyOf("", account1, "us-east-1", now, fmt.Sprint(n)), zip(file1(n*10, n*10+9)))
	}
	cloud.Put(bucket, "logo.png", []byte("\x89PNG"))
	q := NewQueue(r.config(Source{Queue: queue}), r.intake, r.logger())
	stop := run(t, q.Run)
	eventually(t, "all is read", func() bool { return r.spool.Stats().Spooled == 200 && q.Idle() })
	// Nothing is deleted before the manager's receipt, but S3's test event, which tells of no object.
	if f := q.Figures(); f["cloudtrail_messages_deleted"] > 1 || f["cloudtrail_messages_in_flight"] < 21 {
		t.Errorf("%v", f)
	}
	if got := numbers(ids(r.events())); !slices.Equal(got, numbers(want(0, 199))) {
		t.Errorf("%d events", len(got))
	}
	eventually(t, "the queue is empty", func() bool {
		visible, inFlight := cloud.Waiting(queue)
		return visible == "0" && inFlight == "0"
	})
	if f := q.Figures(); f["cloudtrail_messages_deleted"] < 21 || f["cloudtrail_objects"] != 20 || f["cloudtrail_objects_ignored"] != 1 {
		t.Errorf("%v", f)
	}
	stop()
}

func testBoth(t *testing.T, cloud *cloudtest.Cloud, now time.Time) {
	r := newCloudRig(t, cloud)
	bucket, queue := cloud.Bucket("both"), cloud.Queue("both", 30)
	cloud.Notify(bucket, queue)
	for n := range 30 { // every record in two objects
		cloud.Put(bucket, keyOf("", account1, "us-east-1", now, fmt.Sprint(n)), zip(file1(n%15*10, n%15*10+9)))
	}
	q := NewQueue(r.config(Source{Queue: queue}), r.intake, r.logger())
	b := NewBucket(r.config(Source{Bucket: bucket, Poll: time.Second}), r.intake, r.logger())
	run(t, q.Run)
	run(t, b.Run)
	eventually(t, "all is read", func() bool {
		f, g := q.Figures(), b.Figures()
		return f["cloudtrail_objects"]+g["cloudtrail_objects"] == 30 && q.Idle() && b.Idle()
	})
	if got := numbers(ids(r.events())); !slices.Equal(got, numbers(want(0, 149))) {
		t.Errorf("%d events: %v", len(got), got)
	}
	eventually(t, "the queue is empty", func() bool {
		visible, inFlight := cloud.Waiting(queue)
		return visible == "0" && inFlight == "0"
	})
}
