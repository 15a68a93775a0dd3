package decode

import (
	"strings"

	"armor/rules/internal/fields"
)

// sonicWall decodes SonicWall firewall logs. Example:
//
//	id=firewall sn=00301E0526B1 time="2004-04-01 10:39:35" fw=67.32.44.2 pri=5 c=64 m=36 msg="TCP connection dropped"
//	n=2686 src=67.101.200.27:4507:WAN dst=67.32.44.2:445:LAN proto=tcp/445
//
// gives status (pri), id (m), action (msg), srcip, srcport, dstip, dstport and protocol.
type sonicWall struct{}

func newSonicWall(*fields.Symbols) plugin { return sonicWall{} }

func (sonicWall) decode(ev *Event, _ *Decoder, from int) {
	s := ev.Log[from:]
	for {
		s = strings.TrimLeft(s, " ")
		key, rest, ok := strings.Cut(s, "=")
		if !ok {
			return
		}
		var value string
		if strings.HasPrefix(rest, `"`) {
			value, s, _ = strings.Cut(rest[1:], `"`)
		} else {
			value, s, _ = strings.Cut(rest, " ")
		}
		switch key {
		case "pri":
			ev.Fields.Put(fields.Status, value)
		case "m":
			ev.Fields.Put(fields.ID, value)
		case "msg":
			ev.Fields.Put(fields.Action, value)
		case "proto":
			ev.Fields.Put(fields.Protocol, value)
		case "src":
			putColonEndpoint(ev, value, fields.SrcIP, fields.SrcPort)
		case "dst":
			putColonEndpoint(ev, value, fields.DstIP, fields.DstPort)
		}
	}
}

// putColonEndpoint splits "address:port:interface"; empty parts are left out.
func putColonEndpoint(ev *Event, s string, ip, port fields.Slot) {
	addr, rest, _ := strings.Cut(s, ":")
	p, _, _ := strings.Cut(rest, ":")
	if addr != "" {
		ev.Fields.Put(ip, addr)
	}
	if p != "" {
		ev.Fields.Put(port, p)
	}
}
