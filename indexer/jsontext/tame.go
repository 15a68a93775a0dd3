package jsontext

import (
	"bytes"
	"encoding/json"
)

// Bounds that parsers of other stores set.
const (
	tameDepth  = 100
	tameNumber = 300
	tameName   = 1000
)

// Tame tells whether any JSON parser takes a valid object: no name occurs twice in one object, nothing is nested very
// deep, no name or number is very long. It is not fast: ask it about exceptions only.
func Tame(b []byte) bool {
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	var names []map[string]bool // one for each open object or array; nil for an array
	expectName := false
	for {
		t, err := d.Token()
		if err != nil {
			return len(names) == 0
		}
		switch v := t.(type) {
		case json.Delim:
			switch v {
			case '{', '[':
				if len(names) == tameDepth {
					return false
				}
				var m map[string]bool
				if v == '{' {
					m = make(map[string]bool)
				}
				names = append(names, m)
				expectName = v == '{'
				continue
			}
			names = names[:len(names)-1]
		case string:
			if expectName {
				last := names[len(names)-1]
				if last[v] || len(v) > tameName {
					return false
				}
				last[v] = true
				expectName = false
				continue
			}
		case json.Number:
			if len(v) > tameNumber {
				return false
			}
		}
		expectName = len(names) > 0 && names[len(names)-1] != nil
	}
}
