package logtest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
)

// text shows a result in three phases: header, decoder and fields, rule.
func text(r *Result) string {
	var b strings.Builder
	phases(&b, r)
	lines := func(title string, list []string) {
		if len(list) == 0 {
			return
		}
		section(&b, title)
		for _, l := range list {
			b.WriteString("   " + l + "\n")
		}
	}
	lines("Trace (- failed, + matched, * the answer)", r.TraceText())
	lines("Why", r.WhyText())
	return b.String()
}

func phases(b *strings.Builder, r *Result) {
	d := &r.doc
	section(b, "1. Header")
	if len(d.Predecoder) == 0 {
		line(b, "", "none: the line is taken whole")
	}
	for _, name := range []string{"timestamp", "hostname", "program_name"} {
		if v := d.Predecoder[name]; v != "" {
			line(b, name, v)
		}
	}
	section(b, "2. Decoder")
	if r.Decoder == "" {
		line(b, "", "no decoder matched")
	} else {
		line(b, "name", r.Decoder)
		if p, ok := d.Decoder["parent"].(string); ok && p != r.Decoder {
			line(b, "parent", p)
		}
	}
	flatten(b, "", d.Data)
	section(b, "3. Rule")
	if d.Rule == nil {
		line(b, "", "no rule matched")
		return
	}
	rule := d.Rule.rule
	line(b, "id", idText(rule.ID))
	line(b, "level", fmt.Sprint(rule.Level))
	line(b, "description", r.Description)
	line(b, "groups", strings.Join(rule.Groups, ", "))
	for _, c := range rule.Compliance {
		line(b, c.Standard, strings.Join(c.Requirements, ", "))
	}
	for _, m := range rule.Mitre {
		line(b, "mitre", strings.TrimSpace(m.ID+" "+m.Technique))
	}
	line(b, "fired", fmt.Sprintf("%d times", d.Rule.fired))
	switch {
	case d.SuppressedBy != "":
		line(b, "alert", fmt.Sprintf("no: the rule ignores repetitions for %d s", rule.Ignore))
	case r.Alert:
		line(b, "alert", "yes")
	case rule.NoLog:
		line(b, "alert", "no: the rule says no_log")
	default:
		line(b, "alert", "no: level 0")
	}
}

func section(b *strings.Builder, title string) {
	b.WriteString(title)
	b.WriteByte('\n')
}

// column is the width of names, in characters.
const column = 14

func line(b *strings.Builder, name, value string) {
	if name == "" {
		fmt.Fprintf(b, "   %s\n", clean(value))
		return
	}
	fmt.Fprintf(b, "   %-*s  %s\n", column, clean(name), clean(value))
}

// clean keeps what a log line contains from steering the terminal.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if r < 0x20 || r >= 0x7f && r < 0xa0 {
			return ' '
		}
		return r
	}, s)
}

// flatten shows the data object, one field a line, in its order.
func flatten(b *strings.Builder, prefix string, raw json.RawMessage) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return
	}
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return
		}
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return
		}
		name := prefix + fmt.Sprint(key)
		switch value[0] {
		case '{':
			flatten(b, name+".", value)
		case '"':
			var s string
			if json.Unmarshal(value, &s) == nil {
				line(b, name, s)
			}
		default:
			line(b, name, string(value))
		}
	}
}
