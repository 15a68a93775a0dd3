// Package data writes the decoded fields of an event as the JSON object of its alert: names nested by their dots, scalars as
// strings, arrays as they came; always one valid object in valid UTF-8.
package data

import (
	"encoding/json"
	"unicode/utf8"

	"armor/rules/internal/fields"
)

// Writer is the working memory of one goroutine. The zero value is ready; it lays out every event anew.
type Writer struct {
	// Forms are what writers of one engine have laid out, shared; nil: none.
	Forms *Forms
	tree  tree
	own   form // of an event whose form is not kept
}

// Append appends the object of an event's fields. Of two equal names the first holds; an empty dynamic field is not shown, as in
// the reference; the value of "a" beside a field "a.b" is "_value" of the object "a".
func (w *Writer) Append(dst []byte, set *fields.Set) []byte {
	hash := hashOf(set)
	if f := w.Forms.find(hash, set); f != nil {
		return f.append(dst, set)
	}
	w.tree.layOut(&w.own, set)
	w.Forms.keep(hash, &w.own, set)
	return w.own.append(dst, set)
}

// form is how the objects of all events with the same fields look: fixed text with holes for the values.
type form struct {
	text  []byte
	holes []hole
}

// hole is a place for a value. The quotes around a string stand in the text.
type hole struct {
	end   int32 // of the fixed text before it
	field int32 // index of a dynamic field, or ^slot of a static one
	array bool
}

func (f *form) append(dst []byte, set *fields.Set) []byte {
	dynamic := set.Dynamic()
	from := int32(0)
	for i := range f.holes {
		h := &f.holes[i]
		dst = append(dst, f.text[from:h.end]...)
		from = h.end
		switch {
		case h.field < 0:
			value, _ := set.Static(fields.Slot(^h.field))
			dst = appendEscaped(dst, value)
		case h.array:
			dst = appendArray(dst, dynamic[h.field].Value)
		default:
			dst = appendEscaped(dst, dynamic[h.field].Value)
		}
	}
	return append(dst, f.text[from:]...)
}

// appendArray appends a JSON array as it came, or as a string if it is none.
func appendArray(dst []byte, value string) []byte {
	if utf8.ValidString(value) {
		from := len(dst)
		dst = append(dst, value...)
		if json.Valid(dst[from:]) {
			return dst
		}
		dst = dst[:from]
	}
	return appendString(dst, value)
}
