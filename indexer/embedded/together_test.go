package embedded_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"armor/indexer/embedded"
	"armor/indexer/panels"
	"armor/indexer/query"
	"armor/indexer/store"
)

// TestTogetherIsOneByOne asks the questions of every dashboard together and one after the other, under several filters.
func TestTogetherIsOneByOne(t *testing.T) {
	s, err := embedded.Open(t.TempDir(), embedded.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var docs []store.Document
	for i := range 600 {
		d := realistic(i)
		d.Time = july.Add(time.Duration(i) * 3 * time.Hour) // over three months
		d.Alert.Time = nil
		docs = append(docs, d)
	}
	for len(docs) > 0 {
		n := min(500, len(docs))
		if _, err := s.Write(t.Context(), docs[:n]); err != nil {
			t.Fatal(err)
		}
		docs = docs[n:]
	}
	for _, text := range []string{"", "password", "agent.name:host-3", "NOT cloud.provider:aws AND rule.level:>=5", "nothing:here", "location:/var/log/* AND id:*"} {
		node, err := query.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		for _, since := range []time.Time{{}, july.AddDate(0, 0, 20)} {
			filter := store.Filter{Query: node, Since: since}
			var questions []store.Aggregation
			var want []store.Aggregate
			for _, p := range append(panels.OfDashboards(), panels.Panel{Kind: panels.Stacked}) {
				a, err := p.Aggregation(filter, 24*time.Hour)
				if err != nil {
					t.Fatal(err)
				}
				if p.Kind == panels.Table {
					continue
				}
				one, err := s.Aggregate(t.Context(), a)
				if err != nil {
					t.Fatal(err)
				}
				questions, want = append(questions, a), append(want, one)
			}
			got, err := s.AggregateAll(t.Context(), questions)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%q since %v: one by one and together differ:\n%s", text, since, diff)
			}
		}
	}
	if _, err := s.AggregateAll(t.Context(), []store.Aggregation{{Field: "full_log"}}); err == nil {
		t.Error("a question that makes no sense is answered")
	}
}
