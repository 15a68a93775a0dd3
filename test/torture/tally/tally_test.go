package tally

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestEveryFaultIsSeen(t *testing.T) {
	offered := map[string]uint64{"a": 3, "b": 1}
	for _, c := range []struct {
		name, alerts string
		want         Report
	}{
		{"all", "a1 b1 a2 a3", Report{Arrived: 4}},
		{"nothing", "", Report{Lost: 4}},
		{"one lost", "a1 a3 b1", Report{Arrived: 3, Lost: 1}},
		{"one twice", "a1 a2 a2 a3 b1", Report{Arrived: 5, Duplicate: 1}},
		{"never offered", "a1 a2 a3 a4 b1", Report{Arrived: 5, Invented: 1}},
		{"unknown source", "a1 a2 a3 b1 c1", Report{Arrived: 5, Invented: 1}},
		{"swapped", "a2 a1 a3 b1", Report{Arrived: 4, OutOfOrder: 1}},
	} {
		var documents strings.Builder
		for at := range strings.FieldsSeq(c.alerts) {
			log := fmt.Sprintf(`{"torture":{"source":%q,"n":%q}}`, at[:1], at[1:])
			fmt.Fprintf(&documents, `{"rule":{"id":"100900"},"full_log":%q}`+"\n", log)
		}
		tally := New(true, "a", "b")
		if err := tally.Documents(strings.NewReader(documents.String())); err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		if diff := cmp.Diff(c.want, tally.Close(offered), cmpopts.IgnoreFields(Report{}, "Examples")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}

func TestForeignAlertIsInvented(t *testing.T) {
	tally := New(true, "a")
	if err := tally.Documents(strings.NewReader(`{"rule":{"id":"5"},"full_log":"{\"torture\":{\"source\":\"a\",\"n\":\"1\"}}"}`)); err != nil {
		t.Fatal(err)
	}
	if r := tally.Close(nil); r.Invented != 1 {
		t.Errorf("%+v", r)
	}
	if err := tally.Documents(strings.NewReader("{\n")); err == nil {
		t.Error("half a document: no error")
	}
}
