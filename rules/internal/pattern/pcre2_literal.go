package pattern

import (
	"regexp/syntax"
	"strings"
)

// Bounds of what is worked out about literals.
const (
	maxTexts    = 64  // texts of one node
	maxTextSize = 256 // bytes of one text
	maxSetSize  = 4   // bytes of a class that are written out
)

// text is one of the texts that a node matches.
type text struct {
	s     string // lower-cased if fold
	fold  bool   // ASCII case ignored
	plain bool   // has no letter: fold does not matter
	start bool   // begins with \A
	end   bool   // ends with \z
	line  bool   // ends with $
}

// textsOf returns all texts that re matches, if they are few and of one kind.
func textsOf(re *syntax.Regexp) ([]text, bool) {
	switch re.Op {
	case syntax.OpEmptyMatch:
		return []text{{plain: true}}, true
	case syntax.OpBeginText:
		return []text{{plain: true, start: true}}, true
	case syntax.OpEndText:
		dollar := re.Flags&syntax.WasDollar != 0
		return []text{{plain: true, end: !dollar, line: dollar}}, true
	case syntax.OpLiteral:
		t, ok := literalText(re)
		return []text{t}, ok
	case syntax.OpCharClass:
		return classTexts(re)
	case syntax.OpCapture:
		return textsOf(re.Sub[0])
	case syntax.OpQuest:
		list, ok := textsOf(re.Sub[0])
		if re.Flags&syntax.NonGreedy != 0 {
			return append([]text{{plain: true}}, list...), ok
		}
		return append(list, text{plain: true}), ok
	case syntax.OpAlternate:
		var all []text
		for _, sub := range re.Sub {
			list, ok := textsOf(sub)
			if all = append(all, list...); !ok || len(all) > maxTexts {
				return nil, false
			}
		}
		return all, true
	case syntax.OpConcat:
		all := []text{{plain: true}}
		for _, sub := range re.Sub {
			list, ok := textsOf(sub)
			if !ok {
				return nil, false
			}
			if all, ok = product(all, list); !ok {
				return nil, false
			}
		}
		return all, true
	}
	return nil, false
}

func literalText(re *syntax.Regexp) (text, bool) {
	b := make([]byte, 0, len(re.Rune))
	for _, r := range re.Rune {
		if r > 0xff {
			return text{}, false
		}
		b = append(b, byte(r))
	}
	t := text{s: string(b), fold: re.Flags&syntax.FoldCase != 0, plain: !hasLetter(b)}
	if t.fold {
		t.s = asciiLower(t.s)
	}
	return t, len(b) <= maxTextSize
}

func hasLetter(b []byte) bool {
	for _, c := range b {
		if lower[c] != upper(lower[c]) {
			return true
		}
	}
	return false
}

func classTexts(re *syntax.Regexp) ([]text, bool) {
	set, ok := byteSet(re)
	if !ok {
		return nil, false
	}
	var list []text
	for b, in := range set {
		if in {
			list = append(list, text{s: string([]byte{byte(b)}), plain: !hasLetter([]byte{byte(b)})})
		}
		if len(list) > maxSetSize {
			return nil, false
		}
	}
	return list, true
}

// product joins each text of a with each of b.
func product(a, b []text) ([]text, bool) {
	if len(a)*len(b) > maxTexts {
		return nil, false
	}
	var all []text
	for _, x := range a {
		for _, y := range b {
			if !x.plain && !y.plain && x.fold != y.fold || (x.end || x.line) && (y.s != "" || y.start) || y.start && x.s != "" ||
				len(x.s)+len(y.s) > maxTextSize {
				return nil, false
			}
			t := text{s: x.s + y.s, fold: x.fold, plain: x.plain && y.plain, start: x.start || y.start,
				end: x.end || y.end, line: (x.line || y.line) && !x.end && !y.end}
			if x.plain {
				t.fold = y.fold
			}
			all = append(all, t)
		}
	}
	return all, true
}

// required returns literals, lower-cased, of which every match of re contains
// at least one; nil if none are known.
func required(re *syntax.Regexp) []string {
	if list, ok := textsOf(re); ok {
		return lowerTexts(list)
	}
	switch re.Op {
	case syntax.OpLiteral:
		b := make([]byte, 0, len(re.Rune))
		for _, r := range re.Rune[:min(len(re.Rune), maxTextSize)] {
			if r > 0xff {
				break
			}
			b = append(b, lower[byte(r)])
		}
		return lowerTexts([]text{{s: string(b)}})
	case syntax.OpCapture, syntax.OpPlus:
		return required(re.Sub[0])
	case syntax.OpRepeat:
		if re.Min > 0 {
			return required(re.Sub[0])
		}
	case syntax.OpAlternate:
		var all []string
		for _, sub := range re.Sub {
			list := required(sub)
			if list == nil || len(all) > maxTexts {
				return nil
			}
			all = append(all, list...)
		}
		return all
	case syntax.OpConcat:
		return requiredConcat(re.Sub)
	}
	return nil
}

// requiredConcat takes the best of what neighbouring nodes give together and
// each node alone.
func requiredConcat(subs []*syntax.Regexp) []string {
	var best []string
	consider := func(list []string) {
		if list != nil && (best == nil || tells(list) > tells(best)) {
			best = list
		}
	}
	joined := []text{{plain: true}}
	for _, sub := range subs {
		list, ok := textsOf(sub)
		if ok {
			for i := range list { // anchors do not matter here
				list[i] = text{s: asciiLower(list[i].s), plain: true}
			}
			if next, fits := product(joined, list); fits {
				joined = next
				continue
			}
			consider(lowerTexts(joined))
			joined = list
			continue
		}
		consider(lowerTexts(joined))
		joined = []text{{plain: true}}
		consider(required(sub))
	}
	consider(lowerTexts(joined))
	return best
}

// lowerTexts returns the texts lower-cased, or nil if one is empty.
func lowerTexts(list []text) []string {
	var all []string
	for _, t := range list {
		if t.s == "" {
			return nil
		}
		all = append(all, asciiLower(t.s))
	}
	return all
}

// tells rates a list of literals: the shortest one counts, and few are better
// than many.
func tells(list []string) int {
	shortest := maxTextSize
	for _, s := range list {
		shortest = min(shortest, len(s))
	}
	return shortest*64 - len(list)
}

// leading returns a literal, lower-cased, that every match begins with.
func leading(re *syntax.Regexp) string {
	switch re.Op {
	case syntax.OpLiteral:
		if t, ok := literalText(re); ok {
			return asciiLower(t.s)
		}
	case syntax.OpCapture, syntax.OpPlus:
		return leading(re.Sub[0])
	case syntax.OpConcat:
		var b strings.Builder
		for _, sub := range re.Sub {
			if sub.Op != syntax.OpLiteral && !(sub.Op == syntax.OpCapture && sub.Sub[0].Op == syntax.OpLiteral) {
				if b.Len() == 0 {
					return leading(sub)
				}
				break
			}
			b.WriteString(leading(sub))
		}
		return b.String()
	}
	return ""
}
