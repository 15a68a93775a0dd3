package decode

import (
	"strconv"
	"strings"

	"armor/rules/internal/fields"
)

// ossecAlertPlugin decodes alerts that another manager sent by syslog. Example:
//
//	ossec: Alert Level: 3; Rule: 5715 - SSHD authentication success.; Location: (box) 10.0.0.2->/var/log/secure;
//	srcip: 10.0.0.9; user: alice; Jul 16 14:38:12 box sshd[1234]: Accepted password for alice
//
// sets the rule outright (the one of that number in this ruleset, if there is one) and gives srcip and dstuser.
type ossecAlertPlugin struct{}

func (ossecAlertPlugin) decode(ev *Event, _ *Decoder, from int) {
	_, s, ok := strings.Cut(ev.Log[from:], "Rule: ")
	if !ok {
		return
	}
	number, rest, ok := strings.Cut(s, " ")
	id, err := strconv.Atoi(number)
	if !ok || err != nil || id <= 0 {
		return
	}
	ev.ForcedRule = id
	_, rest, _ = strings.Cut(rest, "; Location: ")
	_, rest, _ = strings.Cut(rest, "; ")
	for {
		part, next, ok := strings.Cut(rest, "; ")
		if !ok {
			return
		}
		if v, ok := strings.CutPrefix(part, "srcip: "); ok {
			ev.Fields.Put(fields.SrcIP, v)
		} else if v, ok := strings.CutPrefix(part, "user: "); ok {
			ev.Fields.Put(fields.DstUser, v)
		} else {
			return
		}
		rest = next
	}
}
