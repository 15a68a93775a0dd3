package decode

import (
	"armor/rules/internal/fields"
	"armor/rules/internal/header"
	"armor/rules/internal/jsonfields"
	"armor/rules/internal/pattern"
)

// Event is a decoded event, and the working memory of decoding. Reuse it.
type Event struct {
	// Line is the whole log line.
	Line string
	// Header as the reference reads it (or an extended form, where only that led to a decoder).
	Header header.Header
	// Log is the line after its header.
	Log string
	// Decoder that applied; None if there was none.
	Decoder *Decoder
	// Fields that were decoded.
	Fields fields.Set
	// ForcedRule is the rule that an OSSEC alert names; 0: none.
	ForcedRule int
	// Scratch for patterns, shared by decoding and matching.
	Scratch pattern.Scratch
	// Trail, if not nil, records how the line is decoded.
	Trail *Trail

	// Plain: try every decoder in turn, without the index. A Trail implies it.
	Plain bool

	candidates []uint64
	programs   programs
	tree       *Tree
	values     jsonfields.Values // of JSON objects, that are no part of the log
	claimed    []fields.Dynamic  // what a plugin found when it claimed the line
}

// NewEvent makes working memory for the events of a tree. All names must be interned by then.
func (t *Tree) NewEvent() *Event {
	return &Event{Fields: fields.NewSet(t.symbols), tree: t}
}

// flatten appends the fields of the JSON object in the log from an offset on, as jsonfields.Flattener does.
func (ev *Event) flatten(list []fields.Dynamic, from int, modes jsonfields.Modes) ([]fields.Dynamic, error) {
	f, ok := ev.tree.flatteners.Get().(*jsonfields.Flattener)
	if !ok {
		f = jsonfields.New(jsonfields.Options{Resolve: ev.tree.resolve})
	}
	list, err := f.Append(list, &ev.values, ev.Log[from:], modes)
	ev.tree.flatteners.Put(f)
	return list, err
}

// resolve gives the symbol of a field of a JSON object. Top-level keys that name a static field fill that.
func (t *Tree) resolve(name string, top bool) fields.Symbol {
	if top {
		if slot := fields.SlotOfJSON(name); slot != fields.None {
			return fields.OfSlot(slot)
		}
	}
	return t.symbols.Lookup(name)
}

func (ev *Event) reset(line string) {
	ev.Line = line
	ev.Decoder = None
	ev.ForcedRule = 0
	ev.Fields.Reset()
	ev.values.Reset()
	clear(ev.claimed)
	ev.claimed = ev.claimed[:0]
}

// put stores a value where its target says; in a static slot the last one wins.
func (ev *Event) put(t *target, value string) {
	if t.slot != fields.None {
		ev.Fields.Put(t.slot, value)
		return
	}
	ev.Fields.Add(fields.Dynamic{Name: t.name, Symbol: t.symbol, Value: value})
}

func (ev *Event) plain() bool { return ev.Plain || ev.Trail != nil }
