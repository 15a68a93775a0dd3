package storetest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"armor/indexer/document"
	"armor/indexer/store"
	armorv1 "armor/proto/armor/v1"
)

// HostileAlerts are alerts made of bytes that an attacker, or a fault, may choose. Their documents are fit for every store.
func HostileAlerts() []*armorv1.Alert {
	bad := "\xff\xfe\x00\x01\"\\</script>\u2028\xed\xa0\x80\n\r\t\x7f"
	long := strings.Repeat("日本語\x00", 20_000)
	base := func(id string) *armorv1.Alert { return &armorv1.Alert{Id: id, Time: timestamppb.New(start)} }
	alerts := []*armorv1.Alert{
		base("empty"),
		{Id: "timeless"},
		{Id: "badtime", Time: &timestamppb.Timestamp{Seconds: 1 << 60, Nanos: -5}, DetectedTime: timestamppb.New(start)},
		{Id: "ancient", Time: timestamppb.New(time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC))},
		{Id: "far", Time: timestamppb.New(time.Date(9999, 12, 31, 23, 59, 59, 999_999_999, time.UTC))},
	}
	everywhere := base("everywhere")
	everywhere.Rule = &armorv1.AlertRule{
		Id: 1<<32 - 1, Level: 1<<32 - 1, FiredTimes: 1<<63 - 1, Frequency: 1<<32 - 1, Mail: true, Description: bad, Info: bad,
		Groups:     []string{bad, "", bad},
		Compliance: []*armorv1.Compliance{{Standard: "id", Requirements: []string{bad}}, {Standard: bad, Requirements: []string{"1"}}, {Standard: "gdpr", Requirements: []string{bad}}, {Standard: "gdpr", Requirements: []string{"2"}}, nil},
		Mitre:      []*armorv1.Mitre{{Id: bad, Tactics: []string{bad, ""}, Technique: bad}, {}, nil},
	}
	everywhere.Agent = &armorv1.AlertAgent{Id: bad, Name: bad, Ip: bad, Labels: map[string]string{"": "x", bad: bad, "a": "1", "a.b": "2", ".": "dot", "a..b": "3", "\x00": "n", "\ufffd": "m", "_": "u"}}
	everywhere.ManagerName, everywhere.Location = bad, bad
	everywhere.Decoder = &armorv1.AlertDecoder{Name: bad, Parent: bad}
	everywhere.Predecoder = &armorv1.Predecoder{Timestamp: bad, Hostname: bad, ProgramName: bad}
	everywhere.FullLog = []byte(bad)
	everywhere.PreviousOutput = [][]byte{[]byte(bad), nil, []byte(bad)}
	everywhere.Context = &armorv1.AlertContext{EventModule: bad, EventDataset: bad, EventAction: bad, EventOutcome: bad, SourceIp: bad,
		UserName: bad, CloudProvider: bad, CloudRegion: bad, CloudAccountId: bad, CloudInstanceId: bad}
	everywhere.SpoolId = bad
	alerts = append(alerts, everywhere)

	large := base("large")
	large.Rule = &armorv1.AlertRule{Id: 1, Description: long, Groups: []string{long}}
	large.Agent = &armorv1.AlertAgent{Id: long, Name: long, Labels: map[string]string{"l": long}}
	large.FullLog = bytes.Repeat([]byte("word "), 150_000)
	large.Location = strings.Repeat("x", 40_000)
	alerts = append(alerts, large)

	oneWord := base("oneword")
	oneWord.FullLog = bytes.Repeat([]byte("x"), 700_000)
	alerts = append(alerts, oneWord)

	for i, data := range []string{
		"", "{}", "null", "[]", `"x"`, "{", `{"a":}`, `{"a":1}}`, "\x00", "{\"a\":\"\xff\"}", "{\"a\":\"\x01\"}", `{"a":01}`, `{"a":tru}`,
		`{"a":"\ud800"}`, `{"a":"\u0000","\u0000":"b"}`, "{\n \"a\" : [ 1 ,\n2 ]\r\n}", `{"a":1e400,"b":-0,"c":123456789012345678901234567890}`,
		`{"a":[[["x"],"y"],{"b":{"c":["z"]}}]}`, `{"long":"` + strings.Repeat("é", 70_000) + `"}`,
		strings.Repeat(`{"a":`, 3000) + "1" + strings.Repeat("}", 3000),
		`{"a.b":"x"}`, `{"@timestamp":"never","id":7,"rule":{"id":[]}}`,
	} {
		a := base(fmt.Sprintf("data%02d", i))
		a.Data = []byte(data)
		alerts = append(alerts, a)
	}
	return alerts
}

func testHostile(t *testing.T, s *suite) {
	var docs []store.Document
	var want []string
	for _, a := range HostileAlerts() {
		docs = append(docs, builder{a}.doc())
		want = append(want, a.GetId())
	}
	s.write(store.Created, docs...)
	s.write(store.Duplicate, docs...)
	got, page := s.find(store.Search{Size: 100})
	slices.Sort(got)
	slices.Sort(want)
	s.same("all are there", got, want)
	for _, h := range page.Hits {
		i := slices.IndexFunc(docs, func(d store.Document) bool { return d.ID == h.ID })
		if !json.Valid(h.JSON) || !bytes.Equal(h.JSON, docs[i].JSON) {
			t.Errorf("%s came back changed", h.ID)
		}
		if !h.Time.Equal(document.Time(docs[i].Alert)) {
			t.Errorf("%s: time %v", h.ID, h.Time)
		}
	}
	one, _ := s.find(store.Search{Filter: store.Filter{Query: parse(t, "full_log:word AND id:large")}, Size: 5})
	s.same("a large log is searched", one, []string{"large"})
}

func testRetention(t *testing.T, s *suite) {
	june, july := time.Date(2026, 6, 30, 23, 59, 59, 0, time.UTC), time.Date(2026, 7, 1, 0, 0, 0, 0, time.UTC)
	s.write(store.Created, alert("may", june.AddDate(0, -1, 0)).doc(), alert("june", june).doc(), alert("july", july).doc())
	deleted, err := s.DeleteBefore(t.Context(), july.Add(-time.Nanosecond))
	if err != nil {
		t.Fatal(err)
	}
	s.same("deleted", len(deleted), 1)
	s.refresh()
	got, _ := s.find(store.Search{Size: 10})
	s.same("left", got, []string{"july", "june"})
	if deleted, err = s.DeleteBefore(t.Context(), july); err != nil || len(deleted) != 1 {
		t.Fatalf("deleted %v, %v", deleted, err)
	}
	if deleted, err = s.DeleteBefore(t.Context(), july); err != nil || len(deleted) != 0 {
		t.Fatalf("deleted %v, %v", deleted, err)
	}
	s.refresh()
	got, page := s.find(store.Search{Size: 10})
	s.same("left", got, []string{"july"})
	s.same("total", page.Total, uint64(1))
	s.write(store.Created, alert("june", june).doc()) // a deleted month can be written again
	got, _ = s.find(store.Search{Size: 10})
	s.same("back", got, []string{"july", "june"})
}
