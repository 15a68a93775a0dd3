package embedded

import (
	"context"
	"errors"
	"fmt"

	"armor/indexer/store"
)

// maxWriters bounds the months that are open for writing at one time; the one not used for longest is closed.
const maxWriters = 8

// Write stores documents, those of one month in one transaction. A month that cannot be written gives Retry for its
// documents and holds the others not up.
func (s *Store) Write(ctx context.Context, docs []store.Document) ([]store.Result, error) {
	if s.readOnly {
		return nil, errReadOnly
	}
	s.files.RLock()
	defer s.files.RUnlock()
	s.write.Lock()
	defer s.write.Unlock()

	results := make([]store.Result, len(docs))
	var order []string
	parts := make(map[string]*part)
	for i := range docs {
		d, r := &docs[i], &results[i]
		if reason := store.Unfit(d); reason != "" {
			*r = store.Result{Outcome: store.DeadLetter, Reason: reason}
			continue
		}
		month := store.Month.Name(d.Time)
		p := parts[month]
		if p == nil {
			p = &part{}
			parts[month] = p
			order = append(order, month)
		}
		p.docs = append(p.docs, d)
		p.results = append(p.results, r)
	}
	for _, month := range order {
		p := parts[month]
		err := s.writeMonth(ctx, month, p)
		switch {
		case err == nil:
		case ctx.Err() != nil:
			return nil, fmt.Errorf("writing alerts: %w", ctx.Err())
		case errors.Is(err, errClosed):
			return nil, err
		default:
			for _, r := range p.results {
				*r = store.Result{Outcome: store.Retry, Reason: err.Error()}
			}
		}
	}
	return results, nil
}

// part is the documents of one month.
type part struct {
	docs    []*store.Document
	results []*store.Result
}

func (s *Store) writeMonth(ctx context.Context, month string, p *part) error {
	w, err := s.writerOf(ctx, month)
	if err != nil {
		return err
	}
	return w.write(ctx, p.docs, p.results)
}

// writerOf gives the writer of a month. The caller holds s.write.
func (s *Store) writerOf(ctx context.Context, month string) (*writer, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, errClosed
	}
	s.clock++
	if w := s.writer[month]; w != nil {
		w.used = s.clock
		return w, nil
	}
	if len(s.writer) >= maxWriters {
		oldest := ""
		for m, w := range s.writer {
			if oldest == "" || w.used < s.writer[oldest].used {
				oldest = m
			}
		}
		if err := s.writer[oldest].close(); err != nil {
			s.log.Warn("closing a month of alerts", "error", err)
		}
		delete(s.writer, oldest)
	}
	w, err := openWriter(ctx, s.path(month))
	if err != nil {
		return nil, err
	}
	w.used = s.clock
	s.writer[month] = w
	return w, nil
}
