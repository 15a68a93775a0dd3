package match

import (
	"slices"
	"strings"

	"armor/rules/internal/fields"
	"armor/rules/internal/xmldoc"
)

func (p *ruleParser) info(c *xmldoc.Element) {
	m := p.d.rule.Meta
	kind, _ := c.Attr("type")
	switch kind {
	case "", "text", "link", "osvdb":
		m.Info += c.Text
	case "cve":
		m.CVE += c.Text
	default:
		p.errorf(c.Line, "<info> type is %q; use text, link, cve or osvdb", kind)
	}
}

func (p *ruleParser) mitre(c *xmldoc.Element) {
	m := p.d.rule.Meta
	for _, id := range c.Children {
		if id.Name != "id" {
			p.errorf(id.Line, "<mitre> holds <id> only, not <%s>", id.Name)
			continue
		}
		text := strings.TrimSpace(id.Text)
		if text == "" {
			p.errorf(id.Line, "<mitre> has an empty <id>; write one such as T1110")
			continue
		}
		if !slices.Contains(m.Mitre, text) {
			m.Mitre = append(m.Mitre, text)
		}
	}
}

func (p *ruleParser) options(c *xmldoc.Element) {
	m := p.d.rule.Meta
	for _, o := range strings.FieldsFunc(c.Text, func(r rune) bool { return r == ',' || r == ' ' || r == '\n' || r == '\t' || r == '\r' }) {
		switch o {
		case "alert_by_email":
			m.EmailAlert = true
		case "no_email_alert":
			m.NoEmail = true
		case "no_full_log":
			m.NoFullLog = true
		case "no_log":
			p.d.rule.NoLog = true
		case "log_alert":
			p.d.rule.NoLog = false
		case "no_ar", "no_counter":
			// Nothing here acts on them.
		default:
			p.errorf(c.Line, "unknown option %q; use alert_by_email, no_email_alert, log_alert, no_log, no_full_log, no_ar or no_counter", o)
		}
	}
}

// keyMask reads the field names of <ignore> and <check_if_ignored>.
func (p *ruleParser) keyMask(c *xmldoc.Element) *keyMask {
	m := &keyMask{}
	for part := range strings.SplitSeq(c.Text, ",") {
		name := strings.TrimSpace(part)
		switch name {
		case "", "name":
		case "location":
			m.location = true
		default:
			if slot := fields.SlotOf(name); slot != fields.None {
				m.slots = append(m.slots, slot)
			} else {
				m.dynamic = append(m.dynamic, p.l.opts.Symbols.Intern(name))
				m.names = append(m.names, fields.Fold(name))
			}
		}
	}
	if len(m.slots) == 0 && len(m.dynamic) == 0 && !m.location {
		p.errorf(c.Line, "<%s> names no field", c.Name)
		return nil
	}
	return m
}

// sameName maps what follows same_, different_ and not_same_ to a static field.
var sameName = map[string]fields.Slot{
	"source_ip": fields.SrcIP, "srcip": fields.SrcIP, "src_ip": fields.SrcIP,
	"dstip": fields.DstIP, "dst_ip": fields.DstIP, "destination_ip": fields.DstIP,
	"srcport": fields.SrcPort, "src_port": fields.SrcPort,
	"dstport": fields.DstPort, "dst_port": fields.DstPort,
	"user": fields.DstUser, "dstuser": fields.DstUser, "srcuser": fields.SrcUser,
	"protocol": fields.Protocol, "action": fields.Action, "id": fields.ID, "url": fields.URL, "data": fields.Data,
	"extra_data": fields.ExtraData, "status": fields.Status, "system_name": fields.SystemName,
	"srcgeoip": fields.SrcGeoIP, "dstgeoip": fields.DstGeoIP,
}

// sameness reads same_*, different_* and not_same_*, and global_frequency. It says whether the element is one.
func (p *ruleParser) sameness(c *xmldoc.Element, text string) bool {
	s := &p.d.same
	if c.Name == "global_frequency" {
		s.global = true
		return true
	}
	what, same := strings.CutPrefix(c.Name, "same_")
	if !same {
		var ok bool
		if what, ok = strings.CutPrefix(c.Name, "different_"); !ok {
			if what, ok = strings.CutPrefix(c.Name, "not_same_"); !ok {
				return false
			}
		}
	}
	if p.d.sameLine == 0 {
		p.d.sameLine = c.Line
	}
	switch what {
	case "field":
		for part := range strings.SplitSeq(text, ",") {
			if name := strings.TrimSpace(part); name != "" {
				n := p.l.opts.Symbols.Intern(name)
				if same {
					s.sameDynamic = append(s.sameDynamic, n)
				} else {
					s.differentDynamic = append(s.differentDynamic, n)
				}
			}
		}
		return true
	case "location":
		if same {
			s.sameLocation = true
		} else {
			s.differentLocation = true
		}
		return true
	case "agent":
		if same {
			s.sameAgent = true
		} else {
			s.differentAgent = true
		}
		return true
	}
	slot, ok := sameName[what]
	if !ok {
		return false
	}
	if same {
		s.same |= 1 << slot
	} else {
		s.different |= 1 << slot
	}
	return true
}
