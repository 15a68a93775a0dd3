package cloudtrail

import (
	"encoding/xml"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"sort"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"armor/agent/cloudtrail/access"
	"armor/agent/cloudtrail/cloudtest"
)

// listing is an S3 that lists and gives, counts what it is asked, and can be told to refuse.
type listing struct {
	url string

	mu       sync.Mutex
	keys     []string // sorted
	data     map[string][]byte
	modified map[string]time.Time
	asked    map[string]int
	refuse   func(w http.ResponseWriter, req *http.Request) bool
	body     func(w http.ResponseWriter, req *http.Request, data []byte)
}

func newListing(t *testing.T) *listing {
	t.Helper()
	l := &listing{data: map[string][]byte{}, modified: map[string]time.Time{}, asked: map[string]int{}}
	s := httptest.NewServer(l)
	t.Cleanup(s.Close)
	l.url = s.URL
	return l
}

func (l *listing) put(key string, data []byte, modified time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if at, ok := slices.BinarySearch(l.keys, key); !ok {
		l.keys = slices.Insert(l.keys, at, key)
	}
	l.data[key], l.modified[key] = data, modified
}

func (l *listing) count(what string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := l.asked[what]
	delete(l.asked, what)
	return n
}

type listEntry struct {
	Key          string
	LastModified string
	ETag         string
	Size         int
}

type listPrefix struct{ Prefix string }

type listResult struct {
	XMLName               xml.Name `xml:"ListBucketResult"`
	IsTruncated           bool
	NextContinuationToken string       `xml:",omitempty"`
	Contents              []listEntry  `xml:",omitempty"`
	CommonPrefixes        []listPrefix `xml:",omitempty"`
}

func (l *listing) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	l.mu.Lock()
	refuse := l.refuse
	l.mu.Unlock()
	if refuse != nil && refuse(w, req) {
		return
	}
	_, key, _ := strings.Cut(strings.TrimPrefix(req.URL.Path, "/"), "/")
	l.mu.Lock()
	defer l.mu.Unlock()
	if key != "" {
		l.asked["GET"]++
		data, ok := l.data[key]
		if !ok {
			fail(w, http.StatusNotFound, "NoSuchKey", "The specified key does not exist.")
			return
		}
		w.Header().Set("ETag", etagOf(data))
		if l.body != nil {
			l.body(w, req, data)
			return
		}
		_, _ = w.Write(data)
		return
	}
	l.asked["LIST"]++
	q := req.URL.Query()
	prefix, delimiter, after := q.Get("prefix"), q.Get("delimiter"), max(q.Get("start-after"), q.Get("continuation-token"))
	var out listResult
	seen := ""
	for i := sort.SearchStrings(l.keys, max(prefix, after)); i < len(l.keys); i++ {
		key := l.keys[i]
		if !strings.HasPrefix(key, prefix) {
			break
		}
		if key <= after {
			continue
		}
		if len(out.Contents)+len(out.CommonPrefixes) == 1000 {
			out.IsTruncated = true
			break
		}
		out.NextContinuationToken = key
		if rest := key[len(prefix):]; delimiter != "" && strings.Contains(rest, delimiter) {
			folder := prefix + rest[:strings.Index(rest, delimiter)+1]
			if folder != seen {
				out.CommonPrefixes = append(out.CommonPrefixes, listPrefix{folder})
				seen = folder
			}
			i = sort.SearchStrings(l.keys, folder+"\uffff") - 1
			continue
		}
		out.Contents = append(out.Contents, listEntry{key, l.modified[key].UTC().Format(time.RFC3339), etagOf(l.data[key]), len(l.data[key])})
	}
	if !out.IsTruncated {
		out.NextContinuationToken = ""
	}
	_ = xml.NewEncoder(w).Encode(out)
}

func etagOf(data []byte) string { return fmt.Sprintf(`"%x"`, tagOf(string(data))) }

func fail(w http.ResponseWriter, status int, code, message string) {
	w.WriteHeader(status)
	fmt.Fprintf(w, "<Error><Code>%s</Code><Message>%s</Message></Error>", code, message)
}

// rigOn is a rig whose inputs read from a listing.
func rigOn(t *testing.T, l *listing) *cloudRig {
	t.Helper()
	return newCloudRig(t, cloudtest.New(t, l.url))
}

// TestCostOfAPoll: it depends on the look-back, not on the bucket.
func TestCostOfAPoll(t *testing.T) {
	l := newListing(t)
	r := rigOn(t, l)
	now := time.Now()
	accounts, regions := []string{account1, account2, "777788889999"}, []string{"us-east-1", "eu-west-1", "ap-southeast-2", "us-gov-west-1"}
	keys := make([]string, 0, 100_010)
	for n := range 100_000 { // over a year, none of it in the look-back
		at := now.Add(-4*24*time.Hour - time.Duration(n)*5*time.Minute)
		key := keyOf("", accounts[n%3], regions[n%4], at, strconv.Itoa(n))
		keys = append(keys, key)
		l.data[key], l.modified[key] = []byte("never read"), at
	}
	slices.Sort(keys)
	l.keys = keys
	for n := range 10 {
		l.put(keyOf("", accounts[n%3], regions[n%4], now, "new"+strconv.Itoa(n)), zip(file1(n, n)), now)
	}
	b := r.listOnce(Source{Bucket: "trail"})
	if lists, gets := l.count("LIST"), l.count("GET"); lists >= 50 || gets != 10 {
		t.Errorf("%d lists, %d objects read", lists, gets)
	} else {
		t.Logf("%d lists, %d objects read", lists, gets)
	}
	if got := numbers(ids(r.events())); !slices.Equal(got, want(0, 9)) {
		t.Errorf("got %v", got)
	}
	if n := r.intake.objects.len(); n != 10 || b.Figures()["cloudtrail_listing_requests"] >= 50 {
		t.Errorf("%d objects are remembered, %v", n, b.Figures())
	}
	// The next poll knows accounts and regions, and reads nothing.
	b.cfg.OneShot = true
	if err := b.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if lists, gets := l.count("LIST"), l.count("GET"); lists != 12 || gets != 0 {
		t.Errorf("the second poll: %d lists, %d objects read", lists, gets)
	}
}

// TestOffForDays: what was delivered while the agent did not run is read, however long that was.
func TestOffForDays(t *testing.T) {
	l := newListing(t)
	r := rigOn(t, l)
	now := time.Now()
	l.put(keyOf("", account1, "us-east-1", now, "a"), zip(file1(1, 1)), now)
	r.listOnce(Source{Bucket: "trail"})
	for day := range 10 {
		at := now.Add(time.Duration(day) * 24 * time.Hour)
		l.put(keyOf("", account1, "us-east-1", at, "b"), zip(file1(10+day, 10+day)), at)
	}
	r.shift = 10 * 24 * time.Hour
	r.reopen()
	r.listOnce(Source{Bucket: "trail"})
	if got := numbers(ids(r.events())); !slices.Equal(got, append([]string{"id-1"}, want(10, 19)...)) {
		t.Errorf("got %v", got)
	}
}

// TestRefusals: one clear message, work goes on when it is over.
func TestRefusals(t *testing.T) {
	tests := []struct {
		name   string
		refuse func(w http.ResponseWriter, req *http.Request) bool
		want   string
	}{
		{"wrong region", func(w http.ResponseWriter, _ *http.Request) bool {
			w.Header().Set("X-Amz-Bucket-Region", "ap-south-1")
			fail(w, http.StatusMovedPermanently, "PermanentRedirect", "The bucket you are attempting to access must be addressed using the specified endpoint.")
			return true
		}, "bucket trail: it is in region ap-south-1, which is not the one that is set; set region: ap-south-1"},
		{"no permission", func(w http.ResponseWriter, _ *http.Request) bool {
			fail(w, http.StatusForbidden, "AccessDenied", "Access Denied")
			return true
		}, "bucket trail: no permission for s3:ListBucket (AccessDenied: Access Denied); docs/cloudtrail.md has the policy"},
		{"missing", func(w http.ResponseWriter, _ *http.Request) bool {
			fail(w, http.StatusNotFound, "NoSuchBucket", "The specified bucket does not exist")
			return true
		}, "bucket trail: it does not exist (NoSuchBucket: The specified bucket does not exist); check its name and the region"},
		{"throttled", func(w http.ResponseWriter, _ *http.Request) bool {
			fail(w, http.StatusServiceUnavailable, "SlowDown", "Please reduce your request rate.")
			return true
		}, "bucket trail: AWS asks for fewer requests (SlowDown: Please reduce your request rate.); trying again more slowly"},
		{"expired", func(w http.ResponseWriter, _ *http.Request) bool {
			fail(w, http.StatusBadRequest, "ExpiredToken", "The provided token has expired.")
			return true
		}, "bucket trail: no valid AWS credentials (ExpiredToken: The provided token has expired.)"},
		{"an object", func(w http.ResponseWriter, req *http.Request) bool {
			if strings.Contains(req.URL.Path, "_secret") {
				fail(w, http.StatusForbidden, "AccessDenied", "Access Denied")
				return true
			}
			return false
		}, "no permission for s3:GetObject (AccessDenied: Access Denied)"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			l := newListing(t)
			r := rigOn(t, l)
			now := time.Now()
			l.put(keyOf("", account1, "us-east-1", now, "secret"), zip(file1(1, 3)), now)
			l.put(keyOf("", account1, "us-east-1", now, "plain"), zip(file1(4, 5)), now)
			l.refuse = test.refuse
			b := NewBucket(r.config(Source{Bucket: "trail", Poll: time.Second}), r.intake, r.logger())
			run(t, b.Run)
			eventually(t, "the problem is told", func() bool { return strings.Contains(b.Problem(), test.want) })
			if strings.Contains(b.Problem(), "\n") || b.Idle() {
				t.Errorf("idle %v, problem %q", b.Idle(), b.Problem())
			}
			if test.name == "an object" {
				eventually(t, "the others are read", func() bool { return r.spool.Stats().Spooled == 2 })
			}
			l.mu.Lock()
			l.refuse = nil
			l.mu.Unlock()
			eventually(t, "all is read when it is over", func() bool { return r.spool.Stats().Spooled == 5 && b.Problem() == "" && b.Idle() })
		})
	}
}

func TestRefusedOnce(t *testing.T) {
	l := newListing(t)
	r := rigOn(t, l)
	l.refuse = tests403
	cfg := r.config(Source{Bucket: "trail", Attempts: 2})
	cfg.OneShot = true
	b := NewBucket(cfg, r.intake, r.logger())
	if err := b.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if list := b.Damaged(); len(list) != 1 || !strings.Contains(list[0], "no permission for s3:ListBucket") {
		t.Errorf("%q", list)
	}
}

func tests403(w http.ResponseWriter, _ *http.Request) bool {
	fail(w, http.StatusForbidden, "AccessDenied", "Access Denied")
	return true
}

// TestBrokenConnection: an object is read on from where its connection broke.
func TestBrokenConnection(t *testing.T) {
	l := newListing(t)
	r := rigOn(t, l)
	now := time.Now()
	l.put(keyOf("", account1, "us-east-1", now, "a"), zip(file1(1, 20000)), now)
	ranges := 0
	l.body = func(w http.ResponseWriter, req *http.Request, data []byte) {
		from := 0
		if text := req.Header.Get("Range"); text != "" {
			ranges++
			_, _ = fmt.Sscanf(text, "bytes=%d-", &from)
		}
		w.Header().Set("Content-Length", strconv.Itoa(len(data)-from))
		_, _ = w.Write(data[from:min(from+len(data)/5+1, len(data))]) // then it breaks
	}
	b := r.listOnce(Source{Bucket: "trail"})
	if got := ids(r.events()); !slices.Equal(got, want(1, 20000)) || ranges < 4 || len(b.Damaged()) > 0 {
		t.Errorf("%d events, %d ranges, %v", len(got), ranges, b.Damaged())
	}
}

// TestSources: every mistake is named by its key.
func TestSources(t *testing.T) {
	bad := Source{
		Bucket: "s3://b", Organization: "abc", Accounts: []string{"1"}, Regions: []string{"Frankfurt"}, Since: "yesterday", Until: "x", LookBack: time.Second,
		Sweep: 1, Poll: 1, Concurrency: 100, Attempts: -1, VisibilityTimeout: time.Minute, Queue: "q",
		Options: access.Options{RoleARN: "admin", SessionName: "a b", RoleDuration: time.Minute, Endpoints: access.Endpoints{S3: "localhost:9000"}},
	}
	var text strings.Builder
	for _, err := range bad.Problems(ModeBucket) {
		text.WriteString(err.Error() + "\n")
	}
	for _, key := range []string{
		"bucket:", "organization:", "accounts[0]:", "regions[0]:", "since:", "until:", "look_back:", "sweep:", "poll:", "concurrency:", "attempts:", "visibility_timeout:",
		"queue:", "role_arn:", "session_name:", "role_duration:", "endpoints.s3:",
	} {
		if !strings.Contains("\n"+text.String(), "\n"+key) {
			t.Errorf("%s is not in\n%s", key, text.String())
		}
	}
	for mode, src := range map[string]Source{
		ModeBucket: {Bucket: "my-bucket", Since: "2026-01-31", Until: "2026-02-01T12:00:00+01:00", Organization: "o-a1b2c3d4e5", Accounts: []string{account1}, Regions: []string{"us-gov-west-1"}},
		ModeQueue:  {Queue: "https://sqs.eu-central-1.amazonaws.com/123456789012/q", VisibilityTimeout: time.Minute, Options: access.Options{RoleARN: "arn:aws:iam::123456789012:role/x", ExternalID: "e"}},
	} {
		if errs := src.Problems(mode); len(errs) > 0 {
			t.Errorf("%s: %v", mode, errs)
		}
	}
}
