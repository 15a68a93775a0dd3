package data

import (
	"math/bits"
	"sync/atomic"

	"armor/rules/internal/fields"
)

// Limits of what Forms keeps: at most 1,024 forms of 8 KiB. A trail of CloudTrail records has some hundred forms of 2 to 5 KiB.
const (
	bucketBits  = 8
	buckets     = 1 << bucketBits
	bucketSize  = 4
	maxFormSize = 8 << 10 // bytes of names and fixed text
	maxDynamic  = 256     // fields
)

// Forms are the forms of the events seen lately: most events look like one before. It is safe for concurrent use. The zero
// value is empty; a nil one stays empty.
type Forms struct {
	kept [buckets][bucketSize]atomic.Pointer[keptForm]
	next atomic.Uint32 // whose turn in a bucket it is to go
}

// keptForm is a form and which events it is for. It does not change.
type keptForm struct {
	form
	hash   uint64
	static uint32
	names  []name
}

// name is what a dynamic field must be.
type name struct {
	text  string
	empty bool // without a value, whatever its name
	array bool
}

// hashOf tells events with different fields apart, mostly.
func hashOf(set *fields.Set) uint64 {
	const odd = 0x9e3779b97f4a7c15
	h := uint64(set.Present())
	dynamic := set.Dynamic()
	for i := range dynamic {
		d := &dynamic[i]
		if n := len(d.Name); n > 0 && d.Value != "" {
			h ^= uint64(n)<<16 | uint64(d.Name[n/2])<<8 | uint64(d.Name[n-1])
		}
		h = bits.RotateLeft64(h*odd, 29)
	}
	return h * odd
}

// bucket gives the place for a hash, by those of its bits that depend on all others.
func (f *Forms) bucket(hash uint64) *[bucketSize]atomic.Pointer[keptForm] {
	return &f.kept[hash>>(64-bucketBits)]
}

// find gives the form for a set; nil: it is not known.
func (f *Forms) find(hash uint64, set *fields.Set) *form {
	if f == nil {
		return nil
	}
	bucket := f.bucket(hash)
	for i := range bucket {
		if k := bucket[i].Load(); k != nil && k.hash == hash && k.fits(set) {
			return &k.form
		}
	}
	return nil
}

func (k *keptForm) fits(set *fields.Set) bool {
	dynamic := set.Dynamic()
	if k.static != set.Present() || len(k.names) != len(dynamic) {
		return false
	}
	for i := range dynamic {
		d, n := &dynamic[i], &k.names[i]
		if (d.Value == "") != n.empty || !n.empty && (d.Array != n.array || d.Name != n.text) {
			return false
		}
	}
	return true
}

// keep takes a copy of a new form, unless it is too large, in the place of an older one.
func (f *Forms) keep(hash uint64, from *form, set *fields.Set) {
	dynamic := set.Dynamic()
	if f == nil || len(dynamic) > maxDynamic {
		return
	}
	size := len(from.text)
	for i := range dynamic {
		size += len(dynamic[i].Name)
	}
	if size > maxFormSize {
		return
	}
	// One text for all: names may point into the event, which does not last.
	text := make([]byte, 0, size)
	for i := range dynamic {
		text = append(text, dynamic[i].Name...)
	}
	all := string(text)
	k := &keptForm{hash: hash, static: set.Present(), names: make([]name, len(dynamic))}
	for i := range dynamic {
		d := &dynamic[i]
		k.names[i] = name{text: all[:len(d.Name)], empty: d.Value == "", array: d.Array}
		all = all[len(d.Name):]
	}
	k.form = form{text: append([]byte(nil), from.text...), holes: append([]hole(nil), from.holes...)}
	f.bucket(hash)[f.next.Add(1)%bucketSize].Store(k)
}
