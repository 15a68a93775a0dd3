// Package plot draws a run as one HTML file that needs nothing else: what was offered, published and stored a second, when
// which fault was on, how deep the spools were, how far the store lagged, and what memory, goroutines and files every process used.
package plot

import (
	"fmt"
	"html"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"armor/test/chart"
	"armor/test/torture/soak"
)

// Point is one look at the run. Counts are totals since its begin.
type Point struct {
	At                                    time.Duration
	Offered, Receipted, Published, Stored uint64
	// Spooled events of all agents.
	Spooled uint64
	// Usage by process, of those that run.
	Usage map[string]soak.Usage
}

// Fault is a time during which a fault was on.
type Fault struct {
	At, Hold time.Duration
	Name     string
}

// Data is what is drawn.
type Data struct {
	Points []Point
	Faults []Fault
}

// Mark adds a fault.
func (d *Data) Mark(at, hold time.Duration, name string) {
	d.Faults = append(d.Faults, Fault{at, hold, name})
}

// HTML writes the page.
func (d *Data) HTML(w io.Writer, title, summary string) error {
	var b strings.Builder
	fmt.Fprintf(&b, `<!doctype html><html lang="en"><meta charset="utf-8"><title>%[1]s</title><style>body{font:14px sans-serif;margin:20px}svg{display:block;margin:8px 0}text{font:11px sans-serif}</style><h1>%[1]s</h1>`+"\n", html.EscapeString(title))
	rates := func(of func(Point) uint64) []float64 {
		out := make([]float64, len(d.Points))
		for i := 1; i < len(d.Points); i++ {
			before, after := of(d.Points[i-1]), of(d.Points[i])
			if seconds := (d.Points[i].At - d.Points[i-1].At).Seconds(); seconds > 0 && after > before {
				out[i] = float64(after-before) / seconds
			}
		}
		return out
	}
	levels := func(of func(Point) float64) []float64 {
		out := make([]float64, len(d.Points))
		for i, p := range d.Points {
			out[i] = of(p)
		}
		return out
	}
	d.chart(&b, "lines a second", []chart.Series{
		{Name: "offered", Y: rates(func(p Point) uint64 { return p.Offered })},
		{Name: "receipted", Y: rates(func(p Point) uint64 { return p.Receipted })},
		{Name: "published", Y: rates(func(p Point) uint64 { return p.Published })},
		{Name: "stored", Y: rates(func(p Point) uint64 { return p.Stored })},
	})
	d.chart(&b, "spool depth and lag of the store (lines)", []chart.Series{
		{Name: "spooled", Y: levels(func(p Point) float64 { return float64(p.Spooled) })},
		{Name: "offered, not stored", Y: levels(func(p Point) float64 { return float64(p.Offered) - float64(min(p.Stored, p.Offered)) })},
	})
	for _, figure := range []struct {
		title string
		of    func(soak.Usage) float64
	}{
		{"resident memory (MiB)", func(u soak.Usage) float64 { return float64(u.Memory) / (1 << 20) }},
		{"goroutines", func(u soak.Usage) float64 { return float64(u.Goroutines) }},
		{"open files", func(u soak.Usage) float64 { return float64(u.Files) }},
	} {
		var all []chart.Series
		for _, name := range d.processes() {
			all = append(all, chart.Series{Name: name, Y: levels(func(p Point) float64 { return figure.of(p.Usage[name]) })})
		}
		d.chart(&b, figure.title, all)
	}
	d.lanes(&b)
	fmt.Fprintf(&b, "<h2>Summary</h2><pre>%s</pre></html>\n", html.EscapeString(summary))
	_, err := io.WriteString(w, b.String())
	return err
}

// processes are those of any point, by name.
func (d *Data) processes() []string {
	names := map[string]bool{}
	for _, p := range d.Points {
		for name := range p.Usage {
			names[name] = true
		}
	}
	return slices.Sorted(maps.Keys(names))
}

func (d *Data) end() time.Duration {
	end := time.Second
	for _, p := range d.Points {
		end = max(end, p.At)
	}
	for _, f := range d.Faults {
		end = max(end, f.At+f.Hold)
	}
	return end
}

func (d *Data) chart(b *strings.Builder, title string, all []chart.Series) {
	end := d.end()
	c := chart.Lines{X: make([]float64, len(d.Points)), Series: all}
	for i, p := range d.Points {
		c.X[i] = p.At.Seconds()
	}
	for i := range 5 {
		at := end * time.Duration(i) / 4
		c.Ticks = append(c.Ticks, chart.Tick{X: at.Seconds(), Text: at.Round(time.Second).String()})
	}
	for _, f := range d.Faults {
		if strings.HasPrefix(f.Name, "kill ") {
			c.Marks = append(c.Marks, chart.Tick{X: f.At.Seconds(), Text: f.Name})
		}
	}
	fmt.Fprintf(b, "<h2>%s</h2>", html.EscapeString(title))
	c.Draw(b, 0)
}

// lanes draws when each fault was on, a row for each name.
func (d *Data) lanes(b *strings.Builder) {
	var names []string
	for _, f := range d.Faults {
		if !slices.Contains(names, f.Name) {
			names = append(names, f.Name)
		}
	}
	slices.Sort(names)
	x := func(at time.Duration) float64 { return chart.At(at.Seconds(), d.end().Seconds()) }
	end := x(d.end())
	fmt.Fprintf(b, `<h2>faults</h2><svg width="%d" height="%d" role="img">`, chart.Width, 14*len(names)+10)
	for i, name := range names {
		fmt.Fprintf(b, `<text x="%d" y="%d">%s</text>`, int(end)+8, 14*i+11, html.EscapeString(name))
	}
	for _, f := range d.Faults {
		row := slices.Index(names, f.Name)
		fmt.Fprintf(b, `<rect x="%.1f" y="%d" width="%.1f" height="10" fill="%s"/>`, x(f.At), 14*row+2, max(2, x(f.At+f.Hold)-x(f.At)), chart.Colour(row))
	}
	b.WriteString("</svg>\n")
}
