// Package chart draws figures as SVG that needs nothing else, to stand in a page or in a file of its own.
package chart

import (
	"fmt"
	"html"
	"strings"
)

// Sizes of every chart, in pixels: names of series stand in the space to the right.
const (
	Width  = 1400
	Height = 190
	left   = 70
	right  = 150
	inner  = Width - left - right
)

var colours = []string{"#1f77b4", "#2ca02c", "#ff7f0e", "#9467bd", "#8c564b", "#17becf", "#e377c2", "#7f7f7f"}

// Colour is the i-th of those that charts use.
func Colour(i int) string { return colours[i%len(colours)] }

// Series is a line of a chart.
type Series struct {
	Name string
	// Y has a value for each X of the chart.
	Y []float64
}

// Tick is a label below the axis.
type Tick struct {
	X    float64
	Text string
}

// Lines is a chart of lines over a common axis that begins at 0.
type Lines struct {
	X      []float64
	Ticks  []Tick
	Series []Series
	// Marks are vertical lines, with a text for who points at them.
	Marks []Tick
}

// Draw appends the chart as an svg element, which inside another one lies top pixels below its upper edge.
func (c *Lines) Draw(b *strings.Builder, top int) {
	highest := 1.0
	for _, s := range c.Series {
		for _, v := range s.Y {
			highest = max(highest, v)
		}
	}
	end := c.end()
	y := func(v float64) float64 { return Height - 20 - (Height-40)*v/highest }
	open(b, top, Height)
	for _, m := range c.Marks {
		fmt.Fprintf(b, `<line x1="%.1f" x2="%.1f" y1="20" y2="%d" stroke="#d62728" stroke-opacity=".35"><title>%s</title></line>`, At(m.X, end), At(m.X, end), Height-20, html.EscapeString(m.Text))
	}
	for i := range 5 {
		v := highest * float64(i) / 4
		fmt.Fprintf(b, `<line x1="%d" x2="%d" y1="%.1f" y2="%.1f" stroke="#ddd"/><text x="%d" y="%.1f" text-anchor="end">%.0f</text>`, left, Width-right, y(v), y(v), left-6, y(v)+4, v)
	}
	for _, t := range c.Ticks {
		fmt.Fprintf(b, `<text x="%.1f" y="%d" text-anchor="middle">%s</text>`, At(t.X, end), Height-4, html.EscapeString(t.Text))
	}
	for i, s := range c.Series {
		fmt.Fprintf(b, `<polyline fill="none" stroke="%s" stroke-width="1.3" points="`, Colour(i))
		for j, v := range s.Y {
			fmt.Fprintf(b, "%.1f,%.1f ", At(c.X[j], end), y(v))
		}
		fmt.Fprintf(b, `"/><text x="%d" y="%d" fill="%s">%s</text>`, Width-right+8, 30+16*i, Colour(i), html.EscapeString(s.Name))
	}
	b.WriteString("</svg>\n")
}

// end is the end of the axis: the last of what is on it.
func (c *Lines) end() float64 {
	end := 0.0
	for _, x := range c.X {
		end = max(end, x)
	}
	for _, t := range append(c.Ticks[:len(c.Ticks):len(c.Ticks)], c.Marks...) {
		end = max(end, t.X)
	}
	return end
}

// At is where on a chart a place of an axis from 0 to end lies, in pixels.
func At(x, end float64) float64 {
	if end <= 0 {
		return left
	}
	return left + inner*x/end
}

// Bar is a figure with a name.
type Bar struct {
	Name  string
	Value float64
	// Text of the value.
	Text string
	// Goal is marked where it is not 0.
	Goal float64
	// Colour by number.
	Colour int
}

const (
	barHeight = 16
	barLeft   = 330
	barRight  = 230
)

// BarsHeight is the height of a chart of n bars, in pixels.
func BarsHeight(n int) int { return n*(barHeight+4) + 6 }

// Bars appends a chart of bars as an svg element, like Lines.Draw.
func Bars(b *strings.Builder, top int, bars []Bar) {
	highest := 1.0
	for _, bar := range bars {
		highest = max(highest, bar.Value, bar.Goal)
	}
	wide := func(v float64) float64 { return (Width - barLeft - barRight) * v / highest }
	open(b, top, BarsHeight(len(bars)))
	for i, bar := range bars {
		y := i * (barHeight + 4)
		fmt.Fprintf(b, `<text x="%d" y="%d" text-anchor="end">%s</text>`, barLeft-8, y+barHeight-4, html.EscapeString(bar.Name))
		fmt.Fprintf(b, `<rect x="%d" y="%d" width="%.1f" height="%d" fill="%s"/>`, barLeft, y, wide(bar.Value), barHeight, Colour(bar.Colour))
		fmt.Fprintf(b, `<text x="%.1f" y="%d">%s</text>`, barLeft+wide(bar.Value)+6, y+barHeight-4, html.EscapeString(bar.Text))
		if bar.Goal > 0 {
			x := barLeft + wide(bar.Goal)
			fmt.Fprintf(b, `<line x1="%.1f" x2="%.1f" y1="%d" y2="%d" stroke="#d62728" stroke-width="2"><title>goal</title></line>`, x, x, y-1, y+barHeight+1)
		}
	}
	b.WriteString("</svg>\n")
}

func open(b *strings.Builder, top, height int) {
	fmt.Fprintf(b, `<svg y="%d" width="%d" height="%d" role="img">`, top, Width, height)
}
