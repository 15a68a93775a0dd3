// Package jsonfields flattens a JSON object into (dotted name, value text)
// pairs in one pass. It promises the reference engine's names and texts and
// bounded work on hostile input.
//
//	f := jsonfields.New(jsonfields.Options{Resolve: symbols.Lookup})
//	for each event {
//		f.Reset()
//		fields, err = f.Append(fields[:0], log, jsonfields.Modes{})
//	}
//
// {"a":1,"b":{"c":[1, 2],"d":null}} gives a = 1, b.c = [1,2] and b.d = null.
// An object without members gives no field; a member with an empty string
// gives a field with an empty value.
//
// A Flattener is reused from event to event; it keeps the key paths it has
// seen, so that a warm one allocates nothing.
package jsonfields

import "errors"

// NullMode says what a JSON null becomes.
type NullMode uint8

const (
	NullString  NullMode = iota // the text "null" (the default)
	NullDiscard                 // no field
)

// ArrayMode says what a JSON array becomes.
type ArrayMode uint8

const (
	ArrayJSON ArrayMode = iota // its JSON text, Field.Array set (the default)
	ArrayCSV                   // its strings, numbers and booleans, joined by commas
)

// Modes are the per-decoder settings.
type Modes struct {
	Null  NullMode
	Array ArrayMode
}

// Field is one flattened value.
type Field struct {
	// Name is the dotted path. It is interned: it stays valid for ever.
	Name string
	// Value is a part of the input, or lives until Reset of the Flattener.
	// Numbers that an int32 holds are decimal, others have six decimals. An
	// array is its JSON text without white space.
	Value string
	// Symbol is what Options.Resolve returned for Name.
	Symbol int32
	// Top is set if Name is a key of the outermost object.
	Top bool
	// Array is set if Value is the JSON text of an array.
	Array bool
}

// Options configure a Flattener.
type Options struct {
	// Resolve maps a dotted name to a number of the caller's; it is asked once
	// for each cached path. May be nil.
	Resolve func(name string) int32
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

// Flattener holds the key paths and the buffers. It serves one goroutine at a
// time.
type Flattener struct {
	paths paths
	buf   []byte // values that are no part of the input
	key   []byte // a key with escapes
	text  string
	modes Modes
	out   []Field
}

// New returns a Flattener.
func New(opts Options) *Flattener {
	return &Flattener{paths: paths{resolve: opts.Resolve}}
}

// Reset ends the life of all values given out so far and keeps the memory.
func (f *Flattener) Reset() {
	if cap(f.buf) > maxKept {
		f.buf = nil
	}
	f.buf = f.buf[:0]
}

// Append appends the fields of the JSON object at the start of text (after
// white space) to dst, in order of arrival. What follows the object is
// ignored. On error, ErrSyntax or ErrLimit, dst is returned as it was.
func (f *Flattener) Append(dst []Field, text string, modes Modes) ([]Field, error) {
	f.text, f.modes, f.out = text, modes, dst
	f.paths.begin()
	i := space(text, 0)
	var err error
	if i == len(text) || text[i] != '{' {
		err = ErrSyntax
	} else {
		_, err = f.object(f.paths.root, i, 1)
	}
	if err == nil {
		dst = f.out
	}
	f.text, f.out = "", nil
	return dst, err
}
