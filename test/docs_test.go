package test

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"armor/internal/testenv"
)

var link = regexp.MustCompile(`\]\(([^)#\s]+)(?:#[^)]*)?\)`)

// Every link of the documentation to a file of the repository leads somewhere.
func TestLinksLeadSomewhere(t *testing.T) {
	root := testenv.Root(t)
	pages := []string{filepath.Join(root, "README.md"), filepath.Join(root, "CONTRIBUTING.md")}
	err := filepath.WalkDir(filepath.Join(root, "docs"), func(path string, entry fs.DirEntry, err error) error {
		if err == nil && filepath.Ext(path) == ".md" {
			pages = append(pages, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	decisions, err := os.ReadFile(filepath.Join(root, "docs", "decisions", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, page := range pages {
		content, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range link.FindAllStringSubmatch(string(content), -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			if _, err := os.Stat(filepath.Join(filepath.Dir(page), filepath.FromSlash(m[1]))); err != nil {
				t.Errorf("%s links to %s: %v", page, m[1], err)
			}
		}
		name := filepath.Base(page)
		if filepath.Base(filepath.Dir(page)) == "decisions" && name != "README.md" && !strings.Contains(string(decisions), "("+name+")") {
			t.Errorf("docs/decisions/README.md does not list %s", name)
		}
	}
}

// The example of docs/alerts.md shows fields that real alerts have, with values of the same type, and every field that stands
// outside of data.
func TestDocumentedAlert(t *testing.T) {
	page, err := os.ReadFile(filepath.Join(testenv.Root(t), "docs", "alerts.md"))
	if err != nil {
		t.Fatal(err)
	}
	block := regexp.MustCompile("(?s)```json\n(.*?)```").FindSubmatch(page)
	if block == nil {
		t.Fatal("docs/alerts.md shows no document")
	}
	var shown, stored map[string]any
	if err := json.Unmarshal(block[1], &shown); err != nil {
		t.Fatalf("docs/alerts.md: %v", err)
	}
	data := filepath.Join(t.TempDir(), "data")
	upOnce(t, data, "--sample").must(t)
	document := call(t, "armor", "alerts", "search", "--data", data, "--json", "--limit", "1",
		"--query", "rule.id:80309 AND user.name:ci-artifacts AND cloud.region:eu-central-1").must(t)
	if err := json.Unmarshal([]byte(document), &stored); err != nil {
		t.Fatal(err)
	}
	shownTypes, storedTypes := fieldTypes("", shown), fieldTypes("", stored)
	for name, kind := range shownTypes {
		if storedTypes[name] != kind {
			t.Errorf("docs/alerts.md shows %s as %s; real alerts have %q", name, kind, storedTypes[name])
		}
	}
	for name := range storedTypes {
		if _, ok := shownTypes[name]; !ok && !strings.HasPrefix(name, "data.") {
			t.Errorf("docs/alerts.md does not show %s", name)
		}
	}
	if shown["id"] != stored["id"] {
		t.Logf("the sample's alert has id %v, docs/alerts.md shows %v", stored["id"], shown["id"])
	}
}

// fieldTypes lists the leaves of a document with the types of their values.
func fieldTypes(prefix string, value any) map[string]string {
	object, ok := value.(map[string]any)
	if !ok {
		return map[string]string{strings.TrimSuffix(prefix, "."): fmt.Sprintf("%T", value)}
	}
	all := map[string]string{}
	for key, inner := range object {
		maps.Copy(all, fieldTypes(prefix+key+".", inner))
	}
	return all
}

// What README shows of the first run is what the first run shows.
func TestReadmeShowsTheFirstRun(t *testing.T) {
	readme, err := os.ReadFile(filepath.Join(testenv.Root(t), "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	out := upOnce(t, filepath.Join(t.TempDir(), "data"), "--sample").must(t)
	_, shown, _ := strings.Cut(string(readme), "```text\n")
	shown, _, _ = strings.Cut(shown, "```")
	for line := range strings.Lines(shown) {
		line = strings.TrimSpace(line)
		switch {
		case strings.HasPrefix(line, "-- read"):
			line, _, _ = strings.Cut(strings.TrimPrefix(line, "-- "), ";")
		case strings.HasPrefix(line, "Armor"):
			_, line, _ = strings.Cut(line, "  ")
		case !regexp.MustCompile(`^\d{4}-`).MatchString(line):
			continue // addresses and folders
		}
		if !strings.Contains(out, line) {
			t.Errorf("README.md shows %q, the sample's run does not", line)
		}
	}
}
