package store

import (
	"fmt"
	"math"
	"time"

	"armor/indexer/field"
	"armor/indexer/match"
)

// Bound is a checked filter: what an implementation works with.
type Bound struct {
	// Condition on the document.
	Condition match.Condition
	// From and To are the milliseconds of the first moment and of the last.
	From, To int64
}

// Check checks a filter and binds its query. The error is a RequestError or a *query.Error.
func (f Filter) Check(now time.Time) (Bound, error) {
	c, err := match.Bind(f.Query, now)
	if err != nil {
		return Bound{}, err
	}
	b := Bound{Condition: c, From: math.MinInt64, To: math.MaxInt64}
	if !f.Since.IsZero() {
		b.From = ceilMillis(f.Since)
	}
	if !f.Until.IsZero() {
		b.To = ceilMillis(f.Until) - 1
	}
	return b, nil
}

// Empty tells that the span holds no moment.
func (b Bound) Empty() bool { return b.From > b.To }

// ceilMillis is the first millisecond that is not before t.
func ceilMillis(t time.Time) int64 {
	ms := t.UnixMilli()
	if t.Nanosecond()%int(time.Millisecond) != 0 {
		ms++
	}
	return ms
}

// Check checks the limits of a search.
func (s Search) Check() error {
	if s.Size < 0 || s.Size > MaxPage {
		return badRequest("a page has at most %d alerts, and %d were asked for: ask for fewer and go on with the next page", MaxPage, s.Size)
	}
	return nil
}

// Check checks the limits of an aggregation and fills in its defaults.
func (a *Aggregation) Check() (field.Field, error) {
	if a.Size == 0 {
		a.Size = DefaultValues
	}
	if a.Size < 0 || a.Size > MaxValues {
		return field.Field{}, badRequest("at most %d values are counted, and %d were asked for: ask for fewer", MaxValues, a.Size)
	}
	if a.Interval < 0 || a.Interval%time.Second != 0 {
		return field.Field{}, badRequest("an interval is whole seconds, and %v is not: round it", a.Interval)
	}
	if a.Field == "" {
		return field.Field{}, nil
	}
	f := field.Of(a.Field)
	switch {
	case f.Kind == field.Text:
		return f, badRequest("alerts cannot be counted by %s, which is a text: choose a field with whole values", a.Field)
	case f.Kind == field.Object:
		return f, badRequest("alerts cannot be counted by %s, which has no value of its own: choose a field below it", a.Field)
	}
	return f, nil
}

// TooManyBuckets says that an aggregation has more time buckets than MaxTimeBuckets.
func TooManyBuckets() error {
	return badRequest("more than %d time buckets: choose a longer interval, a shorter range or fewer values", MaxTimeBuckets)
}

// MaxID is the longest id in bytes.
const MaxID = 128

// Unfit says why no store can take a document; empty: it is fit.
func Unfit(d *Document) string {
	switch {
	case d.ID == "":
		return "the alert has no id"
	case len(d.ID) > MaxID:
		return fmt.Sprintf("the alert's id is longer than %d bytes", MaxID)
	case !plainID(d.ID):
		return "the alert's id has characters other than letters, digits, - and _"
	case len(d.JSON) == 0:
		return "the alert has no document"
	}
	return ""
}

func plainID(id string) bool {
	for _, c := range []byte(id) {
		if (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && c != '-' && c != '_' {
			return false
		}
	}
	return true
}
