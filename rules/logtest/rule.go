package logtest

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"armor/rules"
)

// orderedRule writes a rule as alerts show it, its members in their usual order.
type orderedRule struct {
	rule        *rules.Rule
	description string
	fired       uint64
}

// MarshalJSON writes the rule.
func (o *orderedRule) MarshalJSON() ([]byte, error) {
	r := o.rule
	var b bytes.Buffer
	first := true
	put := func(name string, value any) {
		if first {
			b.WriteByte('{')
		} else {
			b.WriteByte(',')
		}
		first = false
		b.WriteString(strconv.Quote(name))
		b.WriteByte(':')
		enc := json.NewEncoder(&b)
		enc.SetEscapeHTML(false)
		if enc.Encode(value) == nil {
			b.Truncate(b.Len() - 1)
		} else {
			b.WriteString("null")
		}
	}
	put("level", r.Level)
	put("description", o.description)
	put("id", idText(r.ID))
	if r.Info != "" {
		put("info", valid(r.Info))
	}
	if r.CVE != "" {
		put("cve", valid(r.CVE))
	}
	if len(r.Mitre) > 0 {
		put("mitre", mitre(r.Mitre))
	}
	if r.Frequency > 0 {
		put("frequency", r.Frequency)
	}
	put("firedtimes", o.fired)
	put("mail", r.Mail)
	groups := r.Groups
	if groups == nil {
		groups = []string{}
	}
	put("groups", groups)
	for _, c := range r.Compliance {
		put(c.Standard, c.Requirements)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// mitre gives ids, tactics and technique names, each without repetition.
func mitre(list []rules.Mitre) map[string][]string {
	out := map[string][]string{}
	add := func(key, value string) {
		if value == "" {
			return
		}
		if slices.Contains(out[key], value) {
			return
		}
		out[key] = append(out[key], value)
	}
	for _, m := range list {
		add("id", m.ID)
		for _, t := range m.Tactics {
			add("tactic", t)
		}
		add("technique", m.Technique)
	}
	return out
}

func idText(id int) string { return strconv.Itoa(id) }

func valid(s string) string { return strings.ToValidUTF8(s, "\ufffd") }
