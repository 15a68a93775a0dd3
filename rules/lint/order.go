package lint

import (
	"fmt"
	"path"
	"regexp"
	"strings"

	"armor/rules"
)

// order looks for rules that a sibling before them makes unreachable at every place where they hang.
func (c *checker) order() {
	places := map[*rules.Rule]int{}
	blocked := map[*rules.Rule][]*rules.Rule{}
	lists := c.rs.Tops()
	for _, r := range c.rs.Rules() {
		lists = append(lists, c.rs.Children(r))
	}
	for _, siblings := range lists {
		c.siblings(siblings, places, blocked)
	}
	for _, r := range c.rs.Rules() {
		by := blocked[r]
		if len(by) == 0 || len(by) < places[r] || r.ID < 10 {
			continue
		}
		b := by[0]
		c.add(r, Unreachable, "is never the answer: rule %d (%s:%d) is tried before it and takes every event that it matches; hang it under that rule with <if_sid>%d</if_sid>, or give it a higher level",
			b.ID, b.File, b.Line, b.ID)
	}
}

// maxCandidates bounds the comparisons for one rule at one place.
const maxCandidates = 10000

func (c *checker) siblings(siblings []*rules.Rule, places map[*rules.Rule]int, blocked map[*rules.Rule][]*rules.Rule) {
	takers := map[string][]*rules.Rule{} // by the key of their first condition; "": they take everything
	for _, r := range siblings {
		places[r]++
		own := map[string]bool{"": true}
		for _, cond := range c.conditions[r] {
			own[cond.Key] = true
		}
		if b := c.taker(takers, own); b != nil {
			blocked[r] = append(blocked[r], b)
			continue
		}
		if first, ok := c.takes(r); ok {
			takers[first] = append(takers[first], r)
		}
	}
}

// taker finds a rule all of whose conditions are among own.
func (c *checker) taker(takers map[string][]*rules.Rule, own map[string]bool) *rules.Rule {
	n := 0
	for key := range own {
	next:
		for _, r := range takers[key] {
			if n++; n > maxCandidates {
				return nil
			}
			for _, cond := range c.conditions[r] {
				if !cond.Always && !own[cond.Key] {
					continue next
				}
			}
			return r
		}
	}
	return nil
}

// takes says whether a rule ends the search for every event that meets its conditions, whatever came before.
func (c *checker) takes(r *rules.Rule) (first string, ok bool) {
	if r.NoAlert {
		return "", false
	}
	for _, cond := range c.conditions[r] {
		if cond.Stateful {
			return "", false
		}
		if first == "" && !cond.Always {
			first = cond.Key
		}
	}
	return first, true
}

var listElement = regexp.MustCompile(`(?s)<list\b[^>]*>([^<]*)</list>`)

// lists looks for lists that no rule names.
func (c *checker) lists() {
	used := map[string]bool{}
	for _, r := range c.rs.Rules() {
		for _, m := range listElement.FindAllStringSubmatch(r.XML, -1) {
			name := strings.TrimSpace(m[1])
			if strings.Contains(name, "$") {
				return // a variable: the name stands elsewhere
			}
			name = strings.TrimPrefix(strings.TrimPrefix(name, "etc/"), "lists/")
			used[strings.TrimSuffix(name, ".cdb")] = true
		}
	}
	for _, file := range c.rs.Files() {
		name, ok := listName(file)
		if ok && !used[name] {
			c.findings = append(c.findings, Finding{Code: UnusedList, Severity: rules.Warning, File: file,
				Message: fmt.Sprintf("no rule looks into this list; remove it, or name it in a rule as <list ...>etc/lists/%s</list>", name)})
		}
	}
}

// listName takes the folders of the source and the lists off a file's name.
func listName(file string) (string, bool) {
	if path.Ext(file) == ".xml" || path.Base(file) == "ruleset.yaml" {
		return "", false
	}
	if rest, ok := strings.CutPrefix(file, "lists/"); ok {
		return rest, true
	}
	_, rest, ok := strings.Cut(file, "/lists/")
	return rest, ok
}
