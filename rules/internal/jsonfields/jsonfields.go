// Package jsonfields flattens a JSON object into (dotted name, value text)
// pairs in one pass. It promises the reference engine's names and texts and
// bounded work on hostile input.
//
//	f := jsonfields.New(jsonfields.Options{Resolve: resolve})
//	var values jsonfields.Values
//	for each event {
//		values.Reset()
//		list, err = f.Append(list[:0], &values, log, jsonfields.Modes{})
//	}
//
// {"a":1,"b":{"c":[1, 2],"d":null}} gives a = 1, b.c = [1,2] and b.d = null.
// An object without members gives no field; a member with an empty string
// gives a field with an empty value.
//
// A Flattener is reused from event to event; it keeps the key paths it has
// seen, so that a warm one allocates nothing.
package jsonfields

import (
	"errors"

	"armor/rules/internal/fields"
)

// NullMode says what a JSON null becomes.
type NullMode uint8

const (
	NullString  NullMode = iota // the text "null" (the default)
	NullDiscard                 // no field
)

// ArrayMode says what a JSON array becomes.
type ArrayMode uint8

const (
	ArrayJSON ArrayMode = iota // its JSON text, Array set (the default)
	ArrayCSV                   // its strings, numbers and booleans, joined by commas
)

// Modes are the per-decoder settings.
type Modes struct {
	Null  NullMode
	Array ArrayMode
}

// Options configure a Flattener.
type Options struct {
	// Resolve gives the symbol of a dotted name; top: it is a key of the
	// outermost object. It is asked once for each cached path. May be nil.
	Resolve func(name string, top bool) fields.Symbol
}

const (
	maxDepth     = 1000    // objects and arrays inside of each other, as the reference
	maxNameBytes = 1 << 22 // of new names in one object
	maxKept      = 1 << 20 // bytes of buffer that Reset keeps
)

var (
	// ErrSyntax is returned for a text that is not a JSON object.
	ErrSyntax = errors.New("not a JSON object")

	// ErrLimit is returned for an object whose dotted names would take more
	// than 4 MiB: many members below very long keys.
	ErrLimit = errors.New("JSON object with too many long key paths")
)

// Values is memory for values that are no part of the text they come from.
type Values struct{ buf []byte }

// Reset ends the life of all values given out so far and keeps the memory.
func (v *Values) Reset() {
	if cap(v.buf) > maxKept {
		v.buf = nil
	}
	v.buf = v.buf[:0]
}

// Flattener holds the key paths. It serves one goroutine at a time.
type Flattener struct {
	paths paths
	key   []byte // a key with escapes

	// Of the text at hand.
	text  string
	modes Modes
	buf   []byte // of its Values
	slash int    // where a backslash is, if it is not behind: then the first one from here on
	from  int    // what is printed of an array as it stands, but not yet copied, begins here
}

// New returns a Flattener.
func New(opts Options) *Flattener { return &Flattener{paths: paths{resolve: opts.Resolve}} }

// Append appends the fields of the JSON object at the start of text (after
// white space) to dst, in order of arrival. What follows the object is
// ignored. On error, ErrSyntax or ErrLimit, dst is returned as it was.
//
// Names stay valid for ever; a value is a part of the text or of values. A
// number that an int32 holds is decimal, others have six decimals. An array is
// its JSON text without white space.
func (f *Flattener) Append(dst []fields.Dynamic, values *Values, text string, modes Modes) ([]fields.Dynamic, error) {
	f.text, f.modes, f.buf = text, modes, values.buf
	f.findSlash(0)
	f.paths.begin()
	list, err := dst, ErrSyntax
	if i := space(text, 0); i < len(text) && text[i] == '{' {
		list, err = f.object(dst, i)
	}
	values.buf = f.buf
	f.text, f.buf = "", nil
	if err != nil {
		clear(dst[len(dst):min(cap(dst), len(list))])
		return dst, err
	}
	return list, nil
}
