package selection

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestValidateJoinsEverything(t *testing.T) {
	err := Config{Include: []string{"[a"}, Exclude: []string{"b["}, SetRuleDecoder: []string{"x=json", "7"}, Dialect: "other"}.Validate()
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{"include", "exclude", `"x=json"`, `"7"`, "dialect"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is missing in %q", want, err)
		}
	}
	if err := (Config{SetRuleDecoder: []string{"60000=json"}, Dialect: "ossec", Include: []string{"0*.xml"}}).Validate(); err != nil {
		t.Error(err)
	}
}

func TestLoadNamesTheRemedy(t *testing.T) {
	dir := t.TempDir()
	if _, err := (Config{Directory: filepath.Join(dir, "none")}).Load(); err == nil {
		t.Error("a directory that is not there: no error")
	}
	if _, err := (Config{Directory: dir}).Load(); err == nil || !strings.Contains(err.Error(), "rules/") {
		t.Errorf("a directory without rules: %v", err)
	}
	if err := os.Mkdir(filepath.Join(dir, "rules"), 0o755); err != nil {
		t.Fatal(err)
	}
	c := Config{Overlays: []string{dir}}
	if got, want := c.Source(), "built in + "+dir; got != want {
		t.Errorf("source %q, want %q", got, want)
	}
	if rs, err := c.Load(); err != nil || rs == nil {
		t.Errorf("Armor's own ruleset: %v", err)
	}
}
