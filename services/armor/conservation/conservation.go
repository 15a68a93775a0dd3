// Package conservation checks that nothing got lost between a part's counters: what went in has come out under a name. The
// equations hold when the part is at rest (docs/architecture.md).
package conservation

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	armorv1 "armor/proto/armor/v1"
)

// equation says which counters of a part add up to the same.
type equation struct {
	in, out []string
	// prefix: further counters with this prefix belong to out.
	prefix string
}

var equations = map[string]equation{
	"agent":   {in: []string{"recovered", "read"}, out: []string{"receipted", "spooled"}, prefix: "dropped_"},
	"manager": {in: []string{"accepted"}, out: []string{"alerted", "silent", "duplicate", "failed"}},
	"indexer": {in: []string{"received"}, out: []string{"indexed", "duplicate", "redelivered", "dead_letter"}},
}

// Check says how the counters of a part differ; nil when they balance, or the part has none.
func Check(c *armorv1.ComponentStatus) error {
	e, ok := equations[c.GetName()]
	if !ok {
		return nil
	}
	out := e.out
	if e.prefix != "" {
		for _, name := range slices.Sorted(maps.Keys(c.GetCounters())) {
			if strings.HasPrefix(name, e.prefix) {
				out = append(slices.Clip(out), name)
			}
		}
	}
	left, leftText := sum(c, e.in)
	right, rightText := sum(c, out)
	if left != right {
		return fmt.Errorf("%s: %s is not %s", c.GetName(), leftText, rightText)
	}
	return nil
}

// sum adds counters up and shows them: "read 5 + recovered 2".
func sum(c *armorv1.ComponentStatus, names []string) (total uint64, text string) {
	parts := make([]string, 0, len(names))
	for _, name := range names {
		n := c.GetCounters()[name]
		total += n
		parts = append(parts, fmt.Sprintf("%s %d", name, n))
	}
	return total, strings.Join(parts, " + ")
}
