package bench

import (
	"fmt"
	"strings"
	"testing"

	"armor/rules"
	"armor/rules/selection"
)

func TestSplit(t *testing.T) {
	got := split([]byte("a\n\nb\nc"))
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
		result, err := Engine(rules.NewEngine(rs, rules.EngineOptions{}), []byte(input.String()), workers,
			func(dst []byte, _ *rules.Event, v *rules.Verdict) []byte {
				sunk <- struct{}{}
				return v.AppendData(dst)
			})
		if err != nil {
			t.Fatal(err)
		}
		if result.Events != 1000 || result.Alerts != 1000 || len(sunk) != 1000 {
			t.Errorf("%d workers: %+v, %d sunk", workers, result, len(sunk))
		}
	}
	if _, err := Engine(rules.NewEngine(rs, rules.EngineOptions{}), []byte("\n\n"), 1, nil); err == nil {
		t.Error("no lines: no error")
	}
}
