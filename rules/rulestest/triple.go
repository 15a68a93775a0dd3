package rulestest

import (
	"strconv"

	"armor/rules"
)

// triple is what an .ini test compares. All are empty where nothing matched.
type triple struct{ rule, level, decoder string }

func tripleOf(v *rules.Verdict) triple {
	var t triple
	if v != nil {
		t.decoder = v.Decoder
	}
	if r := ended(v); r != nil {
		t.rule, t.level = strconv.Itoa(r.ID), strconv.Itoa(r.Level)
	}
	return t
}

// check holds when all three are equal.
func (t triple) check(v *rules.Verdict) (expected, got string, ok bool) {
	have := tripleOf(v)
	return t.String(), have.String(), have == t
}

// checkNot holds when one differs, and whenever one of the expected values is empty.
func (t triple) checkNot(v *rules.Verdict) (expected, got string, ok bool) {
	have := tripleOf(v)
	return "anything but " + t.String(), have.String(), have != t || t.rule == "" || t.level == "" || t.decoder == ""
}

func (t triple) String() string {
	s := "no rule"
	if t.rule != "" || t.level != "" {
		s = "rule " + t.rule + ", level " + t.level
	}
	if t.decoder == "" {
		return s + ", no decoder"
	}
	return s + ", decoder " + t.decoder
}
