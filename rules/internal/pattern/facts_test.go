package pattern

import (
	"slices"
	"strings"
)

// checkFacts holds the facts of a pattern against one answer of it.
func checkFacts(f *Facts, text string, match bool) string {
	folded := asciiLower(text)
	if f.Always && !match {
		return "Facts.Always is set, but the text does not match"
	}
	if match && len(f.Required) > 0 && !slices.ContainsFunc(f.Required, func(l string) bool { return strings.Contains(folded, l) }) {
		return "the text matches without any of Facts.Required: " + strings.Join(f.Required, "|")
	}
	if match && f.Begins != nil && (text == "" || !f.Begins[text[0]]) {
		return "the text matches and does not begin with any of Facts.Begins"
	}
	if c, ok := firstOther(text); match && f.AfterDigits != nil && ok && !f.AfterDigits[c] {
		return "the text matches, and Facts.AfterDigits does not have what follows its digits"
	}
	if f.Exact {
		value := text
		if f.Fold {
			value = folded
		}
		if slices.Contains(f.Values, value) != match {
			return "Facts.Values and Match differ"
		}
	}
	return ""
}
