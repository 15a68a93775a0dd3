package match

import (
	"armor/rules/internal/decode"
	"armor/rules/internal/fields"
	"armor/rules/internal/window"
)

// firstSeen holds when the fields that the decoder's <fts> names have not occurred in this combination before.
// Example: <if_fts />
type firstSeen struct{}

func (firstSeen) test(x *Context) bool {
	d := x.Event.Decoder
	if d.FTS == nil {
		return false
	}
	key := x.key[:0]
	for _, k := range d.FTS {
		var v string
		switch k.Kind {
		case decode.FTSName:
			v = d.Name
		case decode.FTSLocation:
			v = x.Location
		case decode.FTSStatic:
			v, _ = x.Event.Fields.Static(k.Slot)
		case decode.FTSDynamic:
			v, _ = x.Event.Fields.Get(k.Symbol)
		}
		key = append(append(key, v...), ' ')
	}
	x.key = key
	if d.Category == decode.IDS {
		return x.Session.FirstSeenIDS(key)
	}
	return x.Session.FirstSeen(key)
}

// keyMask is the set of fields of an <ignore> or <check_if_ignored> element.
type keyMask struct {
	slots    []fields.Slot
	location bool
	dynamic  []fields.Symbol
	names    []string // of dynamic, folded: numbers differ from ruleset to ruleset, and the memory outlives them
}

// key builds the text that is remembered or compared; false: the event lacks one of the fields.
func (m *keyMask) key(x *Context) ([]byte, bool) {
	key := append(x.key[:0], x.Event.Decoder.Name...)
	ok := true
	for _, s := range m.slots {
		v, has := x.Event.Fields.Static(s)
		ok = ok && has
		key = append(append(append(append(key, 0), s.String()...), '='), v...)
	}
	for i, n := range m.dynamic {
		v, has := x.Event.Fields.Get(n)
		ok = ok && has
		key = append(append(append(append(key, 1), m.names[i]...), '='), v...)
	}
	if m.location {
		key = append(append(key, 2), x.Location...)
	}
	x.key = key
	return key, ok
}

// notMasked fails when a rule with <ignore> has fired for the same fields before. Example:
// <check_if_ignored>srcip, id</check_if_ignored>
type notMasked struct{ mask *keyMask }

func (c notMasked) test(x *Context) bool {
	key, ok := c.mask.key(x)
	return !ok || !x.Session.Masked(key)
}

// Mask remembers the fields that a rule's <ignore> names, after the rule was the answer.
func (x *Context) Mask(r *Rule) {
	if r.mask == nil {
		return
	}
	if key, ok := r.mask.key(x); ok {
		x.Session.Mask(key)
	}
}

// changed holds when the log differs from the last one of this rule, agent and location. Example: <check_diff />
type changed struct{ rule *Rule }

func (c changed) test(x *Context) bool {
	x.key = append(append(append(x.key[:0], x.Agent...), 0), x.Location...)
	return x.Session.Changed(c.rule.Index, x.key, x.Event.Log)
}

// correlate holds when enough earlier events are like this one. Example: <rule id="5712" level="10" frequency="8"
// timeframe="120"><if_matched_sid>5710</if_matched_sid><same_source_ip /></rule>
type correlate struct {
	query window.Query
}

func (c *correlate) test(x *Context) bool {
	logs, ok := x.Session.Search(&c.query, x.Current(), &x.Event.Scratch, x.found[:0])
	x.found = logs
	if ok {
		// What a rule further up found is kept for when nothing comes of this one.
		x.found, x.Previous = x.Previous, logs
	}
	clear(x.found)
	x.found = x.found[:0]
	return ok
}
