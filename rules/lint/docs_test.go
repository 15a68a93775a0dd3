package lint_test

import (
	"os"
	"strings"
	"testing"

	"armor/rules/lint"
)

// TestCodesAreDocumented: docs/rules.md has a row for each code.
func TestCodesAreDocumented(t *testing.T) {
	text, err := os.ReadFile("../../docs/rules.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, ok := strings.Cut(string(text), "\n## Lint\n")
	if !ok {
		t.Fatal("docs/rules.md has no section Lint")
	}
	for _, code := range lint.Codes() {
		if !strings.Contains(table, "\n| `"+string(code)+"` |") {
			t.Errorf("code %s is not in docs/rules.md", code)
		}
	}
}
