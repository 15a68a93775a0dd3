// Package header splits a log line into its syslog header and its message. It
// promises the reference engine's reading of every line, with its quirks
// ([Parse]); the forms that the reference does not know are read by
// [ParseExtended], which the engine asks only when the first reading led to no
// decoder.
//
// All results are parts of the input: nothing is copied or allocated.
package header

// Header is the reading of one line.
type Header struct {
	// Timestamp is the date as written; empty if no header was recognised.
	Timestamp string
	// Hostname and ProgramName are those of the syslog header, or empty.
	Hostname    string
	ProgramName string
	// Log is what decoders and rules see: the line after the header.
	Log string
	// Offset is the index of Log in the line.
	Offset int
}

// Parse reads line as the reference does. The lines that it knows no header of
// come back with Log = line.
//
// A date is known by the separators at fixed places only, not by its digits or
// names: "XXX YY ZZ:AA:BB host prog: text" has one.
func Parse(line string) Header {
	h := Header{Log: line}
	if at, shift := syslogDate(line); at > 0 {
		h.Timestamp = line[:at-1-shift]
		h.names(line, at)
		return h
	}
	other(line, &h)
	return h
}

// from sets Log to the part of line that begins at offset.
func (h *Header) from(line string, offset int) {
	h.Offset = min(offset, len(line))
	h.Log = line[h.Offset:]
}
