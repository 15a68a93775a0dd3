package match

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"armor/rules/internal/pattern"
	"armor/rules/internal/problem"
	"armor/rules/internal/xmldoc"
)

// ruleParser reads one <rule>.
type ruleParser struct {
	l       *Loader
	rep     *problem.Reporter
	subject string
	d       definition
	bad     bool
}

func (p *ruleParser) errorf(line int, format string, args ...any) {
	p.bad = true
	p.rep.Errorf(line, p.subject, format, args...)
}

func (p *ruleParser) parse(e *xmldoc.Element) bool {
	p.attributes(e)
	for _, c := range e.Children {
		p.element(c)
	}
	p.finish(e)
	return !p.bad
}

// number reads a number within bounds.
func (p *ruleParser) number(line int, what, text string, low, high int) int {
	n, err := strconv.Atoi(strings.TrimSpace(text))
	if err != nil || n < low || n > high {
		p.errorf(line, "%s is %q; it must be a number from %d to %d", what, text, low, high)
		return low
	}
	return n
}

func (p *ruleParser) attributes(e *xmldoc.Element) {
	r := p.d.rule
	seen := map[string]bool{}
	for _, a := range e.Attrs {
		seen[a.Name] = true
		switch a.Name {
		case "id":
			r.ID = p.number(e.Line, "id", a.Value, 1, 999999)
		case "level":
			r.Level = int32(p.number(e.Line, "level", a.Value, 0, 16))
		case "noalert":
			r.NoAlert = p.flag(e.Line, a, "1", "0")
		case "overwrite":
			p.d.overwrite = p.flag(e.Line, a, "yes", "no")
		case "accuracy":
			r.last = !p.flag(e.Line, a, "1", "0")
		case "ignore":
			r.IgnorePeriod = int32(p.number(e.Line, "ignore", a.Value, 1, 999999))
		case "maxsize":
			p.d.condition(phaseSize, minSize(p.number(e.Line, "maxsize", a.Value, 1, 9999)))
		case "frequency":
			low := 2
			if p.l.opts.OSSEC {
				low = 1
			}
			p.d.frequency = p.number(e.Line, "frequency", a.Value, low, 9999)
			r.Meta.Frequency = p.d.frequency
		case "timeframe":
			p.d.timeframe = p.number(e.Line, "timeframe", a.Value, 1, 99999)
			r.Meta.Timeframe = p.d.timeframe
		default:
			p.errorf(e.Line, "unknown attribute %s; remove it or check its spelling", a.Name)
		}
	}
	for _, name := range []string{"id", "level"} {
		if !seen[name] {
			p.errorf(e.Line, "has no %s; add %s=\"...\"", name, name)
		}
	}
}

func (p *ruleParser) flag(line int, a xmldoc.Attr, yes, no string) bool {
	switch a.Value {
	case yes:
		return true
	case no:
	default:
		p.errorf(line, "%s is %q; it must be %s or %s", a.Name, a.Value, yes, no)
	}
	return false
}

// text adds one element to the pattern of its kind. It reads the attributes type and negate and those in also.
func (p *ruleParser) text(x *expression, c *xmldoc.Element, dialect pattern.Dialect, also ...string) {
	if x.line == 0 {
		x.line = c.Line
	}
	x.negate = false
	for _, a := range c.Attrs {
		switch a.Name {
		case "type":
			d, err := pattern.ParseDialect(a.Value)
			if err != nil {
				p.errorf(c.Line, "<%s>: %v", c.Name, err)
				x.bad = true
				continue
			}
			dialect = d
		case "negate":
			x.negate = p.flag(c.Line, a, "yes", "no")
		default:
			known := false
			for _, name := range also {
				known = known || name == a.Name
			}
			if !known {
				p.errorf(c.Line, "<%s> has an unknown attribute %s; remove it", c.Name, a.Name)
			}
		}
	}
	x.dialect = dialect
	if x.text.Len()+len(c.Text) > maxRuleText {
		p.errorf(c.Line, "<%s> is longer than %d bytes; split the rule", c.Name, maxRuleText)
		x.bad = true
		return
	}
	x.text.WriteString(c.Text)
}

func (p *ruleParser) compile(x *expression, what string) pattern.Matcher {
	if x.bad {
		return nil
	}
	m, err := pattern.Compile(x.dialect, x.text.String())
	if err != nil {
		p.errorf(x.line, "<%s>: %v", what, err)
		return nil
	}
	return m
}

// finish compiles the patterns and checks that the parts fit together.
func (p *ruleParser) finish(e *xmldoc.Element) {
	d := &p.d
	for _, name := range slices.Sorted(maps.Keys(d.texts)) {
		x := d.texts[name]
		m := p.compile(x, name)
		if m == nil {
			continue
		}
		spec := textSpecs[name]
		if name == "user" {
			d.condition(spec.phase, &user{m: m, negate: x.negate})
		} else {
			d.condition(spec.phase, newExpr(spec.phase, spec.source, m, x.negate))
		}
	}
	for _, slot := range addressSlots {
		if a := d.addresses[slot]; a != nil {
			d.condition(phaseAddress, a)
		}
	}
	if d.matchedRegex.line > 0 {
		p.compile(&d.matchedRegex, "if_matched_regex")
	}
	correlated := d.matchedSid > 0 || d.matchedGroup != "" || d.matchedRegex.line > 0
	if d.frequency > 0 && !correlated && !d.overwrite {
		p.errorf(e.Line, "has a frequency but nothing to count; add <if_matched_sid> or <if_matched_group>")
	}
	if d.sameLine > 0 && !correlated && !d.overwrite {
		p.rep.Warnf(d.sameLine, p.subject, "same_* and different_* have no effect without <if_matched_sid> or <if_matched_group>")
	}
	if d.matchedSid > 0 && d.ifSid == nil && d.ifGroup == "" {
		d.ifSid = []int{d.matchedSid}
	}
	if d.matchedGroup != "" && d.ifSid == nil && d.ifGroup == "" {
		d.ifGroup = d.matchedGroup
	}
}
