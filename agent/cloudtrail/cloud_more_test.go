package cloudtrail

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"armor/agent/cloudtrail/access"
	"armor/agent/cloudtrail/cloudtest"
	"armor/agent/cloudtrail/discard"
)

func testDamage(t *testing.T, cloud *cloudtest.Cloud, now time.Time) {
	r := newCloudRig(t, cloud)
	bucket, queue := cloud.Bucket("damage"), cloud.Queue("damage", 30)
	cloud.Notify(bucket, queue)
	whole := zip(file1(1, 100))
	cut := keyOf("", account1, "us-east-1", now, "cut")
	cloud.Put(bucket, cut, whole[:len(whole)-20])
	cloud.Put(bucket, keyOf("", account1, "us-east-1", now, "never"), []byte(`{"Records":[{"eventID":"id-1000"},7]}`))
	cloud.Put(bucket, keyOf("", account1, "us-east-1", now, "good"), zip(file1(2000, 2100)))
	cloud.Send(queue, "what is this?")
	check := func(list []string) {
		t.Helper()
		text := strings.Join(list, "\n")
		if len(list) != 2 || !strings.Contains(text, cut+": byte") || !strings.Contains(text, "cut off") || !strings.Contains(text, "1 of 2 elements are no records") {
			t.Errorf("damaged: %s", text)
		}
	}
	b := r.listOnce(Source{Bucket: bucket, Attempts: 3})
	check(b.Damaged())
	got := ids(r.events())
	for _, id := range slices.Concat(want(1, 90), []string{"id-1000"}, want(2000, 2100)) {
		if !slices.Contains(got, id) {
			t.Errorf("%s is missing", id)
		}
	}
	// Over a restart it stays listed, and is not read again.
	r.reopen()
	b = r.listOnce(Source{Bucket: bucket, Attempts: 3})
	check(b.Damaged())
	// The queue tells of the same objects, and holds on to none of them.
	q := NewQueue(r.config(Source{Queue: queue, Attempts: 3}), r.intake, r.logger())
	stop := run(t, q.Run)
	eventually(t, "the queue is empty", func() bool {
		_ = r.events()
		visible, inFlight := cloud.Waiting(queue)
		return visible == "0" && inFlight == "0" && q.Figures()["cloudtrail_messages_unreadable"] == 1
	})
	if p := q.Problem(); p != "" {
		t.Errorf("problem %q", p)
	}
	// Repaired: the rest is read.
	cloud.Put(bucket, cut, whole)
	eventually(t, "the repaired object is read", func() bool { got = append(got, ids(r.events())...); return slices.Contains(got, "id-100") })
	stop()
	if b = r.listOnce(Source{Bucket: bucket, Attempts: 3}); len(b.Damaged()) != 1 {
		t.Errorf("damaged: %v", b.Damaged())
	}
	seen := map[string]int{}
	for _, id := range got {
		if seen[id]++; seen[id] > 1 {
			t.Errorf("%s twice", id)
		}
	}
}

func testLate(t *testing.T, cloud *cloudtest.Cloud, now time.Time) {
	r := newCloudRig(t, cloud)
	bucket := cloud.Bucket("late")
	cloud.Put(bucket, keyOf("", account1, "us-east-1", now, "a"), zip(file1(1, 10)))
	cloud.Put(bucket, keyOf("", account1, "us-east-1", now.Add(-5*24*time.Hour), "old"), zip(file1(100, 110)))
	src := Source{Bucket: bucket, Since: now.Add(-10 * 24 * time.Hour).UTC().Format(time.DateOnly)}
	r.listOnce(src)
	if got := sorted(ids(r.events())); !slices.Equal(got, sorted(append(want(1, 10), want(100, 110)...))) {
		t.Fatalf("got %v", got)
	}
	cloud.Put(bucket, keyOf("", account1, "us-east-1", now.Add(-3*24*time.Hour), "late"), zip(file1(20, 30)))
	cloud.Put(bucket, keyOf("", account1, "us-east-1", now.Add(-30*time.Hour), "0before"), zip(file1(40, 45)))
	r.listOnce(src)
	if got := ids(r.events()); !slices.Equal(sorted(got), want(40, 45)) { // within the look-back, whatever the order of keys
		t.Errorf("got %v", got)
	}
	for round := range 3 {
		r.shift += 25 * time.Hour
		r.reopen()
		b := r.listOnce(src)
		got := ids(r.events())
		if round == 0 && (!slices.Equal(got, want(20, 30)) || b.Figures()["cloudtrail_objects_late"] != 1) || round > 0 && len(got) > 0 {
			t.Errorf("round %d: got %v, %v", round, got, b.Figures())
		}
	}
	// Months later nothing of it is remembered.
	r.shift += 60 * 24 * time.Hour
	r.listOnce(src)
	if n, kept := r.intake.objects.len(), len(r.spool.Positions(objectsInput)); n != 0 || kept != 0 {
		t.Errorf("%d objects are remembered, %d kept", n, kept)
	}
}

func testLayouts(t *testing.T, cloud *cloudtest.Cloud, now time.Time) {
	const org, org2 = "o-abc1234567", "o-zzz1234567"
	layouts := []struct {
		name string
		src  Source
		keys []string // the record's number is the index
		want []int
	}{
		{"organization", Source{}, []string{keyOf("", org+"/"+account1, "us-east-1", now, "a"), keyOf("", org+"/"+account2, "us-east-1", now, "b"), keyOf("", account1, "us-east-1", now, "c")}, []int{0, 1, 2}},
		{"one organization", Source{Organization: org}, []string{keyOf("", org+"/"+account1, "us-east-1", now, "a"), keyOf("", org2+"/"+account2, "us-east-1", now, "b"), keyOf("", account1, "us-east-1", now, "c")}, []int{0}},
		{"Control Tower 3", Source{}, []string{keyOf(org+"/", org+"/"+account1, "us-east-1", now, "a"), keyOf(org+"/", org+"/"+account2, "eu-west-1", now, "b")}, []int{0, 1}},
		{"Control Tower 2", Source{Prefix: org}, []string{keyOf(org+"/", account1, "us-east-1", now, "a"), keyOf("", account1, "us-east-1", now, "b")}, []int{0}},
		{"prefix", Source{Prefix: "my/trail"}, []string{keyOf("my/trail/", account1, "us-east-1", now, "a"), keyOf("my/", account1, "us-east-1", now, "b"), keyOf("", account1, "us-east-1", now, "c")}, []int{0}},
		{"suffix", Source{Suffix: "sub"}, []string{keyOf("", "sub/"+account1, "us-east-1", now, "a"), keyOf("", account1, "us-east-1", now, "b")}, []int{0}},
		{"accounts", Source{Accounts: []string{account2}}, []string{keyOf("", account1, "us-east-1", now, "a"), keyOf("", account2, "us-east-1", now, "b")}, []int{1}},
		{"regions", Source{Regions: []string{"eu-west-1", "us-gov-west-1"}}, []string{keyOf("", account1, "us-east-1", now, "a"), keyOf("", account1, "eu-west-1", now, "b"), keyOf("", account1, "us-gov-west-1", now, "c")}, []int{1, 2}},
		{"since", Source{Since: now.Add(-10 * 24 * time.Hour).UTC().Format(time.RFC3339)}, []string{keyOf("", account1, "us-east-1", now.Add(-9*24*time.Hour), "a"), keyOf("", account1, "us-east-1", now.Add(-10*24*time.Hour-2*time.Minute), "b"), keyOf("", account1, "us-east-1", now.Add(-12*24*time.Hour), "c"), keyOf("", account1, "us-east-1", now, "d")}, []int{0, 3}},
		{"until", Source{Since: now.Add(-10 * 24 * time.Hour).UTC().Format(time.DateOnly), Until: now.Add(-8 * 24 * time.Hour).UTC().Format(time.RFC3339)}, []string{keyOf("", account1, "us-east-1", now.Add(-9*24*time.Hour), "a"), keyOf("", account1, "us-east-1", now.Add(-8*24*time.Hour+2*time.Minute), "b"), keyOf("", account1, "us-east-1", now, "c")}, []int{0}},
	}
	for i, l := range layouts {
		t.Run(l.name, func(t *testing.T) {
			bucket, queue := cloud.Bucket(fmt.Sprint("layout-", i)), cloud.Queue(fmt.Sprint("layout-", i), 30)
			cloud.Notify(bucket, queue)
			for n, key := range l.keys {
				cloud.Put(bucket, key, zip(file1(n, n)))
			}
			var expect []string
			for _, n := range l.want {
				expect = append(expect, fmt.Sprint("id-", n))
			}
			for _, mode := range []string{ModeBucket, ModeQueue} {
				r, src := newCloudRig(t, cloud), l.src
				if src.Bucket = bucket; mode == ModeBucket {
					r.listOnce(src)
				} else {
					src.Queue = queue
					q := NewQueue(r.config(src), r.intake, r.logger())
					stop := run(t, q.Run)
					eventually(t, "all messages are read", func() bool { return q.Figures()["cloudtrail_messages_received"] >= float64(len(l.keys)) && q.Idle() })
					stop()
				}
				if got := sorted(ids(r.events())); !slices.Equal(got, expect) {
					t.Errorf("mode %s: got %v, want %v", mode, got, expect)
				}
			}
		})
	}
}

// recorder is a proxy that keeps what was asked.
func recorder(t *testing.T, to string) (address string, asked func(part string) int) {
	t.Helper()
	target, _ := url.Parse(to)
	proxy := httputil.NewSingleHostReverseProxy(target)
	var mu sync.Mutex
	var list []string
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		text := req.Method + " " + req.URL.String() + " " + req.Header.Get("Authorization")
		if req.Method == http.MethodPost {
			body, _ := io.ReadAll(req.Body)
			req.Body = io.NopCloser(strings.NewReader(string(body)))
			text += " " + string(body)
		}
		mu.Lock()
		list = append(list, text)
		mu.Unlock()
		proxy.ServeHTTP(w, req)
	}))
	t.Cleanup(s.Close)
	return s.URL, func(part string) (n int) {
		mu.Lock()
		defer mu.Unlock()
		for _, text := range list {
			if strings.Contains(text, part) {
				n++
			}
		}
		return n
	}
}

func testOptions(t *testing.T, cloud *cloudtest.Cloud, now time.Time) {
	bucket := cloud.Bucket("options")
	for n := range 4 {
		cloud.Put(bucket, keyOf("", []string{account1, account2}[n%2], "us-east-1", now, fmt.Sprint(n)), zip(file1(n, n)))
	}
	t.Run("role, endpoints and profile", func(t *testing.T) {
		r := newCloudRig(t, cloud)
		stsURL, sts := recorder(t, cloud.URL())
		s3URL, s3 := recorder(t, cloud.URL())
		shared := filepath.Join(t.TempDir(), "config")
		text := "[profile security]\nregion = eu-central-1\naws_access_key_id = AKIAPROFILE\naws_secret_access_key = x\n"
		if err := os.WriteFile(shared, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		t.Setenv("AWS_CONFIG_FILE", shared)
		t.Setenv("AWS_ACCESS_KEY_ID", "")
		t.Setenv("AWS_SECRET_ACCESS_KEY", "")
		r.listOnce(Source{Bucket: bucket, Options: access.Options{
			Profile: "security", RoleARN: "arn:aws:iam::444455556666:role/armor", ExternalID: "x-42", RoleDuration: 30 * time.Minute, SessionName: "armor-test",
			PathStyle: true, Endpoints: access.Endpoints{S3: s3URL, STS: stsURL},
		}})
		if len(r.events()) != 4 {
			t.Error("not all is read")
		}
		for _, part := range []string{"Action=AssumeRole", "ExternalId=x-42", "DurationSeconds=1800", "RoleSessionName=armor-test", "role%2Farmor", "AKIAPROFILE"} {
			if sts(part) != 1 {
				t.Errorf("%s was asked %d times", part, sts(part))
			}
		}
		if s3("GET /options") == 0 || s3("AKIAPROFILE") != 0 {
			t.Errorf("S3 was asked %d times, with the profile's key %d times", s3("GET /options"), s3("AKIAPROFILE"))
		}
	})
	t.Run("discard, aliases and labels", func(t *testing.T) {
		r := newCloudRig(t, cloud)
		cfg := r.config(Source{Bucket: bucket})
		cfg.OneShot, cfg.Labels = true, map[string]string{"site": "north"}
		cfg.Records = Records{Discard: []discard.Rule{{Field: "eventID", Regex: "^id-[12]$"}}, AccountAliases: map[string]string{account1: `prod "eu"`}}
		b := NewBucket(cfg, r.intake, r.logger())
		if err := b.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		list := r.events()
		if got := sorted(ids(list)); !slices.Equal(got, []string{"id-0", "id-3"}) || b.Figures()["cloudtrail_records_discarded"] != 2 {
			t.Fatalf("got %v, %v", got, b.Figures())
		}
		for _, ev := range list {
			alias := `"aws_account_alias":""`
			if strings.Contains(ev.Location, account1) {
				alias = `"aws_account_alias":"prod \"eu\""`
			}
			if !strings.Contains(string(ev.Body), alias) || ev.Labels["site"] != "north" {
				t.Errorf("%s %v", ev.Body, ev.Labels)
			}
		}
	})
	t.Run("reparse", func(t *testing.T) {
		r := newCloudRig(t, cloud)
		for round, n := range []int{4, 0, 4, 4} {
			if round > 0 {
				r.reopen()
			}
			r.listOnce(Source{Bucket: bucket, Reparse: round >= 2})
			if got := len(r.events()); got != n {
				t.Errorf("round %d: %d events", round, got)
			}
		}
	})
}

func testRemove(t *testing.T, cloud *cloudtest.Cloud, now time.Time) {
	r := newCloudRig(t, cloud)
	bucket := cloud.Bucket("remove")
	for n := range 5 {
		cloud.Put(bucket, keyOf("", account1, "us-east-1", now, fmt.Sprint(n)), zip(file1(n, n)))
	}
	bad := keyOf("", account1, "us-east-1", now, "bad")
	cloud.Put(bucket, bad, []byte("x"))
	src := Source{Bucket: bucket, RemoveAfter: true, Attempts: 2}
	r.listOnce(src)
	if n := len(cloud.Keys(bucket)); n != 6 {
		t.Fatalf("%d objects before the receipt", n)
	}
	r.reopen() // what was read before a restart goes too
	b := NewBucket(r.config(src), r.intake, r.logger())
	run(t, b.Run)
	eventually(t, "removals wait", func() bool { return b.Figures()["cloudtrail_objects_to_remove"] == 5 })
	if n := len(cloud.Keys(bucket)); n != 6 {
		t.Fatalf("%d objects before the receipt", n)
	}
	if len(r.events()) != 5 {
		t.Error("events are missing")
	}
	eventually(t, "they are removed", func() bool { return slices.Equal(cloud.Keys(bucket), []string{bad}) })
}

func testTwoAgents(t *testing.T, cloud *cloudtest.Cloud, now time.Time) {
	bucket, queue := cloud.Bucket("shared"), cloud.Queue("shared", 30)
	cloud.Notify(bucket, queue)
	var rigs [2]*cloudRig
	for i := range rigs {
		rigs[i] = newCloudRig(t, cloud)
		run(t, NewQueue(rigs[i].config(Source{Queue: queue}), rigs[i].intake, rigs[i].logger()).Run)
	}
	// Who gets a message is the queue's choice: there are more of them until both have had some.
	got, put := [2][]string{}, 0
	const least, most = 60, 600
	eventually(t, "both have read, and all is read", func() bool {
		for i := range rigs {
			got[i] = append(got[i], ids(rigs[i].events())...)
		}
		if put < least || put < most && (len(got[0]) == 0 || len(got[1]) == 0) {
			cloud.Put(bucket, keyOf("", account1, "us-east-1", now, fmt.Sprint(put)), zip(file1(put, put)))
			put++
			return false
		}
		return len(got[0]) > 0 && len(got[1]) > 0 && len(distinct(got)) == put
	})
	if all := distinct(got); !slices.Equal(all, numbers(want(0, put-1))) {
		t.Errorf("%d and %d events of %d: %v", len(got[0]), len(got[1]), put, all)
	}
}

// distinct are the numbers of what two agents read. A message that one of them is slow with may come to the other as well.
func distinct(got [2][]string) []string {
	return slices.Compact(numbers(slices.Concat(got[0], got[1])))
}

func testRefused(t *testing.T, cloud *cloudtest.Cloud, now time.Time) {
	r := newCloudRig(t, cloud)
	b := NewBucket(r.config(Source{Bucket: "missing-one", Poll: time.Second}), r.intake, r.logger())
	run(t, b.Run)
	q := NewQueue(r.config(Source{Queue: cloud.URL() + "/123456789012/missing-one"}), r.intake, r.logger())
	run(t, q.Run)
	eventually(t, "both are told", func() bool {
		return strings.HasPrefix(b.Problem(), "bucket missing-one: it does not exist") && strings.Contains(q.Problem(), "missing-one: it does not exist")
	})
	if b.Idle() || q.Idle() {
		t.Error("idle")
	}
	cloud.Bucket("missing-one")
	cloud.Put("missing-one", keyOf("", account1, "us-east-1", now, "a"), zip(file1(1, 3)))
	eventually(t, "the bucket is read once it is there", func() bool { return r.spool.Stats().Spooled == 3 && b.Problem() == "" })
	if n := strings.Count(r.log.String(), "bucket missing-one: it does not exist"); n != 2 { // when it begins and when it is over
		t.Errorf("told %d times", n)
	}
}

// testForms: what SNS and EventBridge make of a notification is told apart by itself.
func testForms(t *testing.T, cloud *cloudtest.Cloud, now time.Time) {
	r := newCloudRig(t, cloud)
	bucket, queue := cloud.Bucket("forms"), cloud.Queue("forms", 30)
	keys := make([]string, 4)
	for n := range keys {
		keys[n] = keyOf("a b+c/", account1, "us-east-1", now, fmt.Sprint(n))
		cloud.Put(bucket, keys[n], zip(file1(n, n)))
	}
	sns := func(message string) string {
		text, _ := json.Marshal(map[string]string{"Type": "Notification", "Message": message})
		return string(text)
	}
	cloud.Send(queue, cloudtest.Notice(bucket, url.QueryEscape(keys[0]), ""))
	cloud.Send(queue, sns(cloudtest.Notice(bucket, url.QueryEscape(keys[1]), "")))
	event, _ := json.Marshal(map[string]any{
		"source": "aws.s3", "detail-type": "Object Created",
		"detail": map[string]any{"bucket": map[string]any{"name": bucket}, "object": map[string]any{"key": keys[2]}},
	})
	cloud.Send(queue, string(event))
	notice, _ := json.Marshal(map[string]any{"s3Bucket": bucket, "s3ObjectKey": keys[3:]})
	cloud.Send(queue, sns(string(notice)))
	cloud.Send(queue, `{"Service":"Amazon S3","Event":"s3:TestEvent","Bucket":"forms"}`)
	q := NewQueue(r.config(Source{Queue: queue}), r.intake, r.logger())
	run(t, q.Run)
	got := []string{}
	eventually(t, "the queue is empty", func() bool {
		got = append(got, ids(r.events())...)
		visible, inFlight := cloud.Waiting(queue)
		return visible == "0" && inFlight == "0" && len(got) == 4
	})
	if !slices.Equal(sorted(got), want(0, 3)) {
		t.Errorf("got %v", got)
	}
}

// TestHistory: what an agent remembers is read while it runs.
func TestHistory(t *testing.T) {
	l := newListing(t)
	r := rigOn(t, l)
	now := time.Now()
	read, damaged := keyOf("", account1, "us-east-1", now, "a"), keyOf("", account1, "us-east-1", now, "b")
	l.put(read, zip(file1(1, 3)), now)
	l.put(damaged, []byte("x"), now)
	home := t.TempDir()
	_ = r.spool.Close()
	r.dir = filepath.Join(home, "spool")
	r.open()
	r.listOnce(Source{Bucket: "trail", Attempts: 2})
	h, err := ReadHistory(home)
	if err != nil {
		t.Fatal(err)
	}
	if !h.Read("trail", read) || h.Read("trail", damaged) || h.Read("trail", "other") || h.Read("other", read) {
		t.Error("not what was read")
	}
	if _, err := ReadHistory(t.TempDir()); err == nil {
		t.Error("a folder without a spool has a history")
	}
}
