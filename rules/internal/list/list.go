// Package list holds key/value lists that rules look fields up in, compiled from their source text when the ruleset is
// loaded. A list does not change and is safe for concurrent use.
package list

import (
	"fmt"
	"net/netip"
	"strings"
)

// Limits of a list's source text.
const (
	// MaxSize is the largest source text, in bytes.
	MaxSize = 256 << 20
	// MaxEntries is how many entries a list may have.
	MaxEntries = 5_000_000
)

// List is one compiled list.
type List struct {
	values map[string]string
	nets   map[netip.Prefix]string
	bits   [2][129]bool // prefix lengths in nets, by family
}

// Mistake is a line that was skipped.
type Mistake struct {
	Line    int
	Message string
}

// maxMistakes is how many skipped lines are reported one by one.
const maxMistakes = 20

// Parse compiles a source text: one "key:value" or "key:" a line, keys with a colon in double quotes. Blank lines and
// lines that begin with # are skipped. Of two equal keys the first holds. A key that is an address block in CIDR form
// ("10.0.0.0/8") also matches all addresses in it (an extension; the reference compares text only).
func Parse(text string) (*List, []Mistake, error) {
	if len(text) > MaxSize {
		return nil, nil, fmt.Errorf("list of %d bytes is larger than %d; split it", len(text), MaxSize)
	}
	l := &List{values: make(map[string]string, strings.Count(text, "\n")+1)}
	var mistakes []Mistake
	n, skipped, firstUnnamed := 0, 0, 0
	for line := range strings.Lines(text) {
		n++
		line = strings.TrimRight(line, "\r\n")
		if strings.TrimSpace(line) == "" || line[0] == '#' {
			continue
		}
		key, value, ok := cutEntry(line)
		if !ok {
			if skipped++; skipped <= maxMistakes {
				mistakes = append(mistakes, Mistake{Line: n, Message: "no \"key:value\"; the line is skipped"})
			} else if firstUnnamed == 0 {
				firstUnnamed = n
			}
			continue
		}
		if _, twice := l.values[key]; twice {
			continue
		}
		if len(l.values) >= MaxEntries {
			return nil, nil, fmt.Errorf("list has more than %d entries; split it", MaxEntries)
		}
		l.values[key] = value
		l.addNet(key, value)
	}
	if firstUnnamed > 0 {
		mistakes = append(mistakes, Mistake{Line: firstUnnamed, Message: fmt.Sprintf("%d more lines from here on have no \"key:value\" and are skipped", skipped-maxMistakes)})
	}
	return l, mistakes, nil
}

// cutEntry splits one line at the colon behind its key.
func cutEntry(line string) (key, value string, ok bool) {
	if line[0] == '"' {
		key, rest, closed := strings.Cut(line[1:], `"`)
		if closed && strings.HasPrefix(rest, ":") {
			return key, rest[1:], true
		}
	}
	return strings.Cut(line, ":")
}

func (l *List) addNet(key, value string) {
	if !strings.Contains(key, "/") {
		return
	}
	p, err := netip.ParsePrefix(key)
	if err != nil {
		return
	}
	if l.nets == nil {
		l.nets = map[netip.Prefix]string{}
	}
	l.nets[p.Masked()] = value
	l.bits[family(p.Addr())][p.Bits()] = true
}

func family(a netip.Addr) int {
	if a.Is4() {
		return 0
	}
	return 1
}

// Len is the number of entries.
func (l *List) Len() int { return len(l.values) }

// Get looks a key up.
func (l *List) Get(key string) (value string, ok bool) {
	value, ok = l.values[key]
	return value, ok
}

// GetAddress looks an address up: whole, then ever shorter prefixes that end in a dot ("10.1.", "10."), then the
// address blocks of the list, narrowest first.
func (l *List) GetAddress(addr string) (value string, ok bool) {
	if value, ok = l.values[addr]; ok {
		return value, true
	}
	for s := strings.TrimSuffix(addr, "."); ; {
		i := strings.LastIndexByte(s, '.')
		if i < 0 {
			break
		}
		if value, ok = l.values[s[:i+1]]; ok {
			return value, true
		}
		s = s[:i]
	}
	if l.nets == nil {
		return "", false
	}
	a, err := netip.ParseAddr(addr)
	if err != nil {
		return "", false
	}
	a = a.Unmap()
	bits := &l.bits[family(a)]
	for n := a.BitLen(); n >= 0; n-- {
		if !bits[n] {
			continue
		}
		p, err := a.Prefix(n)
		if err != nil {
			continue
		}
		if value, ok = l.nets[p]; ok {
			return value, true
		}
	}
	return "", false
}
