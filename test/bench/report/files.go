package report

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Name is the name of the run's files, without what says the kind.
func (r *Report) Name() string { return "bench-" + r.Began.UTC().Format("20060102-150405") }

// Write writes the run into a folder: as data (.json), text (.txt) and picture (.svg).
func (r *Report) Write(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("writing the results: %w", err)
	}
	data, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return fmt.Errorf("writing the results: %w", err)
	}
	for suffix, content := range map[string]string{".json": string(data) + "\n", ".txt": r.Text(), ".svg": r.Picture()} {
		if err := os.WriteFile(filepath.Join(dir, r.Name()+suffix), []byte(content), 0o644); err != nil {
			return fmt.Errorf("writing the results: %w", err)
		}
	}
	return nil
}

// Between these lines of a page stand the results.
const (
	begin = "<!-- results: written by the benchmark -->"
	end   = "<!-- end of the results -->"
)

// Enter replaces the results of a Markdown page by this run, whose files were written to dir.
func (r *Report) Enter(page, dir string) error {
	text, err := os.ReadFile(page)
	if err != nil {
		return fmt.Errorf("entering the results: %w", err)
	}
	before, rest, found := strings.Cut(string(text), begin)
	_, after, ended := strings.Cut(rest, end)
	if !found || !ended {
		return fmt.Errorf("entering the results: %s has no lines %q and %q for them", page, begin, end)
	}
	beside, err := filepath.Rel(filepath.Dir(page), dir)
	if err != nil {
		return fmt.Errorf("entering the results: %w", err)
	}
	file := filepath.ToSlash(filepath.Join(beside, r.Name()))
	results := fmt.Sprintf("\n%s\nAs data: [%s.json](%s.json).\n\n%s\n![the figures as a picture](%s.svg)\n",
		strings.ReplaceAll(strings.TrimSpace(r.Head()), "\n", "  \n")+"  ", r.Name(), file, r.Table(), file)
	if err := os.WriteFile(page, []byte(before+begin+results+end+after), 0o644); err != nil {
		return fmt.Errorf("entering the results: %w", err)
	}
	return nil
}
