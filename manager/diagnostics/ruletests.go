package diagnostics

import (
	"strings"

	armorv1 "armor/proto/armor/v1"
)

// Bounds of the tests that an answer shows of one rule.
const (
	maxTests      = 50
	maxTestEvents = 20
	maxTestLog    = 8 << 10 // bytes
)

// addTests shows the tests of a rule: those with an expectation that names it, those in which it must fire first.
func addTests(out *armorv1.GetRuleResponse, in Ruleset) {
	if in.Tests == nil {
		return
	}
	cases, errs := in.Tests()
	for _, err := range errs {
		out.TestProblems = append(out.TestProblems, valid(err.Error()))
	}
	var silent []*armorv1.RuleTest
	for i := range cases {
		c := &cases[i]
		named, fires := c.Names(int(out.GetRule().GetId()))
		if !named {
			continue
		}
		out.TestsTotal++
		t := &armorv1.RuleTest{Name: valid(c.Name), File: valid(c.File), Line: uint32(c.Line), Fires: fires, EventsTotal: uint32(len(c.Events))}
		for _, e := range c.Events[:min(len(c.Events), maxTestEvents)] {
			event := &armorv1.RuleTestEvent{Log: valid(cutTo(e.Log, maxTestLog)), LogCut: len(e.Log) > maxTestLog, Repeat: uint32(e.Repeat), AfterSeconds: e.After.Seconds()}
			for _, w := range e.Wants {
				event.Expect = append(event.Expect, valid(w.Key+" "+w.Text))
			}
			t.Events = append(t.Events, event)
		}
		if fires {
			out.Tests = append(out.Tests, t)
		} else {
			silent = append(silent, t)
		}
	}
	out.Tests = append(out.Tests, silent...)
	out.Tests = out.Tests[:min(len(out.Tests), maxTests)]
}

func cutTo(text string, most int) string {
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "")
}
