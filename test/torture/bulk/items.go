package bulk

import (
	"bytes"
	"encoding/json"
	"net/http"
)

// item is one action of a bulk request with its document.
type item struct{ action, document []byte }

// parse splits a bulk request of create and index actions.
func parse(body []byte) []item {
	var items []item
	rows := bytes.Split(bytes.TrimSuffix(body, []byte("\n")), []byte("\n"))
	for i := 0; i+1 < len(rows); i += 2 {
		items = append(items, item{rows[i], rows[i+1]})
	}
	return items
}

// refused is the answer to an item that the proxy kept back.
func (it item) refused(status int, kind string) json.RawMessage {
	var action map[string]map[string]any
	if err := json.Unmarshal(it.action, &action); err != nil {
		return json.RawMessage(`{}`)
	}
	for _, about := range action {
		about["status"] = status
		about["error"] = map[string]string{"type": kind, "reason": "fault proxy"}
	}
	text, err := json.Marshal(action)
	if err != nil {
		return json.RawMessage(`{}`)
	}
	return text
}

// withheld says which items the node does not get: every third, or a random one.
func (p *Proxy) withheld(n int, fault Fault) func(int) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if fault == Conflict {
		chosen := p.rng.IntN(max(n, 1))
		return func(i int) bool { return i == chosen }
	}
	first := p.rng.IntN(3)
	return func(i int) bool { return i%3 == first }
}

// some lets the node have some of the items, and answers for the others.
func (p *Proxy) some(w http.ResponseWriter, r *http.Request, items []item, fault Fault) {
	status, kind := http.StatusTooManyRequests, "es_rejected_execution_exception"
	if fault == Conflict {
		status, kind = http.StatusBadRequest, "document_parsing_exception"
	}
	withheld := p.withheld(len(items), fault)
	var kept bytes.Buffer
	passed := 0
	for i, it := range items {
		// What the indexer has set aside can be mapped.
		if withheld(i) && (fault != Conflict || !bytes.Contains(it.document, []byte(`"unmapped_data"`))) {
			items[i].document = nil
			continue
		}
		passed++
		for _, row := range [][]byte{it.action, it.document} {
			kept.Write(row)
			kept.WriteByte('\n')
		}
	}
	merged := struct {
		Took   int               `json:"took"`
		Errors bool              `json:"errors"`
		Items  []json.RawMessage `json:"items"`
	}{}
	if passed > 0 {
		got, err := p.forward(r.Context(), r, kept.Bytes())
		if err != nil || got.status != http.StatusOK {
			breakConnection(w)
			return
		}
		if err := json.Unmarshal(got.body, &merged); err != nil {
			breakConnection(w)
			return
		}
	}
	written := merged.Items
	merged.Items = nil
	for _, it := range items {
		switch {
		case it.document == nil:
			merged.Errors = true
			merged.Items = append(merged.Items, it.refused(status, kind))
		case len(written) > 0:
			merged.Items = append(merged.Items, written[0])
			written = written[1:]
		}
	}
	text, err := json.Marshal(merged)
	if err != nil {
		breakConnection(w)
		return
	}
	w.Header().Set("X-Elastic-Product", "Elasticsearch")
	w.Header().Set("Content-Type", "application/json")
	w.Write(text) //nolint:errcheck // the client may have gone
}
