package header

// syslogDate recognises the dates that a host and a program may follow. It
// returns where the text after date and space begins (0: no date), and by how
// many bytes that place is further on than the date is long.
func syslogDate(line string) (at, shift int) {
	if len(line) < 17 {
		return 0, 0
	}
	if at := monthDate(line); at > 0 {
		return at, 0
	}
	// The month "Mär" has one byte more than the form allows; the reference
	// moves on by one and still cuts the date at the usual length.
	if line[0] == 'M' && line[1] == 0xc3 && line[2] == 0xa4 && monthDate(line[1:]) > 0 {
		return 17, 1
	}
	switch {
	case len(line) >= 24 && isoDay(line) && line[10] == ' ' && line[19] == ',':
		// 2015-04-16 21:51:02,805 host
		return 24, 0
	case len(line) >= 33 && isoDay(line) && line[10] == 'T':
		return isoDate(line), 0
	case len(line) >= 21 && isDigit(line[0]) && line[4] == ' ' && line[8] == ' ' && line[11] == ' ' &&
		line[14] == ':' && line[17] == ':' && line[20] == ' ':
		// 2015 Dec 29 10:00:01 host
		return 21, 0
	case len(line) >= 32 && isoDay(line) && line[10] == ' ' && line[19] == '.' &&
		(line[26] == '-' || line[26] == '+') && line[31] == ' ':
		// 2020-03-23 06:47:42.801612-0700 host
		return 32, 0
	}
	return 0, 0
}

// monthDate recognises "Dec 29 10:00:01 host" and returns the place of host.
func monthDate(line string) int {
	if len(line) >= 17 && line[3] == ' ' && line[6] == ' ' && line[9] == ':' && line[12] == ':' && line[15] == ' ' {
		return 16
	}
	return 0
}

// isoDay recognises the separators of "YYYY-MM-DD?hh:mm".
func isoDay(line string) bool {
	return line[4] == '-' && line[7] == '-' && line[13] == ':' && line[16] == ':'
}

// isoDate returns the place after a date of the ISO 8601 form with a 'T', by
// the place of the colon of its zone; with a fraction and no colon where one
// is expected, the usual length is taken blindly.
func isoDate(line string) int {
	switch {
	case line[22] == ':' && line[25] == ' ': // 2007-06-14T15:48:55-04:00
		return 26
	case line[19] != '.':
		return 0
	case line[26] == ':': // 2007-06-14T15:48:55.335-04:00
		return 30
	case line[29] == ':': // 2009-05-22T09:36:46.214994-07:00
		return 33
	}
	return 32
}

// other recognises the dates that no host and program follow.
func other(line string, h *Header) {
	switch {
	case len(line) >= 28 && at(line, "   ::  ", 3, 7, 10, 13, 16, 19, 24) && line[26] == ' ':
		// xferlog: Mon Apr 17 18:27:14 2006 1 64.160.42.130 file
		h.Timestamp = line[:24]
		h.from(line, 24)
	case len(line) >= 24 && at(line, "/-::. ", 2, 5, 8, 11, 14, 21):
		// snort: 01/28-09:13:16.240702  [**]
		h.Timestamp = line[:21]
		h.from(line, 23)
	case len(line) >= 29 && at(line, "//-::. ", 2, 5, 10, 13, 16, 19, 26):
		// suricata: 01/28/1979-09:13:16.240702  [**]
		h.Timestamp = line[:26]
		h.from(line, 28)
	case len(line) >= 27 && at(line, "[   :: ]", 0, 4, 8, 11, 14, 17, 20, 25):
		// apache: [Fri Feb 11 18:06:35 2004] [warn]
		h.Timestamp = line[1:25]
		h.from(line, 27)
	case len(line) >= 26 && line[:5] == "[Time":
		readASL(line, h)
	case len(line) >= 32 && digits(line, 0, 10) && line[10] == '.' && digits(line, 11, 14) &&
		line[14] == ' ' && (line[21] == ' ' || line[22] == ' '):
		// squid: 1140804070.368  11623 192.168.1.1 TCP_MISS/200
		h.Timestamp = line[:15]
		i := 15
		for i < len(line) && line[i] == ' ' {
			i++
		}
		h.from(line, i)
	}
}

// at reports whether line has the bytes of marks at the given places.
func at(line, marks string, places ...int) bool {
	for i, p := range places {
		if line[p] != marks[i] {
			return false
		}
	}
	return true
}

func digits(line string, from, to int) bool {
	for i := from; i < to; i++ {
		if line[i] < '0' || line[i] > '9' {
			return false
		}
	}
	return true
}
