package cloudtrail

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"armor/agent/cloudtrail/cloudtest"
	"armor/agent/cloudtrail/identity"
	"armor/agent/spool"
	"armor/internal/testenv"
)

// The long form: go test ./agent/cloudtrail -run TestHostileBucket -args -objects 2000 -kills 20
var (
	hostileObjects = flag.Int("objects", 160, "objects of the hostile bucket")
	hostileKills   = flag.Int("kills", 4, "kills of the agent on the way, in each mode")
	hostileSeed    = flag.Uint64("seed", 8, "seed of the hostile bucket")
)

// childSettings tell a child process what to do; it is this test program again, as an agent that can be killed.
type childSettings struct {
	Dir, URL, Bucket, Queue, Since string
	Shift, Visibility              time.Duration
}

const childVariable = "ARMOR_TEST_CLOUDTRAIL_CHILD"

func TestMain(m *testing.M) {
	if text := os.Getenv(childVariable); text != "" {
		if err := child(text); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// child reads, and plays the manager: each event goes to a ledger before it is receipted.
func child(text string) error {
	var set childSettings
	if err := json.Unmarshal([]byte(text), &set); err != nil {
		return err
	}
	now := func() time.Time { return time.Now().Add(set.Shift) }
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	s, _, err := spool.Open(spool.Options{Dir: filepath.Join(set.Dir, "spool"), MaxBytes: 16 << 20, SegmentBytes: 1 << 20})
	if err != nil {
		return err
	}
	w, err := identity.Open(filepath.Join(set.Dir, "known"), identity.Options{Now: now})
	if err != nil {
		return err
	}
	intake := NewIntake(IntakeConfig{Window: w, Now: now}, s, log)
	options := cloudtest.Options(set.URL)
	config := func(name string, src Source) RemoteConfig {
		src.Options, src.Attempts = options, 4
		return RemoteConfig{Name: name, Source: src, Retry: 50 * time.Millisecond, Wait: time.Second}
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	start := func(run func(context.Context) error) {
		go func() { cancel(run(ctx)) }()
	}
	var inputs []interface {
		Idle() bool
		Damaged() []string
	}
	if set.Bucket != "" {
		b := NewBucket(config("bucket", Source{Bucket: set.Bucket, Since: set.Since, Poll: time.Second}), intake, log)
		inputs = append(inputs, b)
		start(b.Run)
	}
	if set.Queue != "" {
		cfg := config("queue", Source{Queue: set.Queue, VisibilityTimeout: 30 * time.Second})
		cfg.Source.VisibilityTimeout = set.Visibility // less than the settings allow: killed agents' messages come again soon
		q := NewQueue(cfg, intake, log)
		inputs = append(inputs, q)
		start(q.Run)
	}
	start(func(ctx context.Context) error { return receipts(ctx, s, filepath.Join(set.Dir, "ledger")) })
	go func() { _, _ = io.Copy(io.Discard, os.Stdin); cancel(nil) }()
	for ctx.Err() == nil {
		time.Sleep(50 * time.Millisecond)
		idle, list := s.Stats().Spooled == 0, []string{}
		for _, in := range inputs {
			idle = idle && in.Idle()
			list = append(list, in.Damaged()...)
		}
		text, _ := json.Marshal(map[string]any{"idle": idle, "damaged": list})
		_ = os.WriteFile(filepath.Join(set.Dir, "status.tmp"), text, 0o600)
		_ = os.Rename(filepath.Join(set.Dir, "status.tmp"), filepath.Join(set.Dir, "status"))
	}
	if err := context.Cause(ctx); err != context.Canceled {
		return err
	}
	return nil
}

// receipts writes the events to the ledger file and receipts them.
func receipts(ctx context.Context, s *spool.Spool, path string) error {
	ledger, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	id, first, _ := s.Bounds()
	rd, err := s.NewReader(id, first-1)
	if err != nil {
		return err
	}
	for {
		b, err := rd.Next(ctx, 300, 1<<20)
		if err != nil {
			return err
		}
		list, err := b.Events()
		if err != nil {
			return err
		}
		var out bytes.Buffer
		for _, ev := range list {
			fmt.Fprintf(&out, "%s %d %x\n", id, ev.GetSequence(), ev.GetSourceId())
		}
		if _, err := ledger.Write(out.Bytes()); err != nil {
			return err
		}
		time.Sleep(5 * time.Millisecond) // a manager takes its time
		if err := s.Free(id, b.Last); err != nil {
			return err
		}
	}
}

// hostile is a bucket that is as bad as buckets get.
type hostile struct {
	rnd     *rand.Rand
	objects []hostileObject
	expect  map[string]bool // sums of records: true, they must come; false, they may
	poison  []string        // keys
}

type hostileObject struct {
	key            string
	data, repaired []byte // repaired: what is put in its place later
	late           bool   // put at the end
}

func newHostile(seed uint64, objects int, now time.Time) *hostile {
	h := &hostile{rnd: rand.New(rand.NewPCG(seed, 8)), expect: map[string]bool{}}
	var earlier [][]string
	serial := 0
	for n := range objects {
		day := h.rnd.IntN(10)
		o := hostileObject{late: h.rnd.IntN(20) == 0}
		if o.late {
			day = h.rnd.IntN(4)
		}
		at := now.Add(-time.Duration(day)*24*time.Hour - time.Duration(h.rnd.IntN(24*60))*time.Minute)
		account := []string{account1, account2, "777788889999"}[h.rnd.IntN(3)]
		region := []string{"us-east-1", "eu-west-1", "ap-southeast-2", "us-gov-west-1"}[h.rnd.IntN(4)]
		o.key = keyOf("", account, region, at, strconv.FormatUint(h.rnd.Uint64(), 36))
		var list []string
		for range 1 + h.rnd.IntN(40) {
			serial++
			size := h.rnd.IntN(600)
			if h.rnd.IntN(400) == 0 {
				size = 256<<10 + h.rnd.IntN(64<<10)
			}
			list = append(list, fmt.Sprintf(`{"eventID":"id-%d","eventTime":"%s","requestParameters":{"x":"%s","n":1.50,"n":2}}`, serial, at.UTC().Format(time.RFC3339), strings.Repeat("y", size)))
		}
		if len(earlier) > 0 && h.rnd.IntN(20) == 0 { // delivered again, in another object and with others
			list = append(list, earlier[h.rnd.IntN(len(earlier))]...)
		}
		whole := []byte(`{"Records":[` + strings.Join(list, ", \n") + `]}`)
		o.data = zip(whole)
		kind := h.rnd.IntN(25)
		switch {
		case n%40 == 7 || kind == 0:
			o.repaired, o.data = o.data, o.data[:len(o.data)*2/3]
		case n%60 == 11:
			o.data = o.data[:len(o.data)/2]
			h.poison = append(h.poison, o.key)
		}
		for _, text := range list {
			sum := sumOf(text)
			h.expect[sum] = h.expect[sum] || !slices.Contains(h.poison, o.key)
		}
		if !slices.Contains(h.poison, o.key) {
			earlier = append(earlier, list)
		}
		h.objects = append(h.objects, o)
		switch h.rnd.IntN(12) {
		case 0:
			h.objects = append(h.objects, hostileObject{key: strings.ReplaceAll(o.key, "CloudTrail", "CloudTrail-Digest"), data: zip([]byte(`{"digest":1}`))})
		case 1:
			h.objects = append(h.objects, hostileObject{key: fmt.Sprintf("AWSLogs/%s/Config/%s/2024/1/2/x%d.json.gz", account, region, n), data: whole})
		case 2:
			h.objects = append(h.objects, hostileObject{key: fmt.Sprintf("pictures/%d.png", n), data: []byte("\x89PNG")})
		}
	}
	h.rnd.Shuffle(len(h.objects), func(i, j int) { h.objects[i], h.objects[j] = h.objects[j], h.objects[i] })
	slices.SortStableFunc(h.objects, func(a, b hostileObject) int { return cmp.Compare(b2i(a.late), b2i(b.late)) })
	slices.Sort(h.poison)
	return h
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

func sumOf(text string) string {
	dec := NewDecoder(strings.NewReader(text), true)
	rec, err := dec.Next()
	if err != nil {
		panic(err)
	}
	return hex.EncodeToString(rec.Sum[:])
}

// TestHostileBucket: in each mode, and in both together, with the agent killed on the way, each record is evaluated exactly once.
func TestHostileBucket(t *testing.T) {
	cloudtest.Environment(t)
	cloud := cloudtest.New(t, testenv.Moto(t).URL())
	for _, mode := range []string{"bucket", "queue", "both"} {
		t.Run(mode, func(t *testing.T) { testHostile(t, cloud, mode) })
	}
}

func testHostile(t *testing.T, cloud *cloudtest.Cloud, mode string) {
	now := time.Now()
	h := newHostile(*hostileSeed, *hostileObjects, now)
	set := childSettings{Dir: t.TempDir(), URL: cloud.URL(), Visibility: 3 * time.Second, Since: now.Add(-12 * 24 * time.Hour).UTC().Format(time.DateOnly)}
	if *hostileObjects > 500 { // the queue's server is slow: not all of its time for extensions
		set.Visibility = 15 * time.Second
	}
	bucket, queue := cloud.Bucket("hostile-"+mode), cloud.Queue("hostile-"+mode, 3)
	cloud.Notify(bucket, queue)
	if mode != "queue" {
		set.Bucket = bucket
	}
	if mode != "bucket" {
		set.Queue = queue
	}
	ordinary := len(h.objects)
	for ordinary > 0 && h.objects[ordinary-1].late {
		ordinary--
	}
	put := func(list []hostileObject) {
		for _, o := range list {
			cloud.Put(bucket, o.key, o.data)
		}
	}
	put(h.objects[:ordinary/2])
	p := startChild(t, set)
	for kill := range *hostileKills { // the rest comes, and some is repaired, while the agent is killed and started
		part := func(k int) int { return ordinary/2 + (ordinary-ordinary/2)*k / *hostileKills }
		put(h.objects[part(kill):part(kill+1)])
		for _, o := range h.objects[:ordinary] {
			if o.repaired != nil && h.rnd.IntN(*hostileKills) == 0 {
				cloud.Put(bucket, o.key, o.repaired)
			}
		}
		time.Sleep(time.Duration(h.rnd.IntN(1500)) * time.Millisecond)
		p.kill()
		p = startChild(t, set)
	}
	for _, o := range h.objects[:ordinary] {
		if o.repaired != nil {
			cloud.Put(bucket, o.key, o.repaired)
		}
	}
	p.awaitIdle(t, queue, cloud, set)
	put(h.objects[ordinary:]) // late ones, under their old days
	for _, o := range h.objects[ordinary:] {
		if o.repaired != nil {
			cloud.Put(bucket, o.key, o.repaired)
		}
	}
	p.kill()
	set.Shift = 25 * time.Hour // the daily listing is due
	p = startChild(t, set)
	within(t, time.Duration(*hostileObjects)*time.Second, "all of it is in the ledger", func() bool { return missing(t, h, set.Dir) == 0 })
	p.awaitIdle(t, queue, cloud, set)
	p.kill()
	check(t, h, set.Dir, p)
}

type childProcess struct {
	t   *testing.T
	cmd *exec.Cmd
	dir string
	in  io.Closer
}

func startChild(t *testing.T, set childSettings) *childProcess {
	t.Helper()
	text, _ := json.Marshal(set)
	_ = os.Remove(filepath.Join(set.Dir, "status"))
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childVariable+"="+string(text))
	log, err := os.OpenFile(filepath.Join(set.Dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	cmd.Stderr = log
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p := &childProcess{t: t, cmd: cmd, dir: set.Dir, in: in}
	t.Cleanup(p.kill)
	return p
}

func (p *childProcess) kill() {
	if p.cmd.ProcessState == nil {
		_ = p.cmd.Process.Kill()
		_ = p.cmd.Wait()
	}
}

type childStatus struct {
	Idle    bool
	Damaged []string
}

func (p *childProcess) status() (st childStatus) {
	text, err := os.ReadFile(filepath.Join(p.dir, "status"))
	if err == nil {
		_ = json.Unmarshal(text, &st)
	}
	return st
}

func (p *childProcess) awaitIdle(t *testing.T, queue string, cloud *cloudtest.Cloud, set childSettings) {
	t.Helper()
	within(t, time.Duration(*hostileObjects)*time.Second, "idle", func() bool {
		if !p.status().Idle {
			return false
		}
		visible, inFlight := cloud.Waiting(queue)
		return set.Queue == "" || visible == "0" && inFlight == "0"
	})
}

// ledgerOf reads what was evaluated: sums by how often. An event that the manager saw twice is known to it by its sequence.
func ledgerOf(t *testing.T, dir string) map[string]int {
	t.Helper()
	f, err := os.Open(filepath.Join(dir, "ledger"))
	if err != nil {
		return nil
	}
	defer f.Close()
	events, sums := map[string]string{}, map[string]int{}
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		part := strings.Fields(lines.Text())
		if len(part) != 3 || len(part[2]) != 64 {
			continue // cut off by a kill
		}
		event := part[0] + " " + part[1]
		if known, ok := events[event]; ok && known != part[2] {
			t.Fatalf("event %s has two contents", event)
		} else if !ok {
			events[event] = part[2]
			sums[part[2]]++
		}
	}
	return sums
}

func missing(t *testing.T, h *hostile, dir string) (n int) {
	t.Helper()
	got := ledgerOf(t, dir)
	for sum, must := range h.expect {
		if must && got[sum] == 0 {
			n++
		}
	}
	return n
}

func check(t *testing.T, h *hostile, dir string, p *childProcess) {
	t.Helper()
	got := ledgerOf(t, dir)
	twice, strange := 0, 0
	for sum, n := range got {
		if _, ok := h.expect[sum]; !ok {
			strange++
		}
		if n > 1 {
			twice++
		}
	}
	if n := missing(t, h, dir); n > 0 || twice > 0 || strange > 0 {
		t.Errorf("%d records are missing, %d were evaluated twice, %d are unknown", n, twice, strange)
	}
	var listed []string
	for _, line := range p.status().Damaged {
		key, reason, _ := strings.Cut(strings.TrimPrefix(line, "s3://"), ": ")
		_, key, _ = strings.Cut(key, "/")
		if reason == "" {
			t.Errorf("no reason: %s", line)
		}
		listed = append(listed, key)
	}
	slices.Sort(listed)
	if listed = slices.Compact(listed); !slices.Equal(listed, h.poison) {
		t.Errorf("poison:\n%s\nwant\n%s", strings.Join(listed, "\n"), strings.Join(h.poison, "\n"))
	}
	t.Logf("%d records, %d objects, %d poison", len(h.expect), len(h.objects), len(h.poison))
	if t.Failed() {
		log, _ := os.ReadFile(filepath.Join(dir, "log"))
		t.Logf("log:\n%.6000s", log)
	}
}
