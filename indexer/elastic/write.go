package elastic

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"armor/indexer/jsontext"
	"armor/indexer/store"
)

// Write stores documents with one bulk request, or several where they are too large for one. What the cluster answers for
// each decides its outcome; a request that fails as a whole gives Retry for its documents.
func (s *Store) Write(ctx context.Context, docs []store.Document) ([]store.Result, error) {
	results := make([]store.Result, len(docs))
	b := &bulk{store: s, results: results}
	for i := range docs {
		d := &docs[i]
		if reason := store.Unfit(d); reason != "" {
			results[i] = store.Result{Outcome: store.DeadLetter, Reason: reason}
			continue
		}
		line, err := oneLine(d.JSON)
		if err != nil {
			results[i] = store.Result{Outcome: store.DeadLetter, Reason: err.Error()}
			continue
		}
		if err := b.add(ctx, i, d, line); err != nil {
			return nil, err
		}
	}
	if err := b.flush(ctx, false); err != nil {
		return nil, err
	}
	b.settle()
	return results, nil
}

// oneLine gives a document without line ends, which would end it in a bulk request.
func oneLine(doc []byte) ([]byte, error) {
	if bytes.IndexByte(doc, '\n') < 0 && bytes.IndexByte(doc, '\r') < 0 {
		return doc, nil
	}
	if !jsontext.ValidObject(doc) {
		return nil, fmt.Errorf("the document is not a JSON object")
	}
	var out bytes.Buffer
	if err := json.Compact(&out, doc); err != nil {
		return nil, fmt.Errorf("the document is not a JSON object: %w", err)
	}
	return out.Bytes(), nil
}

// bulk gathers documents into requests.
type bulk struct {
	store   *Store
	results []store.Result
	body    []byte
	entries []entry
	suspect []int // documents whose request, of them alone, was refused as malformed
	taken   bool  // the cluster took another document
}

// entry is a document in the body of a request.
type entry struct {
	number     int // of the document
	start, end int // of its two lines
}

func (b *bulk) add(ctx context.Context, number int, d *store.Document, line []byte) error {
	const overhead = 64
	if len(b.body) > 0 && len(b.body)+len(line)+len(d.ID)+overhead > b.store.limit.bytes() {
		if err := b.flush(ctx, true); err != nil {
			return err
		}
	}
	start := len(b.body)
	b.body = append(b.body, `{"create":{"_index":"`...)
	b.body = append(b.body, b.store.index(d.Time)...)
	b.body = append(b.body, `","_id":"`...)
	b.body = append(b.body, d.ID...) // store.Unfit leaves only letters, digits, - and _
	b.body = append(b.body, "\"}}\n"...)
	b.body = append(b.body, line...)
	b.body = append(b.body, '\n')
	b.entries = append(b.entries, entry{number, start, len(b.body)})
	return nil
}

// flush sends what was gathered; more says that only the size limit has ended it.
func (b *bulk) flush(ctx context.Context, more bool) error {
	if len(b.entries) == 0 {
		return nil
	}
	err := b.send(ctx, b.entries, more)
	b.entries, b.body = b.entries[:0], b.body[:0]
	return err
}

// send sends entries that follow each other in the body, in as many requests as the size limit of the moment asks for. An
// error is only the end of ctx.
func (b *bulk) send(ctx context.Context, entries []entry, more bool) error {
	for len(entries) > 0 {
		n, limit := 1, b.store.limit.bytes()
		for n < len(entries) && entries[n].end-entries[0].start <= limit {
			n++
		}
		if err := b.request(ctx, entries[:n], more || n < len(entries)); err != nil {
			return err
		}
		entries = entries[n:]
	}
	return nil
}

// request makes one request, or several where it was refused as a whole because of its size or form. cut says that it would have been
// larger without the size limit.
func (b *bulk) request(ctx context.Context, entries []entry, cut bool) error {
	body := b.body[entries[0].start:entries[len(entries)-1].end]
	answer, err := b.store.call(ctx, http.MethodPost, "/_bulk?filter_path=items.*.status,items.*.error", typeBulk, body)
	switch {
	case err == nil:
		b.store.limit.pass(len(body), cut)
		b.read(entries, answer)
		return nil
	case ctx.Err() != nil:
		return err
	}
	switch status := statusOf(err); {
	case status == http.StatusRequestEntityTooLarge && len(entries) > 1:
		b.store.limit.refuse(len(body))
		return b.send(ctx, entries, cut)
	case status == http.StatusBadRequest && len(entries) > 1:
		half := len(entries) / 2
		if err := b.request(ctx, entries[:half], false); err != nil {
			return err
		}
		return b.request(ctx, entries[half:], false)
	case status == http.StatusRequestEntityTooLarge:
		b.set(entries, store.Result{Outcome: store.DeadLetter, Reason: fmt.Sprintf("%v (the document has %d bytes)", err, len(body))})
	case status == http.StatusBadRequest:
		b.set(entries, store.Result{Outcome: store.Retry, Reason: err.Error()})
		b.suspect = append(b.suspect, entries[0].number)
	default:
		if errors.Is(err, errLate) {
			b.store.limit.late(len(body))
		}
		b.set(entries, store.Result{Outcome: store.Retry, Reason: err.Error()})
	}
	return nil
}

func (b *bulk) set(entries []entry, r store.Result) {
	for _, e := range entries {
		b.results[e.number] = r
	}
}

// settle decides about requests of one document that were refused as malformed. Where the cluster took others, the fault is
// the document's; where it took none, it may be anything's, and the documents wait.
func (b *bulk) settle() {
	if !b.taken {
		return
	}
	for _, n := range b.suspect {
		b.results[n].Outcome = store.Demote
	}
}

// read reads the answers for each document.
func (b *bulk) read(entries []entry, answer []byte) {
	var form struct {
		Items []map[string]struct {
			Status int   `json:"status"`
			Error  cause `json:"error"`
		} `json:"items"`
	}
	if err := json.Unmarshal(answer, &form); err != nil || len(form.Items) != len(entries) {
		b.set(entries, store.Result{Outcome: store.Retry,
			Reason: fmt.Sprintf("Elasticsearch's answer to a bulk request has %d results for %d documents (%v)", len(form.Items), len(entries), err)})
		return
	}
	for i, e := range entries {
		item := form.Items[i]["create"]
		r := outcome(item.Status, &item.Error)
		b.results[e.number] = r
		if r.Outcome == store.Created || r.Outcome == store.Duplicate {
			b.taken = true
		}
	}
}
