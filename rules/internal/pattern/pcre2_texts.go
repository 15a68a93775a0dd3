package pattern

import "strings"

// pcreText is one plain text of a PCRE2 pattern, at its place.
type pcreText struct {
	literal
	text string // lower-cased if fold
	fold bool
	line bool // atEnd and whole: one newline may follow
}

// plainTexts prepares texts for search.
func plainTexts(list []text) []pcreText {
	var all []pcreText
	for _, t := range list {
		p := pcreText{text: t.s, fold: t.fold && !t.plain, line: t.line}
		p.find.text = asciiLower(t.s)
		switch {
		case t.start && (t.end || t.line):
			p.place = whole
		case t.start:
			p.place = atStart
		case t.end || t.line:
			p.place = atEnd
		case t.s != "":
			p.find = newFinder(p.find.text)
		}
		all = append(all, p)
	}
	return all
}

// at returns where the text stands in s, or -1.
func (p *pcreText) at(s string, sc *Scratch) int {
	if i := p.in(s, sc); i >= 0 || !p.line {
		return i
	}
	if body, ok := strings.CutSuffix(s, "\n"); ok {
		return p.in(body, sc)
	}
	return -1
}

func (p *pcreText) in(s string, sc *Scratch) int {
	if p.fold {
		return p.index(s, sc)
	}
	want := p.text
	switch {
	case p.place == whole && s == want, p.place == atStart && strings.HasPrefix(s, want):
		return 0
	case p.place == atEnd && strings.HasSuffix(s, want):
		return len(s) - len(want)
	case p.place == anywhere:
		return strings.Index(s, want)
	}
	return -1
}

// hasText reports whether one of the texts stands in s.
func hasText(texts []pcreText, s string, sc *Scratch) bool {
	for i := range texts {
		if texts[i].at(s, sc) >= 0 {
			return true
		}
	}
	return false
}

// findTexts returns the leftmost text in s, the first in order of those at one
// place; -1 if there is none.
func findTexts(texts []pcreText, s string, sc *Scratch) (start, end int) {
	start, end = -1, -1
	for i := range texts {
		// The newline before which a $ holds counts for suffixes only if
		// nothing ends at the very end; the leftmost of the two wins.
		if at := texts[i].leftmost(s, sc); at >= 0 && (start < 0 || at < start) {
			start, end = at, at+len(texts[i].text)
		}
	}
	return start, end
}

// leftmost returns the first place where the text stands in s, or -1.
func (p *pcreText) leftmost(s string, sc *Scratch) int {
	if p.line {
		if body, ok := strings.CutSuffix(s, "\n"); ok {
			if i := p.in(body, sc); i >= 0 {
				return i
			}
		}
	}
	return p.in(s, sc)
}

// learn sets what plain texts tell.
func (f *Facts) learn(texts []pcreText) {
	exact := true
	fold, cased := false, false
	for i := range texts {
		t := &texts[i]
		exact = exact && t.place == whole
		if t.text == "" && (t.place == anywhere || t.place == atStart || t.place == atEnd) {
			f.Always = true
		}
		if hasLetter([]byte(t.text)) {
			fold, cased = fold || t.fold, cased || !t.fold
		}
	}
	if !exact || fold && cased {
		return
	}
	f.Exact, f.Fold = true, fold
	for i := range texts {
		f.Values = append(f.Values, texts[i].text)
		if texts[i].line {
			f.Values = append(f.Values, texts[i].text+"\n")
		}
	}
}

// floating returns the texts if all may stand anywhere in any case, else nil.
func floating(texts []pcreText) []string {
	var all []string
	for i := range texts {
		t := &texts[i]
		if t.place != anywhere || t.text == "" || !t.fold && hasLetter([]byte(t.text)) {
			return nil
		}
		all = append(all, t.text)
	}
	return all
}
