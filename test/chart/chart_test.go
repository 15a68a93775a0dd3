package chart

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
)

// What is drawn is well-formed, whatever it is called, and also where there is nothing to draw.
func TestDraw(t *testing.T) {
	for name, draw := range map[string]func(*strings.Builder){
		"lines": func(b *strings.Builder) {
			c := Lines{X: []float64{0, 1, 2}, Ticks: []Tick{{0, "a"}, {4, "<b>"}}, Series: []Series{{"c & d", []float64{5, 0, 3}}}, Marks: []Tick{{1, "e"}}}
			c.Draw(b, 7)
		},
		"no lines": func(b *strings.Builder) { (&Lines{}).Draw(b, 0) },
		"bars":     func(b *strings.Builder) { Bars(b, 3, []Bar{{Name: "<f>", Value: 3, Text: "3 & 4", Goal: 4}, {}}) },
		"no bars":  func(b *strings.Builder) { Bars(b, 0, nil) },
	} {
		var b strings.Builder
		draw(&b)
		if strings.Contains(b.String(), "NaN") || strings.Contains(b.String(), "Inf") {
			t.Errorf("%s: not a number in %s", name, b.String())
		}
		for in := xml.NewDecoder(strings.NewReader(b.String())); ; {
			_, err := in.Token()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatalf("%s: %v in %s", name, err, b.String())
			}
		}
	}
	if At(0, 10) != left || At(10, 10) != Width-right || At(5, 0) != left {
		t.Error("places on the axis")
	}
}
