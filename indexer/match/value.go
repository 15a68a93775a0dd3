package match

import (
	"net/netip"
	"slices"
	"strings"
	"time"

	"armor/indexer/field"
)

// Reader reads the values of one field from documents, one after the other, as an aggregation counts them. It remembers every
// value that it has met; use one per goroutine.
type Reader struct {
	scan *Scan
	list []string
}

// NewReader makes a reader of a field.
func NewReader(f field.Field) *Reader {
	r := &Reader{scan: NewScan()}
	r.scan.Field(f)
	return r
}

// Values gives the different values of a document. The slice is valid until the next call.
func (r *Reader) Values(doc []byte) []string {
	r.scan.Read(doc)
	r.list = r.list[:0]
	for _, n := range r.scan.Values(0) {
		r.list = append(r.list, r.scan.Key(0, n))
	}
	return r.list
}

// values are those of one field in one document. They are read as text, and become keys only when somebody asks.
type values struct {
	field field.Field
	text  []byte
	ends  []int          // of the values in text
	list  []int          // numbers of the different values
	known map[string]int // number of a value, as it is written and as a key
	keys  []string       // by number
}

func newValues(f field.Field) *values {
	return &values{field: f, known: make(map[string]int)}
}

func (v *values) reset() { v.text, v.ends, v.list = v.text[:0], v.ends[:0], v.list[:0] }

func (v *values) add(value []byte) {
	if indexed(v.field, value) {
		v.text = append(v.text, value...)
		v.ends = append(v.ends, len(v.text))
	}
}

func (v *values) numbers() []int {
	start := 0
	for _, end := range v.ends {
		if n := v.number(v.text[start:end]); n >= 0 && !slices.Contains(v.list, n) {
			v.list = append(v.list, n)
		}
		start = end
	}
	v.text, v.ends = v.text[:0], v.ends[:0] // asked again, the list is the answer
	return v.list
}

// number of a value; -1: it is no key.
func (v *values) number(value []byte) int {
	if n, ok := v.known[string(value)]; ok {
		return n
	}
	written := string(value)
	key, ok := Key(v.field, written)
	if !ok {
		return -1
	}
	n, ok := v.known[key]
	if !ok {
		n = len(v.keys)
		v.keys = append(v.keys, key)
		v.known[key] = n
	}
	v.known[written] = n
	return n
}

// Key is the form in which a value is a key of an aggregation: an address and a time have one form each.
func Key(f field.Field, value string) (string, bool) {
	switch f.Kind {
	case field.Text, field.Object:
		return "", false
	case field.Number:
		_, ok := Integer(f, []byte(value))
		return value, ok
	case field.Boolean:
		return value, value == "true" || value == "false"
	case field.Time:
		ms, ok := Integer(f, []byte(value))
		return TimeKey(ms), ok
	case field.Address:
		a, err := netip.ParseAddr(value)
		return a.Unmap().WithZone("").String(), err == nil
	}
	return value, true
}

// TimeKey is a time as a key.
func TimeKey(ms int64) string { return time.UnixMilli(ms).UTC().Format("2006-01-02T15:04:05.000Z") }

// CompareKeys orders keys of a field by value: numbers as numbers, addresses as addresses, the rest by bytes.
func CompareKeys(f field.Field, a, b string) int {
	switch f.Kind {
	case field.Number:
		x, _ := Integer(f, []byte(a))
		y, _ := Integer(f, []byte(b))
		switch {
		case x < y:
			return -1
		case x > y:
			return 1
		}
		return 0
	case field.Address:
		x, xe := netip.ParseAddr(a)
		y, ye := netip.ParseAddr(b)
		if xe == nil && ye == nil {
			return netip.AddrFrom16(x.As16()).Compare(netip.AddrFrom16(y.As16()))
		}
	}
	return strings.Compare(a, b)
}
