package header

import "strings"

// ParseExtended reads the forms that the reference does not know: RFC 5424
// with or without a <PRI>, other forms after a <PRI>, and dates of RFC 3339 of
// any width ("Z", "+hh:mm" or "+hhmm" after seconds or a fraction), and "Mmm d
// hh:mm:ss" with a day of one digit and one space. ok is false if line has none
// of these forms.
//
// The log of an RFC 5424 line begins at its message, behind the structured
// data (which full logs keep).
func ParseExtended(line string) (h Header, ok bool) {
	at := priority(line)
	if h, ok := rfc5424(line, at); ok {
		return h, true
	}
	if end := rfc3339(line, at); end > 0 && end < len(line) && line[end] == ' ' {
		h.Timestamp = line[at:end]
		h.names(line, end+1)
		return h, true
	}
	if end := shortDay(line, at); end > 0 {
		h.Timestamp = line[at:end]
		h.names(line, end+1)
		return h, true
	}
	if at == 0 {
		return Header{Log: line}, false
	}
	h = Parse(line[at:])
	h.Offset += at
	if h.Timestamp == "" && h.Offset == at {
		h.program(line, at)
	}
	return h, true
}

// priority returns the place after a "<0>" to "<191>" at the start, or 0.
func priority(line string) int {
	if line == "" || line[0] != '<' {
		return 0
	}
	value, i := 0, 1
	for i < len(line) && i <= 3 && isDigit(line[i]) {
		value = value*10 + int(line[i]-'0')
		i++
	}
	if i == 1 || i == len(line) || line[i] != '>' || value > 191 {
		return 0
	}
	return i + 1
}

// rfc5424 reads "1 TIMESTAMP HOST PROGRAM PID MSGID [DATA] text" at index at.
func rfc5424(line string, at int) (h Header, ok bool) {
	rest := line[at:]
	if !strings.HasPrefix(rest, "1 ") {
		return h, false
	}
	var part [5]string
	i := at + 2
	for n := range part {
		end := strings.IndexByte(line[i:], ' ')
		if end <= 0 {
			return h, false
		}
		part[n] = line[i : i+end]
		i += end + 1
	}
	if part[0] != "-" && rfc3339(part[0], 0) != len(part[0]) {
		return h, false
	}
	h.Timestamp, h.Hostname, h.ProgramName = notNil(part[0]), notNil(part[1]), notNil(part[2])
	switch {
	case strings.HasPrefix(line[i:], "-"):
		i++
	case strings.HasPrefix(line[i:], "["):
		i = structuredData(line, i)
	}
	if i < len(line) && line[i] != ' ' {
		return Header{}, false
	}
	i = min(i+1, len(line))
	if strings.HasPrefix(line[i:], "\xef\xbb\xbf") {
		i += 3
	}
	h.from(line, i)
	return h, true
}

// structuredData returns the index behind the elements [id name="value" ...]
// that begin at i; i itself if they are malformed.
func structuredData(line string, i int) int {
	start := i
	for i < len(line) && line[i] == '[' {
		quoted := false
		for i++; i < len(line) && (quoted || line[i] != ']'); i++ {
			switch line[i] {
			case '"':
				quoted = !quoted
			case '\\':
				if quoted {
					i++
				}
			}
		}
		if i >= len(line) {
			return start
		}
		i++
	}
	return i
}

// shortDay returns the end of a date "Mmm d hh:mm:ss" at index at that a space
// follows, or 0.
func shortDay(line string, at int) int {
	const form = "Aaa 0 00:00:00 "
	if len(line) < at+len(form) {
		return 0
	}
	for i := range len(form) {
		c := line[at+i]
		switch form[i] {
		case 'A':
			if c < 'A' || c > 'Z' {
				return 0
			}
		case 'a':
			if c < 'a' || c > 'z' {
				return 0
			}
		case '0':
			if !isDigit(c) {
				return 0
			}
		default:
			if c != form[i] {
				return 0
			}
		}
	}
	return at + len(form) - 1
}

// notNil returns s, or "" for the nil value "-".
func notNil(s string) string {
	if s == "-" {
		return ""
	}
	return s
}

// rfc3339 returns the index after a date and time of RFC 3339 at index at, or 0.
func rfc3339(line string, at int) int {
	s := line[at:]
	if len(s) < 20 || !digits(s, 0, 4) || s[4] != '-' || !digits(s, 5, 7) || s[7] != '-' || !digits(s, 8, 10) ||
		s[10] != 'T' && s[10] != 't' && s[10] != ' ' ||
		!digits(s, 11, 13) || s[13] != ':' || !digits(s, 14, 16) || s[16] != ':' || !digits(s, 17, 19) {
		return 0
	}
	i := 19
	if s[i] == '.' || s[i] == ',' {
		i++
		from := i
		for i < len(s) && isDigit(s[i]) {
			i++
		}
		if i == from {
			return 0
		}
	}
	switch {
	case i == len(s):
		return 0
	case s[i] == 'Z' || s[i] == 'z':
		return at + i + 1
	case s[i] != '+' && s[i] != '-':
		return 0
	case len(s) >= i+6 && digits(s, i+1, i+3) && s[i+3] == ':' && digits(s, i+4, i+6):
		return at + i + 6
	case len(s) >= i+5 && digits(s, i+1, i+5):
		return at + i + 5
	}
	return 0
}
