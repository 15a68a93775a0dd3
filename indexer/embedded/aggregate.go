package embedded

import (
	"context"
	"reflect"
	"slices"

	"armor/indexer/match"
	"armor/indexer/store"
)

// Aggregate counts documents: by what alerts share (rule, agent, manager, decoder) from the index, by anything else by
// reading the documents of the span.
func (s *Store) Aggregate(ctx context.Context, a store.Aggregation) (store.Aggregate, error) {
	results, err := s.AggregateAll(ctx, []store.Aggregation{a})
	if err != nil {
		return store.Aggregate{}, err
	}
	return results[0], nil
}

// AggregateAll answers several questions as Aggregate answers each, and reads the documents once for all that need them and
// have one span.
func (s *Store) AggregateAll(ctx context.Context, as []store.Aggregation) ([]store.Aggregate, error) {
	counts := make([]*count, len(as))
	for i, a := range as {
		var err error
		if counts[i], err = s.newCount(a); err != nil {
			return nil, err
		}
	}
	if err := s.count(ctx, counts); err != nil {
		return nil, err
	}
	results := make([]store.Aggregate, len(as))
	var again []*count
	for i, c := range counts {
		var err error
		if results[i], err = c.choose(); err != nil {
			return nil, err
		}
		if c.overflow {
			c.chosen = make(map[string]bool)
			for _, b := range results[i].Buckets {
				c.chosen[b.Key] = true
			}
			c.begin()
			again = append(again, c)
		}
	}
	if len(again) == 0 {
		return results, nil
	}
	if err := s.count(ctx, again); err != nil {
		return nil, err
	}
	for i, c := range counts {
		if c.chosen != nil {
			c.addTimes(results[i].Buckets)
		}
	}
	return results, nil
}

// count makes counts, those that read the same documents together.
func (s *Store) count(ctx context.Context, counts []*count) error {
	var readings []*reading
	for _, c := range counts {
		if c.indexed() {
			if err := s.eachMonth(ctx, c.plan, false, func(m *month) error { return c.fromIndex(ctx, m) }); err != nil {
				return err
			}
			continue
		}
		n := slices.IndexFunc(readings, func(r *reading) bool { return r.counts[0].plan.reads(c.plan) })
		if n < 0 {
			n = len(readings)
			readings = append(readings, &reading{})
		}
		readings[n].join(c)
	}
	for _, r := range readings {
		if err := s.eachMonth(ctx, r.counts[0].plan, false, func(m *month) error { return r.month(ctx, s, m) }); err != nil {
			return err
		}
	}
	return nil
}

// reads tells whether two plans read the same documents, but for what they ask of them.
func (p *plan) reads(o plan) bool {
	sameID := p.id == nil && o.id == nil || p.id != nil && o.id != nil && *p.id == *o.id
	return p.from == o.from && p.to == o.to && p.never == o.never && sameID
}

// reading is one way through the documents for several counts.
type reading struct {
	counts     []*count
	conditions []match.Condition
	fields     []string
}

func (r *reading) join(c *count) {
	if rest := c.plan.rest; rest != nil {
		c.condition = slices.IndexFunc(r.conditions, func(o match.Condition) bool { return reflect.DeepEqual(o, rest) })
		if c.condition < 0 {
			c.condition = len(r.conditions)
			r.conditions = append(r.conditions, rest)
		}
	}
	if c.field.Name != "" && !c.shared {
		c.reader = slices.Index(r.fields, c.field.Name)
		if c.reader < 0 {
			c.reader = len(r.fields)
			r.fields = append(r.fields, c.field.Name)
		}
	}
	r.counts = append(r.counts, c)
}

// month reads the documents of a month.
func (r *reading) month(ctx context.Context, s *Store, m *month) error {
	wanted := &facets{} // by any of the counts
	for _, c := range r.counts {
		f, err := loadFacets(ctx, m.tx, c.plan.facet, c.shared)
		if err != nil {
			return err
		}
		c.values, c.allowed = f.values(c.field), f.set()
		wanted.join(f)
	}
	p := r.counts[0].plan
	list, err := p.stretches(ctx, m.tx, wanted, s.leastRows)
	if err != nil {
		return err
	}
	var parts []*tallies
	err = s.readStretches(ctx, m, list, func() rowTaker {
		t := r.newTallies()
		parts = append(parts, t)
		return t.take
	})
	if err != nil {
		return err
	}
	for _, t := range parts {
		if err := t.add(); err != nil {
			return err
		}
	}
	return nil
}
