package header

import "strings"

// readASL reads the bracket form of the old macOS system log:
//
//	[Time 2006.12.28 15:53:55 UTC] [Sender sshd] [PID 483] [Message text] [Host name]
//
// Each value ends at the first ']'. Only the first Message counts: a later one
// may have been smuggled in by whoever wrote the text. The form gives no
// timestamp.
func readASL(line string, h *Header) {
	h.from(line, 25)
	message := false
	for i := 25; ; {
		open := strings.IndexByte(line[i:], '[')
		if open < 0 {
			return
		}
		i += open + 1
		end := len(line)
		closed := strings.IndexByte(line[i:], ']')
		if closed >= 0 {
			end = i + closed
		}
		entry := line[i:end]
		switch {
		case h.ProgramName == "" && strings.HasPrefix(entry, "Sender ") && closed >= 0:
			h.ProgramName = entry[len("Sender "):]
		case !message && strings.HasPrefix(entry, "Message "):
			message = true
			h.Offset = i + len("Message ")
			h.Log = line[h.Offset:end]
		case strings.HasPrefix(entry, "Host ") && closed >= 0:
			h.Hostname = entry[len("Host "):]
		default:
			continue // a '[' inside of an entry that is not wanted may begin one
		}
		i = end
	}
}
