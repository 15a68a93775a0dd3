package match

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"armor/indexer/query"
)

// Every example in docs/query.md parses and binds.
func TestDocumentedQueries(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "query.md"))
	if err != nil {
		t.Fatal(err)
	}
	examples := 0
	for i, block := range strings.Split(string(text), "```") {
		body, ok := strings.CutPrefix(block, "query\n")
		if i%2 == 0 || !ok {
			continue
		}
		for line := range strings.SplitSeq(strings.TrimSpace(body), "\n") {
			examples++
			n, err := query.Parse(line)
			if err != nil {
				t.Errorf("%s: %v", line, err)
				continue
			}
			if _, err := Bind(n, time.Now()); err != nil {
				t.Errorf("%s: %v", line, err)
			}
		}
	}
	if examples < 20 {
		t.Errorf("%d examples found, want at least 20", examples)
	}
}
