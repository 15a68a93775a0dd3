package bench

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"armor/rules"
	"armor/rules/selection"
)

func TestSplit(t *testing.T) {
	got := split("a\n\nb\nc")
	if strings.Join(got, "|") != "a|b|c" {
		t.Errorf("%q", got)
	}
}

// Every line is evaluated once, whatever the number of workers.
func TestEngineEvaluatesEveryLineOnce(t *testing.T) {
	rs, err := selection.Config{}.Load()
	if err != nil {
		t.Fatal(err)
	}
	var input strings.Builder
	for i := range 1000 {
		fmt.Fprintf(&input, `{"integration":"aws","aws":{"source":"cloudtrail","eventSource":"ec2.amazonaws.com","eventName":"RunInstances","eventID":"%d"}}`+"\n", i)
	}
	for _, workers := range []int{1, 3} {
		sunk := make(chan struct{}, 1000)
		lines, err := Lines(input.String())
		if err != nil {
			t.Fatal(err)
		}
		result := Engine(rules.NewEngine(rs, rules.EngineOptions{}), lines, workers,
			func(dst []byte, _ *rules.Event, v *rules.Verdict) []byte {
				sunk <- struct{}{}
				return v.AppendData(dst)
			})
		if result.Events != 1000 || result.Alerts != 1000 || len(sunk) != 1000 {
			t.Errorf("%d workers: %+v, %d sunk", workers, result, len(sunk))
		}
	}
	if _, err := Lines("\n\n"); !errors.Is(err, ErrNoLines) {
		t.Errorf("no lines: %v", err)
	}
}

func TestMedian(t *testing.T) {
	runs := []EngineResult{{Events: 5, CPUSeconds: 3, EventsPerCPU: 1, PeakRSSBytes: 9}, {Events: 5, CPUSeconds: 1, EventsPerCPU: 5}, {Events: 5, CPUSeconds: 2, EventsPerCPU: 4}}
	if m := Median(runs); m.Runs != 3 || m.Events != 5 || m.CPUSeconds != 2 || m.EventsPerCPU != 4 || m.PeakRSSBytes != 9 {
		t.Errorf("%+v", m)
	}
	if m := Median(runs[:2]); m.CPUSeconds != 2 || m.EventsPerCPU != 3 {
		t.Errorf("%+v", m)
	}
}
