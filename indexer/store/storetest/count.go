package storetest

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"armor/indexer/store"
	armorv1 "armor/proto/armor/v1"
)

func bucket(key string, n uint64, times ...store.TimeBucket) store.Bucket {
	return store.Bucket{Key: key, Count: n, Times: times}
}

func span(start time.Time, n uint64) store.TimeBucket {
	return store.TimeBucket{Start: start, Count: n}
}

// countedAlerts are nine alerts over two months.
func countedAlerts() []store.Document {
	ip := func(ip string) func(*armorv1.Alert) {
		return func(a *armorv1.Alert) { a.Context = &armorv1.AlertContext{SourceIp: ip, UserName: "u-" + ip} }
	}
	minute := 60_000
	return []store.Document{
		alert("1", at(0)).rule("10", 3, "ten", "a", "b").with(ip("10.0.0.9")).data(`{"k":["x","y","x"]}`).doc(),
		alert("2", at(10)).rule("10", 3, "ten", "a", "b").with(ip("10.0.0.10")).data(`{"k":"x"}`).doc(),
		alert("3", at(minute)).rule("10", 3, "ten", "a", "b").with(ip("2001:DB8::1")).data(`{"k":7}`).doc(),
		alert("4", at(minute+1)).rule("9", 12, "nine", "b").with(ip("not an address")).data(`{"k":true}`).doc(),
		alert("5", at(3*minute)).rule("9", 12, "nine", "b").with(ip("::ffff:10.0.0.9")).doc(),
		alert("6", at(3*minute)).rule("8", 5, "eight", "c").agent("002", "db").doc(),
		alert("7", at(4*minute)).rule("7", 5, "seven", "c").agent("002", "db").doc(),
		alert("8", at(0).AddDate(0, -1, 0)).rule("7", 5, "seven").agent("002", "db").doc(),
		alert("9", at(0).AddDate(0, -1, 0)).rule("6", 16, "six", "a").agent("003", "db").doc(),
	}
}

func testCounts(_ *testing.T, s *suite) {
	s.write(store.Created, countedAlerts()...)
	for _, c := range []struct {
		query, field string
		size         int
		want         store.Aggregate
	}{
		{"", "rule.description", 3, store.Aggregate{Total: 9, Other: 2,
			Buckets: []store.Bucket{bucket("ten", 3), bucket("nine", 2), bucket("seven", 2)}}},
		{"", "rule.groups", 0, store.Aggregate{Total: 9, Buckets: []store.Bucket{bucket("b", 5), bucket("a", 4), bucket("c", 2)}}},
		{"", "rule.level", 4, store.Aggregate{Total: 9,
			Buckets: []store.Bucket{bucket("3", 3), bucket("5", 3), bucket("12", 2), bucket("16", 1)}}},
		{"", "rule.id", 2, store.Aggregate{Total: 9, Other: 4, Buckets: []store.Bucket{bucket("10", 3), bucket("7", 2)}}},
		{"", "rule.mail", 2, store.Aggregate{Total: 9, Buckets: []store.Bucket{bucket("false", 9)}}},
		{"rule.level:>=12", "agent.id", 5, store.Aggregate{Total: 3, Buckets: []store.Bucket{bucket("001", 2), bucket("003", 1)}}},
		{"", "source.ip", 10, store.Aggregate{Total: 9,
			Buckets: []store.Bucket{bucket("10.0.0.9", 2), bucket("10.0.0.10", 1), bucket("2001:db8::1", 1)}}},
		{"", "data.k", 10, store.Aggregate{Total: 9, Buckets: []store.Bucket{bucket("x", 2), bucket("7", 1), bucket("true", 1), bucket("y", 1)}}},
		{"data.k:x", "data.k", 1, store.Aggregate{Total: 2, Other: 1, Buckets: []store.Bucket{bucket("x", 2)}}},
		{"data.k:*", "rule.groups", 1, store.Aggregate{Total: 4, Other: 3, Buckets: []store.Bucket{bucket("b", 4)}}},
		{"", "@timestamp", 1, store.Aggregate{Total: 9, Other: 7, Buckets: []store.Bucket{bucket("2026-06-10T10:00:00.000Z", 2)}}},
		{"", "no.such.field", 5, store.Aggregate{Total: 9}},
		{"rule.groups:c", "", 0, store.Aggregate{Total: 2, Buckets: []store.Bucket{bucket("", 2)}}},
		{"rule.id:nothing", "rule.id", 0, store.Aggregate{}},
	} {
		got := s.count(store.Aggregation{Filter: store.Filter{Query: parse(s.t, c.query)}, Field: c.field, Size: c.size})
		s.same(fmt.Sprintf("query %q by %s, %d", c.query, c.field, c.size), got, c.want)
	}
}

func testCountsOverTime(_ *testing.T, s *suite) {
	s.write(store.Created, countedAlerts()...)
	month := store.Filter{Since: at(0), Until: at(3_600_000)}
	minute := 60_000
	for _, c := range []struct {
		what  string
		query store.Aggregation
		want  store.Aggregate
	}{
		{"time only", store.Aggregation{Filter: month, Interval: time.Minute}, store.Aggregate{Total: 7, Buckets: []store.Bucket{
			bucket("", 7, span(at(0), 2), span(at(minute), 2), span(at(3*minute), 2), span(at(4*minute), 1))}}},
		{"top 1 of the whole range", store.Aggregation{Filter: month, Field: "rule.groups", Size: 1, Interval: 2 * time.Minute},
			store.Aggregate{Total: 7, Other: 5, Buckets: []store.Bucket{bucket("b", 5, span(at(0), 4), span(at(2*minute), 1))}}},
		{"by a field of the data", store.Aggregation{Filter: month, Field: "data.k", Size: 1, Interval: time.Minute},
			store.Aggregate{Total: 7, Other: 3, Buckets: []store.Bucket{bucket("x", 2, span(at(0), 2))}}},
		{"an interval that does not divide the hour", store.Aggregation{Filter: month, Field: "rule.id", Size: 1, Interval: 7 * time.Second},
			store.Aggregate{Total: 7, Other: 4, Buckets: []store.Bucket{bucket("10", 3,
				span(floor(at(0), 7), 2), span(floor(at(minute), 7), 1))}}},
		{"over two months", store.Aggregation{Field: "rule.groups", Size: 2, Interval: 24 * time.Hour},
			store.Aggregate{Total: 9, Other: 2, Buckets: []store.Bucket{
				bucket("b", 5, span(floor(at(0), 86400), 5)),
				bucket("a", 4, span(floor(at(0).AddDate(0, -1, 0), 86400), 1), span(floor(at(0), 86400), 3))}}},
		{"nothing", store.Aggregation{Filter: store.Filter{Until: at(-1 << 40)}, Field: "rule.groups", Interval: time.Second}, store.Aggregate{}},
	} {
		s.same(c.what, s.count(c.query), c.want)
	}
}

// floor is the multiple of so many seconds since 1970 at or before t.
func floor(t time.Time, seconds int64) time.Time {
	n := t.Unix()
	return time.Unix(n-(n%seconds+seconds)%seconds, 0).UTC()
}

func testRequests(t *testing.T, s *suite) {
	s.write(store.Created, alert("a", at(0)).doc())
	bad := func(what string, err error) {
		t.Helper()
		var r *store.RequestError
		if !errors.As(err, &r) {
			t.Errorf("%s: got %v, want a RequestError", what, err)
		}
	}
	_, err := s.Search(t.Context(), store.Search{Size: store.MaxPage + 1})
	bad("page too large", err)
	_, err = s.Search(t.Context(), store.Search{Size: -1})
	bad("negative page", err)
	for what, a := range map[string]store.Aggregation{
		"too many values":     {Field: "rule.id", Size: store.MaxValues + 1},
		"negative size":       {Field: "rule.id", Size: -1},
		"by a text":           {Field: "full_log"},
		"by an object":        {Field: "rule"},
		"by a flattened root": {Field: "data.aws.requestParameters"},
		"negative interval":   {Interval: -time.Second},
		"half a second":       {Interval: time.Second / 2},
	} {
		_, err := s.Aggregate(t.Context(), a)
		bad(what, err)
	}
}
