package match

import (
	"armor/rules/internal/fields"
	"armor/rules/internal/window"
)

type correlateQuery = window.Query

// defaultFrequency is that of a correlation rule without one, as alerts show it.
const defaultFrequency = 2

// defaultTimeframe is that of a rule without one, in seconds.
const defaultTimeframe = 360

// correlation makes the condition that counts earlier events, and marks the rules whose events count.
func (l *Loader) correlation(r *Rule, d *definition, p *ruleParser) *correlate {
	q := window.Query{
		ID:                len(l.tree.plan.Queries),
		Previous:          l.previous(d.frequency),
		Timeframe:         int64(d.timeframe),
		Level:             int(r.Level),
		Global:            d.same.global,
		Same:              d.same.same,
		Different:         d.same.different,
		SameDynamic:       l.dynamic(d.same.sameDynamic),
		DifferentDynamic:  l.dynamic(d.same.differentDynamic),
		SameLocation:      d.same.sameLocation,
		DifferentLocation: d.same.differentLocation,
		SameAgent:         d.same.sameAgent,
		DifferentAgent:    d.same.differentAgent,
	}
	if q.DifferentAgent {
		q.Global = true
	}
	if q.Timeframe == 0 {
		q.Timeframe = defaultTimeframe
	}
	if d.matchedRegex.line > 0 {
		q.Regex = p.compile(&d.matchedRegex, "if_matched_regex")
	}
	switch {
	case d.overwritten:
		q.List = d.keepList - 1
	case d.matchedSid > 0:
		marked := l.tree.byID[d.matchedSid]
		if marked == nil {
			p.rep.Warnf(r.Meta.Line, p.subject, "rule %d in if_matched_sid is not known, so the rule never fires; check the number", d.matchedSid)
			q.List = l.newList("none:", r)
			break
		}
		list, ok := l.sidLists[marked]
		if !ok {
			list = l.newList("sid:", marked)
			l.sidLists[marked] = list
		}
		q.List = list
	case d.matchedGroup != "":
		q.List = l.newList("group:", r)
		l.comparisons += len(l.tree.rules)
		if l.comparisons > maxComparisons {
			p.rep.Errorf(r.Meta.Line, p.subject, "too many rules with if_matched_group; use if_matched_sid")
			return nil
		}
		for _, other := range l.tree.rules {
			if other != r && hasGroup(other.groupText, d.matchedGroup) {
				l.groupLists[other] = append(l.groupLists[other], q.List)
			}
		}
	default:
		if l.tree.always < 0 {
			l.tree.always = l.newList("all", nil)
		}
		q.List = l.tree.always
		q.SameCategory = true
	}
	list := &l.tree.plan.Lists[q.List]
	list.MaxAge = max(list.MaxAge, q.Timeframe)
	c := &correlate{query: q}
	l.tree.plan.Queries = append(l.tree.plan.Queries, &c.query)
	l.tree.plan.QueryRules = append(l.tree.plan.QueryRules, r.Index)
	return c
}

// previous is how many earlier events a frequency asks for. Wazuh counts all events, this one included; OSSEC fires on
// event frequency+2. Without a frequency one earlier event is enough.
func (l *Loader) previous(frequency int) int {
	switch {
	case frequency == 0:
		return 1
	case l.opts.OSSEC:
		return frequency + 1
	}
	return frequency - 1
}

// newList makes a list. Finish names it by its kind and the key of the rule that it belongs to, if any.
func (l *Loader) newList(kind string, owner *Rule) int {
	l.tree.plan.Lists = append(l.tree.plan.Lists, window.ListPlan{Key: kind})
	l.owners = append(l.owners, owner)
	return len(l.tree.plan.Lists) - 1
}

// dynamic gives the places of field names in the events that are remembered.
func (l *Loader) dynamic(names []fields.Symbol) []int {
	var out []int
	for _, n := range names {
		i, ok := l.symbolIndex[n]
		if !ok {
			i = len(l.tree.plan.Symbols)
			l.tree.plan.Symbols = append(l.tree.plan.Symbols, n)
			l.tree.plan.Names = append(l.tree.plan.Names, l.opts.Symbols.Name(n))
			l.symbolIndex[n] = i
		}
		out = append(out, i)
	}
	return out
}

// assignLists notes which lists the events of each rule go to.
func (l *Loader) assignLists() {
	for _, r := range l.tree.rules {
		if list, ok := l.sidLists[r]; ok {
			r.Lists = append(r.Lists, list)
		} else {
			r.Lists = append(r.Lists, l.groupLists[r]...)
		}
		if l.tree.always >= 0 {
			r.Lists = append(r.Lists, l.tree.always)
		}
	}
}
