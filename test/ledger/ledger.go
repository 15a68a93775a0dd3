// Package ledger says whether the alerts that came out are the alerts that had to: which were lost, which came twice, which
// nobody ordered. A run passes when all three are empty.
package ledger

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Entry is what identifies an alert from outside: the record it is about and what was decided.
type Entry struct {
	// EventID of the record; empty where the record has none.
	EventID string
	// Rule and Level of the alert.
	Rule, Level int
}

func (e Entry) String() string {
	id := e.EventID
	if id == "" {
		id = "(no eventID)"
	}
	return fmt.Sprintf("%s rule %d level %d", id, e.Rule, e.Level)
}

// Ledger is what is expected. Several records may give equal entries, so entries are counted.
type Ledger struct{ want map[Entry]int }

// New is an empty ledger.
func New() *Ledger { return &Ledger{want: map[Entry]int{}} }

// Expect adds one alert.
func (l *Ledger) Expect(e Entry) { l.want[e]++ }

// Len is the number of alerts expected.
func (l *Ledger) Len() int {
	n := 0
	for _, count := range l.want {
		n += count
	}
	return n
}

// Rules counts the expected alerts per rule.
func (l *Ledger) Rules() map[int]int {
	counts := map[int]int{}
	for e, n := range l.want {
		counts[e.Rule] += n
	}
	return counts
}

// Row is a line of an expected.csv: the record's place, and the entry it must give; ok is false when none may come.
type Row struct {
	File  string
	Index int
	Entry Entry
	OK    bool
}

// ReadCSV reads rows file,index,eventID,rule,level below a heading.
func ReadCSV(r io.Reader) ([]Row, error) {
	lines, err := csv.NewReader(r).ReadAll()
	if err != nil {
		return nil, fmt.Errorf("read the expected alerts: %w", err)
	}
	if len(lines) == 0 || strings.Join(lines[0], ",") != "file,index,eventID,rule,level" {
		return nil, errors.New("read the expected alerts: the heading is not file,index,eventID,rule,level")
	}
	var rows []Row
	for i, line := range lines[1:] {
		index, err := strconv.Atoi(line[1])
		if err != nil {
			return nil, fmt.Errorf("read the expected alerts: line %d: %w", i+2, err)
		}
		row := Row{File: line[0], Index: index, Entry: Entry{EventID: line[2]}}
		if line[3] != "" {
			row.OK = true
			rule, ruleErr := strconv.Atoi(line[3])
			level, levelErr := strconv.Atoi(line[4])
			if err := errors.Join(ruleErr, levelErr); err != nil {
				return nil, fmt.Errorf("read the expected alerts: line %d: %w", i+2, err)
			}
			row.Entry.Rule, row.Entry.Level = rule, level
		}
		rows = append(rows, row)
	}
	return rows, nil
}

// Report is how alerts and ledger differ.
type Report struct {
	// Alerts that came.
	Alerts int
	// Lost were expected and did not come. Duplicate came more often than expected, or under one id twice. Invented were not
	// expected at all.
	Lost, Duplicate, Invented []string
}

// Err is nil when nothing was lost, doubled or invented; else it shows the first of each.
func (r Report) Err() error {
	if len(r.Lost)+len(r.Duplicate)+len(r.Invented) == 0 {
		return nil
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%d alerts: %d lost, %d duplicate, %d invented", r.Alerts, len(r.Lost), len(r.Duplicate), len(r.Invented))
	for _, list := range []struct {
		name    string
		entries []string
	}{{"lost", r.Lost}, {"duplicate", r.Duplicate}, {"invented", r.Invented}} {
		for i, e := range list.entries {
			if i == 10 {
				fmt.Fprintf(&b, "\n  %s: ... and %d more", list.name, len(list.entries)-i)
				break
			}
			fmt.Fprintf(&b, "\n  %s: %s", list.name, e)
		}
	}
	return errors.New(b.String())
}

// Check reads alert documents, one JSON object a line, and compares them with the ledger.
func (l *Ledger) Check(documents io.Reader) (Report, error) {
	left := maps.Clone(l.want)
	var report Report
	ids := map[string]bool{}
	lines := bufio.NewReaderSize(documents, 1<<20)
	for {
		line, err := lines.ReadBytes('\n')
		if len(line) == 0 && errors.Is(err, io.EOF) {
			break
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return report, fmt.Errorf("read the alerts: %w", err)
		}
		id, entry, err := readEntry(line)
		if err != nil {
			return report, fmt.Errorf("alert %d: %w", report.Alerts+1, err)
		}
		report.Alerts++
		switch {
		case ids[id]:
			report.Duplicate = append(report.Duplicate, entry.String()+" id "+id)
		case left[entry] > 0:
			left[entry]--
		case l.want[entry] > 0:
			report.Duplicate = append(report.Duplicate, entry.String()+" under another id "+id)
		default:
			report.Invented = append(report.Invented, entry.String()+" id "+id)
		}
		ids[id] = true
	}
	for e, n := range left {
		for range n {
			report.Lost = append(report.Lost, e.String())
		}
	}
	slices.Sort(report.Lost)
	return report, nil
}

// readEntry takes an alert's id and entry out of its document.
func readEntry(document []byte) (id string, e Entry, err error) {
	var d struct {
		ID   string `json:"id"`
		Rule struct {
			ID    string `json:"id"`
			Level int    `json:"level"`
		} `json:"rule"`
		Data struct {
			AWS struct {
				EventID string `json:"eventID"`
			} `json:"aws"`
		} `json:"data"`
	}
	if err := json.Unmarshal(document, &d); err != nil {
		return "", Entry{}, fmt.Errorf("the document: %w", err)
	}
	if d.ID == "" {
		return "", Entry{}, errors.New("the document has no id")
	}
	rule, err := strconv.Atoi(d.Rule.ID)
	if err != nil {
		return "", Entry{}, fmt.Errorf("rule.id: %w", err)
	}
	return d.ID, Entry{EventID: d.Data.AWS.EventID, Rule: rule, Level: d.Rule.Level}, nil
}
