package bench

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"armor/rules"
	"armor/rules/selection"
)

// oneByOne reads a byte at a time.
type oneByOne struct{ from io.Reader }

func (o oneByOne) Read(p []byte) (int, error) { return o.from.Read(p[:min(1, len(p))]) }

// Blocks are whole lines, none lost and none twice, however the input comes and however long its lines are.
func TestBlocksAreWholeLines(t *testing.T) {
	long := strings.Repeat("x", 3*blockSize)
	text := "a\n\nb\r\n" + long + "\n" + strings.Repeat("line\n", blockSize) + long + "\nno end"
	for name, from := range map[string]io.Reader{
		"in one": strings.NewReader(text), "end with data": iotest.DataErrReader(strings.NewReader(text)), "byte by byte": oneByOne{strings.NewReader(text)},
	} {
		source := &blocks{from: from}
		var got strings.Builder
		var block []byte
		for {
			var err error
			if block, err = source.next(block); err != nil {
				t.Fatal(name, err)
			}
			if len(block) == 0 {
				break
			}
			got.Write(block)
			if block[len(block)-1] != '\n' && got.Len() < len(text) {
				t.Fatalf("%s: a block ends within a line", name)
			}
		}
		if got.String() != text {
			t.Errorf("%s: %d bytes of %d, or others", name, got.Len(), len(text))
		}
	}
}

func TestInputThatBreaksOff(t *testing.T) {
	rs, err := selection.Config{}.Load()
	if err != nil {
		t.Fatal(err)
	}
	broken := errors.New("the disk is gone")
	engine := rules.NewEngine(rs, rules.EngineOptions{})
	input := func() (io.ReadCloser, error) {
		return io.NopCloser(io.MultiReader(strings.NewReader("a\nb\n"), iotest.ErrReader(broken))), nil
	}
	if _, err := Engine(engine, input, 2, nil); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
	if _, err := Engine(engine, func() (io.ReadCloser, error) { return nil, broken }, 2, nil); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
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
		result, err := Engine(rules.NewEngine(rs, rules.EngineOptions{}), Text([]byte(input.String())), workers, func() Sink {
			return func(dst []byte, _ *rules.Event, v *rules.Verdict) []byte {
				sunk <- struct{}{}
				return v.AppendData(dst)
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		if result.Events != 1000 || result.Alerts != 1000 || len(sunk) != 1000 {
			t.Errorf("%d workers: %+v, %d sunk", workers, result, len(sunk))
		}
	}
	if _, err := Engine(rules.NewEngine(rs, rules.EngineOptions{}), Text([]byte("\n\n")), 1, nil); !errors.Is(err, ErrNoLines) {
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
