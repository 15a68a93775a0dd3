package command

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"armor/services/armor/datadir"
)

// armor runs one command line.
func armor(t *testing.T, input string, args ...string) (code int, out, errs string) {
	t.Helper()
	var o, e bytes.Buffer
	code = Run(t.Context(), args, IO{In: strings.NewReader(input), Out: &o, Err: &e})
	return code, o.String(), e.String()
}

// Every command explains itself: what it does, and an example that is a command line of it.
func TestEveryCommandTeaches(t *testing.T) {
	var walk func(cmd *cobra.Command)
	walk = func(cmd *cobra.Command) {
		if cmd.Name() == "completion" || cmd.Name() == "help" {
			return
		}
		if cmd.Short == "" || cmd.Example == "" {
			t.Errorf("%s: no description or no example", cmd.CommandPath())
		}
		if !cmd.HasSubCommands() && !strings.Contains(cmd.Example, cmd.CommandPath()) {
			t.Errorf("%s: its example shows another command:\n%s", cmd.CommandPath(), cmd.Example)
		}
		for line := range strings.Lines(cmd.Example) {
			if len(line) > 140 {
				t.Errorf("%s: an example of %d characters", cmd.CommandPath(), len(line))
			}
		}
		for _, sub := range cmd.Commands() {
			walk(sub)
		}
	}
	walk(newRoot())
}

func TestUsageErrorsAreOneLine(t *testing.T) {
	for _, args := range [][]string{
		{"nonsense"}, {"logtest", "--nonsense"}, {"logtest", "extra"}, {"rules", "show"}, {"rules", "show", "x"}, {"rules", "nonsense"},
		{"logtest", "--agent", "a b"}, {"logtest", "--now", "tomorrow"}, {"logtest", "--ruleset", "/nonexistent"}, {"logtest", "--set-rule-decoder", "x"},
		{"certs", "init", "--dir", t.TempDir(), "--agent", "a/b"}, {"certs", "init", "--dir", t.TempDir(), "--agent", "000"},
		{"certs", "init", "--days", "0"}, {"alerts", "search", "--limit", "-1"}, {"alerts", "top", "--size", "0"}, {"alerts", "count", "--since", "x"},
		{"alerts", "search", "--since", "2026-01-02", "--until", "2026-01-01"}, {"up", "--data", "/proc/armor"},
		{"alerts", "count", "--data", "/nonexistent"}, {"status", "--data", "/nonexistent"}, {"agents", "list", "--address", "nonsense"},
		{"alerts", "dead-letters", "show", "x"}, {"alerts", "dead-letters", "show", "0"}, {"alerts", "dead-letters", "retry"}, {"alerts", "dead-letters", "retry", "1", "--all"},
		{"alerts", "dead-letters", "retry", "--since", "1h"}, {"alerts", "dead-letters", "list", "--limit", "-1"}, {"alerts", "dead-letters", "remove"},
	} {
		code, out, errs := armor(t, "", args...)
		if code != 2 || out != "" || strings.Count(errs, "\n") != 1 || !strings.HasPrefix(errs, "armor: ") {
			t.Errorf("armor %v: code %d, out %q, errors %q", args, code, out, errs)
		}
	}
}

func TestNothingRuns(t *testing.T) {
	for _, args := range [][]string{{"status"}, {"agents", "list"}, {"agents", "show", "000"}, {"alerts", "watch"},
		{"alerts", "dead-letters", "list"}, {"alerts", "dead-letters", "show", "1"}, {"alerts", "dead-letters", "retry", "--all"}, {"alerts", "dead-letters", "remove", "1"}} {
		code, _, errs := armor(t, "", append(args, "--data", t.TempDir())...)
		if code != 1 || !strings.Contains(errs, "armor up") {
			t.Errorf("armor %v: code %d, %q", args, code, errs)
		}
	}
}

// What --json prints is JSON or nothing, also where nothing runs on a directory that knows its store.
func TestStatusAsJSONOfWhatDoesNotRun(t *testing.T) {
	dir, err := datadir.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if err := dir.ChooseStore(datadir.Store{Kind: datadir.Embedded}); err != nil {
		t.Fatal(err)
	}
	if code, out, _ := armor(t, "", "status", "--data", dir.Path()); code != 1 || !strings.Contains(out, "embedded store") {
		t.Errorf("code %d, %q", code, out)
	}
	if code, out, _ := armor(t, "", "status", "--json", "--data", dir.Path()); code != 1 || out != "" {
		t.Errorf("code %d, %q", code, out)
	}
}

const refusedStop = `{"integration":"aws","aws":{"source":"cloudtrail","eventSource":"ec2.amazonaws.com","eventName":"StopInstances","errorCode":"Client.UnauthorizedOperation"}}`

func TestLogtest(t *testing.T) {
	code, out, errs := armor(t, refusedStop+"\n\n", "logtest", "--json")
	if code != 0 || strings.Count(out, "\n") != 1 {
		t.Fatalf("code %d, %q, %q", code, out, errs)
	}
	var result struct {
		Rule struct {
			ID          string
			Level       int
			Description string
			Groups      []string
		}
		Decoder struct{ Name string }
		Alert   bool
		FullLog string `json:"full_log"`
	}
	if err := json.Unmarshal([]byte(out), &result); err != nil {
		t.Fatal(err)
	}
	if result.Rule.ID != "80309" || result.Rule.Level != 5 || result.Rule.Description != "Amazon-ec2: Stop instance unauthorized" || !result.Alert || result.FullLog != refusedStop {
		t.Errorf("%+v", result)
	}
	code, out, _ = armor(t, "Nov 23 02:40:01 web-1 sshd[411]: Failed password for root from 203.0.113.66 port 4022 ssh2", "logtest")
	if code != 0 || !strings.Contains(out, "sshd") || !strings.Contains(out, "203.0.113.66") {
		t.Errorf("text form: code %d\n%s", code, out)
	}
}

// A line beyond the limit is cut and said, and does not take memory or the next line with it.
func TestLogtestCutsLongLines(t *testing.T) {
	code, out, errs := armor(t, strings.Repeat("x", 3*maxLine)+"\n"+refusedStop+"\n", "logtest", "--json")
	if code != 0 || strings.Count(out, "\n") != 2 || !strings.Contains(errs, "line 1 is longer") || !strings.Contains(out, `"80309"`) {
		t.Errorf("code %d, %d lines, %q", code, strings.Count(out, "\n"), errs)
	}
}

func TestRulesCommands(t *testing.T) {
	code, out, _ := armor(t, "", "rules", "list", "--json", "--include", "*amazon-ec2*")
	if code != 0 || strings.Count(out, "\n") != 10 {
		t.Errorf("list: code %d\n%s", code, out)
	}
	if code, out, _ = armor(t, "", "rules", "show", "80309"); code != 0 || !strings.Contains(out, `<if_sid>80308</if_sid>`) {
		t.Errorf("show: code %d\n%s", code, out)
	}
	if code, _, errs := armor(t, "", "rules", "show", "7"); code != 1 || !strings.Contains(errs, "no rule 7") {
		t.Errorf("show 7: code %d, %q", code, errs)
	}
	if code, out, _ = armor(t, "", "rules", "lint", "--strict"); code != 0 {
		t.Errorf("lint: code %d\n%s", code, out)
	}
	file := filepath.Join(t.TempDir(), "test.ini")
	text := "[refused stop]\nlog 1 pass = " + refusedStop + "\nrule = 80309\nalert = 5\ndecoder = cloudtrail\n\n[wrong]\nlog 1 pass = " + refusedStop + "\nrule = 80301\nalert = 5\ndecoder = cloudtrail\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	code, out, errs := armor(t, "", "rules", "test", file)
	if code != 1 || !strings.HasSuffix(out, "1 passed, 1 failed\n") || !strings.Contains(out, "[wrong]") {
		t.Errorf("test: code %d\n%s%s", code, out, errs)
	}
}

func TestParseTime(t *testing.T) {
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Time{
		"2026-11-23T02:40:00Z": time.Date(2026, 11, 23, 2, 40, 0, 0, time.UTC),
		"2026-11-23":           time.Date(2026, 11, 23, 0, 0, 0, 0, time.Local),
		"2026-11-23 02:40":     time.Date(2026, 11, 23, 2, 40, 0, 0, time.Local),
		"90m":                  now.Add(-90 * time.Minute),
		"7d":                   now.AddDate(0, 0, -7),
		"2w":                   now.AddDate(0, 0, -14),
		"1h30m":                now.Add(-90 * time.Minute),
	} {
		if got, err := parseTime(text, now); err != nil || !got.Equal(want) {
			t.Errorf("%q: %v, %v, want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "x", "-1h", "7", "7dd", "2026-13-01", "1e99d", "NaNd", "Infd"} {
		if got, err := parseTime(text, now); err == nil {
			t.Errorf("%q: %v, want an error", text, got)
		}
	}
}

// The tools for rules on the built-in ruleset: what a script reads from them.
func TestRuleTools(t *testing.T) {
	folder := t.TempDir()
	text := `tests:
  - name: stop
    events:
      - cloudtrail: {eventSource: ec2.amazonaws.com, eventName: StopInstances}
        expect: {rule: 80308}
      - cloudtrail: {eventSource: ec2.amazonaws.com, eventName: StopInstances, errorCode: Client.UnauthorizedOperation}
        expect: {rule: 80309, level: 5, decoder: json}
`
	if err := os.WriteFile(filepath.Join(folder, "a.yaml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	code, out, errs := armor(t, "", "rules", "test", "--json", "--coverage", folder)
	var doc struct {
		Passed, Failed int
		Coverage       struct{ Rules struct{ Total, Tested int } }
		Tests          []struct {
			Failures []struct{ Line int }
		}
	}
	if err := json.Unmarshal([]byte(out), &doc); err != nil {
		t.Fatalf("code %d, %v: %s%s", code, err, out, errs)
	}
	if code != 1 || doc.Failed != 1 || doc.Coverage.Rules.Total == 0 || doc.Coverage.Rules.Tested != 0 || doc.Tests[0].Failures[0].Line != 6 {
		t.Errorf("code %d, %s", code, out)
	}
	if code, _, errs = armor(t, "", "rules", "test", t.TempDir()); code != 2 || !strings.Contains(errs, "holds no test file") {
		t.Errorf("an empty folder: code %d, %s", code, errs)
	}
	if code, out, errs = armor(t, "", "rules", "show", "80309"); code != 0 || !strings.Contains(out, "under 80308 under 80300, tried first there\n") {
		t.Errorf("show: code %d, %s%s", code, out, errs)
	}
	if code, out, errs = armor(t, "", "rules", "list", "--tree"); code != 0 || !strings.Contains(out, "80308  level") {
		t.Errorf("tree: code %d, %s%s", code, out, errs)
	}
	overlay := t.TempDir()
	if err := os.Mkdir(filepath.Join(overlay, "rules"), 0o700); err != nil {
		t.Fatal(err)
	}
	rule := `<group name="x,"><rule id="100900" level="3"><if_sid>80308</if_sid><regex type="pcre2">(a)\1</regex><description>d</description></rule></group>`
	if err := os.WriteFile(filepath.Join(overlay, "rules", "x.xml"), []byte(rule), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, out, errs = armor(t, "", "rules", "lint", "--json", "--strict", "--overlay", overlay); code != 2 || !strings.Contains(out, `"code":"slow"`) {
		t.Errorf("lint: code %d, %s%s", code, out, errs)
	}
}
