package embedded

import (
	"armor/indexer/field"
	"armor/indexer/match"
	"armor/indexer/store"
)

// tallies count the rows that one processor reads of a month, for the counts of a reading.
type tallies struct {
	scan  *match.Scan
	parts []tally
}

// tally is the part of one count.
type tally struct {
	count    *count
	total    uint64
	counts   []uint64 // by the number of the value
	distinct int
	spans    map[span]uint64
	full     bool // there are too many spans
}

// span of time of a value.
type span struct {
	value int
	start int64
}

func (r *reading) newTallies() *tallies {
	t := &tallies{scan: match.NewScan(), parts: make([]tally, len(r.counts))}
	for _, c := range r.conditions {
		t.scan.Condition(c)
	}
	for _, name := range r.fields {
		t.scan.Field(field.Of(name))
	}
	for i, c := range r.counts {
		t.parts[i] = tally{count: c, spans: make(map[span]uint64)}
	}
	return t
}

// take counts a row.
func (t *tallies) take(r *row) error {
	read := false
	for i := range t.parts {
		part := &t.parts[i]
		c := part.count
		if c.allowed != nil && !c.allowed[r.facet] {
			continue
		}
		if !read {
			t.scan.Read(r.doc)
			read = true
		}
		if c.condition >= 0 && !t.scan.Matches(c.condition) {
			continue
		}
		values := none
		switch {
		case c.shared:
			values = c.values.of[r.facet]
		case c.reader >= 0:
			values = t.scan.Values(c.reader)
		}
		if err := part.take(t, values, r.ms); err != nil {
			return err
		}
	}
	return nil
}

// none stands for the values of a count without a field: its one value has number 0.
var none = []int{0}

// take counts a document with values.
func (t *tally) take(all *tallies, values []int, ms int64) error {
	t.total++
	interval := t.count.interval
	start := ms
	if interval > 0 {
		start -= ((ms % interval) + interval) % interval
	}
	for _, v := range values {
		for v >= len(t.counts) {
			t.counts = append(t.counts, 0)
		}
		if t.counts[v]++; t.counts[v] == 1 {
			if t.distinct++; t.distinct > maxDistinct {
				return t.count.tooMany()
			}
		}
		if interval == 0 || t.full || t.count.chosen != nil && !t.count.chosen[all.key(t.count, v)] {
			continue
		}
		t.spans[span{v, start}]++
		switch n := len(t.spans); {
		case t.count.chosen != nil && n > store.MaxTimeBuckets:
			return store.TooManyBuckets()
		case n > maxSpans:
			t.full, t.spans = true, nil
		}
	}
	return nil
}

// key is a value by its number.
func (t *tallies) key(c *count, value int) string {
	switch {
	case c.shared:
		return c.values.keys[value]
	case c.reader >= 0:
		return t.scan.Key(c.reader, value)
	}
	return ""
}

// add gives what was counted to the counts.
func (t *tallies) add() error {
	for i := range t.parts {
		part := &t.parts[i]
		c := part.count
		c.total += part.total
		for v, n := range part.counts {
			if n == 0 || c.field.Name == "" {
				continue
			}
			if err := c.add(t.key(c, v), n); err != nil {
				return err
			}
		}
		if part.full {
			c.overflow, c.spans = true, nil
		}
		for at, n := range part.spans {
			if err := c.addSpan(t.key(c, at.value), at.start, n); err != nil {
				return err
			}
		}
	}
	return nil
}
