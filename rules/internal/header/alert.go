package header

import "strings"

// AlertHostname returns the hostname that the reference's alert shows in
// predecoder.hostname. It is computed from the whole line apart from
// [Header.Hostname] and differs from it: only the form "Mmm dd hh:mm:ss host"
// with single spaces is known, and whatever follows the date is the host.
// Empty if there is none.
func AlertHostname(line string) string {
	if len(line) < 17 || !monthName(line) || line[3] != ' ' ||
		!(line[4] == ' ' || isDigit(line[4])) || !isDigit(line[5]) || line[6] != ' ' ||
		!digits(line, 7, 9) || line[9] != ':' || !digits(line, 10, 12) || line[12] != ':' ||
		!digits(line, 13, 15) || line[15] != ' ' {
		return ""
	}
	host := line[16:]
	if i := strings.IndexByte(host, ' '); i >= 0 {
		host = host[:i]
	}
	return host
}

func monthName(line string) bool {
	return 'A' <= line[0] && line[0] <= 'Z' && 'a' <= line[1] && line[1] <= 'z' && 'a' <= line[2] && line[2] <= 'z'
}
