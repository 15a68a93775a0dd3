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
func Parse(line string) Header { return Header{Log: line} }

// ParseExtended reads the forms that the reference does not know: RFC 5424,
// RFC 3164 after a <PRI>, and ISO dates with Z or of other widths. ok is false
// if line has none of these forms.
func ParseExtended(line string) (h Header, ok bool) { return Header{Log: line}, false }

// AlertHostname returns the hostname that the reference's alert shows in
// predecoder.hostname. It is computed from the whole line apart from
// [Header.Hostname] and differs from it; empty if there is none.
func AlertHostname(line string) string { return "" }
