package embedded

import (
	"fmt"
	"testing"
	"time"

	"armor/indexer/query"
	"armor/indexer/store"
)

// Two ids with one hash are two alerts.
func TestEqualHashes(t *testing.T) {
	s, err := Open(t.TempDir(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	at := time.Date(2026, 7, 10, 0, 0, 0, 0, time.UTC)
	doc := func(id string) store.Document {
		return store.Document{ID: id, Time: at, JSON: fmt.Appendf(nil, `{"id":%q,"@timestamp":"2026-07-10T00:00:00.000Z"}`, id)}
	}
	outcome := func(id string) store.Outcome {
		results, err := s.Write(t.Context(), []store.Document{doc(id)})
		if err != nil {
			t.Fatal(err)
		}
		return results[0].Outcome
	}
	if got := outcome("first"); got != store.Created {
		t.Fatal(got)
	}
	w := s.writer["2026.07"]
	if _, err := w.db.Exec("UPDATE alerts SET hash = ?", hash63("second")); err != nil {
		t.Fatal(err)
	}
	for _, want := range []store.Outcome{store.Created, store.Duplicate} {
		if got := outcome("second"); got != want {
			t.Errorf("the second id: %v, want %v", got, want)
		}
	}
	for _, id := range []string{"second"} {
		n, err := query.Parse("id:" + id)
		if err != nil {
			t.Fatal(err)
		}
		page, err := s.Search(t.Context(), store.Search{Filter: store.Filter{Query: n}, Size: 5})
		if err != nil || page.Total != 1 || page.Hits[0].ID != id {
			t.Errorf("%s: %+v, %v", id, page, err)
		}
	}
	if hash63("x")%maxChain != 0 || hash63("x") < 0 {
		t.Error("a hash is not the first of its run")
	}
}
