package pattern

// lower maps a byte to its ASCII lower case; all others to themselves.
var lower = func() (t [256]byte) {
	for i := range t {
		t[i] = byte(i)
		if 'A' <= i && i <= 'Z' {
			t[i] = byte(i) + 'a' - 'A'
		}
	}
	return t
}()

// asciiLower returns s with A to Z lowered and every other byte kept.
func asciiLower(s string) string {
	for i := 0; i < len(s); i++ {
		if lower[s[i]] != s[i] {
			b := []byte(s)
			for j := i; j < len(b); j++ {
				b[j] = lower[b[j]]
			}
			return string(b)
		}
	}
	return s
}

// equalFold compares text with want, which is lower-cased already.
func equalFold(text, want string) bool {
	if len(text) != len(want) {
		return false
	}
	for i := 0; i < len(want); i++ {
		if lower[text[i]] != want[i] {
			return false
		}
	}
	return true
}

// hasPrefixFold reports whether text begins with the lower-cased want.
func hasPrefixFold(text, want string) bool {
	return len(text) >= len(want) && equalFold(text[:len(want)], want)
}

// hasSuffixFold reports whether text ends with the lower-cased want.
func hasSuffixFold(text, want string) bool {
	return len(text) >= len(want) && equalFold(text[len(text)-len(want):], want)
}
