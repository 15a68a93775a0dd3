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
	ArrayCSV                   // its scalars joined by commas
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
	// Symbol is what Options.Resolve returned for Name.
	Symbol int32
	// Top is set if Name is a key of the outermost object.
	Top bool
	// Array is set if Value is the JSON text of an array.
	Array bool
	// Value is a part of the input, or lives until Reset of the Flattener.
	Value string
}

// Options configure a Flattener.
type Options struct {
	// Resolve maps a dotted name to a number of the caller's; it is asked once
	// for each cached path. May be nil.
	Resolve func(name string) int32
}

// Flattener holds the key paths and the buffers. It serves one goroutine at a
// time.
type Flattener struct {
	opts Options
}

// New returns a Flattener.
func New(opts Options) *Flattener { return &Flattener{opts: opts} }

// Reset ends the life of all values given out so far and keeps the memory.
func (f *Flattener) Reset() {}

// ErrSyntax is returned for a text that is not a JSON object.
var ErrSyntax = errors.New("not a JSON object")

// Append appends the fields of the JSON object at the start of text to dst, in
// order of arrival. What follows the object is ignored. On error dst is
// returned as it was.
func (f *Flattener) Append(dst []Field, text string, modes Modes) ([]Field, error) {
	return dst, ErrSyntax
}
