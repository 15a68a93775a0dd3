package match

import (
	"errors"
	"fmt"
	"strings"

	"armor/rules/internal/decode"
	"armor/rules/internal/fields"
	"armor/rules/internal/pattern"
	"armor/rules/internal/window"
)

// Finding is one condition with what it was tried on.
type Finding struct {
	// Value that the condition was tried on, shortened; Absent: the event has none.
	Value  string
	Absent bool
	// Note says more, where the value alone does not explain the outcome.
	Note string
	// Other: the condition asks for another decoder.
	Other bool

	rule      *Rule
	condition int
}

// finding is the common case: a text that may be absent.
func finding(text string, has bool) Finding { return Finding{Value: decode.Shown(text), Absent: !has} }

func (c decodedAs) find(x *Context, ok bool) Finding {
	f := finding(x.Event.Decoder.Name, x.Event.Decoder != decode.None)
	f.Other = !ok
	if f.Absent {
		f.Note = "no decoder matched"
	}
	return f
}

func (c *expr) find(x *Context, ok bool) Finding {
	return gaveUp(finding(c.source.of(x)), x, ok, c.m)
}

// gaveUp notes that a pattern took too much work.
func gaveUp(f Finding, x *Context, ok bool, m pattern.Matcher) Finding {
	var limit *pattern.LimitError
	if !ok && errors.As(x.Event.Scratch.Err, &limit) && limit.Pattern == m.String() {
		f.Note = limit.Error()
	}
	return f
}

func (c *user) find(x *Context, ok bool) Finding {
	return gaveUp(finding(x.userName()), x, ok, c.m)
}

func (c minSize) find(x *Context, _ bool) Finding {
	return Finding{Value: fmt.Sprintf("%d bytes", len(x.Event.Log))}
}

func (c *address) find(x *Context, _ bool) Finding {
	return finding(x.Event.Fields.Static(c.slot))
}

func (c timeOfDay) find(x *Context, _ bool) Finding { return Finding{Value: x.Now.Format("15:04")} }
func (c *weekday) find(x *Context, _ bool) Finding  { return Finding{Value: x.Now.Weekday().String()} }

// compiledReads lists the fields that compiled tests look at; the others look at the log.
var compiledReads = map[string][]fields.Slot{
	"is_simple_http_request": {fields.URL},
	"is_valid_crawler":       {fields.SrcIP},
	"comp_srcuser_dstuser":   {fields.SrcUser, fields.DstUser},
	"check_id_size":          {fields.ID},
}

func (c compiled) find(x *Context, _ bool) Finding {
	slots := compiledReads[c.name]
	if slots == nil {
		return finding(x.Event.Log, true)
	}
	var parts []string
	missing := false
	for _, s := range slots {
		v, has := x.Event.Fields.Static(s)
		missing = missing || !has
		parts = append(parts, v)
	}
	return finding(strings.Join(parts, ", "), !missing)
}

func (firstSeen) find(x *Context, ok bool) Finding {
	if x.Event.Decoder.FTS == nil {
		return Finding{Absent: true, Note: "the decoder has no <fts>"}
	}
	f := finding(strings.TrimRight(string(x.key), " "), true)
	if !ok {
		f.Note = "seen before"
	}
	return f
}

func (c notMasked) find(x *Context, ok bool) Finding {
	var parts []string
	for _, s := range c.mask.slots {
		v, _ := x.Event.Fields.Static(s)
		parts = append(parts, v)
	}
	for _, n := range c.mask.dynamic {
		v, _ := x.Event.Fields.Get(n)
		parts = append(parts, v)
	}
	if c.mask.location {
		parts = append(parts, x.Location)
	}
	f := finding(strings.Join(parts, ", "), true)
	if !ok {
		f.Note = "a rule with <ignore> fired for the same before"
	}
	return f
}

func (c changed) find(x *Context, ok bool) Finding {
	f := finding(x.Event.Log, true)
	if !ok {
		f.Note = "the same as the last one, or the first"
	}
	return f
}

func (c *inList) find(x *Context, _ bool) Finding {
	if c.user {
		return finding(x.userNameForLists())
	}
	return finding(c.source.of(x))
}

func (c *correlate) find(x *Context, ok bool) Finding {
	need := c.query.Previous
	if ok {
		return Finding{Value: fmt.Sprintf("%d of %d events within %d s, this one included", need+1, need+1, c.query.Timeframe)}
	}
	if x.Session.ReadOnly {
		return Finding{Absent: true, Note: "a replayed event counts no others"}
	}
	s := x.Session.Survey(&c.query, x.Current(), &x.Event.Scratch)
	f := Finding{Value: fmt.Sprintf("%d of %d events within %d s, this one included", s.Found+1, need+1, c.query.Timeframe)}
	switch {
	case s.End == window.Consumed:
		f.Note = "the search stops at an event that a rule of this level or a higher one has counted already"
	case s.End == window.TooOld:
		f.Note = "the search stops at an event that is too old"
	case s.Looked == 0:
		f.Note = "no event has been kept for it: only those count that ended in the rule or group it names, with a level above 0"
	}
	if s.Looked > s.Found {
		f.Note = strings.TrimPrefix(f.Note+fmt.Sprintf("; %d others are of another agent or differ in what must be the same", s.Looked-s.Found), "; ")
	}
	return f
}

// patternOf gives the pattern of a condition, where it has one.
func patternOf(c Condition) pattern.Matcher {
	switch c := c.(type) {
	case *expr:
		return c.m
	case *user:
		return c.m
	}
	return nil
}
