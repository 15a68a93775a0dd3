package alertstream

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	armorv1 "armor/proto/armor/v1"
)

func journal(t *testing.T, c *Conn) *Journal {
	t.Helper()
	j, err := c.Journal(within(t))
	if err != nil {
		t.Fatal(err)
	}
	return j
}

func record(agent string, finished uint64) *armorv1.JournalRecord {
	return &armorv1.JournalRecord{Manager: "m", Process: "p", AgentId: agent, SpoolId: "s", Finished: finished}
}

// all gives the records behind a number as text.
func all(t *testing.T, j *Journal, after uint64) []string {
	t.Helper()
	var out []string
	err := j.Each(within(t), after, func(number uint64, r *armorv1.JournalRecord) error {
		out = append(out, fmt.Sprintf("%d %s %d", number, r.GetAgentId(), r.GetFinished()))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestJournalKeepsOneWriterForEachAgent(t *testing.T) {
	c := connected(t)
	j := journal(t, c)
	if got, number, err := j.Last(within(t), "001"); err != nil || got != nil || number != 0 {
		t.Fatalf("an empty journal gives %v, %d, %v", got, number, err)
	}
	if got := all(t, j, 0); got != nil {
		t.Fatalf("an empty journal gives %v", got)
	}
	first, err := j.Append(within(t), record("001", 5), 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := j.Append(within(t), record("001", 6), 0); !errors.Is(err, ErrConflict) {
		t.Fatalf("a writer that does not know of the last record: %v", err)
	}
	second, err := j.Append(within(t), record("002", 1), 0)
	if err != nil {
		t.Fatal(err)
	}
	third, err := j.Append(within(t), record("001", 9), first) // the other agent's is no hindrance
	if err != nil {
		t.Fatal(err)
	}
	got, number, err := j.Last(within(t), "001")
	if err != nil || got.GetFinished() != 9 || number != third {
		t.Fatalf("last: %v, %d, %v", got, number, err)
	}
	if diff := cmp.Diff([]string{"1 001 5", "2 002 1", "3 001 9"}, all(t, j, 0)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"3 001 9"}, all(t, j, second)); diff != "" {
		t.Error(diff)
	}
	if err := j.Forget(within(t), "001", third); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"2 002 1", "3 001 9"}, all(t, j, 0)); diff != "" {
		t.Error(diff)
	}
	if got := all(t, j, third); got != nil {
		t.Errorf("behind the last one: %v", got)
	}
	// Also when the last records are gone.
	if err := j.Forget(within(t), "001", third+1); err != nil {
		t.Fatal(err)
	}
	if got := all(t, j, second); got != nil {
		t.Errorf("behind what is gone: %v", got)
	}
	if number, err := j.Append(within(t), record("001", 12), 0); err != nil || number != third+1 {
		t.Errorf("after that: %d, %v", number, err)
	}
}

func TestSnapshotIsReplacedAsAWhole(t *testing.T) {
	c := connected(t)
	s, err := c.Snapshots(within(t))
	if err != nil {
		t.Fatal(err)
	}
	if r, _, _, err := s.Get(within(t), "manager 1/ä"); err != nil || r != nil {
		t.Fatalf("no snapshot gives %v, %v", r, err)
	}
	read := func() (string, string, uint64) {
		t.Helper()
		r, journal, number, err := s.Get(within(t), "manager 1/ä")
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		b, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		return string(b), journal, number
	}
	large := strings.Repeat("state ", 100_000)
	if err := s.Put(within(t), "manager 1/ä", "j", 7, strings.NewReader(large)); err != nil {
		t.Fatal(err)
	}
	if text, journal, number := read(); text != large || journal != "j" || number != 7 {
		t.Fatalf("got %d bytes, %s, %d", len(text), journal, number)
	}
	broken := io.MultiReader(bytes.NewReader(make([]byte, 300_000)), brokenReader{})
	if err := s.Put(within(t), "manager 1/ä", "j", 8, broken); err == nil {
		t.Fatal("half a snapshot is stored")
	}
	if text, _, number := read(); text != large || number != 7 {
		t.Errorf("after half a snapshot: %d bytes, %d", len(text), number)
	}
	if err := s.Put(within(t), "manager 1/ä", "j", 9, strings.NewReader("new")); err != nil {
		t.Fatal(err)
	}
	if text, _, number := read(); text != "new" || number != 9 {
		t.Errorf("the second: %q, %d", text, number)
	}
}

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, errors.New("broken") }
