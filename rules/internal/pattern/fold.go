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
	switch n := len(want); {
	case n >= 8:
		for i := 0; i < n-8; i += 8 {
			if lower8(word8(text[i:])) != word8(want[i:]) {
				return false
			}
		}
		return lower8(word8(text[n-8:])) == word8(want[n-8:])
	case n >= 4:
		return lower8(twice4(text, n)) == twice4(want, n)
	}
	for i := 0; i < len(want); i++ {
		if lower[text[i]] != want[i] {
			return false
		}
	}
	return true
}

// twice4 reads the first four and the last four bytes of s, which is n bytes long.
func twice4(s string, n int) uint64 { return uint64(word4(s)) | uint64(word4(s[n-4:]))<<32 }

// word4 reads the first four bytes of s, of which there are as many.
func word4(s string) uint32 {
	_ = s[3]
	return uint32(s[0]) | uint32(s[1])<<8 | uint32(s[2])<<16 | uint32(s[3])<<24
}

// word8 reads the first eight bytes of s, of which there are as many.
func word8(s string) uint64 {
	_ = s[7]
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
		uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
}

// ones is a word of eight bytes that are one.
const ones = 0x0101010101010101

// lower8 lowers A to Z in eight bytes at once.
func lower8(x uint64) uint64 {
	low := x &^ (0x80 * ones)
	fromA, aboveZ := low+(0x80-'A')*ones, low+(0x80-'Z'-1)*ones
	return x | (fromA&^aboveZ&^x&(0x80*ones))>>2
}

// hasPrefixFold reports whether text begins with the lower-cased want.
func hasPrefixFold(text, want string) bool {
	return len(text) >= len(want) && equalFold(text[:len(want)], want)
}

// hasSuffixFold reports whether text ends with the lower-cased want.
func hasSuffixFold(text, want string) bool {
	return len(text) >= len(want) && equalFold(text[len(text)-len(want):], want)
}
