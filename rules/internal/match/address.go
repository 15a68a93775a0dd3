package match

import (
	"fmt"
	"net/netip"
	"strings"

	"armor/rules/internal/fields"
)

// address holds when an address field is one of the listed addresses or in one of the listed blocks. Example:
// <srcip>10.0.0.0/8</srcip>; "!10.0.0.1" is every other address.
type address struct {
	slot   fields.Slot
	nets   []addressNet
	negate bool
}

type addressNet struct {
	prefix netip.Prefix
	any    bool
	not    bool
}

func (c *address) test(x *Context) bool {
	text, ok := x.Event.Fields.Static(c.slot)
	if !ok {
		return false
	}
	addr, err := netip.ParseAddr(text)
	found := false
	for i := range c.nets {
		n := &c.nets[i]
		in := n.any || err == nil && n.prefix.Contains(addr.Unmap())
		if in != n.not {
			found = true
			break
		}
	}
	return found != c.negate
}

// parseAddress reads an address, a block ("10.0.0.0/8", "10.0.0.0/255.0.0.0", "10.0.") or any, each also with "!".
func parseAddress(s string) (addressNet, error) {
	var n addressNet
	s = strings.TrimSpace(s)
	if rest, ok := strings.CutPrefix(s, "!"); ok {
		n.not = true
		s = rest
	}
	if s == "any" {
		n.any = true
		return n, nil
	}
	host, mask, hasMask := strings.Cut(s, "/")
	if dots := strings.Count(host, "."); !hasMask && strings.HasSuffix(host, ".") && dots >= 1 && dots <= 3 {
		host += strings.Repeat("0.", 3-dots) + "0"
		mask, hasMask = fmt.Sprint(8*dots), true
	}
	addr, err := netip.ParseAddr(host)
	if err != nil {
		return n, fmt.Errorf("%q is no address: write 10.0.0.1, 10.0.0.0/8 or any", s)
	}
	addr = addr.Unmap()
	bits := addr.BitLen()
	if hasMask {
		if bits, err = maskBits(mask, addr); err != nil {
			return n, err
		}
	}
	n.prefix, err = addr.Prefix(bits)
	return n, err
}

func maskBits(mask string, addr netip.Addr) (int, error) {
	if m, err := netip.ParseAddr(mask); err == nil && m.Is4() && addr.Is4() {
		b := m.As4()
		v := uint32(b[0])<<24 | uint32(b[1])<<16 | uint32(b[2])<<8 | uint32(b[3])
		bits := 0
		for v&0x80000000 != 0 {
			bits++
			v <<= 1
		}
		if v != 0 {
			return 0, fmt.Errorf("%q is no netmask: its ones are not in one run", mask)
		}
		return bits, nil
	}
	p, err := netip.ParsePrefix(addr.String() + "/" + mask)
	if err != nil {
		return 0, fmt.Errorf("%q is no netmask: write /0 to /%d", mask, addr.BitLen())
	}
	return p.Bits(), nil
}
