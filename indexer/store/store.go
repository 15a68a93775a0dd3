// Package store is the face of an alert store. Whatever store is behind it: an alert is in it once, however often it is
// written, and the same question gets the same answer.
package store

import (
	"context"
	"time"

	"armor/indexer/query"
	armorv1 "armor/proto/armor/v1"
)

// Document is an alert as it is stored.
type Document struct {
	// ID of the alert, at most 128 bytes; what is written first under an id stays.
	ID string
	// Time of the event: decides the period that the document belongs to. Milliseconds count.
	Time time.Time
	// Alert that the document was made from; may be nil where JSON is complete.
	Alert *armorv1.Alert
	// JSON is the document, one object. A store does not keep the slice.
	JSON []byte
}

// Outcome is what became of a written document.
type Outcome uint8

const (
	// Created: the document is in the store.
	Created Outcome = iota + 1
	// Duplicate: a document with this id was there already, and was left as it is.
	Duplicate
	// Retry: the store could not take it now, and may later.
	Retry
	// Demote: the store cannot map the document's data; it can take it with the data set aside.
	Demote
	// DeadLetter: the store will never take it.
	DeadLetter
)

// String names the outcome.
func (o Outcome) String() string {
	return [...]string{"unknown", "created", "duplicate", "retry", "demote", "dead letter"}[o]
}

// Result is what became of one document.
type Result struct {
	// Outcome decides what is to be done next.
	Outcome Outcome
	// Reason in the store's words; empty when created or duplicate.
	Reason string
}

// Store keeps alerts. All methods are safe for concurrent use.
type Store interface {
	// Write makes one attempt to store documents and returns a result for each, in order. An error means that nothing is
	// known of any of them: write them all again (it cannot make a second one). It is Permanent when it makes no sense.
	Write(ctx context.Context, docs []Document) ([]Result, error)
	// Search finds documents, newest first unless asked otherwise, those of one millisecond by ascending id.
	Search(ctx context.Context, s Search) (Page, error)
	// Aggregate counts documents.
	Aggregate(ctx context.Context, a Aggregation) (Aggregate, error)
	// DeleteBefore deletes every period that ended before t, whole, and names what it deleted.
	DeleteBefore(ctx context.Context, t time.Time) (deleted []string, err error)
	// Ready says why the store cannot work now; nil: it can. It prepares the store where that is needed.
	Ready(ctx context.Context) error
	// Close frees what the store holds.
	Close() error
}

// Filter says which documents.
type Filter struct {
	// Query must match; nil: all do.
	Query query.Node
	// Since is the first moment; zero: no bound.
	Since time.Time
	// Until is the first moment that is not meant any more; zero: no bound.
	Until time.Time
}

// Search asks for documents.
type Search struct {
	Filter
	// Size is the most documents wanted, at most MaxPage; 0: only the total.
	Size int
	// OldestFirst turns the order of time round; those of one millisecond stay in the order of their ids.
	OldestFirst bool
	// After continues behind an earlier page of the same order; nil: from its beginning.
	After *Position
	// Uncounted says that nobody wants the total, as behind the first page: it is then 0, and the answer comes sooner.
	Uncounted bool
}

// Position is the place of a document in the order of a search.
type Position struct {
	// Millis since 1970 UTC of the document.
	Millis int64
	// ID of the document.
	ID string
}

// Page is a part of the documents found.
type Page struct {
	// Hits in order.
	Hits []Hit
	// Total is how many documents match in all; 0 for an uncounted search.
	Total uint64
	// Next continues the search; nil: this was the last page.
	Next *Position
}

// Hit is a found document.
type Hit struct {
	// ID of the alert.
	ID string
	// Time of the event, milliseconds.
	Time time.Time
	// JSON is the document as it was written.
	JSON []byte
}

// Aggregation asks for counts.
type Aggregation struct {
	Filter
	// Field to count by; a document counts once for each of its values. Empty: one bucket with an empty key.
	Field string
	// Size is the most values wanted, at most MaxValues: the most frequent of the whole range, ties by value. 0: 10.
	Size int
	// Interval is the width of time buckets, whole seconds; 0: none.
	Interval time.Duration
}

// Aggregate is the counts.
type Aggregate struct {
	// Buckets by descending count, ties by value.
	Buckets []Bucket
	// Total is how many documents match the filter in all.
	Total uint64
	// Other is the sum of the counts of the values beyond Size.
	Other uint64
}

// Bucket is the count of one value.
type Bucket struct {
	// Key is the value.
	Key string
	// Count of documents that have it.
	Count uint64
	// Times by ascending start, empty ones left out; none without an interval.
	Times []TimeBucket
}

// TimeBucket is the count of one span of time.
type TimeBucket struct {
	// Start is a multiple of the interval since 1970 UTC.
	Start time.Time
	// Count of documents in the span.
	Count uint64
}

// Limits of a question.
const (
	// MaxPage is the most documents of one page.
	MaxPage = 10_000
	// MaxValues is the most values of an aggregation.
	MaxValues = 1_000
	// MaxTimeBuckets is the most time buckets of an aggregation, those of all values together.
	MaxTimeBuckets = 50_000
	// DefaultValues is the number of values when none is asked for.
	DefaultValues = 10
)
