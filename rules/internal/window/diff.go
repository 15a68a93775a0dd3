package window

import "strings"

// diffs keeps the last text of each key, for check_diff.
type diffs struct {
	limit   int
	last    map[string]string
	order   []string
	bytes   int
	evicted uint64
}

// Changed says whether a text differs from the last one under its key, and remembers it. The first text of a key is
// no change.
func (s *Session) Changed(key, text string) bool {
	m := s.lock()
	d := &m.diffs
	old, known := d.last[key]
	if known && old == text {
		return false
	}
	if s.ReadOnly {
		return known
	}
	if d.last == nil {
		d.last = map[string]string{}
	}
	if known {
		d.bytes -= len(old)
	} else {
		key = strings.Clone(key)
		d.order = append(d.order, key)
		d.bytes += len(key)
	}
	d.last[key] = strings.Clone(text)
	d.bytes += len(text)
	for d.bytes > d.limit && len(d.order) > 1 {
		gone := d.order[0]
		d.order = d.order[1:]
		d.bytes -= len(gone) + len(d.last[gone])
		delete(d.last, gone)
		d.evicted++
	}
	return known
}
