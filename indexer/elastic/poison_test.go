package elastic_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"armor/indexer/elastic"
	"armor/internal/alertstream"
	"armor/internal/testenv"
)

// One document of a thousand that Elasticsearch refuses is tried with its data set aside, and then is a dead letter; the
// other 999 are stored with the first write.
func TestPoisonInABulkOfAThousand(t *testing.T) {
	node := testenv.Elasticsearch(t)
	poison := lineAlert(500)
	poison.Data = []byte(`{"poison":"yes"}`)
	var tries, others, aside atomic.Int64
	p := newProxy(t, node, func(_ int, w http.ResponseWriter, body []byte, forward func() (int, []byte)) {
		status, answer := forwardWithout(t, node, body, `"_id":"`+poison.GetId()+`"`, func(document []byte) {
			tries.Add(1)
			if bytes.Contains(document, []byte(`"unmapped_data":{"poison"`)) {
				aside.Add(1)
			}
		}, &others, forward)
		reply(w, status, answer)
	})
	l := newLine(t, node, p.URL, nil)
	alerts := numbered(1000)
	alerts[500] = poison
	l.publish(alerts...)
	l.start()
	l.finish(999, 1)
	if tries.Load() != 2 || aside.Load() != 1 || others.Load() != 999 {
		t.Errorf("the poison was tried %d times, %d with its data set aside; others were sent %d times, want 2, 1, 999", tries.Load(), aside.Load(), others.Load())
	}
	letters, _, _, err := l.stream.ListLetters(t.Context(), alertstream.LetterFilter{}, 10)
	if err != nil || len(letters) != 1 || letters[0].Reason != alertstream.ReasonUnmappable || !strings.Contains(letters[0].Detail, "poisoned") {
		t.Errorf("%v, %v", letters, err)
	}
}

// forwardWithout sends a bulk request to the node without the document whose action holds the mark, which is refused as
// malformed.
func forwardWithout(t *testing.T, node string, body []byte, mark string, seen func([]byte), others *atomic.Int64, forward func() (int, []byte)) (int, []byte) {
	lines := bytes.SplitAfter(bytes.TrimSuffix(body, []byte("\n")), []byte("\n"))
	at := -1
	var rest []byte
	for i := 0; i+1 < len(lines); i += 2 {
		if bytes.Contains(lines[i], []byte(mark)) {
			at = i / 2
			seen(lines[i+1])
			continue
		}
		others.Add(1)
		rest = append(append(rest, lines[i]...), lines[i+1]...)
	}
	if at < 0 {
		return forward()
	}
	refused := map[string]any{"create": map[string]any{"status": 400, "error": map[string]any{"type": "mapper_parsing_exception", "reason": "poisoned"}}}
	form := struct {
		Items []any `json:"items"`
	}{}
	if len(rest) > 0 {
		if rest[len(rest)-1] != '\n' {
			rest = append(rest, '\n')
		}
		resp, err := http.Post(node+"/_bulk?filter_path=items.*.status,items.*.error", "application/x-ndjson", bytes.NewReader(rest))
		if err != nil {
			t.Error(err)
			return http.StatusBadGateway, nil
		}
		defer resp.Body.Close()
		if err := json.NewDecoder(resp.Body).Decode(&form); err != nil {
			t.Error(err)
		}
	}
	form.Items = slices.Insert(form.Items, min(at, len(form.Items)), any(refused))
	answer, err := json.Marshal(form)
	if err != nil {
		t.Error(err)
	}
	return http.StatusOK, answer
}

// The limit of a proxy is found once, and not anew with each write.
func TestLimitOfAProxyIsRemembered(t *testing.T) {
	node := testenv.Elasticsearch(t)
	var refused, passed atomic.Int64
	p := newProxy(t, node, func(_ int, w http.ResponseWriter, body []byte, forward func() (int, []byte)) {
		if len(body) > 20_000 {
			refused.Add(1)
			http.Error(w, "too large", http.StatusRequestEntityTooLarge)
			return
		}
		passed.Add(1)
		pass(w, forward)
	})
	l := newLine(t, node, p.URL, func(c *elastic.Config) { c.MaxRequestBytes = 1 << 20 })
	l.start()
	for range 5 {
		l.publish(lineAlert(0)) // wakes the indexer, so that there are several writes
	}
	l.publish(numbered(6000)...)
	l.finish(6000, 0)
	// From 1 MiB to 20 kB it takes six halvings, by each of two writers; one more for each 64 requests that passed.
	if most := 12 + 2 + passed.Load()/64; refused.Load() > most || passed.Load() < 50 {
		t.Errorf("%d requests refused, %d passed; want at most %d refused", refused.Load(), passed.Load(), most)
	}
}
