// Package pattern compiles the expressions of rules and decoders and matches
// them. It promises the reference engine's answer for every dialect: whether
// the text matches, which end position is reported (quirks included, because
// decoders continue from it) and which captures there are.
//
// A [Matcher] is immutable and safe for any number of goroutines. The working
// memory of one match lives in a [Scratch], which the caller owns and reuses;
// with a warm Scratch a match allocates nothing, except for the few PCRE2
// patterns that need a backtracking engine.
//
//	m, err := pattern.Compile(pattern.OSRegex, `user (\S+) from (\S+)`)
//	var sc pattern.Scratch
//	if end, ok := m.Match(line, &sc); ok {
//		for _, c := range sc.Captures {
//			use(c.Of(line))
//		}
//		rest := line[pattern.Next(end, len(line)):]
//	}
package pattern

import (
	"fmt"
	"time"
)

// Dialect names one expression language.
type Dialect uint8

const (
	// OSRegex is the reference's own regular expression language.
	OSRegex Dialect = iota
	// OSMatch is the reference's list of folded substrings with anchors.
	OSMatch
	// PCRE2 is a Perl-compatible expression over bytes, case-sensitive.
	PCRE2
	// Exact is a case-sensitive comparison of the whole text.
	Exact
)

// MaxPattern is the longest accepted pattern, in bytes.
const MaxPattern = 20480

// ParseDialect reads the value of a rule's or decoder's type attribute:
// osregex, osmatch, pcre2 or string (case-insensitive).
func ParseDialect(name string) (Dialect, error) {
	switch asciiLower(name) {
	case "osregex":
		return OSRegex, nil
	case "osmatch":
		return OSMatch, nil
	case "pcre2":
		return PCRE2, nil
	case "string":
		return Exact, nil
	}
	return OSRegex, fmt.Errorf("unknown expression type %q: use osregex, osmatch, pcre2 or string", name)
}

// String returns the name that ParseDialect reads.
func (d Dialect) String() string {
	switch d {
	case OSRegex:
		return "osregex"
	case OSMatch:
		return "osmatch"
	case PCRE2:
		return "pcre2"
	case Exact:
		return "string"
	}
	return "unknown"
}

// Matcher is one compiled expression.
type Matcher interface {
	// Match looks for the expression in text. On success it returns the
	// reported end position and leaves the captures in sc.Captures (indexes
	// into text; empty slice if none). The end position is that of the
	// reference: the index of the last byte taken, -1 if nothing was taken,
	// and for OSRegex at times earlier than the real end; use Next to go on
	// after it. On failure sc.Captures is empty. A match that was given up is
	// a failure and is recorded in sc.Err.
	Match(text string, sc *Scratch) (end int, ok bool)

	// Test reports whether text matches. It may be faster than Match and
	// leaves sc.Captures undefined.
	Test(text string, sc *Scratch) bool

	// Facts returns what is known about every text that matches.
	Facts() *Facts

	// Groups returns the largest number of captures that Match can give.
	Groups() int

	// String returns the text that was compiled.
	String() string
}

// Facts are necessary (and for Values also sufficient) conditions of a match,
// for callers that choose candidates before they match.
type Facts struct {
	// Required holds ASCII-lower-cased literals. If it is not empty, a text
	// can match only if its ASCII-lower-cased form contains at least one of
	// them. Empty means that nothing is known.
	Required []string

	// Begins, if not nil, says which bytes a matching text can begin with; no
	// empty text matches then.
	Begins *[256]bool

	// AfterDigits, if not nil, says which bytes can be the first that is no
	// digit in a matching text that begins with a digit and has other bytes.
	AfterDigits *[256]bool

	// Values, if Exact is set, is the set of all matching texts: text matches
	// if and only if it equals one of them (ASCII-case-insensitively if Fold
	// is set; the values are then lower-cased already). There are no captures.
	Values []string
	Exact  bool
	Fold   bool

	// Always is set if every text matches.
	Always bool
}

// Span is a half-open range of byte indexes of the matched text.
type Span struct {
	Start, End int
}

// Of returns the part of text that the span covers.
func (s Span) Of(text string) string { return text[s.Start:s.End] }

// Scratch is the working memory of matches. The zero value is ready. A Scratch
// serves one goroutine at a time.
type Scratch struct {
	// Captures are those of the last successful Match; reused by the next.
	// Groups that did not take part are empty spans if a later group did, and
	// are left out at the end of the list.
	Captures []Span

	// Err is the first match since Reset that had to be given up, a
	// *LimitError; nil if there was none.
	Err error

	digest digest
	slots  []int
	runes  []rune
	regs   []int
	frames []frame
}

// Reset forgets Captures, Err and what was covered, and keeps the memory.
func (sc *Scratch) Reset() {
	sc.Cover("")
	sc.Captures = sc.Captures[:0]
	sc.Err = nil
}

// giveUp records the first match that was given up.
func (sc *Scratch) giveUp(err *LimitError) {
	if sc.Err == nil {
		sc.Err = err
	}
}

// LimitError says that a match took too much work and was given up. The text
// counts as not matching.
type LimitError struct {
	Pattern string
	Length  int           // of the text, in bytes
	Timeout time.Duration // the limit, where it is one of time; else 0
}

func (e *LimitError) Error() string {
	limit := "within its bound of work"
	if e.Timeout > 0 {
		limit = "within " + e.Timeout.String()
	}
	return fmt.Sprintf("pattern %q gave no answer %s on a text of %d bytes and counts as not matching: rewrite it with fewer repetitions that can match the same text",
		e.Pattern, limit, e.Length)
}

// Next returns the index at which decoding goes on after a match that reported
// end: one past it, within 0 and length.
func Next(end, length int) int {
	switch {
	case end < -1:
		return 0
	case end+1 > length:
		return length
	}
	return end + 1
}

// Compile compiles text as an expression of the given dialect. The error says
// what is wrong with the pattern and, where known, at which byte.
func Compile(d Dialect, text string) (Matcher, error) {
	if len(text) > MaxPattern {
		return nil, fmt.Errorf("pattern of %d bytes is too long: at most %d are allowed", len(text), MaxPattern)
	}
	switch d {
	case OSRegex:
		return compileOSRegex(text)
	case OSMatch:
		return compileOSMatch(text)
	case PCRE2:
		return compilePCRE2(text)
	case Exact:
		return compileExact(text), nil
	}
	return nil, fmt.Errorf("unknown dialect %d", d)
}
