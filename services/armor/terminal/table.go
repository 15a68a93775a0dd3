package terminal

import (
	"strings"
	"unicode/utf8"
)

// Table is rows in columns, as wide as what stands in them.
type Table struct {
	head  []string
	right []bool
	rows  [][]string
}

// NewTable begins a table. A heading that begins with > makes its column stand to the right, as numbers do.
func NewTable(heads ...string) *Table {
	t := &Table{}
	for _, h := range heads {
		t.right = append(t.right, strings.HasPrefix(h, ">"))
		t.head = append(t.head, strings.TrimPrefix(h, ">"))
	}
	return t
}

// Row adds a row; its cells are cleaned.
func (t *Table) Row(cells ...string) {
	for i := range cells {
		cells[i] = Clean(cells[i], 200)
	}
	t.rows = append(t.rows, cells)
}

// Table prints the table.
func (p *Printer) Table(t *Table) {
	width := make([]int, len(t.head))
	for _, row := range append([][]string{t.head}, t.rows...) {
		for i, cell := range row {
			width[i] = max(width[i], utf8.RuneCountInString(cell))
		}
	}
	line := func(row []string) string {
		var b strings.Builder
		for i, cell := range row {
			space := strings.Repeat(" ", width[i]-utf8.RuneCountInString(cell))
			if i > 0 {
				b.WriteString("  ")
			}
			if t.right[i] {
				b.WriteString(space + cell)
			} else {
				b.WriteString(cell + space)
			}
		}
		return strings.TrimRight(b.String(), " ")
	}
	p.Line("%s", p.Bold(line(t.head)))
	for _, row := range t.rows {
		p.Line("%s", line(row))
	}
}
