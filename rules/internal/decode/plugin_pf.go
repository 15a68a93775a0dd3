package decode

import (
	"strings"

	"armor/rules/internal/fields"
)

// pfPlugin decodes OpenBSD packet filter logs. Example:
//
//	Mar 30 15:32:33.483712 rule 2/(match) pass in on xl0: 140.211.166.3.6667 > 192.168.2.10.16290: P 7408:7677(269)
//
// gives action, srcip, srcport, dstip, dstport and protocol (UDP, ICMP or TCP).
type pfPlugin struct{}

func (pfPlugin) decode(ev *Event, _ *Decoder, from int) {
	s := ev.Log[from:]
	i := strings.Index(s, "rule ")
	if i < 0 {
		return
	}
	s = s[i:]
	if i = strings.Index(s, ") "); i < 0 {
		return
	}
	s = s[i+2:]
	action, s, ok := strings.Cut(s, " ")
	if !ok || action == "" {
		return
	}
	ev.Fields.Put(fields.Action, action)
	_, s, ok = strings.Cut(s, ": ")
	if !ok {
		return
	}
	src, s, ok := strings.Cut(s, " > ")
	if !ok {
		return
	}
	putEndpoint(ev, src, fields.SrcIP, fields.SrcPort)
	dst, rest, _ := strings.Cut(s, ": ")
	putEndpoint(ev, dst, fields.DstIP, fields.DstPort)
	rest = strings.TrimLeft(rest, " ")
	switch {
	case strings.HasPrefix(rest, "udp"):
		ev.Fields.Put(fields.Protocol, "UDP")
	case strings.HasPrefix(rest, "icmp"):
		ev.Fields.Put(fields.Protocol, "ICMP")
	default:
		ev.Fields.Put(fields.Protocol, "TCP")
	}
}

// putEndpoint splits "a.b.c.d.port"; without a port only the address is set.
func putEndpoint(ev *Event, s string, ip, port fields.Slot) {
	dots := 0
	for i := 0; i < len(s); i++ {
		if s[i] == '.' {
			if dots++; dots == 4 {
				ev.Fields.Put(ip, s[:i])
				ev.Fields.Put(port, s[i+1:])
				return
			}
		}
	}
	if s != "" {
		ev.Fields.Put(ip, s)
	}
}
