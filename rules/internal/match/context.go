package match

import (
	"math/bits"
	"time"

	"armor/rules/internal/decode"
	"armor/rules/internal/fields"
	"armor/rules/internal/window"
)

// Context is the event that is being matched, and the working memory of the walk. Reuse it.
type Context struct {
	Event *decode.Event
	// Hostname and Location as rules see them.
	Hostname, Location string
	// Agent is the id of the agent.
	Agent string
	// Now is the engine's clock.
	Now time.Time
	// Session gives access to the memory.
	Session window.Session
	// Symbols are the dynamic fields that correlation compares.
	Symbols []fields.Symbol
	// Previous are the logs that the last correlation found, newest first.
	Previous []string
	// Plain: walk without shortcuts. Trail, if not nil, records the walk, which is plain then.
	Plain bool
	Trail *Trail

	found      []string // spare memory for Previous
	tries      int      // of the plain walk
	current    window.Event
	filled     bool
	tree       *Tree
	steps      []step   // of the tree
	failed     []uint32 // by a rule's first step: generation in which the rule is known to lead nowhere
	gen        uint32
	key        []byte
	texts      uint32   // that the event has, by bit
	trials     []trial  // that are to be made, level under level
	candidates []uint64 // of these, while they are chosen
	matching   []uint64 // for one text
	lower      []byte
}

// Reset prepares the context for the next event of a tree.
func (x *Context) Reset(t *Tree) {
	if x.tree != t {
		x.tree, x.steps, x.failed = t, t.steps, make([]uint32, len(t.steps))
		x.gen = 0
	}
	x.gen++
	if x.gen == 0 {
		clear(x.failed)
		x.gen = 1
	}
	x.filled = false
	x.trials = x.trials[:0]
	x.restorePrevious(nil)
}

// Current is the event as correlation sees it.
func (x *Context) Current() *window.Event {
	if x.filled {
		return &x.current
	}
	x.filled = true
	c := &x.current
	c.Time = x.Now.Unix()
	c.Agent, c.Location = x.Agent, x.Location
	c.Category = uint8(x.Event.Decoder.Category)
	c.Log, c.Full = x.Event.Log, x.Event.Line
	c.Consumed = 0
	for set := c.Present; set != 0; set &= set - 1 { // of the event before
		c.Static[bits.TrailingZeros32(set)] = ""
	}
	c.Present = x.Event.Fields.Present()
	for set := c.Present; set != 0; set &= set - 1 {
		s := bits.TrailingZeros32(set)
		c.Static[s], _ = x.Event.Fields.Static(fields.Slot(s))
	}
	c.HasDynamic = len(x.Event.Fields.Dynamic()) > 0
	c.Dynamic = x.compared(c.Dynamic[:0])
	return c
}

// compared appends the dynamic fields that correlation compares, up to the last that the event has.
func (x *Context) compared(list []window.Value) []window.Value {
	if len(x.Event.Fields.Dynamic()) == 0 {
		return list
	}
	end := len(list)
	for _, n := range x.Symbols {
		v, ok := x.Event.Fields.Get(n)
		list = append(list, window.Value{Text: v, Set: ok})
		if ok {
			end = len(list)
		}
	}
	return list[:end]
}

// restorePrevious brings back what a rule further up found, after a correlation led to nothing.
func (x *Context) restorePrevious(logs []string) {
	clear(x.Previous)
	x.Previous = append(x.Previous[:0], logs...)
}
