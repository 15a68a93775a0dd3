package jsonfields

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"armor/internal/testenv"
	"armor/rules/internal/fields"
)

// golden is one test line with the reference's output.
type golden struct {
	Log    string
	Output struct {
		Decoder struct{ Name string }
		Data    map[string]any
	}
}

func readGolden(tb testing.TB) []golden {
	tb.Helper()
	return testenv.JSONLines[golden](tb, "wazuh-tests", "golden.jsonl.gz")
}

// statics are the keys that the reference puts into slots of its own when they
// stand at the top; they come out under the names given here.
var statics = map[string]string{"user": "dstuser", "systemname": "system_name"}

// TestGolden holds names and values against the reference's data of its own
// test lines. Empty values are not shown there.
func TestGolden(t *testing.T) {
	const floor = 320
	f := New(Options{Resolve: func(name string, top bool) fields.Symbol {
		if top && statics[name] != "" {
			return fields.OfSlot(fields.SlotOfJSON(name))
		}
		return 0
	}})
	var values Values
	n, count := 0, 0
	for _, g := range readGolden(t) {
		if g.Output.Decoder.Name != "json" || !strings.HasPrefix(g.Log, "{") {
			continue
		}
		n++
		values.Reset()
		list, err := f.Append(nil, &values, g.Log, Modes{})
		if err != nil {
			t.Errorf("%q: %v", g.Log, err)
			continue
		}
		got := map[string]any{}
		for _, fd := range list {
			count++
			if fd.Value != "" {
				put(t, got, fd)
			}
		}
		if diff := cmp.Diff(g.Output.Data, got); diff != "" {
			t.Errorf("%q:\n%s", g.Log, diff)
		}
	}
	t.Logf("%d cases ran, %d fields", n, count)
	if n < floor {
		t.Errorf("only %d cases: at least %d are expected", n, floor)
	}
}

// put sets a field in nested form; the first of a name wins.
func put(t *testing.T, data map[string]any, fd fields.Dynamic) {
	t.Helper()
	name := fd.Name
	if fd.Symbol < fields.Unknown {
		name = statics[name]
	}
	keys := strings.Split(name, ".")
	for _, k := range keys[:len(keys)-1] {
		next, ok := data[k].(map[string]any)
		if !ok {
			next = map[string]any{}
			data[k] = next
		}
		data = next
	}
	last := keys[len(keys)-1]
	if _, ok := data[last]; ok {
		return
	}
	data[last] = fd.Value
	if fd.Array {
		var v any
		if err := json.NewDecoder(bytes.NewReader([]byte(fd.Value))).Decode(&v); err != nil {
			t.Errorf("array %s is not JSON: %v", fd.Value, err)
		}
		data[last] = v
	}
}
