package daemon

import (
	"encoding"
	"reflect"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// field is one key of a configuration struct.
type field struct {
	key   string
	index []int // for reflect.Value.FieldByIndex
	typ   reflect.Type
}

// fieldsOf lists the keys of a struct type as the YAML package sees them; inlined structs give theirs.
func fieldsOf(t reflect.Type) []field {
	var fields []field
	for i := range t.NumField() {
		f := t.Field(i)
		tag, _, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		_, options, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		switch {
		case tag == "-" || !f.IsExported():
		case slices.Contains(strings.Split(options, ","), "inline") && f.Type.Kind() == reflect.Struct:
			for _, inner := range fieldsOf(f.Type) {
				inner.index = append([]int{i}, inner.index...)
				fields = append(fields, inner)
			}
		case tag == "":
			fields = append(fields, field{strings.ToLower(f.Name), []int{i}, f.Type})
		default:
			fields = append(fields, field{tag, []int{i}, f.Type})
		}
	}
	return fields
}

var (
	durationType    = reflect.TypeFor[time.Duration]()
	unmarshalerType = reflect.TypeFor[yaml.Unmarshaler]()
	textType        = reflect.TypeFor[encoding.TextUnmarshaler]()
)

// decodesItself says whether a type reads its own YAML, so that its fields are no keys of ours.
func decodesItself(t reflect.Type) bool {
	p := reflect.PointerTo(t)
	return p.Implements(unmarshalerType) || p.Implements(textType) || t == reflect.TypeFor[time.Time]()
}

// nearest is the known word that is closest to a mistyped one; empty when none is close.
func nearest(word string, known []string) string {
	best, bestDistance := "", len(word)/2+1
	if bestDistance > 4 {
		bestDistance = 4
	}
	for _, k := range known {
		if d := distance(strings.ToLower(word), k); d < bestDistance || d == bestDistance && best != "" && k < best {
			best, bestDistance = k, d
		}
	}
	return best
}

// distance is the number of letters to insert, delete, replace or swap with the next to turn a into b.
func distance(a, b string) int {
	before, last, current := []int(nil), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		current[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			current[j] = min(last[j]+1, current[j-1]+1, last[j-1]+cost)
			if before != nil && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				current[j] = min(current[j], before[j-2]+1)
			}
		}
		before, last, current = last, current, make([]int, len(b)+1)
	}
	return last[len(b)]
}
