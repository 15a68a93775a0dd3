package header

import "strings"

// nameBytes marks the bytes that a hostname or a program name may hold.
var nameBytes = func() (t [256]bool) {
	for c := range 256 {
		t[c] = '0' <= c && c <= '9' || 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z' ||
			strings.IndexByte("()-./@_", byte(c)) >= 0
	}
	return t
}()

// nameEnd returns the index of the first byte at or after i that no name holds.
func nameEnd(line string, i int) int {
	for i < len(line) && nameBytes[line[i]] {
		i++
	}
	return i
}

// names reads host and program, which begin at index at. Whatever has not the
// expected form stays in the log.
func (h *Header) names(line string, at int) {
	if at < len(line) && line[at] == ' ' {
		at++
	}
	h.from(line, at)
	end := nameEnd(line, at)
	switch {
	case strings.HasPrefix(line[end:], ": "):
		// Solaris and Windows: no host, this is the program.
		h.ProgramName = line[at:end]
		h.message(line, end+2)
	case end < len(line) && line[end] == ' ':
		h.Hostname = line[at:end]
		h.from(line, end+1)
		h.program(line, end+1)
	}
}

// program reads the program name, which begins at index at.
func (h *Header) program(line string, at int) {
	end := nameEnd(line, at)
	if end == len(line) {
		return
	}
	if line[end] == '|' {
		// AIX: facility|severity:info program: text
		if at = afterFacility(line, end+1); at < 0 {
			return
		}
		end = nameEnd(line, at)
	}
	if after := afterProgram(line, end); after > 0 {
		h.ProgramName = line[at:end]
		h.message(line, after)
	}
}

// afterProgram returns the place of the message if what follows a program name
// that ends at index end is ":", "[pid]:" or "[pid] "; else 0.
func afterProgram(line string, end int) int {
	rest := line[end:]
	switch {
	case strings.HasPrefix(rest, ":"):
		return afterColon(line, end)
	case len(rest) > 1 && rest[0] == '[' && isDigit(rest[1]):
		i := end + 2
		for i < len(line) && isDigit(line[i]) {
			i++
		}
		switch {
		case strings.HasPrefix(line[i:], "]:"):
			return afterColon(line, i+1)
		case strings.HasPrefix(line[i:], "] "):
			return i + 2
		}
	}
	return 0
}

// afterColon returns the place after the colon at index i and one space.
func afterColon(line string, i int) int {
	if i+1 < len(line) && line[i+1] == ' ' {
		return i + 2
	}
	return i + 1
}

// afterFacility returns the place after "security:info ", or -1.
func afterFacility(line string, i int) int {
	if i == len(line) || line[i] < 'a' || line[i] > 'z' {
		return -1
	}
	if i = lettersEnd(line, i); i == len(line) || line[i] != ':' {
		return -1
	}
	if i = lettersEnd(line, i+1); i == len(line) || line[i] != ' ' {
		return -1
	}
	return i + 1
}

func lettersEnd(line string, i int) int {
	for i < len(line) && (isDigit(line[i]) || 'a' <= line[i]|0x20 && line[i]|0x20 <= 'z') {
		i++
	}
	return i
}

// message sets the log to the text at index at, without a leading
// "[ID 197553 auth.info] " of Solaris.
func (h *Header) message(line string, at int) {
	if strings.HasPrefix(line[at:], "[ID ") {
		if i := strings.IndexByte(line[at:], ']'); i >= 0 {
			at += i + 1
			if at < len(line) && line[at] == ' ' {
				at++
			}
		}
	}
	h.from(line, at)
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }
