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

const (
	width, height, left, right = 1400, 190, 70, 150
	inner                      = width - left - right
)

var colours = []string{"#1f77b4", "#2ca02c", "#ff7f0e", "#9467bd", "#8c564b", "#17becf", "#e377c2", "#7f7f7f"}

type series struct {
	name   string
	values []float64
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
	d.chart(&b, "lines a second", []series{
		{"offered", rates(func(p Point) uint64 { return p.Offered })},
		{"receipted", rates(func(p Point) uint64 { return p.Receipted })},
		{"published", rates(func(p Point) uint64 { return p.Published })},
		{"stored", rates(func(p Point) uint64 { return p.Stored })},
	})
	d.chart(&b, "spool depth and lag of the store (lines)", []series{
		{"spooled", levels(func(p Point) float64 { return float64(p.Spooled) })},
		{"offered, not stored", levels(func(p Point) float64 { return float64(p.Offered) - float64(min(p.Stored, p.Offered)) })},
	})
	for _, figure := range []struct {
		title string
		of    func(soak.Usage) float64
	}{
		{"resident memory (MiB)", func(u soak.Usage) float64 { return float64(u.Memory) / (1 << 20) }},
		{"goroutines", func(u soak.Usage) float64 { return float64(u.Goroutines) }},
		{"open files", func(u soak.Usage) float64 { return float64(u.Files) }},
	} {
		var all []series
		for _, name := range d.processes() {
			all = append(all, series{name, levels(func(p Point) float64 { return figure.of(p.Usage[name]) })})
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

func (d *Data) x(at time.Duration) float64 { return left + inner*float64(at)/float64(d.end()) }

func (d *Data) chart(b *strings.Builder, title string, all []series) {
	top := 1.0
	for _, s := range all {
		for _, v := range s.values {
			top = max(top, v)
		}
	}
	y := func(v float64) float64 { return height - 20 - (height-40)*v/top }
	fmt.Fprintf(b, `<h2>%s</h2><svg width="%d" height="%d" role="img">`, html.EscapeString(title), width, height)
	for _, f := range d.Faults {
		if strings.HasPrefix(f.Name, "kill ") {
			fmt.Fprintf(b, `<line x1="%.1f" x2="%.1f" y1="20" y2="%d" stroke="#d62728" stroke-opacity=".35"><title>%s</title></line>`, d.x(f.At), d.x(f.At), height-20, html.EscapeString(f.Name))
		}
	}
	for i := range 5 {
		v := top * float64(i) / 4
		fmt.Fprintf(b, `<line x1="%d" x2="%d" y1="%.1f" y2="%.1f" stroke="#ddd"/><text x="%d" y="%.1f" text-anchor="end">%.0f</text>`, left, width-right, y(v), y(v), left-6, y(v)+4, v)
		at := d.end() * time.Duration(i) / 4
		fmt.Fprintf(b, `<text x="%.1f" y="%d" text-anchor="middle">%s</text>`, d.x(at), height-4, at.Round(time.Second))
	}
	for i, s := range all {
		colour := colours[i%len(colours)]
		fmt.Fprintf(b, `<polyline fill="none" stroke="%s" stroke-width="1.3" points="`, colour)
		for j, v := range s.values {
			fmt.Fprintf(b, "%.1f,%.1f ", d.x(d.Points[j].At), y(v))
		}
		fmt.Fprintf(b, `"/><text x="%d" y="%d" fill="%s">%s</text>`, width-right+8, 30+16*i, colour, html.EscapeString(s.name))
	}
	b.WriteString("</svg>\n")
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
	fmt.Fprintf(b, `<h2>faults</h2><svg width="%d" height="%d" role="img">`, width, 14*len(names)+10)
	for i, name := range names {
		fmt.Fprintf(b, `<text x="%d" y="%d">%s</text>`, width-right+8, 14*i+11, html.EscapeString(name))
	}
	for _, f := range d.Faults {
		row := slices.Index(names, f.Name)
		fmt.Fprintf(b, `<rect x="%.1f" y="%d" width="%.1f" height="10" fill="%s"/>`, d.x(f.At), 14*row+2, max(2, d.x(f.At+f.Hold)-d.x(f.At)), colours[row%len(colours)])
	}
	b.WriteString("</svg>\n")
}
