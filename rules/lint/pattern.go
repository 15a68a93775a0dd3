package lint

import (
	"regexp/syntax"
	"slices"
	"strings"

	"armor/rules"
)

// pattern checks one pattern.
func (c *checker) pattern(r *rules.Rule, cond rules.Condition) {
	element := cond.Element
	if cond.Field != "" {
		element = "field name=\"" + cond.Field + "\""
	}
	switch {
	case cond.AnyText && cond.Negate:
		c.add(r, NeverMatches, "<%s> %q matches every text and is negated, so the rule never matches; mend the pattern", element, cond.Pattern)
		return
	case cond.AnyText && (cond.Dialect == "osmatch" || cond.Dialect == "osregex") && emptyAlternative(cond.Pattern):
		c.add(r, MatchesAll, "<%s> %q has an empty alternative, which matches every text; remove the superfluous |", element, cond.Pattern)
		return
	}
	switch cond.Dialect {
	case "pcre2":
		if never(cond.Pattern) && !cond.Negate {
			c.add(r, NeverMatches, "<%s> %q has text before ^ or behind $, so it never matches; remove the anchor", element, cond.Pattern)
		}
		if strings.HasPrefix(strings.TrimPrefix(cond.Pattern, "(?i)"), ".*") {
			c.add(r, LeadingRun, "<%s> %q begins with .*, which costs time and changes nothing; remove it", element, cond.Pattern)
		}
	case "osregex":
		for _, alt := range alternatives(cond.Pattern, true) {
			if strings.HasPrefix(alt, `\.*`) && len(alt) > 3 {
				c.add(r, LeadingRun, `<%s> %q begins with \.*, which costs time; remove it`, element, alt)
				break
			}
		}
		c.anchors(r, cond, element, true)
	case "osmatch":
		c.anchors(r, cond, element, false)
	}
	if cond.Backtracks {
		c.add(r, Slow, "<%s> %q needs the backtracking engine (look-around, back-reference or the like), which is slow on long texts; write it without if you can",
			element, cond.Pattern)
	}
}

func (c *checker) anchors(r *rules.Rule, cond rules.Condition, element string, escapes bool) {
	for _, alt := range alternatives(cond.Pattern, escapes) {
		if i := innerAnchor(alt, escapes); i >= 0 {
			c.add(r, InnerAnchor, "<%s>: in %q the %c inside is a plain character, not an anchor; anchors stand at the ends of each alternative only",
				element, alt, alt[i])
			return
		}
	}
}

// alternatives splits at the | that separate alternatives.
func alternatives(text string, escapes bool) []string {
	var all []string
	begin := 0
	for i := 0; i < len(text); i++ {
		switch {
		case escapes && text[i] == '\\':
			i++
		case text[i] == '|':
			all = append(all, text[begin:i])
			begin = i + 1
		}
	}
	return append(all, text[begin:])
}

func emptyAlternative(text string) bool {
	alts := alternatives(text, true)
	for _, alt := range alts {
		if alt == "" && len(alts) > 1 {
			return true
		}
	}
	return false
}

// innerAnchor finds a ^ behind a space or a bracket's opening, or a $ before one: where an anchor was meant. A ^ or $
// between letters is more likely the character.
func innerAnchor(alt string, escapes bool) int {
	for i := 0; i < len(alt); i++ {
		switch {
		case escapes && alt[i] == '\\':
			i++
		case escapes && alt[i] == '^' && i > 0 && alt[i-1] == '(':
			return i
		case escapes && alt[i] == '$' && i+1 < len(alt) && alt[i+1] == ')':
			return i
		}
	}
	return -1
}

// never says that a Perl expression matches no text because something must stand before its beginning or behind its
// end. It is false where that cannot be shown.
func never(text string) bool {
	re, err := syntax.Parse(text, syntax.Perl)
	return err == nil && impossible(re)
}

func impossible(re *syntax.Regexp) bool {
	switch re.Op {
	case syntax.OpNoMatch:
		return true
	case syntax.OpCapture, syntax.OpPlus:
		return impossible(re.Sub[0])
	case syntax.OpAlternate:
		for _, sub := range re.Sub {
			if !impossible(sub) {
				return false
			}
		}
		return true
	case syntax.OpConcat:
		taken, ended := false, false
		for _, sub := range re.Sub {
			if impossible(sub) || sub.Op == syntax.OpBeginText && taken || ended && takes(sub) {
				return true
			}
			taken = taken || takes(sub)
			// In Perl syntax $ may stand before a last line feed, so only text that is none shows it.
			ended = ended || sub.Op == syntax.OpEndText
		}
	}
	return false
}

// takes says that an expression takes at least one character, and not a line feed alone.
func takes(re *syntax.Regexp) bool {
	switch re.Op {
	case syntax.OpLiteral:
		for _, r := range re.Rune {
			if r != '\n' {
				return true
			}
		}
		return false
	case syntax.OpCapture, syntax.OpPlus:
		return takes(re.Sub[0])
	case syntax.OpConcat:
		return slices.ContainsFunc(re.Sub, takes)
	case syntax.OpAlternate:
		for _, sub := range re.Sub {
			if !takes(sub) {
				return false
			}
		}
		return true
	}
	return false
}
