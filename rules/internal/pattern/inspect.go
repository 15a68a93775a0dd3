package pattern

// DialectOf is the dialect that an expression was compiled from.
func DialectOf(m Matcher) Dialect {
	switch m.(type) {
	case *osMatch:
		return OSMatch
	case *osRegex:
		return OSRegex
	case *exact:
		return Exact
	default:
		return PCRE2
	}
}

// Backtracks says whether an expression needs the engine whose time is bounded by the clock only.
func Backtracks(m Matcher) bool {
	_, ok := m.(*backtracking)
	return ok
}
