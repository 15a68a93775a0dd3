package report

import (
	"fmt"
	"html"
	"strings"
	"time"
	"unicode/utf8"

	"armor/test/bench/endtoend"
	"armor/test/bench/engine"
	"armor/test/chart"
)

// Head says when and where, and what was left out.
func (r *Report) Head() string {
	var b strings.Builder
	m := r.Machine
	fmt.Fprintf(&b, "%s, commit %s, %s, %s: %d CPUs of %s, %s\n", r.Began.UTC().Format("2006-01-02 15:04 MST"), m.Commit, m.Go, m.System, m.CPUs, m.CPU, m.Memory)
	fmt.Fprintf(&b, "medians of %d runs, in %s; load of the machine before: %.2f", r.Runs, (time.Duration(r.TookSeconds) * time.Second).String(), m.LoadBefore)
	if m.LoadBefore > busy {
		b.WriteString(" (other programs ran: figures per second of wall time mean little, those per CPU second are too low)")
	}
	b.WriteString("\n")
	for _, left := range r.Left {
		fmt.Fprintf(&b, "left out: %s\n", left)
	}
	return b.String()
}

// Table is all figures for eyes, and as Markdown. A goal that is not reached is marked.
func (r *Report) Table() string {
	lines := [][]string{{"what", "Armor", "plain", "reference", "goal"}, nil}
	group := ""
	for _, row := range r.Rows() {
		if row.Group != group {
			group = row.Group
			lines = append(lines, []string{"**" + strings.ReplaceAll(group, "|", `\|`) + "**", "", "", "", ""})
		}
		goal := row.Goal
		if row.Missed {
			goal += " (missed)"
		}
		lines = append(lines, []string{row.What, row.Figure, row.Plain, row.Reference, goal})
	}
	width := make([]int, len(lines[0]))
	for _, line := range lines {
		for i, cell := range line {
			if !strings.HasPrefix(cell, "**") {
				width[i] = max(width[i], utf8.RuneCountInString(cell))
			}
		}
	}
	var b strings.Builder
	for _, line := range lines {
		if line == nil {
			b.WriteString("|" + strings.Repeat("-", width[0]+2))
			for _, w := range width[1:] {
				b.WriteString("|" + strings.Repeat("-", w+1) + ":")
			}
			b.WriteString("|\n")
			continue
		}
		for i, cell := range line {
			space := strings.Repeat(" ", max(width[i]-utf8.RuneCountInString(cell), 0))
			if i == 0 {
				b.WriteString("| " + cell + space)
			} else {
				b.WriteString(" | " + space + cell)
			}
		}
		b.WriteString(" |\n")
	}
	return b.String()
}

// Text is head and table.
func (r *Report) Text() string { return r.Head() + "\n" + r.Table() }

// stage is a program on the way of events.
type stage struct {
	name string
	use  endtoend.Use
}

// stages draws the CPU of each for one event, in microseconds as format says, and gives where the next drawing begins.
func stages(b *strings.Builder, top int, format string, events uint64, list ...stage) int {
	bars := make([]chart.Bar, len(list))
	for i, s := range list {
		bars[i] = chart.Bar{Name: s.name, Value: micros(s.use, events), Text: fmt.Sprintf(format, micros(s.use, events)), Colour: i}
	}
	chart.Bars(b, top, bars)
	return top + chart.BarsHeight(len(bars))
}

// micros is the CPU for one of so many events, in microseconds.
func micros(use endtoend.Use, events uint64) float64 {
	return use.CPUSeconds * millionthsOfASecond / float64(events)
}

// Picture is the run as an SVG file.
func (r *Report) Picture() string {
	var b strings.Builder
	top := 10
	title := func(text string) {
		top += 26
		fmt.Fprintf(&b, `<text x="10" y="%d" font-size="16">%s</text>`+"\n", top, html.EscapeString(text))
		top += 10
	}
	if bars := r.bars(); len(bars) > 0 {
		title("Engine: events per CPU second, one worker (red: goal)")
		chart.Bars(&b, top, bars)
		top += chart.BarsHeight(len(bars))
	}
	if s := r.Sustained; s != nil {
		title(fmt.Sprintf("Log file to alert on NATS: %s events per second; CPU per event in microseconds", number(s.EventsPerSecond)))
		u := s.Usage
		top = stages(&b, top, "%.2f", s.Events, stage{"agent", u.Agent}, stage{"manager", u.Manager}, stage{"nats-server", u.NATS})
	}
	for _, s := range r.Buckets {
		title(fmt.Sprintf("CloudTrail from a bucket to receipt, one record in %d alerting: %s records per second; CPU per record in microseconds", s.AlertEvery, number(s.RecordsPerSecond)))
		u := s.Usage
		top = stages(&b, top, "%.1f", s.Records, stage{"agent", u.Agent}, stage{"manager", u.Manager}, stage{"nats-server", u.NATS}, stage{"S3 server", u.S3})
	}
	if s := r.Steady; s != nil {
		title(fmt.Sprintf("Line written to alert on NATS at %s lines a second: milliseconds (red: goal of the 99 %%)", number(float64(s.Rate))))
		l := s.Latency
		var bars []chart.Bar
		for _, q := range []struct {
			name     string
			ms, goal float64
		}{{"50 %", l.P50, 0}, {"90 %", l.P90, 0}, {"99 %", l.P99, goalP99}, {"99.9 %", l.P999, 0}, {"slowest", l.Max, 0}} {
			bars = append(bars, chart.Bar{Name: q.name, Value: q.ms, Text: fmt.Sprintf("%.1f", q.ms), Goal: q.goal, Colour: 3})
		}
		chart.Bars(&b, top, bars)
		top += chart.BarsHeight(len(bars))
	}
	if len(r.Growth) > 0 {
		title("Engine as rules grow: events per CPU second")
		c := chart.Lines{Series: []chart.Series{{Name: "corpus " + r.Growth[0].Corpus}}}
		for _, g := range r.Growth {
			c.X = append(c.X, float64(g.Rules))
			c.Ticks = append(c.Ticks, chart.Tick{X: float64(g.Rules), Text: number(float64(g.Rules)) + " rules"})
			c.Series[0].Y = append(c.Series[0].Y, g.Result.EventsPerCPU)
		}
		c.Draw(&b, top)
		top += chart.Height
	}
	if len(r.Streams) > 0 {
		title("Manager as agents grow: events per CPU second of the manager")
		c := chart.Lines{Series: []chart.Series{{Name: "events per CPU s"}, {Name: "events per second"}}}
		for i, s := range r.Streams {
			c.X = append(c.X, float64(i))
			c.Ticks = append(c.Ticks, chart.Tick{X: float64(i), Text: number(float64(s.Streams)) + " agents"})
			c.Series[0].Y = append(c.Series[0].Y, s.ManagerEventsPerCPU)
			c.Series[1].Y = append(c.Series[1].Y, s.EventsPerSecond)
		}
		c.Draw(&b, top)
		top += chart.Height
	}
	head := fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" width="%[1]d" height="%[2]d" viewBox="0 0 %[1]d %[2]d" font-family="sans-serif" font-size="11"><rect width="100%%" height="100%%" fill="#fff"/>`+"\n", chart.Width, top+10)
	return head + b.String() + "</svg>\n"
}

// bars of the engine: each corpus with the shortcuts, with documents, plain, and the reference.
func (r *Report) bars() (bars []chart.Bar) {
	for i := range r.Engine {
		e := &r.Engine[i]
		var g goals
		switch {
		case e.Ruleset == referenceName:
			g = byCorpus[e.Corpus]
		case e.Corpus == "cloudtrail":
			g.goal = goalCloudTrail
		}
		for colour, m := range []struct {
			name string
			mode engine.Mode
			goal float64
		}{
			{"", engine.Mode{Workers: 1}, g.goal},
			{", with documents", engine.Mode{Workers: 1, Documents: true}, g.goal * goalDocuments},
			{", plain", engine.Mode{Workers: 1, Plain: true}, 0},
		} {
			if result := e.mode(m.mode); result != nil {
				bars = append(bars, chart.Bar{Name: e.Corpus + m.name, Value: result.EventsPerCPU, Text: number(result.EventsPerCPU), Goal: m.goal, Colour: colour})
			}
		}
		if g.reference > 0 {
			bars = append(bars, chart.Bar{Name: e.Corpus + ", the reference", Value: g.reference, Text: number(g.reference), Colour: 7})
		}
	}
	return bars
}
