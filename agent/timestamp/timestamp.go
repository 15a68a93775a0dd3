// Package timestamp finds out when a line happened: from the time at its beginning or in one of its JSON fields, never from a guess.
// A line whose time is missing, of another form, or more than a day ahead has none.
package timestamp

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Config says what times look like and where they stand.
type Config struct {
	// Layout: rfc3339, rfc3164 (also called syslog), epoch (seconds, with or without a fraction), epoch_ms, a layout of strftime, or
	// one of Go's (2006-01-02 15:04:05).
	Layout string `yaml:"layout"`
	// Field of JSON lines that holds the time; names of inner fields after dots. Empty: it stands at the beginning of the line,
	// behind a syslog priority or an opening bracket if there is one.
	Field string `yaml:"field"`
	// Zone of times that do not name theirs, as in the time zone database. Default: this machine's.
	Zone string `yaml:"zone"`
}

// Validate returns what is wrong with the configuration; nil: nothing.
func (c *Config) Validate() error {
	_, err := New(*c)
	return err
}

// Parser finds times. It may be used by any goroutine.
type Parser struct {
	path    []string
	zone    *time.Location
	layouts []string // to be tried, in this order
	unit    time.Duration
	noYear  bool
}

const (
	syslogLayout = "Jan _2 15:04:05"
	// ahead is how far in the future a time may be: clocks differ, and so do zones.
	ahead = 24 * time.Hour
)

// New makes a parser. Its error names the key that is wrong.
func New(cfg Config) (*Parser, error) {
	p := &Parser{zone: time.Local}
	if cfg.Field != "" {
		p.path = strings.Split(cfg.Field, ".")
	}
	if cfg.Zone != "" {
		zone, err := time.LoadLocation(cfg.Zone)
		if err != nil {
			return nil, fmt.Errorf("zone: %q: %w; use a name such as UTC or Europe/Berlin", cfg.Zone, err)
		}
		p.zone = zone
	}
	switch cfg.Layout {
	case "":
		return nil, errors.New("layout: missing; rfc3339, rfc3164, epoch, epoch_ms, or a layout such as %Y-%m-%d %H:%M:%S")
	case "rfc3339":
		p.layouts = []string{time.RFC3339, "2006-01-02 15:04:05Z07:00"}
	case "rfc3164", "syslog":
		p.layouts = []string{syslogLayout}
	case "epoch":
		p.unit = time.Second
	case "epoch_ms":
		p.unit = time.Millisecond
	default:
		layout := cfg.Layout
		if strings.Contains(layout, "%") {
			var err error
			if layout, err = fromStrftime(layout); err != nil {
				return nil, err
			}
		}
		p.layouts = []string{layout}
	}
	if p.unit > 0 {
		return p, nil
	}
	layout := p.layouts[0]
	at := time.Date(2011, 10, 28, 13, 47, 59, 0, time.UTC)
	text := at.Format(layout)
	if _, err := time.Parse(layout, text); err != nil {
		return nil, fmt.Errorf("layout: %q is none: what it writes it cannot read: %w", cfg.Layout, err)
	}
	if at.AddDate(0, 0, -9).Format(layout) == text || at.AddDate(0, -3, 0).Format(layout) == text && at.AddDate(0, 0, -100).Format(layout) == text || at.Add(-time.Hour).Format(layout) == text {
		return nil, fmt.Errorf("layout: %q names no day and hour; Go's layouts show 2006-01-02 15:04:05", cfg.Layout)
	}
	p.noYear = at.AddDate(-1, 0, 0).Format(layout) == text || layout == syslogLayout
	return p, nil
}

// fromStrftime translates a layout of strftime into one of Go's.
func fromStrftime(layout string) (string, error) {
	conversions := map[byte]string{
		'Y': "2006", 'y': "06", 'm': "01", 'd': "02", 'e': "_2", 'H': "15", 'I': "03", 'M': "04", 'S': "05", 'p': "PM", 'j': "002",
		'b': "Jan", 'h': "Jan", 'B': "January", 'a': "Mon", 'A': "Monday", 'z': "-0700", 'Z': "MST", 'F': "2006-01-02", 'T': "15:04:05",
		'D': "01/02/06", 'R': "15:04", 'f': "000000", 'L': "000", 'N': "000000000", '%': "%",
	}
	var out strings.Builder
	for i := 0; i < len(layout); i++ {
		c := layout[i]
		if c != '%' {
			if c >= '0' && c <= '9' || c == '_' {
				return "", fmt.Errorf("layout: %q: a %q of its own cannot be read", layout, c)
			}
			out.WriteByte(c)
			continue
		}
		if i++; i == len(layout) {
			return "", fmt.Errorf("layout: %q ends in the middle of a conversion", layout)
		}
		part, ok := conversions[layout[i]]
		if !ok {
			return "", fmt.Errorf("layout: %q: %%%c is not known", layout, layout[i])
		}
		if fraction := strings.HasPrefix(part, "000"); fraction && (i < 2 || layout[i-2] != '.' && layout[i-2] != ',') {
			return "", fmt.Errorf("layout: %q: %%%c has to follow a dot or a comma", layout, layout[i])
		}
		out.WriteString(part)
	}
	return out.String(), nil
}

// Time is when a line happened; false if it does not say. now is when it was read.
func (p *Parser) Time(line []byte, now time.Time) (at time.Time, ok bool) {
	var text string
	if p.path != nil {
		text, ok = p.field(line)
	} else {
		text, ok = start(line), true
	}
	if !ok {
		return time.Time{}, false
	}
	if p.unit > 0 {
		at, ok = p.epoch(text)
	} else {
		at, ok = p.parse(text, now)
	}
	if !ok || at.After(now.Add(ahead)) || at.Year() < 1 {
		return time.Time{}, false
	}
	return at, true
}

// field finds a string or a number of a JSON line.
func (p *Parser) field(line []byte) (text string, ok bool) {
	value := json.RawMessage(line)
	for _, name := range p.path {
		var object map[string]json.RawMessage
		if json.Unmarshal(value, &object) != nil {
			return "", false
		}
		if value, ok = object[name]; !ok {
			return "", false
		}
	}
	if len(value) > 0 && value[0] == '"' {
		return text, json.Unmarshal(value, &text) == nil
	}
	return string(value), true
}

// longest is how much of a line may be a time.
const longest = 96

// start is the beginning of a line, behind a priority and a bracket.
func start(line []byte) string {
	line = line[:min(len(line), longest)]
	if len(line) > 2 && line[0] == '<' {
		if end := bytes.IndexByte(line[:min(len(line), 5)], '>'); end > 1 {
			line = line[end+1:]
		}
	}
	return string(bytes.TrimPrefix(line, []byte("[")))
}

// parse reads the time that a text begins with.
func (p *Parser) parse(text string, now time.Time) (at time.Time, ok bool) {
	for _, layout := range p.layouts {
		at, err := time.ParseInLocation(layout, text, p.zone)
		if parseError, isParse := errors.AsType[*time.ParseError](err); isParse && strings.HasPrefix(parseError.Message, ": extra text") {
			at, err = time.ParseInLocation(layout, strings.TrimSuffix(text, parseError.ValueElem), p.zone)
		}
		if err != nil {
			continue
		}
		if name, offset := at.Zone(); offset == 0 && name != "UTC" && name != "GMT" && name != "" && at.Location() != p.zone {
			// An abbreviation that this zone does not have says nothing.
			at = time.Date(at.Year(), at.Month(), at.Day(), at.Hour(), at.Minute(), at.Second(), at.Nanosecond(), p.zone)
		}
		if p.noYear {
			return p.withYear(at, now)
		}
		return at, true
	}
	return time.Time{}, false
}

// withYear gives a time the year in which it is the latest that is not ahead. There need not be one soon: of 29 February.
func (p *Parser) withYear(at, now time.Time) (time.Time, bool) {
	year := now.In(p.zone).Add(ahead).Year()
	for range 9 {
		full := time.Date(year, at.Month(), at.Day(), at.Hour(), at.Minute(), at.Second(), at.Nanosecond(), at.Location())
		if full.Day() == at.Day() && !full.After(now.Add(ahead)) {
			return full, true
		}
		year--
	}
	return time.Time{}, false
}

// epoch reads the number that a text begins with.
func (p *Parser) epoch(text string) (time.Time, bool) {
	end := 0
	for end < len(text) && (text[end] >= '0' && text[end] <= '9' || text[end] == '.' && end > 0) {
		end++
	}
	whole, fraction, _ := strings.Cut(text[:end], ".")
	n, err := strconv.ParseInt(whole, 10, 64)
	const limit = 253402300799 // the last second of the year 9999
	if err != nil || n > limit*int64(time.Second/p.unit) {
		return time.Time{}, false
	}
	perSecond := int64(time.Second / p.unit)
	at := time.Unix(n/perSecond, n%perSecond*int64(p.unit))
	unit := p.unit
	for _, digit := range []byte(fraction) {
		if digit < '0' || digit > '9' {
			break
		}
		unit /= 10
		at = at.Add(time.Duration(digit-'0') * unit)
	}
	return at, true
}
