package embedded

import (
	"context"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/types/known/timestamppb"

	"armor/indexer/document"
	"armor/indexer/query"
	"armor/indexer/store"
	armorv1 "armor/proto/armor/v1"
)

const (
	manyAlerts = 6000
	manySeed   = 20261124
)

var monthStart = time.Date(2026, 7, 1, 0, 0, 0, 0, time.UTC)

// scattered makes a random alert of one month. Many have the very same time, and times are in no order.
func scattered(r *rand.Rand, i int) store.Document {
	at := monthStart.Add(time.Duration(r.IntN(30*24*60)) * time.Minute)
	if r.IntN(3) > 0 { // most in a few busy hours
		at = monthStart.AddDate(0, 0, 3+r.IntN(3)).Add(time.Duration(r.IntN(4_000)) * time.Second)
	}
	if r.IntN(2) == 0 {
		at = at.Add(time.Duration(r.IntN(1000)) * time.Millisecond)
	}
	rule := uint32(r.IntN(30))
	words := []string{"root", "password", "accepted", "refused", "\u00c9t\u00e9", "a_b"}
	a := &armorv1.Alert{
		Id: fmt.Sprintf("%08x-%d", r.Uint32(), i), Time: timestamppb.New(at), DetectedTime: timestamppb.New(at),
		Rule:  &armorv1.AlertRule{Id: 5000 + rule, Level: rule % 16, Description: fmt.Sprintf("rule %d", rule), Groups: []string{"all", fmt.Sprint("group", rule%7)}},
		Agent: &armorv1.AlertAgent{Id: fmt.Sprintf("%03d", r.IntN(12)), Name: fmt.Sprint("host-", r.IntN(12))}, ManagerName: "manager", Decoder: &armorv1.AlertDecoder{Name: "sshd"},
		Location: fmt.Sprint("/var/log/", r.IntN(4)), FullLog: fmt.Append(nil, words[r.IntN(len(words))], " ", words[r.IntN(len(words))], " from ", r.IntN(500)),
		Data: fmt.Appendf(nil, `{"srcip":"10.0.0.%d","bytes":"%d","list":["%s","%s"]}`, r.IntN(90), r.IntN(9000), words[r.IntN(3)], words[r.IntN(6)]),
	}
	return store.Document{ID: a.Id, Time: document.Time(a), Alert: a, JSON: document.Append(nil, a, at)}
}

// openScattered opens a store with many random alerts of one month, on several processors.
func openScattered(t *testing.T) *Store {
	t.Helper()
	before := runtime.GOMAXPROCS(4)
	t.Cleanup(func() { runtime.GOMAXPROCS(before) })
	s, err := Open(t.TempDir(), Options{Now: func() time.Time { return monthStart.AddDate(0, 1, 0) }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	r := rand.New(rand.NewPCG(manySeed, 1))
	for from := 0; from < manyAlerts; from += 1000 {
		var docs []store.Document
		for i := range 1000 {
			docs = append(docs, scattered(r, from+i))
		}
		results, err := s.Write(t.Context(), docs)
		if err != nil {
			t.Fatal(err)
		}
		for _, one := range results {
			if one.Outcome != store.Created {
				t.Fatal(one)
			}
		}
	}
	return s
}

// ranges of time: all, much of the month (read from end to end), little of it (read by the index), none.
var ranges = [][2]time.Time{
	{}, {monthStart.AddDate(0, 0, 2), monthStart.AddDate(0, 0, 5)}, {monthStart.AddDate(0, 0, 3), monthStart.AddDate(0, 0, 3).Add(40 * time.Minute)},
	{monthStart.AddDate(0, 2, 0), {}},
}

// TestStretchesAreOneStretch asks each kind of question with one stretch read by one reader, with as many as possible, and, where
// they are the most, with stretches as they are.
func TestStretchesAreOneStretch(t *testing.T) {
	s := openScattered(t)
	ask := func(name string, n int, question func() (any, error)) {
		t.Helper()
		var want any
		for _, least := range []int64{math.MaxInt64, 20, leastRows} {
			if least == leastRows && n > 0 {
				continue
			}
			s.leastRows = least
			got, err := question()
			if err != nil {
				t.Fatalf("seed %d, %s, stretches of %d rows: %v", manySeed, name, least, err)
			}
			if least == math.MaxInt64 {
				want = got
			} else if diff := cmp.Diff(want, got); diff != "" {
				t.Fatalf("seed %d, %s: one stretch and stretches of %d rows differ:\n%s", manySeed, name, least, diff)
			}
		}
	}
	found, asked := 0, 0
	for _, text := range []string{"", "NOT password AND rule.level:>=5", "location:/var/log/2 OR data.list:root"} {
		node, err := query.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		for n, span := range ranges {
			filter := store.Filter{Query: node, Since: span[0], Until: span[1]}
			var together []store.Aggregation
			for _, a := range []store.Aggregation{
				{}, {Interval: 7 * time.Second}, {Field: "rule.groups", Size: 4, Interval: time.Hour}, {Field: "data.srcip", Size: 5, Interval: 30 * time.Minute},
				{Field: "data.bytes", Size: 20}, {Field: "data.list", Size: 3, Interval: 24 * time.Hour},
			} {
				a.Filter = filter
				if n == 0 && a.Interval == 7*time.Second { // more spans than an answer may have
					a.Interval = 10 * time.Minute
				}
				together = append(together, a)
				ask(fmt.Sprintf("count %q of %q in range %d by %v", a.Field, text, n, a.Interval), n, func() (any, error) { return s.Aggregate(t.Context(), a) })
				asked++
			}
			ask(fmt.Sprintf("all counts of %q in range %d", text, n), n, func() (any, error) { return s.AggregateAll(t.Context(), together) })
			for _, oldest := range []bool{false, true} {
				ask(fmt.Sprintf("search %q in range %d, oldest first: %v", text, n, oldest), n, func() (any, error) {
					var pages []store.Page
					q := store.Search{Filter: filter, Size: 70, OldestFirst: oldest}
					for range 2 { // pages
						page, err := s.Search(t.Context(), q)
						if err != nil {
							return nil, err
						}
						pages, q.After = append(pages, page), page.Next
						if page.Next == nil {
							break
						}
					}
					found += len(pages[0].Hits)
					return pages, nil
				})
				asked++
			}
		}
	}
	if asked < 90 || found < 1000 {
		t.Errorf("only %d questions with %d hits: this proves little", asked, found)
	}
}

// TestStretchesAreShared has two readers read at the same time, each of which waits for the other: every row comes once.
func TestStretchesAreShared(t *testing.T) {
	s := openScattered(t)
	for n, span := range ranges[:3] {
		bound, err := store.Filter{Since: span[0], Until: span[1]}.Check(s.now())
		if err != nil {
			t.Fatal(err)
		}
		p := newPlan(bound)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		err = s.eachMonth(ctx, p, false, func(m *month) error {
			f, err := loadFacets(ctx, m.tx, p.facet, false)
			if err != nil {
				return err
			}
			one, err := p.stretches(ctx, m.tx, f, math.MaxInt64)
			if err != nil {
				return err
			}
			list, err := p.stretches(ctx, m.tx, f, 50)
			if err != nil {
				return err
			}
			if len(one) != 1 || len(list) < 8 {
				t.Errorf("range %d: %d and %d stretches", n, len(one), len(list))
			}
			want := make(map[string]int)
			if err := one[0].read(ctx, m.tx, func(r *row) error { want[string(r.id)]++; return nil }); err != nil {
				return err
			}
			var mu sync.Mutex
			got := make(map[string]int)
			readers, both := 0, make(chan struct{})
			err = s.readStretches(ctx, m, list, func() rowTaker {
				if readers++; readers == 2 {
					close(both)
				}
				return func(r *row) error {
					select {
					case <-both:
					case <-ctx.Done():
						return fmt.Errorf("no second reader came: %w", ctx.Err())
					}
					mu.Lock()
					defer mu.Unlock()
					got[string(r.id)]++
					return nil
				}
			})
			if err != nil {
				return err
			}
			if len(want) < 400 || !maps.Equal(want, got) {
				t.Errorf("range %d: %d rows in one stretch, %d in %d stretches", n, len(want), len(got), len(list))
			}
			return nil
		})
		if err != nil {
			t.Errorf("range %d: %v", n, err)
		}
	}
}
