package rulestest

import (
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"armor/rules"
)

// none is how a test says that nothing may match.
const none = "none"

// maxRuleID is the highest rule number.
const maxRuleID = 999999

// expect reads what an event must end in.
func (r *yamlReader) expect(n *yaml.Node) []check {
	known := []string{"rule", "level", "decoder", "alert", "suppressed_by", "description", "groups", "mitre", "fields", "not"}
	keys := r.mapping(n, "expect", known...)
	if len(keys) == 0 {
		r.errorf(n, "expect is empty; write at least one of %s", strings.Join(known, ", "))
	}
	var checks []check
	for _, key := range known { // in this order, whatever the file's
		if v, ok := keys[key]; ok {
			checks = append(checks, r.check(key, v)...)
		}
	}
	return checks
}

func (r *yamlReader) check(key string, n *yaml.Node) []check {
	switch key {
	case "rule":
		return []check{equal("rule", r.ruleID(n, key), ruleText)}
	case "suppressed_by":
		return []check{equal("suppressed_by", r.ruleID(n, key), func(v *rules.Verdict) string { return idText(v.SuppressedBy) })}
	case "level":
		return []check{equal("level", strconv.Itoa(r.number(n, key, 0, 16)), levelText)}
	case "decoder":
		return []check{equal("decoder", r.text(n, key), func(v *rules.Verdict) string { return orNone(v.Decoder) })}
	case "alert":
		return []check{equal("alert", strconv.FormatBool(r.truth(n, key)), alertText)}
	case "description":
		return []check{equal("description", strconv.Quote(r.text(n, key)), func(v *rules.Verdict) string { return strconv.Quote(description(v)) })}
	case "groups":
		return []check{contains("groups", r.texts(n, key), func(rule *rules.Rule) []string { return rule.Groups })}
	case "mitre":
		return []check{contains("mitre", r.texts(n, key), techniques)}
	case "fields":
		return r.fields(n)
	default:
		return []check{r.not(n)}
	}
}

// equal compares one value.
func equal(name, want string, have func(v *rules.Verdict) string) check {
	return func(v *rules.Verdict) (expected, got string, ok bool) {
		h := have(v)
		return name + " " + want, name + " " + h, h == want
	}
}

// contains asks for members of a list of the rule.
func contains(name string, want []string, have func(rule *rules.Rule) []string) check {
	return func(v *rules.Verdict) (expected, got string, ok bool) {
		var h []string
		if rule := ended(v); rule != nil {
			h = have(rule)
		}
		ok = !slices.ContainsFunc(want, func(s string) bool { return !slices.Contains(h, s) })
		return name + " with " + strings.Join(want, ", "), name + " [" + strings.Join(h, ", ") + "]", ok
	}
}

func (r *yamlReader) fields(n *yaml.Node) []check {
	at := n
	if n = resolve(n); n.Kind != yaml.MappingNode {
		r.errorf(at, "fields must be a mapping, such as {srcip: 203.0.113.66}")
		return nil
	}
	var checks []check
	for i := 0; i+1 < len(n.Content); i += 2 {
		name, value := n.Content[i].Value, resolve(n.Content[i+1])
		switch {
		case value.Kind != yaml.ScalarNode:
			r.errorf(n.Content[i], "field %q must be a text, or null for absent; write the name with dots, such as aws.eventName", cut(name))
		case value.ShortTag() == "!!null":
			checks = append(checks, equal("field "+name, "absent", fieldText(name)))
		default:
			checks = append(checks, equal("field "+name, strconv.Quote(value.Value), fieldText(name)))
		}
	}
	return checks
}

func (r *yamlReader) not(n *yaml.Node) check {
	var ids []string
	for _, item := range r.sequence(n, "not") {
		ids = append(ids, r.ruleID(item, "not"))
	}
	return func(v *rules.Verdict) (expected, got string, ok bool) {
		have := ruleText(v)
		return "not rule " + strings.Join(ids, ", "), "rule " + have, !slices.Contains(ids, have)
	}
}

// ruleID reads a rule number or none.
func (r *yamlReader) ruleID(n *yaml.Node, what string) string {
	if text := resolve(n).Value; text == none {
		return none
	}
	return strconv.Itoa(r.number(n, what, 1, maxRuleID))
}

func (r *yamlReader) truth(n *yaml.Node, what string) bool {
	switch resolve(n).Value {
	case "true":
		return true
	case "false":
		return false
	default:
		r.errorf(n, "%s must be true or false", what)
		return false
	}
}

func idText(rule *rules.Rule) string {
	if rule == nil {
		return none
	}
	return strconv.Itoa(rule.ID)
}

func orNone(s string) string {
	if s == "" {
		return none
	}
	return s
}

func ruleText(v *rules.Verdict) string { return idText(ended(v)) }

func levelText(v *rules.Verdict) string {
	rule := ended(v)
	if rule == nil {
		return none
	}
	return strconv.Itoa(rule.Level)
}

// alertText is false for a rule that its ignore period keeps silent, as in logtest.
func alertText(v *rules.Verdict) string {
	return strconv.FormatBool(v.Alert && v.SuppressedBy == nil)
}

func description(v *rules.Verdict) string {
	if v.SuppressedBy != nil {
		return v.SuppressedBy.Description
	}
	return v.Description
}

func techniques(rule *rules.Rule) []string {
	var ids []string
	for _, m := range rule.Mitre {
		ids = append(ids, m.ID)
	}
	return ids
}

func fieldText(name string) func(v *rules.Verdict) string {
	return func(v *rules.Verdict) string {
		value, ok := v.Field(name)
		if !ok {
			return "absent"
		}
		return strconv.Quote(value)
	}
}
