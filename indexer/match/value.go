package match

import (
	"net/netip"
	"slices"
	"strings"
	"time"

	"armor/indexer/field"
	"armor/indexer/jsontext"
)

// Reader reads the values of one field from documents, one after the other, as an aggregation counts them. It keeps its
// buffers: use one per goroutine.
type Reader struct {
	field  field.Field
	values []string
	walker jsontext.Walker
	intern map[string]string
}

// NewReader makes a reader of a field.
func NewReader(f field.Field) *Reader {
	return &Reader{field: f, intern: make(map[string]string)}
}

// Values gives the different values of a document. The slice is valid until the next call.
func (r *Reader) Values(doc []byte) []string {
	r.values = r.values[:0]
	r.walker.Walk(doc, r)
	return r.values
}

// Enter is part of the walk.
func (r *Reader) Enter(path []byte) bool {
	p := r.field.Path
	return len(path) == len(p) && string(path) == p || len(path) < len(p) && p[len(path)] == '.' && string(path) == p[:len(path)]
}

// Scalar is part of the walk.
func (r *Reader) Scalar(path, value []byte, _ bool) {
	if string(path) != r.field.Path || !indexed(r.field, value) {
		return
	}
	key, ok := r.intern[string(value)]
	if !ok {
		if key, ok = Key(r.field, string(value)); !ok {
			return
		}
		if len(r.intern) < 4096 {
			r.intern[string(value)] = key
		}
	}
	if !slices.Contains(r.values, key) {
		r.values = append(r.values, key)
	}
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
