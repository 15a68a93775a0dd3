package match

import (
	"strconv"
	"strings"

	"armor/rules/internal/decode"
	"armor/rules/internal/fields"
	"armor/rules/internal/list"
	"armor/rules/internal/pattern"
	"armor/rules/internal/xmldoc"
)

var addressSlots = [...]fields.Slot{fields.SrcIP, fields.DstIP}

func (p *ruleParser) element(c *xmldoc.Element) {
	d, r := &p.d, p.d.rule
	name, isPCRE2 := strings.CutSuffix(c.Name, "_pcre2")
	if spec, ok := textSpecs[name]; ok {
		dialect := spec.dialect
		if isPCRE2 {
			dialect = pattern.PCRE2
		}
		if d.texts == nil {
			d.texts = map[string]*expression{}
		}
		x := d.texts[name]
		if x == nil {
			x = &expression{}
			d.texts[name] = x
		}
		p.text(x, c, dialect)
		return
	}
	if isPCRE2 && name != "field" {
		p.errorf(c.Line, "unknown element <%s>; remove it or check its spelling", c.Name)
		return
	}
	text := strings.TrimSpace(c.Text)
	switch name {
	case "description":
		r.Description += c.Text
	case "info":
		p.info(c)
	case "group":
		d.groupText += c.Text
	case "cve":
		r.Meta.CVE = text
	case "mitre":
		p.mitre(c)
	case "options":
		p.options(c)
	case "decoded_as":
		p.decodedAs(c, text)
	case "category":
		p.category(c, text)
	case "field":
		p.field(c, isPCRE2)
	case "srcip":
		p.address(c, fields.SrcIP)
	case "dstip":
		p.address(c, fields.DstIP)
	case "list":
		p.list(c)
	case "time":
		t, err := parseTimeOfDay(text)
		if err != nil {
			p.errorf(c.Line, "<time>: %v", err)
			return
		}
		d.condition(phaseTime, t)
	case "weekday":
		w, err := parseWeekday(text)
		if err != nil {
			p.errorf(c.Line, "<weekday>: %v", err)
			return
		}
		d.condition(phaseWeekday, w)
	case "compiled_rule":
		test, ok := compiledRules[text]
		if !ok {
			p.errorf(c.Line, "unknown compiled_rule %q; check its spelling", text)
			return
		}
		d.condition(phaseCompiled, compiled{name: text, holds: test})
	case "if_fts":
		d.condition(phaseFTS, firstSeen{})
	case "check_diff":
		d.checkDiff = true
	case "ignore":
		r.mask = p.keyMask(c)
	case "check_if_ignored":
		if m := p.keyMask(c); m != nil {
			d.condition(phaseIgnored, notMasked{mask: m})
		}
	case "if_sid", "if_level", "if_group", "if_matched_sid", "if_matched_group", "if_matched_regex":
		p.parent(c, text)
	default:
		if !p.sameness(c, text) {
			p.errorf(c.Line, "unknown element <%s>; remove it or check its spelling", c.Name)
		}
	}
}

// parent reads the elements that say where a rule hangs and what it counts.
func (p *ruleParser) parent(c *xmldoc.Element, text string) {
	d := &p.d
	d.placed = append(d.placed, c.Name)
	switch c.Name {
	case "if_sid":
		for _, part := range strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' || r == '\n' || r == '\t' || r == '\r' }) {
			id, err := strconv.Atoi(part)
			if err != nil || id < 1 {
				p.rep.Warnf(c.Line, p.subject, "if_sid %q is no rule number, so the rule is skipped; separate numbers with commas", part)
				p.bad = true
				return
			}
			d.ifSid = append(d.ifSid, id)
		}
		if len(d.ifSid) == 0 {
			p.errorf(c.Line, "<if_sid> is empty; name a rule")
		}
	case "if_level":
		d.ifLevel = p.number(c.Line, "if_level", text, 0, 16)
	case "if_group":
		if d.ifGroup = text; text == "" {
			p.errorf(c.Line, "<if_group> is empty; name a group")
		}
	case "if_matched_sid":
		d.matchedSid = p.number(c.Line, "if_matched_sid", text, 1, 999999)
	case "if_matched_group":
		if d.matchedGroup = text; text == "" {
			p.errorf(c.Line, "<if_matched_group> is empty; name a group")
		}
	case "if_matched_regex":
		p.text(&d.matchedRegex, c, pattern.OSRegex)
	}
}

func (p *ruleParser) decodedAs(c *xmldoc.Element, text string) {
	if name, ok := p.l.opts.SetDecoder[p.d.rule.ID]; ok {
		text = name
	}
	id, ok := p.l.opts.Decoders.ID(text)
	if !ok {
		p.errorf(c.Line, "decoder %q is not known; check the name, or load the file that has it", text)
		return
	}
	p.d.condition(phaseDecoder, decodedAs{id: id})
}

func (p *ruleParser) category(c *xmldoc.Element, text string) {
	if _, ok := p.l.opts.SetDecoder[p.d.rule.ID]; ok {
		return
	}
	cat, ok := decode.ParseCategory(text)
	if !ok {
		p.errorf(c.Line, "unknown category %q; use syslog, firewall, ids, web-log, squid, windows, ossec or host-information", text)
		return
	}
	p.d.rule.category = cat
	p.d.categorySet = true
}

// field reads a test of a dynamic field.
func (p *ruleParser) field(c *xmldoc.Element, isPCRE2 bool) {
	name, ok := c.Attr("name")
	if !ok || name == "" {
		p.errorf(c.Line, "<field> has no name; write <field name=\"...\">")
		return
	}
	if fields.SlotOf(name) != fields.None {
		p.errorf(c.Line, "<field name=%q> names a static field; write <%s>", name, name)
		return
	}
	dialect := pattern.OSRegex
	if isPCRE2 {
		dialect = pattern.PCRE2
	}
	var x expression
	p.text(&x, c, dialect, "name")
	if m := p.compile(&x, "field"); m != nil {
		p.d.condition(phaseField, newExpr(phaseField, source{kind: fromDynamic, symbol: p.l.opts.Symbols.Intern(name)}, m, x.negate))
	}
}

func (p *ruleParser) address(c *xmldoc.Element, slot fields.Slot) {
	if p.d.addresses == nil {
		p.d.addresses = map[fields.Slot]*address{}
	}
	a := p.d.addresses[slot]
	if a == nil {
		a = &address{slot: slot}
		p.d.addresses[slot] = a
	}
	a.negate = false
	for _, at := range c.Attrs {
		if at.Name == "negate" {
			a.negate = p.flag(c.Line, at, "yes", "no")
		} else {
			p.errorf(c.Line, "<%s> has an unknown attribute %s; remove it", c.Name, at.Name)
		}
	}
	for _, part := range strings.FieldsFunc(c.Text, func(r rune) bool { return r == ',' || r == '|' }) {
		n, err := parseAddress(part)
		if err != nil {
			p.errorf(c.Line, "<%s>: %v", c.Name, err)
			return
		}
		a.nets = append(a.nets, n)
	}
}

// list reads a look-up in a list. A list that is missing makes the reference skip the rule.
func (p *ruleParser) list(c *xmldoc.Element) {
	name := strings.TrimSpace(c.Text)
	cond := &inList{}
	for _, a := range c.Attrs {
		switch a.Name {
		case "field":
			if a.Value == "user" {
				cond.user = true
			} else {
				cond.source = sourceOf(a.Value, p.l.opts.Symbols)
			}
		case "lookup":
			kind, ok := lookups[a.Value]
			if !ok {
				p.errorf(c.Line, "<list>: unknown lookup %q; use match_key, not_match_key, match_key_value, address_match_key, not_address_match_key or address_match_key_value", a.Value)
			}
			cond.lookup = kind
		case "check_value":
			m, err := pattern.Compile(pattern.OSMatch, a.Value)
			if err != nil {
				p.errorf(c.Line, "<list>: check_value: %v", err)
				return
			}
			cond.value = m
		default:
			p.errorf(c.Line, "<list> has an unknown attribute %s; remove it", a.Name)
		}
	}
	if _, ok := c.Attr("field"); !ok {
		p.errorf(c.Line, "<list> has no field; write <list field=\"srcip\" ...>")
		return
	}
	if cond.value == nil && (cond.lookup == matchKeyValue || cond.lookup == addressMatchKeyValue) {
		p.errorf(c.Line, "<list> compares values but has no check_value; add it")
		return
	}
	var l *list.List
	var ok bool
	if p.l.opts.Lists != nil {
		l, ok = p.l.opts.Lists(name)
	}
	if !ok {
		p.bad = true
		p.rep.Warnf(c.Line, p.subject, "list %q is not loaded, so the rule is skipped; add the file, or name it in ruleset.yaml", name)
		return
	}
	cond.list = l
	p.d.condition(phaseList, cond)
}
