package match

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"armor/indexer/field"
	"armor/indexer/query"
)

func fail(pos int, format string, args ...any) error {
	return &query.Error{Pos: pos, Message: fmt.Sprintf(format, args...)}
}

func badNumber(pos int, f field.Field, text string) error {
	return fail(pos, "%s is a whole number, and %q is none: write one", f.Name, text)
}

func badAddress(pos int, f field.Field) error {
	return fail(pos, "%s is an address: write an IPv4 or IPv6 address, or a network such as 10.0.0.0/8", f.Name)
}

// prefixOnly tells that the one wildcard stands at the end.
func prefixOnly(parts []string) bool { return len(parts) == 2 && parts[1] == "" }

func class1(r rune) class {
	if r < utf8.RuneSelf {
		return ascii[r]
	}
	return classOf(r)
}

var lastAddress = netip.AddrFrom16([16]byte{
	255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255})

// addresses reads an address or a network as the first and last address of it, in 16-byte form.
func addresses(text string) (first, last netip.Addr, ok bool) {
	if a, err := netip.ParseAddr(text); err == nil && a.Zone() == "" {
		a = netip.AddrFrom16(a.As16())
		return a, a, true
	}
	p, err := netip.ParsePrefix(text)
	if err != nil {
		return first, last, false
	}
	p = p.Masked()
	bits := p.Bits()
	if p.Addr().Is4() {
		bits += 96
	}
	low := p.Addr().As16()
	high := low
	for i := bits; i < 128; i++ {
		high[i/8] |= 1 << (7 - i%8)
	}
	return netip.AddrFrom16(low), netip.AddrFrom16(high), true
}

const timeForms = "write 2026-07-01, 2026-07-01T10:30, 2026-07-01T10:30:00Z, now or now-24h (also s, m, d, w)"

var errNotTime = errors.New("not a time")

// layouts of times, with the span that each leaves open; without a zone they are UTC.
var layouts = []struct {
	layout string
	add    func(time.Time) time.Time
}{
	{"2006", func(t time.Time) time.Time { return t.AddDate(1, 0, 0) }},
	{"2006-01", func(t time.Time) time.Time { return t.AddDate(0, 1, 0) }},
	{"2006-01-02", func(t time.Time) time.Time { return t.AddDate(0, 0, 1) }},
	{"2006-01-02T15:04", func(t time.Time) time.Time { return t.Add(time.Minute) }},
	{"2006-01-02T15:04Z07:00", func(t time.Time) time.Time { return t.Add(time.Minute) }},
	{"2006-01-02T15:04:05", second},
	{"2006-01-02T15:04:05Z07:00", second},
	{"2006-01-02T15:04:05Z0700", second},
}

func second(t time.Time) time.Time { return t.Add(time.Second) }

// moment reads a time as the milliseconds of its first moment and of the first moment after it.
func moment(text string, now time.Time) (start, end int64, err error) {
	if strings.HasPrefix(text, "now") {
		t, err := relative(text[len("now"):], now)
		return t.UnixMilli(), t.UnixMilli() + 1, err
	}
	for _, l := range layouts {
		t, err := time.Parse(l.layout, text)
		if err != nil {
			continue
		}
		if strings.ContainsAny(text, ".,") { // a fraction: milliseconds count
			return t.UnixMilli(), t.UnixMilli() + 1, nil
		}
		return t.UnixMilli(), l.add(t).UnixMilli(), nil
	}
	return 0, 0, errNotTime
}

// relative reads "", "-24h" or "+7d" after now.
func relative(text string, now time.Time) (time.Time, error) {
	if text == "" {
		return now, nil
	}
	unit, ok := map[byte]time.Duration{
		's': time.Second, 'm': time.Minute, 'h': time.Hour, 'd': 24 * time.Hour, 'w': 7 * 24 * time.Hour,
	}[text[len(text)-1]]
	if !ok || len(text) < 3 || text[0] != '-' && text[0] != '+' {
		return now, errNotTime
	}
	n, err := strconv.ParseUint(text[1:len(text)-1], 10, 32)
	if err != nil || n > uint64(200*365*24*time.Hour/unit) {
		return now, errNotTime
	}
	d := time.Duration(n) * unit
	if text[0] == '-' {
		d = -d
	}
	return now.Add(d), nil
}
