// Package terminal prints for eyes: what comes from logs cannot move the cursor or colour the screen, and colour is used only
// where a terminal shows it.
package terminal

import (
	"fmt"
	"io"
	"os"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/mattn/go-isatty"

	armorv1 "armor/proto/armor/v1"
)

// Printer writes lines to an output.
type Printer struct {
	w      io.Writer
	colour bool
}

// New makes a printer. Colour is on when w is a terminal and the environment does not say NO_COLOR or TERM=dumb.
func New(w io.Writer) *Printer { return Buffered(w, w) }

// Buffered makes a printer into w, which ends up in out: colour is on when out is a terminal.
func Buffered(w, out io.Writer) *Printer {
	f, ok := out.(*os.File)
	colour := ok && isatty.IsTerminal(f.Fd()) && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
	return &Printer{w: w, colour: colour}
}

// Colours of levels, as ANSI sequences.
const (
	reset  = "\x1b[0m"
	dim    = "\x1b[2m"
	bold   = "\x1b[1m"
	green  = "\x1b[32m"
	yellow = "\x1b[33m"
	red    = "\x1b[31m"
	crit   = "\x1b[1;37;41m"
)

// paint colours text, on a terminal.
func (p *Printer) paint(colour, text string) string {
	if !p.colour {
		return text
	}
	return colour + text + reset
}

// Bold marks text, on a terminal.
func (p *Printer) Bold(text string) string { return p.paint(bold, text) }

// Dim weakens text, on a terminal.
func (p *Printer) Dim(text string) string { return p.paint(dim, text) }

// Line prints one line.
func (p *Printer) Line(format string, args ...any) { fmt.Fprintf(p.w, format+"\n", args...) }

// Level is a level with its colour.
func (p *Printer) Level(level uint32) string {
	text := fmt.Sprintf("level %2d", level)
	switch {
	case level >= 12:
		return p.paint(crit, text)
	case level >= 8:
		return p.paint(red, text)
	case level >= 5:
		return p.paint(yellow, text)
	default:
		return p.paint(green, text)
	}
}

// Alert prints an alert on one line: time, level, rule, description, and who did it from where.
func (p *Printer) Alert(a *armorv1.Alert) {
	var tail []string
	add := func(name, value string) {
		if value != "" {
			tail = append(tail, name+" "+Clean(value, 80))
		}
	}
	context := a.GetContext()
	add("user", context.GetUserName())
	add("from", context.GetSourceIp())
	add("in", context.GetCloudRegion())
	if a.GetAgent().GetId() != "000" {
		add("agent", a.GetAgent().GetName())
	}
	p.Line("%s  %s  %6d  %s  %s", a.GetTime().AsTime().Local().Format("2006-01-02 15:04:05"), p.Level(a.GetRule().GetLevel()),
		a.GetRule().GetId(), Clean(a.GetRule().GetDescription(), 160), p.Dim(strings.Join(tail, " ")))
}

// Clean is text for a terminal: control and invisible formatting characters are replaced, and what is longer than limit
// characters is cut. Limit 0: not cut.
func Clean(text string, limit int) string {
	var b strings.Builder
	count := 0
	for _, r := range text {
		if limit > 0 && count == limit {
			b.WriteRune('…')
			break
		}
		count++
		switch {
		case r == utf8.RuneError, unicode.IsControl(r), unicode.Is(unicode.Cf, r), r == '\u2028', r == '\u2029':
			b.WriteRune('�')
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}
