package match

import (
	"math"
	"net/netip"
	"strconv"
	"time"

	"armor/indexer/field"
	"armor/indexer/query"
)

// Bind binds a query to the kinds of its fields; nil gives All. Now is what `now` stands for. An error is a
// *query.Error whose position refers to the text that was parsed.
func Bind(n query.Node, now time.Time) (Condition, error) {
	switch n := n.(type) {
	case nil, query.All:
		return All{}, nil
	case query.And:
		list, err := bindAll(n.Nodes, now)
		return And(list), err
	case query.Or:
		list, err := bindAll(n.Nodes, now)
		return Or(list), err
	case query.Not:
		c, err := Bind(n.Node, now)
		return Not{c}, err
	case query.Match:
		return bindMatch(n, now)
	case query.Range:
		return bindRange(n, now)
	}
	return nil, &query.Error{Message: "a part of the query is of an unknown form"}
}

func bindAll(nodes []query.Node, now time.Time) ([]Condition, error) {
	list := make([]Condition, len(nodes))
	for i, n := range nodes {
		c, err := Bind(n, now)
		if err != nil {
			return nil, err
		}
		list[i] = c
	}
	return list, nil
}

func bindMatch(m query.Match, now time.Time) (Condition, error) {
	if m.Field == "" {
		var either Or
		for _, name := range []string{field.FullLog, field.DescriptionText} {
			c, err := bindText(field.Of(name), m.Value, m.Pos)
			if err != nil {
				return nil, err
			}
			either = append(either, c)
		}
		return either, nil
	}
	f := field.Of(m.Field)
	if m.Value.Any() {
		return &Test{Field: f, Op: Exists}, nil
	}
	if f.Kind == field.Text {
		return bindText(f, m.Value, m.Pos)
	}
	if f.Kind == field.Keyword || f.Kind == field.Flattened {
		if m.Value.IsLiteral() {
			return &Test{Field: f, Op: Equal, Text: m.Value.Parts[0]}, nil
		}
		if f.Kind == field.Flattened && !prefixOnly(m.Value.Parts) {
			return nil, fail(m.Pos, "%s can be searched by its beginning only: write one * at the end", f.Name)
		}
		return &Test{Field: f, Op: Pattern, Parts: m.Value.Parts}, nil
	}
	if !m.Value.IsLiteral() {
		return nil, fail(m.Pos, "%s is a %s and cannot be searched with wildcards: write a whole value or a range", f.Name, f.Kind)
	}
	text := m.Value.Parts[0]
	switch f.Kind {
	case field.Object:
		return nil, fail(m.Pos, "%s has no value of its own: name a field below it, or write %s:*", f.Name, f.Name)
	case field.Boolean:
		if text != "true" && text != "false" {
			return nil, fail(m.Pos, "%s is true or false: write one of them", f.Name)
		}
		return &Test{Field: f, Op: Equal, Text: text}, nil
	case field.Address:
		first, last, ok := addresses(text)
		if !ok {
			return nil, badAddress(m.Pos, f)
		}
		return &Test{Field: f, Op: Inside, First: first, Last: last}, nil
	case field.Time:
		start, end, err := moment(text, now)
		if err != nil {
			return nil, fail(m.Pos, "%s is a time, and %q is none: %s", f.Name, text, timeForms)
		}
		return within(f, start, end-1), nil
	default:
		v, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return nil, badNumber(m.Pos, f, text)
		}
		return within(f, v, v), nil
	}
}

// bindText binds words of a log text.
func bindText(f field.Field, v query.Value, pos int) (Condition, error) {
	if v.IsLiteral() {
		words := Words(v.Parts[0])
		if len(words) == 0 {
			return None{}, nil
		}
		return &Test{Field: f, Op: Phrase, Words: words}, nil
	}
	if v.Any() {
		return &Test{Field: f, Op: Exists}, nil
	}
	parts := make([]string, len(v.Parts))
	for i, part := range v.Parts {
		for _, r := range part {
			if c := class1(r); c == other || c == single {
				return nil, fail(pos, `a pattern in a text stands for a single word, and %q cannot be in one: write the words without *, in quotes`, string(r))
			}
		}
		parts[i] = lower(part)
	}
	return &Test{Field: f, Op: Word, Parts: parts}, nil
}

func bindRange(r query.Range, now time.Time) (Condition, error) {
	f := field.Of(r.Field)
	switch f.Kind {
	case field.Keyword, field.Flattened:
		return &Test{Field: f, Op: Span, From: limit(r.From), To: limit(r.To)}, nil
	case field.Number:
		return bindNumbers(f, r)
	case field.Time:
		return bindTimes(f, r, now)
	case field.Address:
		return bindAddresses(f, r)
	}
	return nil, fail(r.Pos, "%s is a %s and has no order: a range cannot be asked of it", f.Name, f.Kind)
}

func limit(b *query.Bound) *Limit {
	if b == nil {
		return nil
	}
	return &Limit{Text: b.Value, Inclusive: b.Inclusive}
}

func bindNumbers(f field.Field, r query.Range) (Condition, error) {
	low, high := int64(math.MinInt64), int64(math.MaxInt64)
	for _, b := range []*query.Bound{r.From, r.To} {
		if b == nil {
			continue
		}
		v, err := strconv.ParseInt(b.Value, 10, 64)
		if err != nil {
			return nil, badNumber(r.Pos, f, b.Value)
		}
		switch {
		case b == r.From && b.Inclusive:
			low = v
		case b == r.From && v == math.MaxInt64, b == r.To && !b.Inclusive && v == math.MinInt64:
			return None{}, nil
		case b == r.From:
			low = v + 1
		case b.Inclusive:
			high = v
		default:
			high = v - 1
		}
	}
	return within(f, low, high), nil
}

func bindTimes(f field.Field, r query.Range, now time.Time) (Condition, error) {
	low, high := int64(math.MinInt64), int64(math.MaxInt64)
	for _, b := range []*query.Bound{r.From, r.To} {
		if b == nil {
			continue
		}
		start, end, err := moment(b.Value, now)
		if err != nil {
			return nil, fail(r.Pos, "%s is a time, and %q is none: %s", f.Name, b.Value, timeForms)
		}
		switch {
		case b == r.From && b.Inclusive:
			low = start
		case b == r.From:
			low = end
		case b.Inclusive:
			high = end - 1
		default:
			high = start - 1
		}
	}
	return within(f, low, high), nil
}

func bindAddresses(f field.Field, r query.Range) (Condition, error) {
	low, high := netip.IPv6Unspecified(), lastAddress
	for _, b := range []*query.Bound{r.From, r.To} {
		if b == nil {
			continue
		}
		first, last, ok := addresses(b.Value)
		if !ok {
			return nil, badAddress(r.Pos, f)
		}
		switch {
		case b == r.From && b.Inclusive:
			low = first
		case b == r.From:
			if low = last.Next(); !low.IsValid() {
				return None{}, nil
			}
		case b.Inclusive:
			high = last
		default:
			if high = first.Prev(); !high.IsValid() {
				return None{}, nil
			}
		}
	}
	if low.Compare(high) > 0 {
		return None{}, nil
	}
	return &Test{Field: f, Op: Inside, First: low, Last: high}, nil
}

func within(f field.Field, low, high int64) Condition {
	if low > high {
		return None{}
	}
	return &Test{Field: f, Op: Within, Low: low, High: high}
}
