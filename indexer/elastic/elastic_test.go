package elastic_test

import (
	"testing"

	"armor/indexer/elastic"
	"armor/indexer/store/storetest"
	"armor/internal/testenv"
)

// open makes a store on the shared node, emptied, and prepares it.
func open(t testing.TB) *elastic.Store {
	t.Helper()
	url := testenv.Elasticsearch(t)
	testenv.WipeElasticsearch(t, url)
	s := at(t, url)
	if err := s.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s
}

func at(t testing.TB, url string) *elastic.Store {
	t.Helper()
	s, err := elastic.New(elastic.Config{URLs: []string{url}}, elastic.Options{Now: storetest.Now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func TestContract(t *testing.T) {
	storetest.Run(t, func(t *testing.T) storetest.Opened {
		s := open(t)
		return storetest.Opened{Store: s, Refresh: s.Refresh}
	})
}
