package console

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"armor/indexer/field"
	"armor/indexer/match"
	"armor/indexer/query"
	"armor/indexer/store"
)

// Limits of what a page may ask.
const (
	maxQueryBytes  = 4096
	maxFilters     = 50
	maxFilterBytes = 4096
	maxFieldBytes  = 512
)

// readFilter reads which alerts are meant: q (query language), since and until (RFC 3339), level (at least), agent (name), group, board (the alerts of a dashboard), and any number of
// f and n ("field:value", to filter for and to filter out).
func readFilter(p url.Values) (store.Filter, error) {
	var f store.Filter
	var err error
	if f.Since, err = readTime(p, "since"); err != nil {
		return f, err
	}
	if f.Until, err = readTime(p, "until"); err != nil {
		return f, err
	}
	f.Query, err = readQuery(p)
	return f, err
}

func readTime(p url.Values, name string) (time.Time, error) {
	text := p.Get(name)
	if text == "" {
		return time.Time{}, nil
	}
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil || t.Year() < 1 || t.Year() > 9999 {
		return time.Time{}, requestError(fmt.Sprintf("%s: %q is no time of the form 2026-02-03T04:05:06Z", name, cut(text, 60)))
	}
	return t, nil
}

func readQuery(p url.Values) (query.Node, error) {
	text := p.Get("q")
	if len(text) > maxQueryBytes {
		return nil, requestError(fmt.Sprintf("the query has %d bytes; at most %d are read", len(text), maxQueryBytes))
	}
	node, err := query.Parse(text)
	if err != nil {
		return nil, err
	}
	// A value that does not fit its field is found here, where its position still refers to what the person typed.
	if _, err := match.Bind(node, time.Now()); err != nil {
		return nil, placed(err, text)
	}
	nodes := []query.Node{node}
	if text := p.Get("level"); text != "" {
		level, err := strconv.ParseUint(text, 10, 8)
		if err != nil || level > 16 {
			return nil, requestError(fmt.Sprintf("level: %q is no level from 0 to 16", cut(text, 20)))
		}
		nodes = append(nodes, query.Range{Field: field.Level, From: &query.Bound{Value: strconv.FormatUint(level, 10), Inclusive: true}})
	}
	if agent := p.Get("agent"); agent != "" {
		nodes = append(nodes, is(field.AgentName, agent))
	}
	if group := p.Get("group"); group != "" {
		nodes = append(nodes, is(field.Groups, group))
	}
	board, err := readBoard(p)
	if err != nil {
		return nil, err
	}
	nodes = append(nodes, board)
	filters, err := readFieldFilters(p)
	if err != nil {
		return nil, err
	}
	return all(append(nodes, filters...)), nil
}

func placed(err error, text string) error {
	var syntax *query.Error
	if errors.As(err, &syntax) {
		return &query.Error{Query: text, Pos: syntax.Pos, Message: syntax.Message}
	}
	return err
}

func readFieldFilters(p url.Values) ([]query.Node, error) {
	if n := len(p["f"]) + len(p["n"]); n > maxFilters {
		return nil, requestError(fmt.Sprintf("%d filters; at most %d are possible", n, maxFilters))
	}
	var nodes []query.Node
	for _, param := range []string{"f", "n"} {
		for _, text := range p[param] {
			name, value, ok := strings.Cut(text, ":")
			if !ok || name == "" || len(name) > maxFieldBytes || len(value) > maxFilterBytes {
				return nil, requestError(fmt.Sprintf("%s: %q is no filter of the form field:value", param, cut(text, 60)))
			}
			node := is(name, value)
			if param == "n" {
				node = query.Not{Node: node}
			}
			nodes = append(nodes, node)
		}
	}
	return nodes, nil
}

func is(name, value string) query.Node {
	return query.Match{Field: name, Value: query.Literal(value)}
}

// all joins conditions; those that match everything go.
func all(nodes []query.Node) query.Node {
	var joined query.Node
	for _, n := range nodes {
		joined = query.Both(joined, n)
	}
	return joined
}

// cut shortens outside text for a message.
func cut(text string, most int) string {
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + "..."
}
