package elastic

import (
	"math"
	"strings"

	"armor/indexer/field"
	"armor/indexer/match"
	"armor/indexer/store"
)

type object = map[string]any

// dsl is a filter in Elasticsearch's query language.
func dsl(b store.Bound) object {
	filters := []object{}
	if c := condition(b.Condition); c != nil {
		filters = append(filters, c)
	}
	if r := timeRange(field.Timestamp, b.From, b.To); r != nil {
		filters = append(filters, r)
	}
	return object{"bool": object{"filter": filters}}
}

// timeRange is a span of milliseconds, both ends included; nil: it is open.
func timeRange(name string, from, to int64) object {
	span := object{"format": "epoch_millis"}
	if from > math.MinInt64 {
		span["gte"] = max(from, firstMillis)
	}
	if to < math.MaxInt64 {
		span["lte"] = min(to, lastMillis)
	}
	if len(span) == 1 {
		return nil
	}
	return object{"range": object{name: span}}
}

// Bounds of the times that documents have: the years 1 to 9999, and a day more.
const (
	firstMillis = -62_135_683_200_000
	lastMillis  = 253_402_387_200_000
)

// lastText is behind every text.
const lastText = "\U0010FFFF"

// condition translates a condition; nil: all documents.
func condition(c match.Condition) object {
	switch c := c.(type) {
	case match.All:
		return nil
	case match.None:
		return object{"match_none": object{}}
	case match.And:
		return object{"bool": object{"filter": conditions(c)}}
	case match.Or:
		return object{"bool": object{"should": conditions(c), "minimum_should_match": 1}}
	case match.Not:
		return object{"bool": object{"must_not": conditions([]match.Condition{c.Condition})}}
	case *match.Test:
		return test(c)
	}
	return object{"match_none": object{}}
}

func conditions(list []match.Condition) []object {
	out := make([]object, 0, len(list))
	for _, c := range list {
		o := condition(c)
		if o == nil {
			o = object{"match_all": object{}}
		}
		out = append(out, o)
	}
	return out
}

func test(t *match.Test) object {
	name := t.Field.Name
	switch t.Op {
	case match.Exists:
		return object{"exists": object{"field": name}}
	case match.Equal:
		return term(name, t.Text)
	case match.Pattern, match.Word:
		if len(t.Parts) == 2 && t.Parts[1] == "" {
			return object{"prefix": object{name: object{"value": t.Parts[0]}}}
		}
		return object{"wildcard": object{name: object{"value": pattern(t.Parts)}}}
	case match.Span:
		span := object{}
		if t.From != nil {
			span[end("gt", t.From)] = t.From.Text
		}
		if t.To != nil {
			span[end("lt", t.To)] = t.To.Text
		}
		if t.Field.Kind == field.Flattened { // wants both ends
			if t.From == nil {
				span["gte"] = ""
			}
			if t.To == nil {
				span["lte"] = lastText
			}
		}
		return object{"range": object{name: span}}
	case match.Within:
		return within(t)
	case match.Inside:
		return object{"range": object{name: object{"gte": t.First.String(), "lte": t.Last.String()}}}
	case match.Phrase:
		return object{"match_phrase": object{name: object{"query": strings.Join(t.Words, " ")}}}
	}
	return object{"match_none": object{}}
}

func term(name, value string) object { return object{"term": object{name: object{"value": value}}} }

func end(sign string, l *match.Limit) string {
	if l.Inclusive {
		return sign + "e"
	}
	return sign
}

func within(t *match.Test) object {
	if t.Field.Kind == field.Time {
		if r := timeRange(t.Field.Name, t.Low, t.High); r != nil {
			return r
		}
		return object{"exists": object{"field": t.Field.Name}}
	}
	return object{"range": object{t.Field.Name: object{"gte": t.Low, "lte": t.High}}}
}

// pattern writes parts with wildcards between them; the characters that mean something there are escaped.
func pattern(parts []string) string {
	escaped := make([]string, len(parts))
	for i, p := range parts {
		escaped[i] = strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`).Replace(p)
	}
	return strings.Join(escaped, "*")
}
