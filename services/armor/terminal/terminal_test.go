package terminal

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	armorv1 "armor/proto/armor/v1"
)

// A log line must not be able to move the cursor, colour the screen or begin a line of its own.
func TestAlertIsOneHarmlessLine(t *testing.T) {
	var out bytes.Buffer
	New(&out).Alert(&armorv1.Alert{
		Time:    timestamppb.New(time.Date(2026, 11, 23, 2, 40, 0, 0, time.UTC)),
		Rule:    &armorv1.AlertRule{Id: 80309, Level: 5, Description: "Stop\x1b[2J\r\nfake \u202ealert"},
		Agent:   &armorv1.AlertAgent{Id: "001", Name: "web\x07"},
		Context: &armorv1.AlertContext{UserName: "bob\x00", SourceIp: "203.0.113.66"},
	})
	got := out.String()
	if strings.Count(got, "\n") != 1 || strings.ContainsAny(got, "\x1b\r\x07\x00\u202e") {
		t.Errorf("not one harmless line: %q", got)
	}
	for _, want := range []string{"level  5", "80309", "from 203.0.113.66", "agent web"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing in %q", want, got)
		}
	}
}

func TestCleanCuts(t *testing.T) {
	if got := Clean("äöüß", 3); got != "äöü…" {
		t.Errorf("got %q", got)
	}
	if got := Clean(string([]byte{'a', 0xff, 'b'}), 0); got != "a�b" {
		t.Errorf("got %q", got)
	}
}

func TestTable(t *testing.T) {
	var out bytes.Buffer
	table := NewTable(">Count", "Rule")
	table.Row("7", "one")
	table.Row("1200", "two\nlines")
	New(&out).Table(table)
	want := "Count  Rule\n    7  one\n 1200  two�lines\n"
	if out.String() != want {
		t.Errorf("got %q, want %q", out.String(), want)
	}
}

// JSON stays what it is, and does nothing to a terminal.
func TestJSONIsHarmless(t *testing.T) {
	value := "a\u009b2Jb\x7fc\u202ed\u2028e\U000e0001f\ufeffgü"
	plain, err := json.Marshal(map[string]string{"k": value})
	if err != nil {
		t.Fatal(err)
	}
	got := JSON(string(plain))
	if strings.ContainsFunc(got, harmful) {
		t.Errorf("harmful: %q", got)
	}
	var back map[string]string
	if err := json.Unmarshal([]byte(got), &back); err != nil || back["k"] != value {
		t.Errorf("%q, %v", back["k"], err)
	}
}
