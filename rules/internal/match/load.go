package match

import (
	"armor/rules/internal/decode"
	"armor/rules/internal/fields"
	"armor/rules/internal/list"
	"armor/rules/internal/problem"
	"armor/rules/internal/xmldoc"
)

// Limits of rule files.
const (
	// MaxRules is how many rules a ruleset may have.
	MaxRules = 200_000
	// maxEdges bounds the places that rules hang at, taken together.
	maxEdges = 4_000_000
	// maxComparisons bounds the work of if_group, if_level and if_matched_group.
	maxComparisons = 400_000_000
	// maxRuleText is the longest text of one condition, in bytes.
	maxRuleText = 20480
)

// Options of a Loader.
type Options struct {
	Symbols  *fields.Symbols
	Decoders *decode.Tree
	// Lists finds a list by the name that rules use.
	Lists func(name string) (*list.List, bool)
	// OSSEC: frequencies mean two events more.
	OSSEC bool
	// SetDecoder replaces decoded_as and category of rules.
	SetDecoder map[int]string
}

// Loader collects the rules of a ruleset. Call File for each file, in order, then Finish.
type Loader struct {
	opts        Options
	tree        *Tree
	edges       int
	comparisons int
	full        bool
	symbolIndex map[fields.Symbol]int
	order       map[*Rule][]int16 // sort keys of the children
	depths      map[*Rule]int
	sidLists    map[*Rule]int   // the list of a rule because of an if_matched_sid
	groupLists  map[*Rule][]int // those because of if_matched_group, used where there is none of the others
	owners      []*Rule         // of the plan's lists; nil: none
	broken      map[int]bool    // rules that were left out: what refers to them is not reported once more
}

// NewLoader starts an empty tree.
func NewLoader(opts Options) *Loader {
	return &Loader{
		opts:        opts,
		tree:        &Tree{byID: map[int]*Rule{}, always: -1},
		symbolIndex: map[fields.Symbol]int{},
		order:       map[*Rule][]int16{},
		depths:      map[*Rule]int{},
		sidLists:    map[*Rule]int{},
		groupLists:  map[*Rule][]int{},
		broken:      map[int]bool{},
	}
}

// File adds the rules of one file, whose text the elements were read from.
func (l *Loader) File(roots []*xmldoc.Element, text string, rep *problem.Reporter) {
	for _, e := range roots {
		switch e.Name {
		case "group":
			l.group(e, text, rep)
		case "var":
		default:
			rep.Errorf(e.Line, "", "<%s> cannot stand here; rules stand in <group name=\"...\">", e.Name)
		}
	}
}

func (l *Loader) group(e *xmldoc.Element, text string, rep *problem.Reporter) {
	name, ok := e.Attr("name")
	if !ok {
		rep.Errorf(e.Line, "", "<group> has no name; write <group name=\"...\">")
	}
	for _, a := range e.Attrs {
		if a.Name != "name" {
			rep.Errorf(e.Line, "", "<group> has an unknown attribute %s; remove it", a.Name)
		}
	}
	for _, c := range e.Children {
		if c.Name != "rule" {
			rep.Errorf(c.Line, "", "<%s> cannot stand in a <group>; only <rule> can", c.Name)
			continue
		}
		l.rule(c, name, text, rep)
	}
}

func (l *Loader) rule(e *xmldoc.Element, group, text string, rep *problem.Reporter) {
	subject := "rule"
	if id, ok := e.Attr("id"); ok {
		subject = "rule " + id
	}
	p := ruleParser{l: l, rep: rep, subject: subject}
	p.d = definition{rule: newRule(), ifLevel: -1, groupText: group}
	p.d.rule.Meta.File = rep.File
	p.d.rule.Meta.Line = e.Line
	p.d.rule.Meta.XML = text[e.Start:e.End]
	if !p.parse(e) {
		l.broken[p.d.rule.ID] = true
		return
	}
	*p.d.rule.digest = digest(e, group, l.opts.SetDecoder[p.d.rule.ID])
	l.add(&p.d, &p)
}

// add puts a rule that was read without mistakes into the tree.
func (l *Loader) add(d *definition, p *ruleParser) {
	r := d.rule
	line := r.Meta.Line
	old := l.tree.byID[r.ID]
	switch {
	case old != nil && !d.overwrite:
		p.rep.Warnf(line, p.subject, "has the number of the rule at %s:%d and is skipped; give it another number, or overwrite=\"yes\" to replace that rule", old.Meta.File, old.Meta.Line)
		return
	case old != nil:
		l.overwrite(old, d, p)
		return
	case len(l.tree.rules) >= MaxRules:
		if !l.full {
			l.full = true
			p.rep.Errorf(line, p.subject, "is one too many: a ruleset may have %d rules", MaxRules)
		}
		return
	}
	if !l.place(d, p) {
		l.broken[r.ID] = true
		return
	}
	r.Index = len(l.tree.rules)
	l.tree.rules = append(l.tree.rules, r)
	l.tree.byID[r.ID] = r
	l.compose(r, d, p)
}

// compose builds the conditions of a rule from its definition.
func (l *Loader) compose(r *Rule, d *definition, p *ruleParser) {
	if d.checkDiff {
		d.condition(phaseDiff, changed{rule: r})
	}
	if d.correlated() {
		if c := l.correlation(r, d, p); c != nil {
			d.condition(phaseCorrelation, c)
			r.correlated = true
			if r.Meta.Frequency == 0 {
				r.Meta.Frequency = defaultFrequency
			}
		}
	}
	r.conditions = d.sorted()
	r.text = parseTemplate(r.Description, l.opts.Symbols)
	r.groupText = d.groupText
	r.Meta.Groups, r.Meta.Compliance = splitGroups(d.groupText)
}

// overwrite replaces everything of a rule but its place in the tree and what it correlates with.
func (l *Loader) overwrite(old *Rule, d *definition, p *ruleParser) {
	line := d.rule.Meta.Line
	for _, name := range d.placed {
		p.rep.Warnf(line, p.subject, "<%s> has no effect with overwrite; the rule stays where %s:%d put it", name, old.Meta.File, old.Meta.Line)
	}
	query := old.query()
	fresh := *d.rule
	fresh.Index, fresh.parents, fresh.children = old.Index, old.parents, old.children
	fresh.root, fresh.last = old.root, old.last
	if !d.categorySet {
		fresh.category = decode.Syslog
	}
	*old = fresh
	d.matchedSid, d.matchedGroup = 0, ""
	if query != nil {
		d.keepList = query.List + 1
	}
	d.overwritten = true
	l.compose(old, d, p)
}

func (r *Rule) query() *correlateQuery {
	for _, c := range r.conditions {
		if c, ok := c.(*correlate); ok {
			return &c.query
		}
	}
	return nil
}
