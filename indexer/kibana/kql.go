package kibana

import (
	"errors"
	"fmt"
	"strings"

	"armor/indexer/field"
	"armor/indexer/query"
)

// kql writes a query in Kibana's query language. What that language cannot say with the same meaning is an error.
func kql(n query.Node) (string, error) {
	switch n := n.(type) {
	case nil, query.All:
		return "", nil
	case query.And:
		return kqlJoined(n.Nodes, " and ")
	case query.Or:
		return kqlJoined(n.Nodes, " or ")
	case query.Not:
		inner, err := kqlOperand(n.Node)
		return "not " + inner, err
	case query.Match:
		return kqlMatch(n)
	case query.Range:
		return kqlRange(n)
	}
	return "", fmt.Errorf("%s has no form in Kibana's query language", n)
}

func kqlJoined(nodes []query.Node, operator string) (string, error) {
	parts := make([]string, len(nodes))
	for i, n := range nodes {
		var err error
		if parts[i], err = kqlOperand(n); err != nil {
			return "", err
		}
	}
	return strings.Join(parts, operator), nil
}

// kqlOperand is a query in parentheses where it needs some.
func kqlOperand(n query.Node) (string, error) {
	text, err := kql(n)
	switch n := n.(type) {
	case query.All:
		return "", errors.New("a condition that every alert meets has no form in Kibana's query language: leave it out")
	case query.And, query.Or:
		return "(" + text + ")", err
	case query.Match:
		if n.Field == "" {
			return "(" + text + ")", err
		}
	case query.Range:
		if n.From != nil && n.To != nil {
			return "(" + text + ")", err
		}
	}
	return text, err
}

func kqlMatch(m query.Match) (string, error) {
	switch {
	case m.Field == "":
		if !m.Value.IsLiteral() {
			return "", fmt.Errorf("%s: wildcards in the log's words have no form in Kibana's query language: name a field", m)
		}
		v := kqlQuoted(m.Value.Parts[0])
		return field.FullLog + ": " + v + " or " + field.DescriptionText + ": " + v, nil
	case m.Value.Any():
		return kqlEscaped(m.Field) + ": *", nil
	case m.Value.IsLiteral():
		return kqlEscaped(m.Field) + ": " + kqlQuoted(m.Value.Parts[0]), nil
	case field.Of(m.Field).Kind != field.Keyword:
		return "", fmt.Errorf("%s: wildcards in a %s have no form in Kibana's query language", m, field.Of(m.Field).Kind)
	}
	var parts []string
	for _, p := range m.Value.Parts {
		if strings.ContainsAny(p, " \t\r\n") {
			return "", fmt.Errorf("%s: a wildcard beside a space has no form in Kibana's query language", m)
		}
		parts = append(parts, kqlEscaped(p))
	}
	return kqlEscaped(m.Field) + ": " + strings.Join(parts, "*"), nil
}

func kqlRange(r query.Range) (string, error) {
	var parts []string
	add := func(sign string, b *query.Bound) {
		if b == nil {
			return
		}
		if b.Inclusive {
			sign += "="
		}
		value := kqlQuoted(b.Value)
		if field.Of(r.Field).Kind == field.Number {
			value = kqlEscaped(b.Value)
		}
		parts = append(parts, kqlEscaped(r.Field)+" "+sign+" "+value)
	}
	add(">", r.From)
	add("<", r.To)
	return strings.Join(parts, " and "), nil
}

// kqlQuoted is a text in double quotes.
func kqlQuoted(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\t", `\t`, "\r", `\r`, "\n", `\n`).Replace(s) + `"`
}

// kqlEscaped is a text outside of quotes: whatever means something there gets a backslash, and so do the three words.
func kqlEscaped(s string) string {
	if l := strings.ToLower(s); l == "and" || l == "or" || l == "not" {
		return `\` + s
	}
	return strings.NewReplacer(`\`, `\\`, `(`, `\(`, `)`, `\)`, `:`, `\:`, `<`, `\<`, `>`, `\>`, `"`, `\"`, `*`, `\*`, `{`, `\{`, `}`, `\}`).Replace(s)
}

// pill is a filter as Kibana shows it above the panels, where it stays whatever is typed into the search bar. It is one
// field:value, or NOT and one. reference names the data view among the references of its object.
func pill(n query.Node, reference string) (map[string]any, error) {
	negate := false
	if not, ok := n.(query.Not); ok {
		n, negate = not.Node, true
	}
	m, ok := n.(query.Match)
	if !ok || m.Field == "" || !m.Value.IsLiteral() {
		return nil, fmt.Errorf("%s cannot be a filter of a dashboard: write one field:value, or NOT and one", n)
	}
	value := m.Value.Parts[0]
	return object{
		"$state": object{"store": "appState"},
		"meta": object{
			"alias": nil, "disabled": false, "negate": negate, "type": "phrase", "key": m.Field,
			"params": object{"query": value}, "indexRefName": reference,
		},
		"query": object{"match_phrase": object{m.Field: value}},
	}, nil
}
