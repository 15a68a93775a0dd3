package storetest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"armor/indexer/field"
	"armor/indexer/match"
	"armor/indexer/query"
	"armor/indexer/store"
	armorv1 "armor/proto/armor/v1"
)

// testRandom asks random questions about random alerts and compares the answers with a plain walk over the documents.
func testRandom(t *testing.T, s *suite) {
	const seed = 20260710
	r := rand.New(rand.NewPCG(seed, 1))
	var docs []store.Document
	for i := range 400 {
		docs = append(docs, randomAlert(r, i))
	}
	for part := range slices.Chunk(docs, 90) {
		s.write(store.Created, part...)
	}
	for i := range 250 {
		f := store.Filter{Query: randomQuery(r, 3)}
		if r.IntN(3) == 0 {
			f.Since = at(r.IntN(100_000))
		}
		if r.IntN(3) == 0 {
			f.Until = at(r.IntN(100_000))
		}
		want := plainSearch(t, docs, f)
		got, page := s.find(store.Search{Filter: f, Size: 1000})
		s.same(fmt.Sprintf("seed %d, query %d: %v", seed, i, f.Query), got, want)
		s.same("total", page.Total, uint64(len(want)))

		a := store.Aggregation{Filter: f, Field: randomField(r), Size: 1 + r.IntN(6)}
		if r.IntN(2) == 0 {
			a.Interval = time.Duration(1+r.IntN(40)) * time.Second
		}
		s.same(fmt.Sprintf("seed %d, count %d: %s of %v", seed, i, a.Field, f.Query), s.count(a), plainAggregate(t, docs, a))
		if t.Failed() {
			return
		}
	}
}

var randomWords = []string{"root", "Failed", "password", "sshd", "10.0.0.1", "user", "a_b", "É", "x"}

func pick[T any](r *rand.Rand, list ...T) T { return list[r.IntN(len(list))] }

func randomText(r *rand.Rand) string {
	var b strings.Builder
	for range 1 + r.IntN(5) {
		b.WriteString(pick(r, randomWords...))
		b.WriteString(pick(r, " ", ": ", "-", "/", "[", "."))
	}
	return b.String()
}

func randomAlert(r *rand.Rand, i int) store.Document {
	n := r.IntN(6)
	b := alert(fmt.Sprintf("r%04d", i), at(r.IntN(100_000)).AddDate(0, -r.IntN(2), 0)).
		rule(fmt.Sprint(100+n), uint32(n*3), fmt.Sprintf("rule %d", n), fmt.Sprintf("g%d", n%3), fmt.Sprintf("g%d", n%4)).
		agent(fmt.Sprintf("%03d", r.IntN(3)), pick(r, "web", "db", "Web-1")).log(randomText(r))
	b.a.Location = pick(r, "", "/var/log/a", "/var/log/b")
	if r.IntN(2) == 0 {
		b.data(fmt.Sprintf(`{"srcuser":%q,"n":%d,"list":[%q,%q],"aws":{"requestParameters":{"k":%q}}}`,
			pick(r, randomWords...), r.IntN(4), pick(r, randomWords...), pick(r, randomWords...), pick(r, randomWords...)))
	}
	if r.IntN(2) == 0 {
		b.a.Context = &armorv1.AlertContext{SourceIp: pick(r, "10.0.0.1", "10.0.0.2", "192.168.7.7", "fe80::1")}
	}
	return b.doc()
}

func randomField(r *rand.Rand) string {
	return pick(r, "", "rule.id", "rule.level", "rule.groups", "rule.description", "agent.name", "location", "data.srcuser", "data.n",
		"data.list", "source.ip", "data.aws.requestParameters.k", "rule.firedtimes", "no.such")
}

func randomQuery(r *rand.Rand, depth int) query.Node {
	if depth > 0 {
		switch r.IntN(6) {
		case 0:
			return query.And{Nodes: []query.Node{randomQuery(r, depth-1), randomQuery(r, depth-1)}}
		case 1:
			return query.Or{Nodes: []query.Node{randomQuery(r, depth-1), randomQuery(r, depth-1)}}
		case 2:
			return query.Not{Node: randomQuery(r, depth-1)}
		}
	}
	word := pick(r, randomWords...)
	switch r.IntN(9) {
	case 0:
		return query.Match{Value: query.Literal(word)}
	case 1:
		return query.Match{Value: query.Literal(word + " " + pick(r, randomWords...))}
	case 2:
		return query.Match{Field: pick(r, "data.srcuser", "data.list", "data.aws.requestParameters.k", "agent.name", "location"), Value: query.Literal(word)}
	case 3:
		return query.Match{Field: pick(r, "rule.groups", "rule.id", "agent.name", "data.srcuser", "location"),
			Value: query.Value{Parts: []string{pick(r, "", "g", "1", "r"), pick(r, "", "1", "b", "0")}}}
	case 4:
		return query.Range{Field: pick(r, "rule.level", "event.severity", "rule.firedtimes"), From: &query.Bound{Value: fmt.Sprint(r.IntN(16)), Inclusive: r.IntN(2) == 0}}
	case 5:
		return query.Range{Field: pick(r, "rule.id", "data.srcuser", "agent.name"), From: &query.Bound{Value: pick(r, "101", "a", "W"), Inclusive: r.IntN(2) == 0},
			To: &query.Bound{Value: pick(r, "104", "root", "x"), Inclusive: r.IntN(2) == 0}}
	case 6:
		return query.Match{Field: "source.ip", Value: query.Literal(pick(r, "10.0.0.1", "10.0.0.0/24", "fe80::/10"))}
	case 7:
		return query.Match{Field: pick(r, "data", "data.n", "source.ip", "location", "data.aws"), Value: query.Value{Parts: []string{"", ""}}}
	}
	return query.Match{Field: "full_log", Value: query.Value{Parts: []string{pick(r, "", "r", "pass"), pick(r, "", "d", "t")}}}
}

// plainSearch is the answer by a walk over all documents.
func plainSearch(t *testing.T, docs []store.Document, f store.Filter) []string {
	found := plainMatch(t, docs, f)
	slices.SortFunc(found, func(a, b store.Document) int {
		if c := b.Time.Compare(a.Time); c != 0 {
			return c
		}
		return strings.Compare(a.ID, b.ID)
	})
	list := []string{}
	for _, d := range found {
		list = append(list, d.ID)
	}
	return list
}

func plainMatch(t *testing.T, docs []store.Document, f store.Filter) []store.Document {
	t.Helper()
	b, err := f.Check(Now())
	if err != nil {
		t.Fatalf("query %v: %v", f.Query, err)
	}
	m := match.NewMatcher(b.Condition)
	var found []store.Document
	for _, d := range docs {
		if ms := d.Time.UnixMilli(); ms >= b.From && ms <= b.To && m.Match(d.JSON) {
			found = append(found, d)
		}
	}
	return found
}

// plainAggregate is the counts by a walk over all documents.
func plainAggregate(t *testing.T, docs []store.Document, a store.Aggregation) store.Aggregate {
	t.Helper()
	found := plainMatch(t, docs, a.Filter)
	f := field.Of(a.Field)
	counts := map[string]uint64{}
	times := map[string]map[time.Time]uint64{}
	reader := match.NewReader(f)
	for _, d := range found {
		values := []string{""}
		if a.Field != "" {
			values = reader.Values(d.JSON)
		}
		for _, v := range values {
			counts[v]++
			if a.Interval > 0 {
				if times[v] == nil {
					times[v] = map[time.Time]uint64{}
				}
				times[v][floor(d.Time, int64(a.Interval/time.Second))]++
			}
		}
	}
	result := store.Aggregate{Total: uint64(len(found))}
	if a.Field == "" && len(found) == 0 {
		result.Buckets = []store.Bucket{{}}
	}
	for key, n := range counts {
		b := store.Bucket{Key: key, Count: n}
		for at, n := range times[key] {
			b.Times = append(b.Times, store.TimeBucket{Start: at, Count: n})
		}
		slices.SortFunc(b.Times, func(x, y store.TimeBucket) int { return x.Start.Compare(y.Start) })
		result.Buckets = append(result.Buckets, b)
	}
	slices.SortFunc(result.Buckets, func(x, y store.Bucket) int {
		if x.Count != y.Count {
			return int(y.Count) - int(x.Count)
		}
		return match.CompareKeys(f, x.Key, y.Key)
	})
	if a.Field != "" && len(result.Buckets) > a.Size {
		for _, b := range result.Buckets[a.Size:] {
			result.Other += b.Count
		}
		result.Buckets = result.Buckets[:a.Size]
	}
	return result
}
