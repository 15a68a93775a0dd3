package match

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// timeOfDay holds when the engine's clock is within a span of the day, ends included. Example: <time>6 pm - 8:30
// am</time>; "!" in front turns it round.
type timeOfDay struct {
	from, to int // minutes since midnight
	negate   bool
}

func (c timeOfDay) test(x *Context) bool {
	now := x.Now.Hour()*60 + x.Now.Minute()
	var in bool
	if c.from <= c.to {
		in = now >= c.from && now <= c.to
	} else {
		in = now >= c.from || now <= c.to
	}
	return in != c.negate
}

func parseTimeOfDay(s string) (timeOfDay, error) {
	var t timeOfDay
	s = strings.TrimSpace(s)
	if rest, ok := strings.CutPrefix(s, "!"); ok {
		t.negate = true
		s = rest
	}
	from, to, ok := strings.Cut(s, "-")
	if !ok {
		return t, fmt.Errorf("time %q has no span: write \"9:00 - 17:30\" or \"6 pm - 8:30 am\"", s)
	}
	var err error
	if t.from, err = parseClock(from); err != nil {
		return t, err
	}
	t.to, err = parseClock(to)
	return t, err
}

// parseClock reads "18", "18:30", "6 pm" or "6:30pm".
func parseClock(s string) (int, error) {
	text := strings.ToLower(strings.TrimSpace(s))
	bad := fmt.Errorf("%q is no time of day: write 18:30 or 6:30 pm", s)
	half := ""
	for _, suffix := range []string{"am", "pm"} {
		if rest, ok := strings.CutSuffix(text, suffix); ok {
			half, text = suffix, strings.TrimSpace(rest)
		}
	}
	hours, minutes, hasMinutes := strings.Cut(text, ":")
	h, err := strconv.Atoi(hours)
	if err != nil || h < 0 || h > 24 {
		return 0, bad
	}
	m := 0
	if hasMinutes {
		if m, err = strconv.Atoi(minutes); err != nil || m < 0 || m > 59 {
			return 0, bad
		}
	}
	if half != "" {
		if h < 1 || h > 12 {
			return 0, bad
		}
		h %= 12
		if half == "pm" {
			h += 12
		}
	}
	return h*60 + m, nil
}

// weekday holds on some days of the week, by the engine's clock. Example: <weekday>weekends</weekday>
type weekday struct {
	days [7]bool // from Sunday
}

func (c *weekday) test(x *Context) bool { return c.days[x.Now.Weekday()] }

func parseWeekday(s string) (*weekday, error) {
	w := &weekday{}
	text := strings.ToLower(strings.TrimSpace(s))
	negate := false
	if rest, ok := strings.CutPrefix(text, "!"); ok {
		negate = true
		text = rest
	}
	for _, part := range strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' || r == '-' }) {
		switch part {
		case "weekdays", "weekday":
			for d := time.Monday; d <= time.Friday; d++ {
				w.days[d] = true
			}
			continue
		case "weekends", "weekend":
			w.days[time.Saturday], w.days[time.Sunday] = true, true
			continue
		}
		found := false
		for d := time.Sunday; d <= time.Saturday; d++ {
			name := strings.ToLower(d.String())
			if part == name || part == name[:3] {
				w.days[d], found = true, true
			}
		}
		if !found {
			return nil, fmt.Errorf("%q is no day: write monday to sunday, weekdays or weekends", part)
		}
	}
	if negate {
		for d := range w.days {
			w.days[d] = !w.days[d]
		}
	}
	return w, nil
}
