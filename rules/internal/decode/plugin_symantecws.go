package decode

import (
	"strings"

	"armor/rules/internal/fields"
)

// symantecPlugin decodes Symantec Web Security logs. Example:
//
//	20070717,73613,1=5,11=10.1.1.3,10=userc,3=1,2=1
//
// gives srcip (11), dstuser (10), url (60) and, as id, the pair 3=..,2=...
type symantecPlugin struct{}

func (symantecPlugin) decode(ev *Event, _ *Decoder, from int) {
	s := ev.Log[from:]
	// Date and time come first.
	for range 2 {
		_, rest, ok := strings.Cut(s, ",")
		if !ok {
			return
		}
		s = rest
	}
	for s != "" {
		pair, rest, _ := strings.Cut(s, ",")
		key, value, ok := strings.Cut(pair, "=")
		if ok {
			switch key {
			case "11":
				ev.Fields.Put(fields.SrcIP, value)
			case "10":
				ev.Fields.Put(fields.DstUser, value)
			case "60":
				ev.Fields.Put(fields.URL, value)
			case "3":
				ev.Fields.Put(fields.ID, s)
			}
		}
		s = rest
	}
}
