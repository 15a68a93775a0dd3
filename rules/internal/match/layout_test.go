package match

import (
	"reflect"
	"testing"
)

// TestLayout: what one trial looks at lies on as few cache lines as its types say.
func TestLayout(t *testing.T) {
	const line = 64
	if n := reflect.TypeFor[step]().Size(); n != line {
		t.Errorf("a step takes %d bytes, not %d", n, line)
	}
	rule := reflect.TypeFor[Rule]()
	if n := rule.Size(); n <= 3*line || n > 4*line {
		t.Errorf("a rule takes %d bytes, more or less than four lines", n)
	}
	for name, end := range map[string]uintptr{"Index": line, "ID": 2 * line} {
		if f, ok := rule.FieldByName(name); !ok || f.Offset > end {
			t.Errorf("what stands before %s takes %d bytes, more than %d", name, f.Offset, end)
		}
	}
}
