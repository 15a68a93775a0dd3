package command

import (
	"slices"
	"strconv"

	"armor/rules"
	"armor/rules/rulestest"
	"armor/services/armor/terminal"
)

// coverage is how much of a ruleset the events of passed tests ended in.
type coverage struct {
	Rules    covered `json:"rules"`
	Decoders covered `json:"decoders"`
}

// covered is one kind of thing: rules by id, decoders by name.
type covered struct {
	Total    int           `json:"total"`
	Tested   int           `json:"tested"`
	Files    []fileCovered `json:"files"`
	Untested []string      `json:"untested"`
}

type fileCovered struct {
	File   string `json:"file"`
	Total  int    `json:"total"`
	Tested int    `json:"tested"`
}

// measure compares a ruleset with what was seen. Rules with noalert only carry others and are left out; decoders of one
// name, which events cannot tell apart, count once, in the file of the first.
func measure(rs *rules.Ruleset, seen rulestest.Seen) *coverage {
	c := &coverage{Rules: covered{Untested: []string{}}, Decoders: covered{Untested: []string{}}}
	for _, r := range rs.Rules() {
		if !r.NoAlert {
			c.Rules.count(r.File, strconv.Itoa(r.ID), seen.Rules[r.ID] > 0)
		}
	}
	known := map[string]bool{}
	for _, d := range rs.Decoders() {
		if !known[d.Name] {
			known[d.Name] = true
			c.Decoders.count(d.File, d.Name, seen.Decoders[d.Name] > 0)
		}
	}
	return c
}

func (c *covered) count(file, name string, tested bool) {
	i := slices.IndexFunc(c.Files, func(f fileCovered) bool { return f.File == file })
	if i < 0 {
		i = len(c.Files)
		c.Files = append(c.Files, fileCovered{File: file})
	}
	c.Total++
	c.Files[i].Total++
	if tested {
		c.Tested++
		c.Files[i].Tested++
		return
	}
	c.Untested = append(c.Untested, name)
}

func (c *coverage) print(p *terminal.Printer) {
	for _, part := range []struct {
		what string
		*covered
	}{{"rules", &c.Rules}, {"decoders", &c.Decoders}} {
		for _, f := range part.Files {
			p.Line("%5d of %5d %s tested in %s", f.Tested, f.Total, part.what, terminal.Clean(f.File, 0))
		}
		for _, name := range part.Untested {
			p.Line("no test ends in %s %s", part.what[:len(part.what)-1], terminal.Clean(name, 0))
		}
		p.Line("%d of %d %s tested", part.Tested, part.Total, part.what)
	}
}
